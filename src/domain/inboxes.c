/* Inboxes: names that documents lie under. */
#include "domain/names.h"

#include <chatelaine/codec_json.h>
#include <chatelaine/domain_documents.h>

static enum status find_by(struct store_conn *db, const char *sql, struct span value,
                           struct arena *a, struct span *ret_id, struct span *ret_name,
                           struct error *e)
{
        struct store_stmt *st;
        struct span id = SPAN_NONE, name = SPAN_NONE;
        TRY(store_query(db, sql, &st, e, "t", value));
        bool is_found = store_next(st);
        if (is_found) {
                id = arena_span(a, store_text(st, 0));
                name = arena_span(a, store_text(st, 1));
        }
        TRY(store_done(st, e));
        if (!is_found)
                return error_set(e, STATUS_NOT_FOUND, "inbox-not-found", NULL,
                                 "There is no such inbox.");
        if (!id.p || !name.p)
                return error_no_memory(e);
        *ret_id = id;
        *ret_name = name;
        return STATUS_OK;
}

enum status inbox_find(struct store_conn *db, struct span id_or_name, struct arena *a,
                       struct span *ret_id, struct span *ret_name, struct error *e)
{
        enum status s = find_by(db, "SELECT id, name FROM inboxes WHERE id = $1", id_or_name, a,
                                ret_id, ret_name, e);
        if (s != STATUS_NOT_FOUND)
                return s;
        return find_by(db, "SELECT id, name FROM inboxes WHERE name = $1", id_or_name, a, ret_id,
                       ret_name, e);
}

static bool is_visible(const struct principal *p, struct span id)
{
        char resource[512];
        if (!p)
                return true;
        int n = snprintf(resource, sizeof resource, "inboxes/%.*s", (int)id.len, id.p);
        struct span r = span_make(resource, (size_t)n);
        return grants_allow(p, "documents:read", r) || grants_allow(p, "documents:list", r);
}

enum status inbox_list(struct store_conn *db, const struct page *p, const struct principal *visible,
                       struct buf *out, struct error *e)
{
        CLEANUP(arena_fini) struct arena a;
        arena_init(&a, 4 << 20);
        const char *after;
        struct store_stmt *st;
        struct span last = SPAN_NONE;
        unsigned n = 0;
        bool is_more = false;
        TRY(cursor_read_text(p->cursor, &a, &after, e));
        page_open(out);
        TRY(store_query(db, "SELECT id, name, created_at FROM inboxes WHERE id > $1 ORDER BY id",
                        &st, e, "s", after));
        while (!is_more && store_next(st)) {
                struct span id = store_text(st, 0);
                if (!is_visible(visible, id))
                        continue;
                is_more = n == p->limit;
                if (is_more)
                        break;
                last = arena_span(&a, id);
                json_obj_open(out);
                json_member_text(out, "id", id);
                json_member_text(out, "name", store_text(st, 1));
                json_member_time(out, "created_at", store_int(st, 2));
                json_obj_close(out);
                n++;
        }
        TRY(store_done(st, e));
        return page_close(out, is_more ? last : SPAN_NONE, e);
}

enum status inbox_project(struct store_conn *db, struct span id, struct arena *a,
                          struct span *ret_project, struct error *e)
{
        struct store_stmt *st;
        struct span project = SPAN_NONE;
        TRY(store_query(db, "SELECT project FROM inboxes WHERE id = $1 AND project IS NOT NULL",
                        &st, e, "t", id));
        bool is_found = store_next(st);
        if (is_found)
                project = arena_span(a, store_text(st, 0));
        TRY(store_done(st, e));
        if (is_found && !project.p)
                return error_no_memory(e);
        *ret_project = project;
        return STATUS_OK;
}
