#include "domain/domain.h"
#include "domain/names.h"
#include "domain/webhooks.h"

#include <chatelaine/codec_json.h>

#define COLUMNS                                                                              \
        "w.id, p.slug, w.user_id, w.external_id, w.type, w.status, w.processed, w.attempts," \
        " w.status_text, w.version, w.received_at, w.updated_at, w.data"
#define FROM " FROM first_party_webhook_log w JOIN apps p ON p.id = w.app_id"
enum {
        ID,
        APP,
        USER_ID,
        EXTERNAL_ID,
        TYPE,
        STATUS,
        PROCESSED,
        ATTEMPTS,
        STATUS_TEXT,
        VERSION,
        RECEIVED_AT,
        UPDATED_AT,
        DATA
};

static void write_row(struct store_stmt *st, struct buf *out)
{
        int64_t user = store_int(st, USER_ID);
        json_obj_open(out);
        json_member_int(out, "log_id", store_int(st, ID));
        json_member_text(out, "app", store_text(st, APP));
        if (user)
                json_member_int(out, "user_id", user);
        else
                json_member_null(out, "user_id");
        json_member_text(out, "external_id", store_text(st, EXTERNAL_ID));
        json_member_text(out, "type", store_text(st, TYPE));
        json_member_raw(out, "data", store_text(st, DATA));
        json_member_text(out, "status",
                         span_of(webhook_status_name((enum webhook_status)store_int(st, STATUS))));
        json_member_bool(out, "processed", store_int(st, PROCESSED) != 0);
        json_member_int(out, "attempts", store_int(st, ATTEMPTS));
        json_member_text(out, "status_text", store_text(st, STATUS_TEXT));
        json_member_int(out, "version", store_int(st, VERSION));
        json_member_time(out, "received_at", store_int(st, RECEIVED_AT));
        json_member_time(out, "updated_at", store_int(st, UPDATED_AT));
        json_obj_close(out);
}

enum status webhook_write(struct store_conn *db, int64_t log_id, struct span *ret_app,
                          struct arena *a, struct buf *out, struct error *e)
{
        struct store_stmt *st;
        TRY(store_query(db, "SELECT " COLUMNS FROM " WHERE w.id = $1", &st, e, "i", log_id));
        bool is_found = store_next(st);
        struct span app = SPAN_NONE;
        if (is_found) {
                app = arena_span(a, store_text(st, APP));
                write_row(st, out);
        }
        TRY(store_done(st, e));
        if (!is_found)
                return error_set(e, STATUS_NOT_FOUND, "webhook-not-found", NULL,
                                 "There is no webhook with this id.");
        if (!app.p)
                return error_no_memory(e);
        *ret_app = app;
        return buf_check(out, e);
}

/* ---- lists ---- */

#define FILTER                                                                          \
        " AND (cast($3 as text) IS NULL OR w.type = $3) AND ($4 < 0 OR w.user_id = $4)" \
        " AND ($5 < 0 OR w.status = $5) AND w.received_at >= $6 AND w.received_at < $7" \
        " AND w.id > $8 ORDER BY w.id LIMIT $9"

/* By what the index leads to, else in the order of ids. */
static const char by_key[] =
        "SELECT " COLUMNS FROM " WHERE w.app_id IN (SELECT a.id FROM apps a WHERE a.slug = $1)"
        " AND w.external_id = $2" FILTER;
static const char by_external_id[] =
        "SELECT " COLUMNS FROM
        " WHERE w.app_id IN (SELECT a.id FROM apps a) AND cast($1 as text) IS NULL"
        " AND w.external_id = $2" FILTER;
/* CROSS JOIN: SQLite keeps the order, and so reads rows by id instead of sorting all of them. */
static const char by_id[] = "SELECT " COLUMNS " FROM first_party_webhook_log w CROSS JOIN apps p"
                            " WHERE p.id = w.app_id AND (cast($1 as text) IS NULL OR p.slug = $1)"
                            " AND cast($2 as text) IS NULL" FILTER;

struct listing {
        const struct principal *visible;
        unsigned limit, n;
        int64_t last;
        bool is_more;
        char app[64];  /* whose rows were judged last */
        bool may_read; /* and the judgement */
};

static bool is_visible(struct listing *l, struct span app)
{
        char resource[80];
        if (!l->visible)
                return true;
        if (span_is(app, l->app))
                return l->may_read;
        snprintf(l->app, sizeof l->app, "%.*s", (int)app.len, app.p);
        int n = snprintf(resource, sizeof resource, "webhooks/%s", l->app);
        l->may_read = grants_allow(l->visible, "webhooks:read", span_make(resource, (size_t)n));
        return l->may_read;
}

/* One slice of the table; rows that may not be seen take no place on the page. */
static enum status list_slice(struct store_conn *db, const char *sql,
                              const struct webhook_filter *f, unsigned slice, struct listing *l,
                              struct buf *out, unsigned *ret_rows, struct error *e)
{
        struct store_stmt *st;
        unsigned rows = 0;
        int64_t user = f->has_user ? f->user_id : -1,
                status = f->has_status ? (int64_t)f->status : -1;
        TRY(store_query(db, sql, &st, e, "tttiiiiii", f->app, f->external_id, f->type, user, status,
                        f->since_ms, f->until_ms ? f->until_ms : INT64_MAX, l->last,
                        (int64_t)slice));
        for (; !l->is_more && out->status == STATUS_OK && store_next(st); rows++) {
                bool can_be_seen = is_visible(l, store_text(st, APP));
                l->is_more = can_be_seen && l->n == l->limit;
                if (l->is_more)
                        break;
                l->last = store_int(st, ID);
                if (can_be_seen) {
                        write_row(st, out);
                        l->n++;
                }
        }
        TRY(store_done(st, e));
        *ret_rows = rows;
        return buf_check(out, e);
}

enum status webhook_list(struct store_conn *db, const struct webhook_filter *f,
                         const struct page *p, const struct principal *visible, struct buf *out,
                         struct error *e)
{
        struct listing l = {.visible = visible, .limit = p->limit};
        const char *sql = !f->external_id.p ? by_id : f->app.p ? by_key : by_external_id;
        unsigned rows, slice = p->limit + 1;

        TRY(cursor_read_int(p->cursor, &l.last, e));
        page_open(out);
        do
                TRY(list_slice(db, sql, f, slice, &l, out, &rows, e));
        while (!l.is_more && rows == slice);
        return page_close_int(out, l.is_more, l.last, e);
}

/* ---- the purge ---- */

/*
 * Ids grow with received_at, so the old rows are the first ones and no index on a time is needed.
 * A row that was updated since stays and is passed by; the next call goes on behind it.
 */
enum status webhooks_purge_in(struct ledger_tx *tx, int64_t before_ms, unsigned limit,
                              int64_t *ret_n, bool *ret_more, struct error *e)
{
        struct domain *d = tx_domain(tx);
        struct store_stmt *st;
        int64_t from = d->webhooks_purged_to, last = from, newest = 0, n = 0;
        bool is_old = true;
        unsigned rows = 0;

        TRY(store_query(tx->db,
                        "SELECT id, received_at FROM first_party_webhook_log WHERE id > $1"
                        " ORDER BY id LIMIT $2",
                        &st, e, "ii", from, (int64_t)limit));
        for (; is_old && store_next(st); rows += is_old) {
                is_old = store_int(st, 1) < before_ms;
                if (is_old)
                        last = store_int(st, 0);
        }
        TRY(store_done(st, e));
        /* The newest row keeps the ids growing: it is never purged. */
        if (rows) {
                TRY(store_int_of(tx->db,
                                 "SELECT id FROM first_party_webhook_log ORDER BY id DESC LIMIT 1",
                                 &newest, e, ""));
                TRY(store_exec(tx->db,
                               "DELETE FROM first_party_webhook_log WHERE id > $1 AND id <= $2"
                               " AND id < $3 AND updated_at < $4",
                               &n, e, "iiii", from, last, newest, before_ms));
        }
        *ret_more = rows == limit;
        d->webhooks_purged_to = *ret_more ? last : 0;
        *ret_n = n;
        return STATUS_OK;
}
