-- Access keys of service clients, and what else Authress knows of a client.

ALTER TABLE clients ADD COLUMN options INTEGER NOT NULL DEFAULT 0; -- bits: 1 may ask about any user, 2 may act as any user
ALTER TABLE clients ADD COLUMN tags TEXT;             -- a JSON object of texts; NULL = none
ALTER TABLE clients ADD COLUMN rate_duration TEXT;    -- ISO 8601 as it was given; NULL = no limit
ALTER TABLE clients ADD COLUMN rate_quota INTEGER;    -- requests within it; NULL = no limit

-- An Ed25519 key, its public half only. Its life (state, dates, why it ended, what it is bound to)
-- is a row of keys, whose user_id is the client's id.
CREATE TABLE access_keys (
    client_id  TEXT NOT NULL,
    kid        TEXT NOT NULL,                 -- 6 lower-case letters and digits
    key_id     TEXT NOT NULL UNIQUE,          -- of keys
    public_key BLOB NOT NULL,                 -- 32 bytes
    PRIMARY KEY (client_id, kid)
) STRICT, WITHOUT ROWID;

-- The access key that the client came with when it opened the session.
ALTER TABLE sessions ADD COLUMN access_key_id TEXT;
CREATE INDEX sessions_by_access_key ON sessions (access_key_id) WHERE access_key_id IS NOT NULL;
