-- Service clients, and the sessions that all bearer tokens issued here stand for.

-- Their rights are statements of the subject clients/ID.
CREATE TABLE clients (
    id         TEXT    PRIMARY KEY,           -- sc_ and 20 lower-case letters and digits
    name       TEXT    NOT NULL,
    hash       BLOB    NOT NULL,              -- of the secret: HMAC-SHA-256 under pepper.N
    pepper     INTEGER NOT NULL,
    created_by TEXT    NOT NULL,              -- users/ID, clients/ID, keys/ID, unix
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE TABLE client_redirects (
    client_id TEXT NOT NULL,
    uri       TEXT NOT NULL,
    PRIMARY KEY (client_id, uri)
) STRICT, WITHOUT ROWID;
-- A client that goes takes along what it minted.
CREATE INDEX keys_by_minter ON keys (minted_by);

-- A session that is narrowed has statements of the subject sessions/ID.
CREATE TABLE sessions (
    id          TEXT    PRIMARY KEY,          -- 24 hex, public; a signed token's jti
    hash        BLOB    NOT NULL UNIQUE,      -- of the opaque token, signed or not: HMAC-SHA-256 under pepper.N
    pepper      INTEGER NOT NULL,
    kind        INTEGER NOT NULL,             -- 0 password, 1 key, 2 behalf, 3 client, 4 impersonation, 5 exchange
    user_id     TEXT,                         -- whose rights; NULL = a client's alone
    key_id      TEXT,                         -- the key that opened it
    client_id   TEXT,                         -- the client that holds it
    parent_id   TEXT,                         -- the session that it was exchanged for
    origin      TEXT    NOT NULL,             -- who acts: users/ID, keys/ID, clients/ID
    scope       TEXT,                         -- as it was granted (RFC 6749 3.3); NULL = not narrowed by one
    is_scoped   INTEGER NOT NULL,             -- 1 = cut to the statements of sessions/ID
    token_key   INTEGER,                      -- token.N that signed it; NULL = opaque
    password_at INTEGER,                      -- the user's password_changed_at when it was opened; NULL = does not depend on it
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    ended_at    INTEGER,
    reason      TEXT
) STRICT;
CREATE INDEX sessions_by_user ON sessions (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX sessions_by_key ON sessions (key_id) WHERE key_id IS NOT NULL;
CREATE INDEX sessions_by_client ON sessions (client_id) WHERE client_id IS NOT NULL;
CREATE INDEX sessions_by_parent ON sessions (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX sessions_by_origin ON sessions (origin);
CREATE INDEX sessions_by_token_key ON sessions (token_key, expires_at) WHERE token_key IS NOT NULL;
CREATE INDEX sessions_due ON sessions (expires_at);

-- Authorization codes that were used or burnt; a code itself is sealed and leaves no row.
CREATE TABLE redeemed_codes (
    id      TEXT    PRIMARY KEY,
    ends_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX redeemed_codes_due ON redeemed_codes (ends_at);
