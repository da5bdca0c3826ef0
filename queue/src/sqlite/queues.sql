-- The third version of the file: a queue for bulk jobs beside the interactive one, whose jobs belong to whom, and the keys
-- that make a repeated request harmless.
ALTER TABLE jobs ADD COLUMN queue TEXT NOT NULL DEFAULT 'interactive';
CREATE INDEX jobs_waiting ON jobs (queue, sequence) WHERE consumer IS NULL;
ALTER TABLE dead_letters ADD COLUMN queue TEXT NOT NULL DEFAULT 'interactive';

DROP TRIGGER job_published;
DROP TRIGGER job_taken;
DROP TRIGGER job_returned;
DROP TRIGGER job_deleted;
DROP TABLE depth;
CREATE TABLE depth (
    queue   TEXT    PRIMARY KEY,
    waiting INTEGER NOT NULL
);
INSERT INTO depth SELECT 'interactive', count(*) FROM jobs WHERE consumer IS NULL;
INSERT INTO depth VALUES ('bulk', 0);
CREATE TRIGGER job_published AFTER INSERT ON jobs
BEGIN
    UPDATE depth SET waiting = waiting + 1 WHERE queue = new.queue;
END;
CREATE TRIGGER job_taken AFTER UPDATE OF consumer ON jobs WHEN old.consumer IS NULL AND new.consumer IS NOT NULL
BEGIN
    UPDATE depth SET waiting = waiting - 1 WHERE queue = new.queue;
END;
CREATE TRIGGER job_returned AFTER UPDATE OF consumer ON jobs WHEN old.consumer IS NOT NULL AND new.consumer IS NULL
BEGIN
    UPDATE depth SET waiting = waiting + 1 WHERE queue = new.queue;
END;
CREATE TRIGGER job_deleted AFTER DELETE ON jobs WHEN old.consumer IS NULL
BEGIN
    UPDATE depth SET waiting = waiting - 1 WHERE queue = old.queue;
END;

ALTER TABLE results ADD COLUMN owner TEXT;

CREATE TABLE idempotency (
    owner       TEXT    NOT NULL,
    key         TEXT    NOT NULL,
    fingerprint BLOB    NOT NULL,
    job         BLOB    NOT NULL,
    claimed_at_ms INTEGER NOT NULL,
    PRIMARY KEY (owner, key)
) WITHOUT ROWID;
CREATE INDEX idempotency_by_age ON idempotency (claimed_at_ms);
