-- The ninth version of the file: which calls noted that a job was alone with a worker, and which one ended it, so that one
-- that is made again is known for the same; and what is written over and over to see whether the disk takes anything.
CREATE TABLE alone_calls (
    id   BLOB NOT NULL,
    call BLOB NOT NULL,
    PRIMARY KEY (id, call)
) WITHOUT ROWID;
WITH RECURSIVE noted (id, count) AS (
    SELECT id, count FROM alone
    UNION ALL SELECT id, count - 1 FROM noted WHERE count > 1
)
INSERT INTO alone_calls SELECT id, randomblob(16) FROM noted;
DROP TABLE alone;
ALTER TABLE alone_calls RENAME TO alone;

ALTER TABLE results ADD COLUMN ended_by BLOB;

CREATE TABLE probe (
    number INTEGER PRIMARY KEY,
    filler BLOB    NOT NULL
);
