-- Chatelaine's rows. Times are Unix milliseconds. The PostgreSQL twin differs in types only.

-- The journal: audit log and outbox in one. seq has no gaps; the ledger gives it.
CREATE TABLE journal (
    seq         INTEGER PRIMARY KEY,
    id          TEXT    NOT NULL,             -- UUIDv7, the event's id on every repeat
    time_ms     INTEGER NOT NULL,
    topic       INTEGER NOT NULL,             -- 0 webhooks, 1 keys, 2 audit
    key         TEXT    NOT NULL,             -- Kafka message key
    type        TEXT    NOT NULL,
    subject     TEXT,
    traceparent TEXT,
    body        TEXT    NOT NULL,             -- the event's data
    hash        BLOB                          -- rows of type chatelaine.audit.v1: their link of the chain
) STRICT;
CREATE INDEX journal_rare ON journal (topic, seq) WHERE topic <> 0;

-- Signed heads of the chain; kept for ever.
CREATE TABLE checkpoints (
    seq        INTEGER PRIMARY KEY,           -- covers the journal up to and with this row
    time_ms    INTEGER NOT NULL,
    event_id   TEXT    NOT NULL,
    hash       BLOB    NOT NULL,              -- the chain's head at seq
    digest     BLOB    NOT NULL,              -- of the other rows since the last checkpoint
    key_number INTEGER NOT NULL,              -- checkpoint.N of the secret file
    signature  BLOB    NOT NULL               -- Ed25519
) STRICT;

-- The publisher's marks: everything up to seq is confirmed by Kafka.
CREATE TABLE marks (
    topic INTEGER PRIMARY KEY,
    seq   INTEGER NOT NULL
) STRICT;

-- The last number given out of each kind: none is given twice, also when its row is gone.
CREATE TABLE counters (
    name  TEXT    PRIMARY KEY,                -- "users"
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE users (
    id                  TEXT    PRIMARY KEY,  -- 24 hex
    number              INTEGER NOT NULL UNIQUE, -- linked-services' user id, from 1
    name                TEXT    NOT NULL UNIQUE,
    password            TEXT,                 -- scrypt; NULL = cannot log in with one
    password_changed_at INTEGER NOT NULL,
    is_active           INTEGER NOT NULL,
    created_at          INTEGER NOT NULL,
    updated_at          INTEGER NOT NULL
) STRICT;

-- Roles made by callers; the built-in ones are in the program.
CREATE TABLE roles (
    id         TEXT    PRIMARY KEY,           -- 24 hex, or as the caller named it
    name       TEXT    NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE TABLE role_permissions (
    role_id   TEXT    NOT NULL,
    action    TEXT    NOT NULL,               -- "documents:read", "documents:*", "*"
    abilities INTEGER NOT NULL,               -- bits: 1 allow, 2 grant, 4 delegate
    PRIMARY KEY (role_id, action)
) STRICT, WITHOUT ROWID;

-- Who holds which role on what. One table for users, keys, clients and groups.
CREATE TABLE statements (
    id         INTEGER PRIMARY KEY,
    subject    TEXT    NOT NULL,              -- users/ID, keys/ID, clients/ID, groups/ID
    resource   TEXT    NOT NULL,              -- without leading and trailing "/"; "*" = all
    role       TEXT,                          -- role id or built-in name
    permission TEXT,                          -- or one permission alone
    record_id  TEXT                           -- the access record it comes from
) STRICT;
CREATE INDEX statements_by_subject ON statements (subject, resource);
CREATE INDEX statements_by_role ON statements (role) WHERE role IS NOT NULL;

CREATE TABLE keys (
    id             TEXT    PRIMARY KEY,       -- 24 hex, public
    hash           BLOB    NOT NULL UNIQUE,   -- HMAC-SHA-256 under pepper.N
    pepper         INTEGER NOT NULL,
    user_id        TEXT    NOT NULL,
    app            TEXT,                      -- a label of the minter's: the app that it is for
    name           TEXT    NOT NULL,
    state          INTEGER NOT NULL,          -- 0 active, 1 rotating, 2 suspended, 3 expired, 4 revoked
    reason         TEXT,                      -- why it ended
    minted_by      TEXT    NOT NULL,          -- users/ID, keys/ID, apps/SLUG, unix
    parent_key_id  TEXT,                      -- the key that minted it
    predecessor_id TEXT,
    successor_id   TEXT,
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL,
    expires_at     INTEGER NOT NULL,
    dies_at        INTEGER NOT NULL,          -- the earlier of expires_at and the end of a rotation's grace
    warn_at        INTEGER,                   -- when key.expiring is due; NULL = done
    ended_at       INTEGER
) STRICT;
CREATE INDEX keys_by_user ON keys (user_id, id);
CREATE INDEX keys_by_app ON keys (app, id) WHERE app IS NOT NULL;
CREATE INDEX keys_by_parent ON keys (parent_key_id) WHERE parent_key_id IS NOT NULL;
CREATE INDEX keys_due ON keys (dies_at) WHERE state < 3;
CREATE INDEX keys_to_warn ON keys (warn_at) WHERE warn_at IS NOT NULL;
CREATE INDEX keys_ended ON keys (ended_at) WHERE ended_at IS NOT NULL;

-- How many keys are in each state, kept with each change: counting them takes a scan.
CREATE TABLE key_counts (
    state INTEGER PRIMARY KEY,
    n     INTEGER NOT NULL
) STRICT;
INSERT INTO key_counts (state, n) VALUES (0, 0), (1, 0), (2, 0), (3, 0), (4, 0);

-- What a key is bound to: its resources, and those of its grants.
CREATE TABLE key_resources (
    key_id      TEXT    NOT NULL,
    resource    TEXT    NOT NULL,
    document_id TEXT,                         -- when the resource names a document, in either spelling
    is_named    INTEGER NOT NULL,             -- 1 = in `resources`, 0 = only through a grant
    PRIMARY KEY (key_id, resource)
) STRICT, WITHOUT ROWID;
CREATE INDEX key_resources_by_resource ON key_resources (resource);
CREATE INDEX key_resources_by_document ON key_resources (document_id) WHERE document_id IS NOT NULL;

-- Idempotency-Key: a repeat within 24 h finds the key that was made.
CREATE TABLE idempotency_keys (
    caller       TEXT    NOT NULL,
    name         TEXT    NOT NULL,
    request_hash BLOB    NOT NULL,
    key_id       TEXT    NOT NULL,
    ends_at      INTEGER NOT NULL,
    PRIMARY KEY (caller, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_keys_due ON idempotency_keys (ends_at);

CREATE TABLE inboxes (
    id         TEXT    PRIMARY KEY,
    name       TEXT    NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
) STRICT;
CREATE TABLE documents (
    id         TEXT    PRIMARY KEY,
    inbox_id   TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX documents_by_inbox ON documents (inbox_id, id);
-- A document that is done: minting keys on it is refused until it is reopened. It need not have a row.
CREATE TABLE tombstones (
    document_id TEXT    PRIMARY KEY,
    done_at     INTEGER NOT NULL,
    done_by     TEXT    NOT NULL
) STRICT;

CREATE TABLE apps (
    id                INTEGER PRIMARY KEY,
    slug              TEXT    NOT NULL,
    name              TEXT    NOT NULL,
    algorithm         TEXT    NOT NULL,       -- HMAC_SHA256, HMAC_SHA512, ED25519
    strategy          TEXT    NOT NULL,       -- JWT, SIGNATURE, STANDARD
    require_agreement INTEGER NOT NULL,
    replay_guard      INTEGER NOT NULL,       -- 0 = a sender that retries byte for byte
    secret            BLOB,                   -- HMAC key, sealed for apps, secret, slug (its seal.N is in it)
    public_key        TEXT,                   -- PEM, ED25519
    old_algorithm     TEXT,                   -- accepted until old_ends_at (rotation's grace)
    old_secret        BLOB,                   -- sealed for the same place: a rotation moves it as it is
    old_public_key    TEXT,
    old_ends_at       INTEGER,
    agreement_version INTEGER NOT NULL,
    version           INTEGER NOT NULL,       -- grows with each change: what was derived from the row is looked up by it
    created_at        INTEGER NOT NULL,
    updated_at        INTEGER NOT NULL,
    deleted_at        INTEGER
) STRICT;
CREATE UNIQUE INDEX apps_by_slug ON apps (slug) WHERE deleted_at IS NULL;
CREATE INDEX apps_grace ON apps (old_ends_at) WHERE old_ends_at IS NOT NULL;
CREATE TABLE app_scopes (
    app_id      INTEGER NOT NULL,
    scope       TEXT    NOT NULL,
    is_optional INTEGER NOT NULL,
    PRIMARY KEY (app_id, scope)
) STRICT, WITHOUT ROWID;
CREATE TABLE agreements (
    app_id            INTEGER NOT NULL,
    user_number       INTEGER NOT NULL,
    agreement_version INTEGER NOT NULL,
    agreed_at         INTEGER NOT NULL,
    PRIMARY KEY (app_id, user_number)
) STRICT, WITHOUT ROWID;
CREATE TABLE agreement_scopes (
    app_id      INTEGER NOT NULL,
    user_number INTEGER NOT NULL,
    scope       TEXT    NOT NULL,
    PRIMARY KEY (app_id, user_number, scope)
) STRICT, WITHOUT ROWID;

-- Only a stored request uses up its nonce.
CREATE TABLE replay_digests (
    app_id  INTEGER NOT NULL,
    digest  BLOB    NOT NULL,                 -- 16 bytes of the MAC
    ends_at INTEGER NOT NULL,
    PRIMARY KEY (app_id, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX replay_digests_due ON replay_digests (ends_at);
CREATE TABLE webhook_ids (
    app_id     INTEGER NOT NULL,
    webhook_id TEXT    NOT NULL,
    ends_at    INTEGER NOT NULL,
    PRIMARY KEY (app_id, webhook_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX webhook_ids_due ON webhook_ids (ends_at);

CREATE TABLE first_party_webhook_log (
    id          INTEGER PRIMARY KEY,
    app_id      INTEGER NOT NULL,
    external_id TEXT,                         -- NULL = none: every row is new
    user_id     INTEGER NOT NULL,             -- a user's number; 0 = none
    type        TEXT    NOT NULL,
    status      INTEGER NOT NULL,             -- 0 PENDING, 1 DONE, 2 ERROR
    processed   INTEGER NOT NULL,
    attempts    INTEGER NOT NULL,
    status_text TEXT,
    version     INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    data        TEXT                          -- byte for byte; NULL = absent; last, so that the others are read without it
) STRICT;
-- In this order: senders' ids grow with time (measured: four times the rate of user or type first).
CREATE UNIQUE INDEX first_party_webhook_log_key ON first_party_webhook_log (app_id, external_id, user_id, type);
