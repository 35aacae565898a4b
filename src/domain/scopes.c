#include "domain/apps.h"

#include <chatelaine/codec_json.h>

#define SCOPE_CHARACTERS_MAX 15
#define SCOPES_MAX 100 /* of one app */

bool scope_is_valid(struct span slug)
{
        if (!slug.p || slug.len < 1 || slug.len > SCOPE_CHARACTERS_MAX)
                return false;
        size_t colons = 0;
        for (size_t i = 0; i < slug.len; i++) {
                char c = slug.p[i];
                if (c == ':')
                        colons++;
                else if (c != '_' && (c < 'a' || c > 'z'))
                        return false;
                else if (c == '_' && i && slug.p[i - 1] == '_')
                        return false;
        }
        return colons <= 1;
}

enum status scopes_check(const struct span *a, size_t n_a, const struct span *b, size_t n_b,
                         struct error *e)
{
        if (n_a > SCOPES_MAX || n_b > SCOPES_MAX)
                return error_set(e, STATUS_INVALID, "invalid-scope", NULL,
                                 "An app has at most %d scopes of a kind.", SCOPES_MAX);
        for (size_t i = 0; i < n_a + n_b; i++) {
                struct span one = i < n_a ? a[i] : b[i - n_a];
                if (!scope_is_valid(one))
                        return error_set(e, STATUS_INVALID, "invalid-scope", NULL,
                                         "\"%.*s\" is not a scope.",
                                         (int)(one.len > 40 ? 40 : one.len), one.p ? one.p : "");
                for (size_t j = 0; j < i; j++) {
                        if (span_equal(one, j < n_a ? a[j] : b[j - n_a]))
                                return error_set(e, STATUS_INVALID, "invalid-scope", NULL,
                                                 "Scope \"%.*s\" is named twice.", (int)one.len,
                                                 one.p);
                }
        }
        return STATUS_OK;
}

enum status scopes_replace_in(struct ledger_tx *tx, int64_t app_id, bool is_optional,
                              const struct span *list, size_t n, struct error *e)
{
        TRY(store_exec(tx->db, "DELETE FROM app_scopes WHERE app_id = $1 AND is_optional = $2",
                       NULL, e, "ii", app_id, (int64_t)is_optional));
        for (size_t i = 0; i < n; i++)
                TRY(store_exec(tx->db,
                               "INSERT INTO app_scopes (app_id, scope, is_optional)"
                               " VALUES ($1, $2, $3) ON CONFLICT (app_id, scope)"
                               " DO UPDATE SET is_optional = excluded.is_optional",
                               NULL, e, "iti", app_id, list[i], (int64_t)is_optional));
        return STATUS_OK;
}

enum status scopes_write(struct store_conn *db, int64_t app_id, bool is_optional, struct buf *out,
                         struct error *e)
{
        struct store_stmt *st;
        TRY(store_query(db,
                        "SELECT scope FROM app_scopes WHERE app_id = $1 AND is_optional = $2"
                        " ORDER BY scope",
                        &st, e, "ii", app_id, (int64_t)is_optional));
        json_arr_open(out);
        while (store_next(st))
                json_text(out, store_text(st, 0));
        json_arr_close(out);
        TRY(store_done(st, e));
        return buf_check(out, e);
}

/* ---- what a request may ask for ---- */

/* Those that every request of the app has, and what the user agreed to as far as it is still
 * offered. */
static const char of_user[] =
        "SELECT s.scope FROM app_scopes s WHERE s.app_id = $1 AND (s.is_optional = 0 OR EXISTS"
        " (SELECT 1 FROM agreement_scopes a WHERE a.app_id = s.app_id AND a.user_number = $2"
        " AND a.scope = s.scope))";
static const char of_app[] = "SELECT scope FROM app_scopes WHERE app_id = $1 AND is_optional <= $2";

static enum status need_agreement(struct store_conn *db, int64_t app_id, int64_t user_number,
                                  struct error *e)
{
        int64_t n;
        enum status s =
                store_int_of(db, "SELECT 1 FROM agreements WHERE app_id = $1 AND user_number = $2",
                             &n, e, "ii", app_id, user_number);
        if (s == STATUS_NOT_FOUND)
                return error_set_http(e, STATUS_DENIED, 400, "agreement-not-accepted", NULL,
                                      "User has not accepted the agreement");
        return s;
}

static enum status collect(struct store_stmt *st, struct arena *a, struct app_scopes *ret,
                           struct error *e)
{
        bool has_room = true;
        while (has_room && store_next(st)) {
                struct span *slot = &ret->list[ret->n];
                has_room = ret->n < 2 * SCOPES_MAX;
                if (has_room) {
                        *slot = arena_span(a, store_text(st, 0));
                        has_room = slot->p != NULL;
                        ret->n += has_room;
                }
        }
        TRY(store_done(st, e));
        return has_room ? STATUS_OK : error_no_memory(e);
}

enum status app_scopes_of(struct store_conn *db, const struct app_row *app,
                          enum app_scope_mode mode, bool has_user, int64_t user_number,
                          struct arena *a, struct app_scopes *ret, struct error *e)
{
        struct app_scopes scopes = {.is_all = !app->require_agreement};
        struct store_stmt *st;

        if (scopes.is_all) {
                *ret = scopes;
                return STATUS_OK;
        }
        scopes.list = arena_alloc(a, 2 * SCOPES_MAX * sizeof *scopes.list);
        if (!scopes.list)
                return error_no_memory(e);
        if (mode == APP_SCOPE_LINK && has_user) {
                TRY(need_agreement(db, app->id, user_number, e));
                TRY(store_query(db, of_user, &st, e, "ii", app->id, user_number));
        } else {
                TRY(store_query(db, of_app, &st, e, "ii", app->id,
                                (int64_t)(mode == APP_SCOPE_SIGNATURE)));
        }
        TRY(collect(st, a, &scopes, e));
        *ret = scopes;
        return STATUS_OK;
}

bool app_scopes_have(const struct app_scopes *s, const char *scope)
{
        if (s->is_all)
                return true;
        for (size_t i = 0; i < s->n; i++) {
                if (span_is(s->list[i], scope))
                        return true;
        }
        return false;
}

#define TYPED "webhook:" /* "webhook:invoice" */

bool app_scopes_have_webhook(const struct app_scopes *s)
{
        if (app_scopes_have(s, "webhook"))
                return true;
        for (size_t i = 0; i < s->n; i++) {
                if (span_starts(s->list[i], TYPED))
                        return true;
        }
        return false;
}

bool app_scopes_cover_type(const struct app_scopes *s, struct span type)
{
        if (app_scopes_have(s, "webhook"))
                return true;
        for (size_t i = 0; i < s->n; i++) {
                if (!span_starts(s->list[i], TYPED))
                        continue;
                size_t n = s->list[i].len - strlen(TYPED);
                if (n && type.len > n && type.p[n] == '.' &&
                    memcmp(type.p, s->list[i].p + strlen(TYPED), n) == 0)
                        return true;
        }
        return false;
}
