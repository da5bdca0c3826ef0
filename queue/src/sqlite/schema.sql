-- The first version of the file. Later versions come as further files, applied in their order.

-- Jobs that are not done with, oldest first. The pictures stand apart, so that counting an attempt does not rewrite
-- one. A sequence number is never used again.
CREATE TABLE jobs (
    sequence        INTEGER PRIMARY KEY AUTOINCREMENT,
    id              BLOB    NOT NULL,
    submitted_at_ms INTEGER NOT NULL,
    options         TEXT    NOT NULL,           -- JSON
    attempts        INTEGER NOT NULL DEFAULT 0, -- deliveries that counted, the one under way included
    consumer        INTEGER,                    -- who holds it; NULL while it waits
    delivery        INTEGER                     -- the last delivery, which tells a late answer from a timely one
);
CREATE INDEX jobs_held ON jobs (consumer) WHERE consumer IS NOT NULL;

CREATE TABLE images (
    sequence INTEGER PRIMARY KEY REFERENCES jobs (sequence) ON DELETE CASCADE,
    image    BLOB NOT NULL
);

-- How many jobs wait, kept by triggers: every publish asks, and counting ten thousand rows each time would show.
CREATE TABLE depth (waiting INTEGER NOT NULL);
INSERT INTO depth VALUES (0);
CREATE TRIGGER job_published AFTER INSERT ON jobs
BEGIN
    UPDATE depth SET waiting = waiting + 1;
END;
CREATE TRIGGER job_taken AFTER UPDATE OF consumer ON jobs WHEN old.consumer IS NULL AND new.consumer IS NOT NULL
BEGIN
    UPDATE depth SET waiting = waiting - 1;
END;
CREATE TRIGGER job_returned AFTER UPDATE OF consumer ON jobs WHEN old.consumer IS NOT NULL AND new.consumer IS NULL
BEGIN
    UPDATE depth SET waiting = waiting + 1;
END;
CREATE TRIGGER job_deleted AFTER DELETE ON jobs WHEN old.consumer IS NULL
BEGIN
    UPDATE depth SET waiting = waiting - 1;
END;

CREATE TABLE dead_letters (
    number          INTEGER PRIMARY KEY AUTOINCREMENT,
    id              BLOB    NOT NULL,
    submitted_at_ms INTEGER NOT NULL,
    options         TEXT    NOT NULL,
    image           BLOB    NOT NULL,
    attempts        INTEGER NOT NULL,
    reason          TEXT    NOT NULL
);

-- What clients poll for. An expired row keeps its id and its end, no more.
CREATE TABLE results (
    id              BLOB    PRIMARY KEY,
    status          TEXT    NOT NULL,
    submitted_at_ms INTEGER NOT NULL,
    finished_at_ms  INTEGER,
    result          TEXT,                       -- JSON
    error           TEXT,                       -- JSON
    expired         INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX results_by_end ON results (expired, finished_at_ms) WHERE finished_at_ms IS NOT NULL;
