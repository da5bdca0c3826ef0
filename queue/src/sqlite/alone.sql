-- The second version of the file: how often each job that has not ended was alone with a worker, which tells the job
-- that kills workers from those that were held beside it.
CREATE TABLE alone (
    id    BLOB    PRIMARY KEY,
    count INTEGER NOT NULL
);
