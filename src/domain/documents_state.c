/* What reviewers say of a document: locked, escalated, rejected, ... by whom and since when. */
#include "domain/names.h"
#include "domain/resources.h"

#define STATES_MAX 64

/* Who holds a document's lock; absent when nobody does. */
static enum status lock_holder(struct ledger_tx *tx, struct span id, struct arena *a,
                               struct span *ret, struct error *e)
{
        struct store_stmt *st;
        struct span holder = SPAN_NONE;
        TRY(store_query(tx->db,
                        "SELECT set_by FROM document_states"
                        " WHERE document_id = $1 AND name = 'lock' AND value = 1",
                        &st, e, "t", id));
        bool is_found = store_next(st);
        if (is_found)
                holder = arena_span(a, store_text(st, 0));
        TRY(store_done(st, e));
        if (is_found && !holder.p)
                return error_no_memory(e);
        *ret = holder;
        return STATUS_OK;
}

/* A lock is taken when it is free, and released by who holds it or may release others'. */
static enum status check_lock(struct ledger_tx *tx, struct document_state_set *c, bool takes,
                              struct error *e)
{
        struct span holder;
        TRY(lock_holder(tx, c->id, &c->base.arena, &holder, e));
        if (!holder.p || span_is(holder, c->base.caller.user_id))
                return STATUS_OK;
        if (takes)
                return error_set(e, STATUS_CONFLICT, "document-locked", "/lock",
                                 "The document is locked by user %.*s.", (int)holder.len, holder.p);
        if (!c->may_release)
                return error_set(e, STATUS_DENIED, "lock-held", "/lock",
                                 "The lock is user %.*s's: release_lock is needed.",
                                 (int)holder.len, holder.p);
        return STATUS_OK;
}

static enum status set_one(struct ledger_tx *tx, struct document_state_set *c,
                           const struct document_state *s, struct error *e)
{
        if (strcmp(s->name, "lock") == 0)
                TRY(check_lock(tx, c, s->value != 0, e));
        return store_exec(tx->db,
                          "INSERT INTO document_states (document_id, name, value, set_by, set_at)"
                          " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (document_id, name) DO UPDATE"
                          " SET value = excluded.value, set_by = excluded.set_by,"
                          " set_at = excluded.set_at",
                          NULL, e, "tsisi", c->id, s->name, s->value, c->base.caller.user_id,
                          tx->now_ms);
}

static enum status state_set_run(struct ledger_tx *tx, struct domain_command *base, struct error *e)
{
        struct document_state_set *c = (struct document_state_set *)base;
        struct span inbox;
        domain_target(base, "document", c->id);
        TRY(document_inbox(tx->db, c->id, &base->arena, &inbox, e));
        if (!inbox.p)
                return error_set(e, STATUS_NOT_FOUND, "document-not-found", NULL,
                                 "There is no such document.");
        for (size_t i = 0; i < c->n_states; i++)
                TRY(set_one(tx, c, &c->states[i], e));
        return store_exec(tx->db, "UPDATE documents SET updated_at = $1 WHERE id = $2", NULL, e,
                          "it", tx->now_ms, c->id);
}

enum status document_state_set_new(struct domain *d, struct settings *s,
                                   struct document_state_set **ret, struct error *e)
{
        struct document_state_set *c;
        TRY(domain_command_new(d, s, sizeof *c, 8192, &c, e));
        c->base.run = state_set_run;
        c->base.audit.action = "document.state";
        *ret = c;
        return STATUS_OK;
}

enum status document_states(struct store_conn *db, struct span id, struct arena *a,
                            struct document_state_row **ret, size_t *ret_n, struct error *e)
{
        struct store_stmt *st;
        struct document_state_row *list = arena_alloc(a, STATES_MAX * sizeof *list);
        size_t n = 0;
        bool has_memory = list != NULL;
        if (!has_memory)
                return error_no_memory(e);
        TRY(store_query(db,
                        "SELECT name, value, set_by, set_at FROM document_states"
                        " WHERE document_id = $1 ORDER BY name",
                        &st, e, "t", id));
        for (; has_memory && n < STATES_MAX && store_next(st); n++) {
                list[n] = (struct document_state_row){.name = arena_span(a, store_text(st, 0)),
                                                      .value = store_int(st, 1),
                                                      .set_by = arena_span(a, store_text(st, 2)),
                                                      .set_at = store_int(st, 3)};
                has_memory = list[n].name.p && list[n].set_by.p;
        }
        TRY(store_done(st, e));
        if (!has_memory)
                return error_no_memory(e);
        *ret = list;
        *ret_n = n;
        return STATUS_OK;
}
