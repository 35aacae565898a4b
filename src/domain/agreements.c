#include "domain/apps.h"
#include "domain/names.h"

#include <chatelaine/codec_json.h>

static enum status find_app(struct ledger_tx *tx, struct span slug, int64_t *ret_id,
                            int64_t *ret_version, struct error *e)
{
        struct store_stmt *st;
        TRY(store_query(tx->db,
                        "SELECT id, agreement_version FROM apps WHERE slug = $1"
                        " AND deleted_at IS NULL",
                        &st, e, "t", slug));
        bool is_found = store_next(st);
        if (is_found) {
                *ret_id = store_int(st, 0);
                *ret_version = store_int(st, 1);
        }
        TRY(store_done(st, e));
        if (!is_found)
                return error_set(e, STATUS_NOT_FOUND, "app-not-found", NULL,
                                 "There is no app of this name.");
        return STATUS_OK;
}

static enum status drop(struct ledger_tx *tx, int64_t app_id, int64_t user_number, int64_t *ret_n,
                        struct error *e)
{
        TRY(store_exec(tx->db,
                       "DELETE FROM agreement_scopes WHERE app_id = $1 AND user_number = $2", NULL,
                       e, "ii", app_id, user_number));
        return store_exec(tx->db, "DELETE FROM agreements WHERE app_id = $1 AND user_number = $2",
                          ret_n, e, "ii", app_id, user_number);
}

static enum status grant_scope(struct ledger_tx *tx, int64_t app_id, int64_t user_number,
                               struct span scope, struct error *e)
{
        int64_t n;
        enum status s = store_int_of(tx->db,
                                     "SELECT 1 FROM app_scopes WHERE app_id = $1 AND scope = $2"
                                     " AND is_optional = 1",
                                     &n, e, "it", app_id, scope);
        if (s == STATUS_NOT_FOUND)
                return error_set(e, STATUS_INVALID, "unknown-scope", "/optional_scopes",
                                 "\"%.*s\" is not an optional scope of the app.", (int)scope.len,
                                 scope.p);
        TRY(s);
        return store_exec(
                tx->db,
                "INSERT INTO agreement_scopes (app_id, user_number, scope)"
                " VALUES ($1, $2, $3) ON CONFLICT (app_id, user_number, scope) DO NOTHING",
                NULL, e, "iit", app_id, user_number, scope);
}

/* A new agreement takes the place of the user's old one. */
static enum status change_run(struct ledger_tx *tx, struct domain_command *base, struct error *e)
{
        struct agreement_change *c = (struct agreement_change *)base;
        int64_t app_id, version, n;
        TRY(find_app(tx, c->slug, &app_id, &version, e));
        TRY(drop(tx, app_id, c->user_number, &n, e));
        if (c->is_delete) {
                if (n == 0)
                        return error_set(e, STATUS_NOT_FOUND, "agreement-not-found", NULL,
                                         "The user has no agreement with the app.");
                return STATUS_OK;
        }
        TRY(store_exec(tx->db,
                       "INSERT INTO agreements (app_id, user_number, agreement_version, agreed_at)"
                       " VALUES ($1, $2, $3, $4)",
                       NULL, e, "iiii", app_id, c->user_number, version, tx->now_ms));
        for (size_t i = 0; i < c->n; i++)
                TRY(grant_scope(tx, app_id, c->user_number, c->optional_scopes[i], e));
        return STATUS_OK;
}

static enum status change_prepare(struct domain_command *base, struct error *e)
{
        struct agreement_change *c = (struct agreement_change *)base;
        base->audit.action = c->is_delete ? "agreement.delete" : "agreement.create";
        base->base.is_revocation = c->is_delete;
        domain_target(base, "app", c->slug);
        if (c->user_number < 1)
                return error_set(e, STATUS_INVALID, "invalid-user", "/user_id",
                                 "user_id is a user's number, 1 or more.");
        return scopes_check(c->optional_scopes, c->is_delete ? 0 : c->n, NULL, 0, e);
}

#define ARENA_BYTES_MAX ((size_t)256 << 10)

enum status agreement_change_new(struct domain *d, struct settings *s,
                                 struct agreement_change **ret, struct error *e)
{
        struct agreement_change *c;
        TRY(domain_command_new(d, s, sizeof *c, ARENA_BYTES_MAX, &c, e));
        c->base.prepare = change_prepare;
        c->base.run = change_run;
        *ret = c;
        return STATUS_OK;
}

/* ---- queries ---- */

static enum status write_scopes(struct store_conn *db, int64_t app_id, int64_t user_number,
                                struct buf *out, struct error *e)
{
        struct store_stmt *st;
        TRY(store_query(db,
                        "SELECT scope FROM agreement_scopes WHERE app_id = $1 AND user_number = $2"
                        " ORDER BY scope",
                        &st, e, "ii", app_id, user_number));
        json_arr_open(out);
        while (store_next(st))
                json_text(out, store_text(st, 0));
        json_arr_close(out);
        return store_done(st, e);
}

static enum status write_rows(struct store_conn *db, struct store_stmt *st, int64_t app_id,
                              unsigned limit, struct buf *out, int64_t *ret_last, bool *ret_is_more,
                              struct error *e)
{
        for (unsigned n = 0; store_next(st); n++) {
                *ret_is_more = n == limit;
                if (*ret_is_more)
                        break;
                *ret_last = store_int(st, 0);
                json_obj_open(out);
                json_member_int(out, "user_id", *ret_last);
                json_key(out, "optional_scopes");
                TRY(write_scopes(db, app_id, *ret_last, out, e));
                json_member_time(out, "agreed_at", store_int(st, 1));
                json_obj_close(out);
        }
        return STATUS_OK;
}

enum status agreement_list(struct store_conn *db, struct span slug, const struct page *p,
                           struct buf *out, struct error *e)
{
        struct store_stmt *st;
        int64_t app_id, after, last = 0;
        bool is_more = false;
        enum status s =
                store_int_of(db, "SELECT id FROM apps WHERE slug = $1 AND deleted_at IS NULL",
                             &app_id, e, "t", slug);
        if (s == STATUS_NOT_FOUND)
                return error_set(e, STATUS_NOT_FOUND, "app-not-found", NULL,
                                 "There is no app of this name.");
        TRY(s);
        TRY(cursor_read_int(p->cursor, &after, e));
        TRY(store_query(db,
                        "SELECT user_number, agreed_at FROM agreements"
                        " WHERE app_id = $1 AND user_number > $2 ORDER BY user_number LIMIT $3",
                        &st, e, "iii", app_id, after, (int64_t)p->limit + 1));
        page_open(out);
        TRY(rows_end(st, write_rows(db, st, app_id, p->limit, out, &last, &is_more, e), e));
        return page_close_int(out, is_more, last, e);
}
