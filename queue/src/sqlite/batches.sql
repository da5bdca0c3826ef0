-- The fifth version of the file: batches, their items as they came, and counts that are kept as their jobs end.
CREATE TABLE batches (
    id            BLOB    PRIMARY KEY,
    owner         TEXT,
    created_at_ms INTEGER NOT NULL,
    expires_at_ms INTEGER NOT NULL,
    closed        INTEGER NOT NULL DEFAULT 0,
    canceled      INTEGER NOT NULL DEFAULT 0,
    last_end_ms   INTEGER,
    total         INTEGER NOT NULL DEFAULT 0,
    refused       INTEGER NOT NULL DEFAULT 0,
    jobs_succeeded INTEGER NOT NULL DEFAULT 0,
    jobs_failed    INTEGER NOT NULL DEFAULT 0,
    jobs_canceled  INTEGER NOT NULL DEFAULT 0,
    jobs_expired   INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX batches_by_end ON batches (expires_at_ms);

CREATE TABLE batch_items (
    batch  BLOB    NOT NULL,
    number INTEGER NOT NULL,
    item   TEXT    NOT NULL,                    -- JSON
    PRIMARY KEY (batch, number)
) WITHOUT ROWID;

-- A batch keeps the results of its jobs for longer: their time counts from `kept_from_ms` where that is later than their
-- end.
ALTER TABLE results ADD COLUMN batch BLOB;
ALTER TABLE results ADD COLUMN kept_from_ms INTEGER NOT NULL DEFAULT 0;
DROP INDEX results_by_end;
CREATE INDEX results_by_age ON results (expired, max(finished_at_ms, kept_from_ms)) WHERE finished_at_ms IS NOT NULL;

CREATE TRIGGER batch_job_ended AFTER UPDATE OF finished_at_ms ON results
WHEN new.batch IS NOT NULL AND old.finished_at_ms IS NULL AND new.finished_at_ms IS NOT NULL
BEGIN
    UPDATE batches SET
        jobs_succeeded = jobs_succeeded + (new.status = 'succeeded'),
        jobs_failed = jobs_failed + (new.status = 'failed'),
        jobs_canceled = jobs_canceled + (new.status = 'canceled'),
        jobs_expired = jobs_expired + (new.status = 'expired'),
        last_end_ms = new.finished_at_ms
    WHERE id = new.batch;
END;
