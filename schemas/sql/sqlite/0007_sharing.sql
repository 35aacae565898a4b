-- What holds of a resource for everybody; invites; requests for access; who is named on a resource.

CREATE TABLE resource_configs (
    resource     TEXT    PRIMARY KEY,         -- as in statements, without "*"
    stem         TEXT    NOT NULL,            -- as in statements
    is_public    INTEGER NOT NULL,
    is_claimable INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX resource_configs_public ON resource_configs (stem) WHERE is_public = 1;

CREATE INDEX statements_by_stem ON statements (stem, subject);

CREATE TABLE invites (
    id         TEXT    PRIMARY KEY,           -- 24 hex, in the audit; the invite's own name is a secret
    hash       BLOB    NOT NULL,              -- keyed hash of the name
    pepper     INTEGER NOT NULL,
    body       TEXT    NOT NULL,              -- JSON: statements as given
    created_by TEXT    NOT NULL,              -- users/ID, clients/ID, keys/ID; unix, jobs/NAME
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX invites_by_hash ON invites (hash, pepper);
CREATE INDEX invites_by_creator ON invites (created_by);
CREATE INDEX invites_by_expiry ON invites (expires_at);

CREATE TABLE access_requests (
    id         TEXT    PRIMARY KEY,           -- req_ and 24 hex
    status     INTEGER NOT NULL,              -- 0 open, 1 approved, 2 denied, 3 deleted
    body       TEXT    NOT NULL,              -- JSON: access, tags as given
    created_by TEXT    NOT NULL,              -- users/ID, clients/ID
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX access_requests_by_status ON access_requests (status, id);
CREATE INDEX access_requests_by_creator ON access_requests (created_by, status);
