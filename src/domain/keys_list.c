/* Keys shown: one, and pages of them. */
#include "domain/keys.h"
#include "domain/names.h"
#include "domain/upstreams.h"

#include <chatelaine/codec_json.h>

#include <stdio.h>

#define SCAN_MAX                                                                         \
        10000 /* rows looked at for one page: what the caller may not see is passed over \
               */

static enum status write_named(struct store_conn *db, struct span key_id, struct buf *out,
                               struct error *e)
{
        struct store_stmt *st;
        TRY(store_query(db,
                        "SELECT resource FROM key_resources WHERE key_id = $1 AND is_named = 1"
                        " ORDER BY resource",
                        &st, e, "t", key_id));
        json_key(out, "resources");
        json_arr_open(out);
        while (store_next(st))
                json_text(out, store_text(st, 0));
        json_arr_close(out);
        return store_done(st, e);
}

enum status key_write_members(struct store_conn *db, const struct key_row *k, struct buf *out,
                              struct error *e)
{
        char subject[SUBJECT_SIZE];
        subject_of("keys", k->id, subject);
        json_member_text(out, "id", k->id);
        json_member_text(out, "user", k->user_id);
        json_member_text(out, "user_name", k->user_name);
        json_member_text(out, "name", k->name);
        json_member_text(out, "app", k->app);
        json_member_text(out, "state", span_of(key_state_name(k->state)));
        json_member_text(out, "reason", k->reason);
        json_key(out, "grants");
        TRY(grants_write(db, subject, out, e));
        TRY(write_named(db, k->id, out, e));
        json_member_time(out, "created_at", k->created_at);
        json_member_time(out, "updated_at", k->updated_at);
        json_member_time(out, "expires_at", k->dies_at);
        json_member_time(out, "ended_at", k->ended_at ? k->ended_at : -1);
        json_member_text(out, "minted_by", k->minted_by);
        json_member_text(out, "parent", k->parent_key_id);
        json_member_text(out, "predecessor", k->predecessor_id);
        json_member_text(out, "successor", k->successor_id);
        TRY(upstream_write(db, k->id, out, e));
        return buf_check(out, e);
}

enum status key_write(struct store_conn *db, const struct key_row *k, struct buf *out,
                      struct error *e)
{
        json_obj_open(out);
        TRY(key_write_members(db, k, out, e));
        json_obj_close(out);
        return buf_check(out, e);
}

/* ---- pages ---- */

static enum status scope_of(struct store_conn *db, const struct key_filter *f, int64_t now_ms,
                            struct arena *a, struct key_scope *ret, struct error *e)
{
        *ret = (struct key_scope){
                .app = f->app,
                .state = f->has_state ? (int)f->state : KEY_STATE_ANY,
                .expires_before_ms = f->expires_before_ms,
                .upstream_state = f->has_upstream_state ? (int)f->upstream_state : -1,
                .now_ms = now_ms,
        };
        if (f->resource.p)
                TRY(resource_read(f->resource, &ret->resource, e));
        return key_scope_user(db, f->user, a, &ret->user_id, e);
}

struct listing {
        struct store_conn *db;
        const struct key_scope *scope;
        const struct principal *visible;
        struct buf *out;
};

/* One candidate: shown when it matches and may be seen. Its own arena, so that a page's memory is
 * one row's. */
static enum status list_row(const struct listing *l, const struct key_row *k, bool *ret_is_shown,
                            struct error *e)
{
        bool is_match = true;
        if (l->scope->resource.p)
                TRY(key_is_bound(l->db, k->id, l->scope->resource, &is_match, e));
        if (is_match && l->visible)
                is_match = key_may(l->db, k, l->visible, "keys:read", NULL) == STATUS_OK;
        if (is_match)
                TRY(key_write(l->db, k, l->out, e));
        *ret_is_shown = is_match;
        return STATUS_OK;
}

static enum status list_rows(const struct listing *l, struct store_stmt *st, unsigned limit,
                             char last[ID_HEX24_SIZE], bool *ret_is_more, struct error *e)
{
        *ret_is_more = false;
        for (unsigned n = 0, looked = 0; store_next(st); looked++) {
                CLEANUP(arena_fini) struct arena a;
                struct key_row k;
                bool is_shown;
                arena_init(&a, 16384);
                *ret_is_more = n == limit || looked == SCAN_MAX;
                if (*ret_is_more)
                        return STATUS_OK;
                TRY(key_row_read(st, l->scope->now_ms, &a, &k, e));
                TRY(list_row(l, &k, &is_shown, e));
                snprintf(last, ID_HEX24_SIZE, "%.*s", (int)k.id.len, k.id.p);
                n += is_shown;
        }
        return STATUS_OK;
}

enum status key_list(struct store_conn *db, const struct key_filter *f, const struct page *p,
                     int64_t now_ms, const struct principal *visible, struct buf *out,
                     struct error *e)
{
        CLEANUP(arena_fini) struct arena a;
        arena_init(&a, 8192);
        struct key_scope scope;
        struct listing l = {.db = db, .scope = &scope, .visible = visible, .out = out};
        const char *after;
        char last[ID_HEX24_SIZE] = "";
        bool is_more = false;
        TRY(scope_of(db, f, now_ms, &a, &scope, e));
        TRY(cursor_read_text(p->cursor, &a, &after, e));
        scope.after_id = span_of(after);

        struct store_stmt *st;
        page_open(out);
        TRY(keys_scan(db, &scope, &st, e));
        enum status s = list_rows(&l, st, p->limit, last, &is_more, e);
        enum status done = store_done(st, s == STATUS_OK ? e : NULL);
        if (s != STATUS_OK || done != STATUS_OK)
                return s != STATUS_OK ? s : done;
        return page_close(out, is_more ? span_of(last) : SPAN_NONE, e);
}
