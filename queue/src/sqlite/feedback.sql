-- The fourth version of the file: what people said was right, and pictures that are kept for a time.
CREATE TABLE kept_images (
    job      BLOB    PRIMARY KEY,
    image    BLOB    NOT NULL,
    until_ms INTEGER NOT NULL
);
CREATE INDEX kept_images_by_end ON kept_images (until_ms);

CREATE TABLE feedback (
    number   INTEGER PRIMARY KEY AUTOINCREMENT,
    job      BLOB    NOT NULL UNIQUE,
    feedback TEXT    NOT NULL                   -- JSON
);
