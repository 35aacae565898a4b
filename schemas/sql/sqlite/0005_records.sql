-- Access records, groups of users, and what lets a check find its statements by index.

CREATE TABLE records (
    id         TEXT    PRIMARY KEY,           -- rec_ and 24 hex, or as the caller named it
    status     INTEGER NOT NULL,              -- 0 active, 1 deleted: its statements are gone, its row stays
    body       TEXT    NOT NULL,              -- JSON: name, description, users, admins, groups, statements, tags as given
    created_by TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL               -- grows with each change: the optimistic lock
) STRICT;
CREATE INDEX records_by_status ON records (status, id);

CREATE TABLE user_groups (
    id         TEXT    PRIMARY KEY,           -- grp_ and what follows
    body       TEXT    NOT NULL,              -- JSON: name, users, admins, tags as given
    created_by TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL               -- as in records
) STRICT;
CREATE TABLE group_members (
    subject       TEXT NOT NULL,              -- users/ID, clients/ID
    group_subject TEXT NOT NULL,              -- groups/ID: whose statements are the member's too
    PRIMARY KEY (subject, group_subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX group_members_by_group ON group_members (group_subject, subject);

-- Who may manage a record or a group by being named there.
CREATE TABLE admins (
    subject TEXT NOT NULL,                    -- users/ID, clients/ID
    object  TEXT NOT NULL,                    -- records/ID, groups/ID
    PRIMARY KEY (subject, object)
) STRICT, WITHOUT ROWID;
CREATE INDEX admins_by_object ON admins (object);

-- The segments of `resource` in front of its first "*"; a document's without its inbox. A check looks
-- only where the stem is an ancestor of what it asks for. '' is right for every resource.
ALTER TABLE statements ADD COLUMN stem TEXT NOT NULL DEFAULT '';
ALTER TABLE statements ADD COLUMN position INTEGER; -- which of its record's statements, from 0
UPDATE statements SET stem = resource
 WHERE instr(resource, '*') = 0 AND substr(resource, 1, 8) <> 'inboxes/';
DROP INDEX statements_by_subject;
CREATE INDEX statements_by_subject ON statements (subject, stem);
DROP INDEX statements_by_role;
CREATE INDEX statements_by_role ON statements (role, subject) WHERE role IS NOT NULL;
CREATE INDEX statements_by_permission ON statements (subject, permission) WHERE permission IS NOT NULL;
CREATE INDEX statements_by_record ON statements (record_id) WHERE record_id IS NOT NULL;

-- A record has given the user something once: its keys hold no more than it does, also when it is
-- nothing any more.
ALTER TABLE users ADD COLUMN is_cut INTEGER NOT NULL DEFAULT 0;

ALTER TABLE roles ADD COLUMN description TEXT;
