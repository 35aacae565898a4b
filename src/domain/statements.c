/* Who holds what, as rows. */
#include "domain/roles.h"

#include <chatelaine/codec_json.h>

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
        return store_exec(tx->db,
                          "INSERT INTO statements (subject, resource, role, permission)"
                          " VALUES ($1, $2, $3, $4)",
                          NULL, e, "sttt", subject, resource, role.id, permission);
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
        return store_exec(tx->db, "DELETE FROM statements WHERE subject = $1", NULL, e, "s",
                          subject);
}

enum status grants_write(struct store_conn *db, const char *subject, struct buf *out,
                         struct error *e)
{
        struct store_stmt *st;
        TRY(store_query(db,
                        "SELECT s.resource, s.permission, s.role, r.name"
                        " FROM statements s LEFT JOIN roles r ON r.id = s.role"
                        " WHERE s.subject = $1 ORDER BY s.id",
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
