-- The eighth version of the file: whether the broker is known to have a job. Of those from before that, nobody knows.
ALTER TABLE results ADD COLUMN confirmed INTEGER NOT NULL DEFAULT 0;
