/* Inboxes made, changed and deleted. */
#include "domain/names.h"

#include <chatelaine/domain_documents.h>
#include <chatelaine/domain_keys.h>

#include <stdio.h>

static enum status check_name(struct ledger_tx *tx, struct domain_command *base, struct span name,
                              struct span own_id, struct error *e)
{
        struct span id, other;
        TRY(name_check(name, "/name", e));
        if (id_is_hex24(name))
                return error_set(e, STATUS_INVALID, "invalid-name", "/name",
                                 "An inbox's name must not look like an id (24 hex digits).");
        enum status s = inbox_find(tx->db, name, &base->arena, &id, &other, e);
        if (s == STATUS_OK && !span_equal(id, own_id))
                return error_set(e, STATUS_CONFLICT, "inbox-exists", "/name",
                                 "There is an inbox of that name already.");
        return s == STATUS_NOT_FOUND ? STATUS_OK : s;
}

static enum status inbox_create_run(struct ledger_tx *tx, struct domain_command *base,
                                    struct error *e)
{
        struct inbox_create *c = (struct inbox_create *)base;
        domain_target_new(base, "inbox", span_of(c->id));
        TRY(check_name(tx, base, c->name, span_of(c->id), e));
        c->ret_created_at = tx->now_ms;
        return store_exec(tx->db,
                          "INSERT INTO inboxes (id, name, created_at, project)"
                          " VALUES ($1, $2, $3, $4)",
                          NULL, e, "stit", c->id, c->name, tx->now_ms, c->project);
}

enum status inbox_create_new(struct domain *d, struct settings *s, struct inbox_create **ret,
                             struct error *e)
{
        struct inbox_create *c;
        TRY(domain_command_new(d, s, sizeof *c, 8192, &c, e));
        c->base.run = inbox_create_run;
        c->base.audit.action = "inbox.create";
        id_hex24(c->id);
        *ret = c;
        return STATUS_OK;
}

/* The inbox that a command names; its id in the audit target. */
static enum status find_target(struct ledger_tx *tx, struct domain_command *base,
                               struct span id_or_name, struct span *ret_id, struct error *e)
{
        struct span name;
        domain_target(base, "inbox", id_or_name);
        TRY(inbox_find(tx->db, id_or_name, &base->arena, ret_id, &name, e));
        domain_target(base, "inbox", *ret_id);
        return STATUS_OK;
}

static enum status inbox_change_run(struct ledger_tx *tx, struct domain_command *base,
                                    struct error *e)
{
        struct inbox_change *c = (struct inbox_change *)base;
        struct span id;
        TRY(find_target(tx, base, c->id, &id, e));
        if (c->name.p) {
                TRY(check_name(tx, base, c->name, id, e));
                TRY(store_exec(tx->db, "UPDATE inboxes SET name = $1 WHERE id = $2", NULL, e, "tt",
                               c->name, id));
        }
        if (c->project.p)
                TRY(store_exec(tx->db, "UPDATE inboxes SET project = $1 WHERE id = $2", NULL, e,
                               "tt", c->project, id));
        return STATUS_OK;
}

enum status inbox_change_new(struct domain *d, struct settings *s, struct inbox_change **ret,
                             struct error *e)
{
        struct inbox_change *c;
        TRY(domain_command_new(d, s, sizeof *c, 8192, &c, e));
        c->base.run = inbox_change_run;
        c->base.audit.action = "inbox.change";
        *ret = c;
        return STATUS_OK;
}

/* Its keys go first: which documents are its own is what the rows say. */
static enum status inbox_delete_run(struct ledger_tx *tx, struct domain_command *base,
                                    struct error *e)
{
        struct inbox_delete *c = (struct inbox_delete *)base;
        struct span id;
        char resource[64];
        TRY(find_target(tx, base, c->id, &id, e));
        snprintf(resource, sizeof resource, "inboxes/%.*s", (int)id.len, id.p);
        struct key_selector keys = {.resource = span_of(resource)};
        TRY(keys_revoke_in(tx, &keys, KEY_REASON_INBOX_DELETED, base->audit.traceparent,
                           &c->revoked, e));
        base->audit.count = c->revoked;
        TRY(store_exec(tx->db,
                       "DELETE FROM document_states WHERE document_id IN"
                       " (SELECT d.id FROM documents d WHERE d.inbox_id = $1)",
                       NULL, e, "t", id));
        TRY(store_exec(tx->db, "DELETE FROM documents WHERE inbox_id = $1", NULL, e, "t", id));
        return store_exec(tx->db, "DELETE FROM inboxes WHERE id = $1", NULL, e, "t", id);
}

enum status inbox_delete_new(struct domain *d, struct settings *s, struct inbox_delete **ret,
                             struct error *e)
{
        struct inbox_delete *c;
        TRY(domain_command_new(d, s, sizeof *c, 8192, &c, e));
        c->base.run = inbox_delete_run;
        c->base.audit.action = "inbox.delete";
        c->base.base.is_revocation = true;
        *ret = c;
        return STATUS_OK;
}
