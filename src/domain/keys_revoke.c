/* Keys end on demand, with what they minted. */
#include "domain/keys.h"
#include "domain/names.h"

#include <stdio.h>
#include <stdlib.h>

#define CHUNK 500

/* ---- one ---- */

enum status keys_revoke_children(struct ledger_tx *tx, struct span key_id, const char *traceparent,
                                 int64_t *count, struct error *e)
{
        for (bool is_more = true; is_more;) {
                char ids[CHUNK][ID_HEX24_SIZE];
                size_t n = 0;
                struct store_stmt *st;
                TRY(store_query(tx->db,
                                "WITH RECURSIVE tree (id) AS ("
                                "SELECT id FROM keys WHERE parent_key_id = $1"
                                " UNION SELECT k.id FROM keys k JOIN tree t"
                                " ON k.parent_key_id = t.id)"
                                " SELECT k.id FROM tree t JOIN keys k ON k.id = t.id"
                                " WHERE k.state < 3 AND k.dies_at > $2 LIMIT 500",
                                &st, e, "ti", key_id, tx->now_ms));
                for (; n < CHUNK && store_next(st); n++) {
                        struct span id = store_text(st, 0);
                        snprintf(ids[n], sizeof ids[n], "%.*s", (int)id.len, id.p);
                }
                TRY(store_done(st, e));
                for (size_t i = 0; i < n; i++) {
                        bool has_ended;
                        TRY(key_end(tx, span_of(ids[i]), KEY_REVOKED, KEY_REASON_PARENT_REVOKED,
                                    traceparent, &has_ended, e));
                        *count += has_ended;
                }
                is_more = n == CHUNK;
        }
        return STATUS_OK;
}

/* ---- many ---- */

/* Found before any is changed: the transaction that ends them is larger than their ids. */
struct id_list {
        char (*ids)[ID_HEX24_SIZE];
        size_t n, room;
};

static void id_list_fini(struct id_list *l)
{
        free(l->ids);
}

static enum status id_list_put(struct id_list *l, struct span id, struct error *e)
{
        if (l->n == l->room) {
                size_t room = l->room ? 2 * l->room : 64;
                void *ids = reallocarray(l->ids, room, sizeof *l->ids);
                if (!ids)
                        return error_no_memory(e);
                l->ids = ids;
                l->room = room;
        }
        snprintf(l->ids[l->n++], sizeof *l->ids, "%.*s", (int)id.len, id.p);
        return STATUS_OK;
}

static enum status put_if_bound(struct ledger_tx *tx, const struct key_scope *scope, struct span id,
                                struct id_list *out, struct error *e)
{
        bool is_bound = true;
        if (scope->resource.p)
                TRY(key_is_bound(tx->db, id, scope->resource, &is_bound, e));
        return is_bound ? id_list_put(out, id, e) : STATUS_OK;
}

static enum status gather_scope(struct ledger_tx *tx, struct key_scope *scope, struct id_list *out,
                                struct error *e)
{
        struct store_stmt *st;
        enum status s = STATUS_OK;
        TRY(keys_scan(tx->db, scope, &st, e));
        while (s == STATUS_OK && store_next(st))
                s = put_if_bound(tx, scope, store_text(st, 0), out, e);
        enum status done = store_done(st, s == STATUS_OK ? e : NULL);
        return s != STATUS_OK ? s : done;
}

static bool is_in(const struct key_row *k, const struct key_scope *scope)
{
        return k->state < KEY_EXPIRED &&
               (!scope->user_id.p || span_equal(k->user_id, scope->user_id)) &&
               (!scope->app.p || span_equal(k->app, scope->app));
}

/* Each by its id; one that is unknown is passed over unless the selector is strict. */
static enum status gather_ids(struct ledger_tx *tx, const struct key_selector *sel,
                              const struct key_scope *scope, struct id_list *out, struct error *e)
{
        for (size_t i = 0; i < sel->n_ids; i++) {
                CLEANUP(arena_fini) struct arena a;
                arena_init(&a, 16384);
                struct key_row k;
                enum status s = key_get(tx->db, sel->ids[i], tx->now_ms, &a, &k, e);
                if (s == STATUS_NOT_FOUND && !sel->is_by_id_strict)
                        continue;
                TRY(s);
                if (is_in(&k, scope))
                        TRY(put_if_bound(tx, scope, k.id, out, e));
        }
        return STATUS_OK;
}

static enum status revoke_all(struct ledger_tx *tx, const struct id_list *found, const char *reason,
                              const char *traceparent, int64_t *count, struct error *e)
{
        for (size_t i = 0; i < found->n; i++) {
                bool has_ended;
                struct span id = span_of(found->ids[i]);
                TRY(key_end(tx, id, KEY_REVOKED, reason, traceparent, &has_ended, e));
                *count += has_ended;
                TRY(keys_revoke_children(tx, id, traceparent, count, e));
        }
        return STATUS_OK;
}

enum status keys_revoke_minted_in(struct ledger_tx *tx, struct span minted_by, const char *reason,
                                  const char *traceparent, int64_t *count, struct error *e)
{
        CLEANUP(id_list_fini) struct id_list found = {.n = 0};
        struct store_stmt *st;
        enum status s = STATUS_OK;
        TRY(store_query(tx->db,
                        "SELECT id FROM keys WHERE minted_by = $1 AND state < 3 AND dies_at > $2",
                        &st, e, "ti", minted_by, tx->now_ms));
        while (s == STATUS_OK && store_next(st))
                s = id_list_put(&found, store_text(st, 0), e);
        enum status done = store_done(st, s == STATUS_OK ? e : NULL);
        if (s != STATUS_OK || done != STATUS_OK)
                return s != STATUS_OK ? s : done;
        return revoke_all(tx, &found, reason, traceparent, count, e);
}

enum status keys_revoke_in(struct ledger_tx *tx, const struct key_selector *sel, const char *reason,
                           const char *traceparent, int64_t *ret_revoked, struct error *e)
{
        CLEANUP(arena_fini) struct arena a;
        CLEANUP(id_list_fini) struct id_list found = {.n = 0};
        struct key_scope scope = {.app = sel->app,
                                  .state = KEY_STATE_LIVE,
                                  .now_ms = tx->now_ms,
                                  .upstream_state = -1};
        int64_t revoked = 0;
        arena_init(&a, 8192);
        if (!sel->user.p && !sel->resource.p && !sel->app.p && !sel->n_ids)
                return error_set(e, STATUS_INVALID, "empty-selector", NULL,
                                 "Say which keys: user, resource, app or ids.");
        if (sel->resource.p)
                TRY(resource_read(sel->resource, &scope.resource, e));
        TRY(key_scope_user(tx->db, sel->user, &a, &scope.user_id, e));
        TRY(sel->n_ids ? gather_ids(tx, sel, &scope, &found, e)
                       : gather_scope(tx, &scope, &found, e));
        TRY(revoke_all(tx, &found, reason, traceparent, &revoked, e));
        *ret_revoked = revoked;
        return STATUS_OK;
}

/* ---- the command ---- */

static void set_target(struct domain_command *base, const struct key_selector *sel)
{
        if (sel->n_ids == 1)
                domain_target(base, "key", sel->ids[0]);
        else if (sel->resource.p)
                domain_target(base, "resource", sel->resource);
        else if (sel->user.p)
                domain_target(base, "user", sel->user);
        else if (sel->app.p)
                domain_target(base, "app", sel->app);
        else
                domain_target(base, "key", SPAN_NONE);
}

static enum status key_revoke_run(struct ledger_tx *tx, struct domain_command *base,
                                  struct error *e)
{
        struct key_revoke *c = (struct key_revoke *)base;
        set_target(base, &c->selector);
        TRY(keys_revoke_in(tx, &c->selector, c->reason ? c->reason : KEY_REASON_REVOKED,
                           base->audit.traceparent, &c->revoked, e));
        base->audit.count = c->revoked;
        return STATUS_OK;
}

enum status key_revoke_new(struct domain *d, struct settings *s, struct key_revoke **ret,
                           struct error *e)
{
        struct key_revoke *c;
        TRY(domain_command_new(d, s, sizeof *c, (size_t)1 << 20, &c, e));
        c->base.run = key_revoke_run;
        c->base.audit.action = "key.revoke";
        c->base.base.is_revocation = true;
        *ret = c;
        return STATUS_OK;
}
