/* Who holds what, as rows. */
#include "domain/holdings.h"
#include "domain/roles.h"

#include <chatelaine/codec_json.h>
#include <chatelaine/domain_access_keys.h>

static enum status add_one(struct ledger_tx *tx, const char *subject, const struct grant *g,
                           struct error *e)
{
        CLEANUP(arena_fini) struct arena a;
        arena_init(&a, 4096);
        struct span resource, permission = SPAN_NONE;
        struct role_row role = {.id = SPAN_NONE};
        TRY(resource_read(g->resource, &resource, e));
        if (g->permission.p)
                TRY(action_read(g->permission, &permission, e));
        else
                TRY(role_find(tx->db, g->role, &a, &role, e));
        TRY(access_keys_bind_in(tx, span_of(subject), resource, e));
        return store_exec(tx->db,
                          "INSERT INTO statements (subject, resource, stem, role, permission)"
                          " VALUES ($1, $2, $3, $4, $5)",
                          NULL, e, "stttt", subject, resource, resource_stem(resource), role.id,
                          permission);
}

enum status grants_add(struct ledger_tx *tx, const char *subject, const struct grant *list,
                       size_t n, struct error *e)
{
        for (size_t i = 0; i < n; i++)
                TRY(add_one(tx, subject, &list[i], e));
        return STATUS_OK;
}

enum status grants_remove_subject(struct ledger_tx *tx, const char *subject, struct error *e)
{
        static const char *const tables[] = {"DELETE FROM statements WHERE subject = $1",
                                             "DELETE FROM group_members WHERE subject = $1",
                                             "DELETE FROM admins WHERE subject = $1"};
        for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
                TRY(store_exec(tx->db, tables[i], NULL, e, "s", subject));
        return STATUS_OK;
}

enum status grants_replace(struct ledger_tx *tx, const char *subject, const struct grant *list,
                           size_t n, struct error *e)
{
        TRY(store_exec(tx->db, "DELETE FROM statements WHERE subject = $1 AND record_id IS NULL",
                       NULL, e, "s", subject));
        return grants_add(tx, subject, list, n, e);
}

enum status grants_write(struct store_conn *db, const char *subject, struct buf *out,
                         struct error *e)
{
        struct store_stmt *st;
        TRY(store_query(db,
                        "SELECT s.resource, s.permission, s.role, r.name"
                        " FROM statements s LEFT JOIN roles r ON r.id = s.role"
                        " WHERE s.subject = $1 AND s.record_id IS NULL ORDER BY s.id",
                        &st, e, "s", subject));
        json_arr_open(out);
        while (store_next(st)) {
                json_obj_open(out);
                if (!store_is_null(st, 1))
                        json_member_text(out, "permission", store_text(st, 1));
                else
                        json_member_text(out, "role", store_text(st, store_is_null(st, 3) ? 2 : 3));
                json_member_text(out, "resource", store_text(st, 0));
                json_obj_close(out);
        }
        json_arr_close(out);
        TRY(store_done(st, e));
        return buf_check(out, e);
}

/* One more of `sql`'s rows: resource, role, permission. */
static enum status put_grant(struct store_stmt *st, struct arena *a, struct grant **list, size_t *n,
                             size_t *room, struct error *e)
{
        if (*n == *room) {
                size_t more = *room ? 2 * *room : 8;
                struct grant *grown = arena_alloc(a, more * sizeof *grown);
                if (!grown)
                        return error_no_memory(e);
                if (*n)
                        memcpy(grown, *list, *n * sizeof *grown);
                *list = grown;
                *room = more;
        }
        struct grant g = {.resource = arena_span(a, store_text(st, 0))};
        if (!store_is_null(st, 1))
                g.role = arena_span(a, store_text(st, 1));
        else
                g.permission = arena_span(a, store_text(st, 2));
        if (!g.resource.p || (!g.role.p && !g.permission.p))
                return error_no_memory(e);
        (*list)[(*n)++] = g;
        return STATUS_OK;
}

enum status grants_list(struct store_conn *db, const char *subject, struct arena *a,
                        struct grant **ret, size_t *ret_n, struct error *e)
{
        struct store_stmt *st;
        struct grant *list = NULL;
        size_t n = 0, room = 0;
        enum status status = STATUS_OK;
        TRY(store_query(db,
                        "SELECT resource, role, permission FROM statements"
                        " WHERE subject = $1 AND record_id IS NULL ORDER BY id",
                        &st, e, "s", subject));
        while (status == STATUS_OK && store_next(st))
                status = put_grant(st, a, &list, &n, &room, e);
        enum status done = store_done(st, status == STATUS_OK ? e : NULL);
        if (status != STATUS_OK || done != STATUS_OK)
                return status != STATUS_OK ? status : done;
        *ret = list;
        *ret_n = n;
        return STATUS_OK;
}

struct holds {
        struct span role;
        bool is_held;
};

static bool hold_row(void *ctx, const struct holding *h)
{
        struct holds *holds = ctx;
        holds->is_held = span_equal(h->role, holds->role);
        return !holds->is_held;
}

enum status grants_hold(struct store_conn *db, const char *subject, const struct grant *asked,
                        bool *ret, struct error *e)
{
        CLEANUP(arena_fini) struct arena a;
        arena_init(&a, 256 * 1024);
        struct role_row role;
        struct span resource, inbox;
        TRY(resource_read(asked->resource, &resource, e));
        TRY(role_find(db, asked->role, &a, &role, e));
        TRY(resource_home(db, resource, &a, &inbox, e));
        struct holds holds = {.role = role.id};
        struct lookup lookup = {subject, resource, inbox, false, NULL};
        TRY(holdings_each(db, &lookup, hold_row, &holds, e));
        *ret = holds.is_held;
        return STATUS_OK;
}
