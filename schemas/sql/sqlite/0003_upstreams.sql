-- A key's twin: a token at another system that ends when the key does, and how far that has come.
CREATE TABLE upstream_keys (
    key_id      TEXT    PRIMARY KEY,
    upstream    TEXT    NOT NULL,             -- its name in the configuration
    token       BLOB,                         -- sealed for upstream_keys, token, sealed_for; NULL once it is of no more use
    sealed_for  TEXT    NOT NULL,             -- the key that it was minted with: a rotation hands it on as it is
    state       INTEGER NOT NULL,             -- 0 none (the key lives), 1 pending, 2 revoked, 3 already_gone, 4 stuck, 5 not_revocable
    reason      TEXT,                         -- why it is not revoked (yet)
    attempts    INTEGER NOT NULL,
    next_at     INTEGER NOT NULL,             -- pending: not before
    valid_until INTEGER,                      -- when it ends there by itself, where that is known
    updated_at  INTEGER NOT NULL
) STRICT;
-- What is due, for each upstream by itself: one that does not answer hides nobody else's.
CREATE INDEX upstream_keys_due ON upstream_keys (upstream, next_at) WHERE state = 1;
CREATE INDEX upstream_keys_by_state ON upstream_keys (state, key_id);

-- How many are in each state, kept with each change.
CREATE TABLE upstream_counts (
    upstream TEXT    NOT NULL,
    state    INTEGER NOT NULL,
    n        INTEGER NOT NULL,
    PRIMARY KEY (upstream, state)
) STRICT, WITHOUT ROWID;

-- How far each audit_sink has taken the journal.
CREATE TABLE sink_marks (
    sink TEXT    PRIMARY KEY,                 -- its name in the configuration
    seq  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
