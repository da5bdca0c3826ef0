-- The seventh version of the file: how many requests have made a record and not taken it back. Two may be under way for one job,
-- and the one whose publication fails must not take the record from the other.
ALTER TABLE results ADD COLUMN creators INTEGER NOT NULL DEFAULT 1;
