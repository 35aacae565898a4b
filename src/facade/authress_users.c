/*
 * /v1/users/{userId}/resources/...: what somebody may. Who may not ask is answered 403; who asks
 * and hears no is answered 404, which the SDKs know as "not authorized".
 */
#include "facade/authress.h"

#include <chatelaine/domain_records.h>

#define LIMIT_DEFAULT 20
#define PERMISSIONS_MAX 20

/* Of whom the path speaks, for a caller who may ask. */
static enum status subject_of_path(struct call *c, char subject[ACCESS_SUBJECT_SIZE],
                                   struct error *e)
{
        c->target = http_param(c->req, "userId");
        TRY(access_subject(c->target, subject, e));
        return access_may_ask(c->who, c->target, e);
}

/* ---- .../permissions/{permission} ---- */

/* May the caller see why? A record's statement: who reads the record; a role given directly: who
 * reads the user or client. */
static bool may_see(struct call *c, const char *subject, const struct access_reason *why)
{
        struct record_row row;
        if (why->record_id.p)
                return record_open(c->who, RECORD_READ, why->record_id, c->arena, &row, NULL) ==
                       STATUS_OK;
        bool is_client = span_starts(span_of(subject), "clients/");
        return grants_allow(c->who, is_client ? "clients:read" : "users:read", span_of(subject));
}

static void write_reason(const struct access_reason *why, struct buf *out)
{
        json_key(out, "explain");
        json_obj_open(out);
        if (why->record_id.p) {
                json_member_text(out, "recordId", why->record_id);
                json_member_int(out, "statement", why->statement);
        }
        if (why->group_id.p)
                json_member_text(out, "groupId", why->group_id);
        if (why->role.p)
                json_member_text(out, "roleId", why->role);
        json_member_text(out, "action", why->action);
        json_member_text(out, "resourceUri", why->resource);
        if (why->is_public)
                json_member_bool(out, "public", true);
        json_obj_close(out);
}

/* "?explain=1" */
static enum status wants_reason(struct call *c, bool *ret, struct error *e)
{
        struct span text = SPAN_NONE;
        const struct au_query_field fields[] = {{"explain", &text}, {0}};
        TRY(au_query(c, fields, e));
        *ret = span_is(text, "1") || span_is(text, "true");
        return STATUS_OK;
}

enum status au_users_authorize(struct call *c, struct error *e)
{
        char subject[ACCESS_SUBJECT_SIZE];
        struct span resource = http_param(c->req, "resourceUri");
        struct span permission = http_param(c->req, "permission");
        struct access_reason why;
        bool explain, is_allowed = false;
        TRY(wants_reason(c, &explain, e));
        TRY(subject_of_path(c, subject, e));
        if (explain)
                TRY(access_explain(c->db, subject, permission, resource, c->arena, &why,
                                   &is_allowed, e));
        else
                TRY(access_check(c->db, subject, permission, resource, &is_allowed, e));
        if (!is_allowed)
                return error_set(e, STATUS_NOT_FOUND, "not-authorized", NULL,
                                 "The user does not have this permission on this resource.");
        json_obj_open(&c->out);
        if (explain && may_see(c, subject, &why))
                write_reason(&why, &c->out);
        json_obj_close(&c->out);
        call_reply_out(c, 200);
        return STATUS_OK;
}

/* ---- .../permissions, .../roles ---- */

static enum status no_query(struct call *c, struct error *e)
{
        static const struct au_query_field none[] = {{0}};
        return au_query(c, none, e);
}

enum status au_users_permissions(struct call *c, struct error *e)
{
        char subject[ACCESS_SUBJECT_SIZE];
        struct right *rights;
        size_t n;
        TRY(no_query(c, e));
        TRY(subject_of_path(c, subject, e));
        TRY(access_permissions(c->db, subject, http_param(c->req, "resourceUri"), c->arena, &rights,
                               &n, e));
        json_obj_open(&c->out);
        au_account(c);
        json_member_text(&c->out, "userId", c->target);
        json_key(&c->out, "permissions");
        au_permissions(c, rights, n);
        json_obj_close(&c->out);
        call_reply_out(c, 200);
        return STATUS_OK;
}

enum status au_users_roles(struct call *c, struct error *e)
{
        char subject[ACCESS_SUBJECT_SIZE];
        struct span *roles;
        size_t n;
        TRY(no_query(c, e));
        TRY(subject_of_path(c, subject, e));
        TRY(access_roles(c->db, subject, http_param(c->req, "resourceUri"), c->arena, &roles, &n,
                         e));
        json_obj_open(&c->out);
        json_member_text(&c->out, "userId", c->target);
        json_key(&c->out, "roles");
        json_arr_open(&c->out);
        for (size_t i = 0; i < n; i++) {
                json_obj_open(&c->out);
                json_member_text(&c->out, "roleId", roles[i]);
                json_obj_close(&c->out);
        }
        json_arr_close(&c->out);
        json_obj_close(&c->out);
        call_reply_out(c, 200);
        return STATUS_OK;
}

/* ---- .../resources ---- */

struct listing {
        struct access_filter filter;
        struct page page;
        char subject[ACCESS_SUBJECT_SIZE];
};

/* "read,write" */
static enum status split_permissions(struct call *c, struct span text, struct listing *l,
                                     struct error *e)
{
        struct span *list = arena_alloc(c->arena, PERMISSIONS_MAX * sizeof *list);
        if (!list)
                return error_no_memory(e);
        for (struct span rest = text; rest.p;) {
                if (l->filter.n_permissions == PERMISSIONS_MAX)
                        return error_set(e, STATUS_INVALID, "invalid-request", "permissions",
                                         "At most %d permissions.", PERMISSIONS_MAX);
                list[l->filter.n_permissions++] = span_trim(span_split(rest, ',', &rest));
        }
        l->filter.permissions = list;
        return STATUS_OK;
}

/* Of a collection that is named, its own resources unless otherwise said; of none, all. */
static enum status read_collection(struct span text, struct access_filter *f, struct error *e)
{
        f->is_top_level = text.p ? span_is(text, "TOP_LEVEL_ONLY") : f->resource.p != NULL;
        if (!text.p || f->is_top_level || span_is(text, "INCLUDE_NESTED"))
                return STATUS_OK;
        return error_set(e, STATUS_INVALID, "invalid-request", "collectionConfiguration",
                         "It is TOP_LEVEL_ONLY or INCLUDE_NESTED.");
}

static enum status resources_work(struct call *c, struct store_conn *db, struct error *e)
{
        struct listing *l = c->state;
        struct span *list, next = SPAN_NONE;
        size_t n;
        TRY(access_resources(db, l->subject, &l->filter, &l->page, c->arena, &list, &n, &next, e));
        json_obj_open(&c->out);
        au_account(c);
        json_member_text(&c->out, "userId", c->target);
        json_key(&c->out, "resources");
        json_arr_open(&c->out);
        for (size_t i = 0; i < n; i++) {
                json_obj_open(&c->out);
                json_member_text(&c->out, "resourceUri", list[i]);
                json_obj_close(&c->out);
        }
        json_arr_close(&c->out);
        au_page_end(c, next);
        json_obj_close(&c->out);
        return buf_check(&c->out, e);
}

enum status au_users_resources(struct call *c, struct error *e)
{
        struct listing *l;
        struct span limit = SPAN_NONE, collection = SPAN_NONE, permissions = SPAN_NONE;
        if (!CALL_NEW(c, l))
                return error_no_memory(e);
        const struct au_query_field fields[] = {
                {"resourceUri", &l->filter.resource}, {"collectionConfiguration", &collection},
                {"permissions", &permissions},        {"limit", &limit},
                {"cursor", &l->page.cursor},          {0}};
        TRY(au_query(c, fields, e));
        TRY(au_limit(limit, LIMIT_DEFAULT, &l->page.limit, e));
        TRY(read_collection(collection, &l->filter, e));
        if (permissions.p)
                TRY(split_permissions(c, permissions, l, e));
        TRY(subject_of_path(c, l->subject, e));
        c->state = l;
        return call_defer(c, resources_work, call_then_reply, e);
}
