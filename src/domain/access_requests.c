/* Requests for access: read, found, shown. */
#include "domain/access_requests.h"

#include <stdio.h>

#define RESOURCE "Authress:AccessRequests"
#define LOOKED_AT_MAX 1000
#define ID_MAX 64

static const char *const status_names[] = {
        [REQUEST_OPEN] = "OPEN",
        [REQUEST_APPROVED] = "APPROVED",
        [REQUEST_DENIED] = "DENIED",
        [REQUEST_DELETED] = "DELETED",
};
#define STATUSES (sizeof status_names / sizeof *status_names)

const char *request_status_name(enum request_status s)
{
        return status_names[s];
}

bool request_status_read(struct span name, enum request_status *ret)
{
        for (size_t i = 0; i < STATUSES; i++) {
                if (!span_is(name, status_names[i]))
                        continue;
                *ret = (enum request_status)i;
                return true;
        }
        return false;
}

/* ---- what a caller sends ---- */

static void copy_member(const struct json *object, const char *name, const char *as,
                        struct buf *out)
{
        CLEANUP(buf_fini) struct buf text;
        const struct json *member = json_get(object, name);
        buf_init(&text, out->max);
        if (!member)
                return;
        json_dump(member, &text);
        json_member_raw(out, as, buf_view(&text));
        if (text.status != STATUS_OK)
                out->status = text.status;
}

/* `kept`: {"access": {...}, "tags": {...}}. */
static enum status record_of(const struct json *kept, struct span admin_id, struct arena *a,
                             struct record *ret, struct error *e)
{
        CLEANUP(buf_fini) struct buf json;
        const struct json *access = json_get(kept, "access");
        buf_init(&json, RECORD_BYTES_MAX);
        json_obj_open(&json);
        json_member_text(&json, "name", SPAN("Access request"));
        copy_member(access, "users", "users", &json);
        copy_member(access, "statements", "statements", &json);
        copy_member(kept, "tags", "tags", &json);
        if (admin_id.p) {
                json_key(&json, "admins");
                json_arr_open(&json);
                json_obj_open(&json);
                json_member_text(&json, "userId", admin_id);
                json_obj_close(&json);
                json_arr_close(&json);
        }
        json_obj_close(&json);
        if (json.status == STATUS_LIMIT)
                return error_set_http(e, STATUS_LIMIT, 413, "request-too-large", NULL,
                                      "A request has at most %d bytes.", RECORD_BYTES_MAX);
        TRY(buf_check(&json, e));
        return record_read(buf_view(&json), a, ret, e);
}

enum status access_request_record(struct span body, struct span admin_id, struct arena *a,
                                  struct record *ret, struct error *e)
{
        struct json *CLEANUP(json_freep) root = NULL;
        TRY(json_parse(body, 32, &root, e));
        return record_of(root, admin_id, a, ret, e);
}

/* Its data is wrong, not its form. */
static enum status unprocessable(enum status s, struct error *e)
{
        if (s == STATUS_INVALID && e)
                e->http = 422;
        return s;
}

static enum status check_users(const struct record *r, struct error *e)
{
        size_t n = r->users.n;
        if (n >= 1 && n <= REQUEST_USERS_MAX)
                return STATUS_OK;
        return error_set(e, STATUS_INVALID, "invalid-users", "/access/users",
                         "It is for 1 to %d users.", REQUEST_USERS_MAX);
}

static enum status check(const struct json *root, struct error *e)
{
        CLEANUP(arena_fini) struct arena a;
        struct record record;
        arena_init(&a, (size_t)8 << 20);
        if (!json_is_object(json_get(root, "access")))
                return error_set(e, STATUS_INVALID, "invalid-access", "/access",
                                 "It is an object of users and statements.");
        TRY(record_of(root, SPAN_NONE, &a, &record, e));
        TRY(record_is_brief(&record, e));
        return check_users(&record, e);
}

enum status access_request_read(struct span json, struct arena *a, struct span *ret_body,
                                struct error *e)
{
        CLEANUP(buf_fini) struct buf body;
        struct json *CLEANUP(json_freep) root = NULL;
        buf_init(&body, (size_t)2 * RECORD_BYTES_MAX);
        TRY(members_parse(json, RECORD_BYTES_MAX, "request-too-large", &root, e));
        TRY(unprocessable(check(root, e), e));
        json_obj_open(&body);
        copy_member(root, "access", "access", &body);
        copy_member(root, "tags", "tags", &body);
        json_obj_close(&body);
        TRY(buf_check(&body, e));
        *ret_body = arena_span(a, buf_view(&body));
        return ret_body->p ? STATUS_OK : error_no_memory(e);
}

/* ---- rows ---- */

static enum status not_found(struct error *e)
{
        return error_set(e, STATUS_NOT_FOUND, "request-not-found", NULL,
                         "There is no such request, or it is not yours to see.");
}

bool access_request_row_read(struct store_stmt *st, struct arena *a, struct access_request_row *ret)
{
        *ret = (struct access_request_row){
                .id = arena_span(a, store_text(st, 0)),
                .body = arena_span(a, store_text(st, 1)),
                .created_by = arena_span(a, store_text(st, 2)),
                .status = (enum request_status)store_int(st, 3),
                .created_at = store_int(st, 4),
                .updated_at = store_int(st, 5),
        };
        return ret->id.p && ret->body.p && ret->created_by.p;
}

static enum status get(struct store_conn *db, struct span id, struct arena *a,
                       struct access_request_row *ret, struct error *e)
{
        struct store_stmt *st;
        TRY(store_query(db, "SELECT " REQUEST_COLUMNS " FROM access_requests WHERE id = $1", &st, e,
                        "t", id));
        bool is_found = store_next(st), has_all = is_found && access_request_row_read(st, a, ret);
        TRY(store_done(st, e));
        if (!is_found || (has_all && ret->status == REQUEST_DELETED))
                return not_found(e);
        return has_all ? STATUS_OK : error_no_memory(e);
}

/* ---- who may ---- */

static enum status may_give(const struct principal *p, const struct access_request_row *r,
                            struct error *e)
{
        CLEANUP(arena_fini) struct arena a;
        struct record record;
        arena_init(&a, (size_t)8 << 20);
        TRY(access_request_record(r->body, SPAN_NONE, &a, &record, e));
        return record_may_give(p, &record, NULL, e);
}

static bool is_maker(const struct principal *p, const struct access_request_row *r)
{
        char subject[ACCESS_SUBJECT_SIZE];
        access_subject_of(&p->caller, subject);
        return subject[0] && !principal_is_narrow(p) && span_is(r->created_by, subject);
}

static enum status holds(const struct principal *p, const char *action,
                         const struct access_request_row *r, struct error *e)
{
        char resource[sizeof RESOURCE + ID_MAX];
        snprintf(resource, sizeof resource, RESOURCE "/%.*s", (int)r->id.len, r->id.p);
        return grants_check(p, action, span_of(resource), e);
}

static enum status may_read(const struct principal *p, const struct access_request_row *r,
                            struct error *e)
{
        if (is_maker(p, r) || holds(p, "read", r, NULL) == STATUS_OK)
                return STATUS_OK;
        enum status s = may_give(p, r, e);
        return s == STATUS_INVALID ? error_set(e, STATUS_DENIED, "may-not-give", NULL,
                                               "A role of the request is gone.")
                                   : s;
}

static enum status may(const struct principal *p, enum request_act act,
                       const struct access_request_row *r, struct error *e)
{
        switch (act) {
        case REQUEST_READ: return STATUS_OK;
        case REQUEST_APPROVE: return may_give(p, r, e);
        case REQUEST_DENY:
                return holds(p, "update", r, NULL) == STATUS_OK ? STATUS_OK : may_give(p, r, e);
        case REQUEST_DELETE:
                return is_maker(p, r) || holds(p, "update", r, NULL) == STATUS_OK
                               ? STATUS_OK
                               : holds(p, "delete", r, e);
        }
        return not_found(e);
}

enum status access_request_open(const struct principal *p, enum request_act act, struct span id,
                                struct arena *a, struct access_request_row *ret, struct error *e)
{
        struct access_request_row row;
        TRY(get(p->db, id, a, &row, e));
        enum status s = may_read(p, &row, e);
        if (s == STATUS_DENIED)
                return not_found(e);
        TRY(s);
        TRY(may(p, act, &row, e));
        *ret = row;
        return STATUS_OK;
}

/* ---- as it is shown ---- */

enum status access_request_write_members(const struct access_request_row *r, struct buf *out,
                                         struct error *e)
{
        struct json *CLEANUP(json_freep) kept = NULL;
        TRY(json_parse(r->body, 32, &kept, e));
        json_member_text(out, "requestId", r->id);
        json_member_text(out, "status", span_of(status_names[r->status]));
        json_member_time(out, "lastUpdated", r->updated_at);
        copy_member(kept, "access", "access", out);
        if (json_get(kept, "tags"))
                copy_member(kept, "tags", "tags", out);
        return buf_check(out, e);
}

/* ---- lists ---- */

static enum status next_row(struct store_conn *db, const char *after,
                            const enum request_status *status, struct arena *a,
                            struct access_request_row *ret, bool *ret_is_found, struct error *e)
{
        struct store_stmt *st;
        if (status)
                TRY(store_query(db,
                                "SELECT " REQUEST_COLUMNS " FROM access_requests"
                                " WHERE id > $1 AND status = $2 ORDER BY id LIMIT 1",
                                &st, e, "si", after, (int64_t)*status));
        else
                TRY(store_query(db,
                                "SELECT " REQUEST_COLUMNS " FROM access_requests"
                                " WHERE id > $1 AND status <> 3 ORDER BY id LIMIT 1",
                                &st, e, "s", after));
        bool is_found = store_next(st), has_all = is_found && access_request_row_read(st, a, ret);
        TRY(store_done(st, e));
        *ret_is_found = is_found;
        return is_found && !has_all ? error_no_memory(e) : STATUS_OK;
}

static enum status put_cursor(const char *position, struct arena *a, struct span *ret,
                              struct error *e)
{
        CLEANUP(buf_fini) struct buf cursor;
        buf_init(&cursor, 1024);
        cursor_write_text(&cursor, span_of(position));
        TRY(buf_check(&cursor, e));
        *ret = arena_span(a, buf_view(&cursor));
        return ret->p ? STATUS_OK : error_no_memory(e);
}

enum status access_request_list(const struct principal *p, const struct page *page,
                                const enum request_status *status,
                                bool (*row)(void *ctx, const struct access_request_row *r),
                                void *ctx, struct arena *a, struct span *ret_next, struct error *e)
{
        char after[ID_MAX + 1];
        const char *start;
        unsigned n = 0, looked_at = 0;
        *ret_next = SPAN_NONE;
        TRY(cursor_read_text(page->cursor, a, &start, e));
        snprintf(after, sizeof after, "%s", start);
        for (;;) {
                CLEANUP(arena_fini) struct arena own;
                struct access_request_row r;
                struct error why;
                bool is_found;
                arena_init(&own, (size_t)1 << 20);
                TRY(next_row(p->db, after, status, &own, &r, &is_found, e));
                if (!is_found)
                        return STATUS_OK;
                if (n == page->limit || looked_at++ == LOOKED_AT_MAX)
                        return put_cursor(after, a, ret_next, e);
                snprintf(after, sizeof after, "%.*s", (int)r.id.len, r.id.p);
                enum status s = may_read(p, &r, &why);
                if (s == STATUS_DENIED)
                        continue;
                if (s != STATUS_OK && e)
                        *e = why;
                TRY(s);
                n++;
                if (!row(ctx, &r))
                        return STATUS_OK;
        }
}
