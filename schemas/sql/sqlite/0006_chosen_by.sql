-- Somebody chose at a page whom a client acts as: users/ID, keys/ID, clients/ID. NULL = nobody did.
ALTER TABLE sessions ADD COLUMN chosen_by TEXT;
CREATE INDEX sessions_by_chooser ON sessions (chosen_by) WHERE chosen_by IS NOT NULL;
