/* Service clients as rows: found, judged, written. */
#include "domain/clients.h"
#include "domain/names.h"

#include <chatelaine/codec_json.h>
#include <stdio.h>

#define SCAN_MAX 10000 /* rows looked at for one page */

bool client_id_is(struct span text)
{
        if (text.len != CLIENT_ID_SIZE - 1 || !span_starts(text, CLIENT_PREFIX))
                return false;
        for (size_t i = sizeof CLIENT_PREFIX - 1; i < text.len; i++)
                if (!(text.p[i] >= 'a' && text.p[i] <= 'z') &&
                    !(text.p[i] >= '0' && text.p[i] <= '9'))
                        return false;
        return true;
}

enum status client_not_found(struct error *e)
{
        return error_set(e, STATUS_NOT_FOUND, "client-not-found", NULL, "There is no such client.");
}

bool client_rate_window(struct span duration, int64_t *ret_ms)
{
        static const struct {
                const char *text;
                int64_t ms;
        } windows[] = {
                {"PT0S", 0},
                {"PT5M", 300 * INT64_C(1000)},
                {"PT1H", 3600 * INT64_C(1000)},
                {"P1D", 86400 * INT64_C(1000)},
                {"P1M", 30 * 86400 * INT64_C(1000)},
        };
        for (size_t i = 0; i < sizeof windows / sizeof *windows; i++) {
                if (span_is(duration, windows[i].text)) {
                        *ret_ms = windows[i].ms;
                        return true;
                }
        }
        return false;
}

bool client_row_read(struct store_stmt *st, struct arena *a, struct client_row *ret)
{
        struct client_row c = {
                .created_at = store_int(st, 3),
                .updated_at = store_int(st, 4),
                .options = (unsigned)store_int(st, 5),
                .rate_quota = store_int(st, 8),
        };
        const struct {
                struct span *to;
                int column;
        } texts[] = {
                {&c.id, 0}, {&c.name, 1}, {&c.created_by, 2}, {&c.tags, 6}, {&c.rate_duration, 7}};
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
                struct span text = store_text(st, texts[i].column);
                *texts[i].to = arena_span(a, text);
                if (text.p && !texts[i].to->p)
                        return false;
        }
        if (c.rate_duration.p)
                (void)client_rate_window(c.rate_duration, &c.rate_window_ms);
        *ret = c;
        return true;
}

/* Ends the query `st`. */
static enum status one_row(struct store_stmt *st, struct arena *a, struct client_row *ret,
                           struct error *e)
{
        struct client_row row;
        bool is_found = store_next(st), has_all = is_found && client_row_read(st, a, &row);
        TRY(store_done(st, e));
        if (!is_found)
                return client_not_found(e);
        if (!has_all)
                return error_no_memory(e);
        *ret = row;
        return STATUS_OK;
}

enum status client_get(struct store_conn *db, struct span id, struct arena *a,
                       struct client_row *ret, struct error *e)
{
        struct store_stmt *st;
        TRY(store_query(db, "SELECT " CLIENT_COLUMNS " FROM clients WHERE id = $1", &st, e, "t",
                        id));
        return one_row(st, a, ret, e);
}

/* ---- the secret ---- */

static enum status refused(struct error *e)
{
        return error_set_http(e, STATUS_DENIED, 401, "invalid-client", NULL,
                              "the client is unknown or its secret is wrong");
}

/* What the row says; for an unknown client a hash that nothing has, so that it takes as long. */
static enum status secret_hash(struct store_conn *db, struct span id, uint8_t hash[32],
                               uint32_t *ret_pepper, struct error *e)
{
        struct store_stmt *st;
        memset(hash, 0, 32);
        *ret_pepper = 0;
        TRY(store_query(db, "SELECT hash, pepper FROM clients WHERE id = $1", &st, e, "t", id));
        if (store_next(st) && store_blob(st, 0).len == 32) {
                memcpy(hash, store_blob(st, 0).p, 32);
                *ret_pepper = (uint32_t)store_int(st, 1);
        }
        return store_done(st, e);
}

enum status client_check_secret(struct domain *d, struct store_conn *db, struct span id,
                                struct span secret, struct arena *a, struct client_row *ret,
                                struct error *e)
{
        uint8_t stored[32], given[32];
        uint32_t pepper;
        if (!client_id_is(id) || !token_check(CLIENT_SECRET_PREFIX, secret))
                return refused(e);
        TRY(secret_hash(db, id, stored, &pepper, e));
        TRY(secrets_hash(domain_secrets(d), secret, pepper, given, NULL, e));
        if (!crypto_equal(stored, given, sizeof stored) || !pepper)
                return refused(e);
        enum status s = client_get(db, id, a, ret, e);
        return s == STATUS_NOT_FOUND ? refused(e) : s;
}

/* ---- where it may redirect ---- */

enum status client_may_redirect(struct store_conn *db, struct span id, struct span uri, bool *ret,
                                struct error *e)
{
        int64_t n = 0;
        TRY(store_int_of(db,
                         "SELECT count(*) FROM client_redirects WHERE client_id = $1 AND uri = $2",
                         &n, e, "tt", id, uri));
        *ret = n == 1;
        return STATUS_OK;
}

/* ---- as JSON ---- */

static enum status write_redirects(struct store_conn *db, struct span id, struct buf *out,
                                   struct error *e)
{
        struct store_stmt *st;
        TRY(store_query(db, "SELECT uri FROM client_redirects WHERE client_id = $1 ORDER BY uri",
                        &st, e, "t", id));
        json_key(out, "redirect_uris");
        json_arr_open(out);
        while (store_next(st))
                json_text(out, store_text(st, 0));
        json_arr_close(out);
        return store_done(st, e);
}

enum status client_write_members(struct store_conn *db, const struct client_row *c, struct buf *out,
                                 struct error *e)
{
        char subject[SUBJECT_SIZE];
        subject_of("clients", c->id, subject);
        json_member_text(out, "client_id", c->id);
        json_member_text(out, "name", c->name);
        TRY(write_redirects(db, c->id, out, e));
        json_key(out, "grants");
        TRY(grants_write(db, subject, out, e));
        json_member_text(out, "created_by", c->created_by);
        json_member_time(out, "created_at", c->created_at);
        json_member_time(out, "updated_at", c->updated_at);
        return buf_check(out, e);
}

enum status client_write(struct store_conn *db, const struct client_row *c, struct buf *out,
                         struct error *e)
{
        json_obj_open(out);
        TRY(client_write_members(db, c, out, e));
        json_obj_close(out);
        return buf_check(out, e);
}

static bool is_visible(const struct principal *visible, struct span id)
{
        return !visible || client_may(visible, CLIENT_READ, id, NULL) == STATUS_OK;
}

/* One at a time: writing a client asks for its statements meanwhile. */
enum status client_next(struct store_conn *db, const struct principal *visible,
                        char after[CLIENT_ID_SIZE], unsigned *budget, struct arena *a,
                        struct client_row *ret, bool *ret_is_found, struct error *e)
{
        *ret_is_found = false;
        while (*budget) {
                struct store_stmt *st;
                struct client_row row;
                TRY(store_query(db,
                                "SELECT " CLIENT_COLUMNS
                                " FROM clients WHERE id > $1 ORDER BY id LIMIT 1",
                                &st, e, "s", after));
                enum status s = one_row(st, a, &row, e);
                if (s != STATUS_OK)
                        return s == STATUS_NOT_FOUND ? STATUS_OK : s;
                (*budget)--;
                snprintf(after, CLIENT_ID_SIZE, "%.*s", (int)row.id.len, row.id.p);
                *ret_is_found = is_visible(visible, row.id);
                if (*ret_is_found) {
                        *ret = row;
                        return STATUS_OK;
                }
        }
        return STATUS_OK;
}

enum status client_list(struct store_conn *db, const struct page *p,
                        const struct principal *visible, struct buf *out, struct error *e)
{
        CLEANUP(arena_fini) struct arena own;
        const char *start;
        char after[CLIENT_ID_SIZE], last[CLIENT_ID_SIZE] = "";
        bool is_found = true;
        unsigned budget = SCAN_MAX;
        arena_init(&own, 4096);
        TRY(cursor_read_text(p->cursor, &own, &start, e));
        snprintf(after, sizeof after, "%s", start);
        page_open(out);
        for (unsigned n = 0;; n++) {
                CLEANUP(arena_fini) struct arena a;
                struct client_row row;
                arena_init(&a, 64 * 1024);
                TRY(client_next(db, visible, after, &budget, &a, &row, &is_found, e));
                if (!is_found || n == p->limit)
                        break;
                TRY(client_write(db, &row, out, e));
                snprintf(last, sizeof last, "%s", after);
        }
        if (!is_found && !budget) /* there may be more */
                snprintf(last, sizeof last, "%s", after);
        return page_close(out, is_found || !budget ? span_of(last) : SPAN_NONE, e);
}
