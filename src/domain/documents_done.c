/* A document is done: its keys end, and a tombstone keeps new ones away until it is reopened. */
#include "domain/names.h"
#include "domain/resources.h"

#include <chatelaine/domain_keys.h>

/* Its row changes when its tombstone does: `is_done` is what it was before. */
static enum status touch(struct ledger_tx *tx, struct span id, bool is_done, struct error *e)
{
        return store_exec(tx->db,
                          is_done ? "UPDATE documents SET updated_at = $1 WHERE id = $2 AND"
                                    " EXISTS (SELECT 1 FROM tombstones WHERE document_id = $2)"
                                  : "UPDATE documents SET updated_at = $1 WHERE id = $2 AND NOT"
                                    " EXISTS (SELECT 1 FROM tombstones WHERE document_id = $2)",
                          NULL, e, "it", tx->now_ms, id);
}

enum status document_done_in(struct ledger_tx *tx, struct span id, const struct caller *by,
                             const char *reason, const char *traceparent, int64_t *ret_revoked,
                             struct error *e)
{
        char done_by[CALLER_NAME_SIZE];
        char resource[160];
        TRY(document_id_check(id, e));
        caller_name(by, done_by);
        TRY(touch(tx, id, false, e));
        TRY(store_exec(tx->db,
                       "INSERT INTO tombstones (document_id, done_at, done_by)"
                       " VALUES ($1, $2, $3) ON CONFLICT (document_id) DO NOTHING",
                       NULL, e, "tis", id, tx->now_ms, done_by));
        int n = snprintf(resource, sizeof resource, "documents/%.*s", (int)id.len, id.p);
        struct key_selector keys = {.resource = span_make(resource, (size_t)n)};
        return keys_revoke_in(tx, &keys, reason, traceparent, ret_revoked, e);
}

static enum status document_done_run(struct ledger_tx *tx, struct domain_command *base,
                                     struct error *e)
{
        struct document_done *c = (struct document_done *)base;
        domain_target(base, "document", c->id);
        if (!c->is_reopen) {
                TRY(document_done_in(tx, c->id, &base->caller, KEY_REASON_DOCUMENT_DONE,
                                     base->audit.traceparent, &c->revoked, e));
                base->audit.count = c->revoked;
                return STATUS_OK;
        }
        base->audit.action = "document.reopen";
        TRY(document_id_check(c->id, e));
        TRY(touch(tx, c->id, true, e));
        return store_exec(tx->db, "DELETE FROM tombstones WHERE document_id = $1", NULL, e, "t",
                          c->id);
}

static enum status document_done_prepare(struct domain_command *base, struct error *e)
{
        (void)e;
        base->base.is_revocation = !((struct document_done *)base)->is_reopen;
        return STATUS_OK;
}

enum status document_done_new(struct domain *d, struct settings *s, struct document_done **ret,
                              struct error *e)
{
        struct document_done *c;
        TRY(domain_command_new(d, s, sizeof *c, 8192, &c, e));
        c->base.run = document_done_run;
        c->base.audit.action = "document.done";
        c->base.prepare = document_done_prepare;
        *ret = c;
        return STATUS_OK;
}
