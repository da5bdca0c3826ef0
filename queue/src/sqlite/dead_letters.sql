-- The sixth version of the file: each queue keeps so many dead letters of its own, and finds its oldest without reading
-- their pictures.
CREATE INDEX dead_letters_by_queue ON dead_letters (queue, number);
