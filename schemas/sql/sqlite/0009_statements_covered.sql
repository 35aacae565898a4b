-- A check reads the index alone: of a subject with many patterns on one stem each row was a page of
-- its own.
DROP INDEX statements_by_subject;
CREATE INDEX statements_by_subject ON statements (subject, stem, resource, role, permission);
