-- What reviewers say of a document besides done, and the label that an inbox may bear.

CREATE TABLE document_states (
    document_id TEXT    NOT NULL,             -- of a documents row
    name        TEXT    NOT NULL,             -- lock, escalate, reject, submitted, opened_by, or a flag
    value       INTEGER NOT NULL,             -- 0, 1; a flag may be any number
    set_by      TEXT    NOT NULL,             -- user id; "" = the admin socket
    set_at      INTEGER NOT NULL,
    PRIMARY KEY (document_id, name)
) STRICT, WITHOUT ROWID;

ALTER TABLE inboxes ADD COLUMN project TEXT;  -- of another system: kept, not understood
