/* Documents: rows that keys are scoped to, and whether they are done. */
#include "domain/names.h"
#include "domain/resources.h"

#include <chatelaine/codec_json.h>

#include <stdio.h>

#define SCAN_MAX                                                                         \
        10000 /* rows looked at for one page: what the caller may not see is passed over \
               */

enum status document_inbox(struct store_conn *db, struct span id, struct arena *a,
                           struct span *ret_inbox, struct error *e)
{
        struct store_stmt *st;
        struct span inbox = SPAN_NONE;
        TRY(store_query(db, "SELECT inbox_id FROM documents WHERE id = $1", &st, e, "t", id));
        bool is_found = store_next(st);
        if (is_found)
                inbox = arena_span(a, store_text(st, 0));
        TRY(store_done(st, e));
        if (is_found && !inbox.p)
                return error_no_memory(e);
        *ret_inbox = inbox;
        return STATUS_OK;
}

enum status document_is_done(struct store_conn *db, struct span id, bool *ret, struct error *e)
{
        int64_t n = 0;
        TRY(store_int_of(db, "SELECT count(*) FROM tombstones WHERE document_id = $1", &n, e, "t",
                         id));
        *ret = n > 0;
        return STATUS_OK;
}

static void write_time(struct buf *out, const char *name, struct store_stmt *st, int col)
{
        json_member_time(out, name, store_is_null(st, col) ? -1 : store_int(st, col));
}

/* id, inbox_id, name, created_at, updated_at, done_at */
static void write_row(struct store_stmt *st, struct buf *out)
{
        json_obj_open(out);
        json_member_text(out, "id", store_text(st, 0));
        json_member_text(out, "inbox", store_text(st, 1));
        json_member_text(out, "name", store_text(st, 2));
        json_member_text(out, "status", span_of(store_is_null(st, 5) ? "open" : "done"));
        write_time(out, "done_at", st, 5);
        write_time(out, "created_at", st, 3);
        write_time(out, "updated_at", st, 4);
        json_obj_close(out);
}

enum status document_write(struct store_conn *db, struct span id, struct buf *out, struct error *e)
{
        struct store_stmt *st;
        TRY(store_query(db,
                        "SELECT x.id, d.inbox_id, d.name, d.created_at, d.updated_at, t.done_at"
                        " FROM (SELECT cast($1 as text) AS id) x"
                        " LEFT JOIN documents d ON d.id = x.id"
                        " LEFT JOIN tombstones t ON t.document_id = x.id"
                        " WHERE d.id IS NOT NULL OR t.document_id IS NOT NULL",
                        &st, e, "t", id));
        bool is_found = store_next(st);
        if (is_found)
                write_row(st, out);
        TRY(store_done(st, e));
        if (!is_found)
                return error_set(e, STATUS_NOT_FOUND, "document-not-found", NULL,
                                 "There is no such document.");
        return buf_check(out, e);
}

#define LIST_COLUMNS                                                             \
        "SELECT d.id, d.inbox_id, d.name, d.created_at, d.updated_at, t.done_at" \
        " FROM documents d LEFT JOIN tombstones t ON t.document_id = d.id WHERE d.id > $1"

static enum status list_query(struct store_conn *db, struct span inbox, const char *after,
                              struct store_stmt **ret, struct error *e)
{
        if (!inbox.p)
                return store_query(db, LIST_COLUMNS " ORDER BY d.id", ret, e, "s", after);
        return store_query(db, LIST_COLUMNS " AND d.inbox_id = $2 ORDER BY d.id", ret, e, "st",
                           after, inbox);
}

static bool is_visible(const struct principal *p, struct span inbox, struct span id)
{
        char resource[1024];
        if (!p)
                return true;
        int n = snprintf(resource, sizeof resource, "inboxes/%.*s/documents/%.*s", (int)inbox.len,
                         inbox.p, (int)id.len, id.p);
        struct span r = span_make(resource, (size_t)n);
        return grants_allow(p, "documents:list", r) || grants_allow(p, "documents:read", r);
}

enum status document_list(struct store_conn *db, struct span inbox, const struct page *p,
                          const struct principal *visible, struct buf *out, struct error *e)
{
        CLEANUP(arena_fini) struct arena a;
        arena_init(&a, 8 << 20);
        const char *after;
        struct store_stmt *st;
        struct span last = SPAN_NONE;
        bool is_more = false;
        TRY(cursor_read_text(p->cursor, &a, &after, e));
        page_open(out);
        TRY(list_query(db, inbox, after, &st, e));
        for (unsigned n = 0, looked = 0; !is_more && store_next(st); looked++) {
                is_more = n == p->limit || looked == SCAN_MAX;
                if (is_more)
                        break;
                last = arena_span(&a, store_text(st, 0));
                if (!is_visible(visible, store_text(st, 1), last))
                        continue;
                write_row(st, out);
                n++;
        }
        TRY(store_done(st, e));
        return page_close(out, is_more ? last : SPAN_NONE, e);
}

static enum status document_create_run(struct ledger_tx *tx, struct domain_command *base,
                                       struct error *e)
{
        struct document_create *c = (struct document_create *)base;
        struct span id = c->id.p ? c->id : span_of(c->new_id);
        struct span inbox, inbox_name, known;
        (c->id.p ? domain_target : domain_target_new)(base, "document", id);
        TRY(document_id_check(id, e));
        TRY(name_check(c->name, "/name", e));
        TRY(inbox_find(tx->db, c->inbox, &base->arena, &inbox, &inbox_name, e));
        TRY(document_inbox(tx->db, id, &base->arena, &known, e));
        if (known.p)
                return error_set(e, STATUS_CONFLICT, "document-exists", "/id",
                                 "There is a document of that id already.");
        if (c->id.p)
                snprintf(c->new_id, sizeof c->new_id, "%.*s", (int)c->id.len, c->id.p);
        return store_exec(tx->db,
                          "INSERT INTO documents (id, inbox_id, name, created_at, updated_at)"
                          " VALUES ($1, $2, $3, $4, $4)",
                          NULL, e, "ttti", id, inbox, c->name, tx->now_ms);
}

enum status document_create_new(struct domain *d, struct settings *s, struct document_create **ret,
                                struct error *e)
{
        struct document_create *c;
        TRY(domain_command_new(d, s, sizeof *c, 8192, &c, e));
        c->base.run = document_create_run;
        c->base.audit.action = "document.create";
        id_hex24(c->new_id);
        *ret = c;
        return STATUS_OK;
}
