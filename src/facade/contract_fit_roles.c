/*
 * Roles as {id, name, permissions{50 booleans}}, and who holds them as {role, inbox?,
 * document_id?}.
 *
 * Reading: anybody who is somebody. Changing: edit_roles or edit_users (roles:write on "roles").
 * Nobody puts more into a role than they hold: somewhere for a new one, everywhere for one that
 * others may hold already.
 */
#include "facade/contract_fit.h"

#include <chatelaine/domain_documents.h>
#include <chatelaine/domain_users.h>

#include <stdio.h>

#define ROLES_MAX 100 /* of one body */

const char *const cf_permissions[CF_PERMISSIONS] = {
        "create_dropbox_user",
        "create_inbox",
        "create_webhook",
        "de_escalate_document",
        "delete_tenant",
        "delete_webhook",
        "edit_backend_settings",
        "edit_beats",
        "edit_dashboard_settings",
        "edit_data_retention_settings",
        "edit_flow_settings",
        "edit_format_settings",
        "edit_integration_settings",
        "edit_integrations",
        "edit_predictor_settings",
        "edit_reports",
        "edit_retention_settings",
        "edit_review_settings",
        "edit_roles",
        "edit_sampling_settings",
        "edit_security_settings",
        "edit_templates",
        "edit_thresholds_settings",
        "edit_translations",
        "edit_users",
        "escalate_document",
        "never_twice",
        "pick_next_escalated",
        "read_beats",
        "read_data_retention_settings",
        "read_feedback",
        "read_integrations",
        "read_release_notes",
        "read_reports",
        "read_thresholds_settings",
        "read_webhook",
        "reject_document",
        "release_lock",
        "review",
        "submit",
        "update_webhook",
        "upload",
        "versions",
        "view_api_keys",
        "view_list",
        "view_projects",
        "view_statistics",
        "view_templates",
        "write_feedback",
        "write_release_notes",
};

/* ---- a role's JSON ---- */

/* Is Contract.fit's name held, in its own words or in ours? */
static bool is_held(const struct json *actions, const char *permission)
{
        struct span name = span_of(permission);
        for (const char *const *native = permission_native(name); *native; native++) {
                bool is_implied = false;
                for (size_t i = 0; i < json_size(actions) && !is_implied; i++) {
                        struct span action = json_span(json_at(actions, i));
                        is_implied = span_equal(action, name) ||
                                     action_implies(action, span_of(*native));
                }
                if (!is_implied)
                        return false;
        }
        return true;
}

/* What domain_users says of a role, in Contract.fit's words. */
static void write_role(const struct json *role, struct buf *out)
{
        json_obj_open(out);
        json_member_text(out, "id", json_get_text(role, "id"));
        json_member_text(out, "name", json_get_text(role, "name"));
        json_key(out, "permissions");
        json_obj_open(out);
        for (size_t i = 0; i < CF_PERMISSIONS; i++)
                json_member_bool(out, cf_permissions[i],
                                 is_held(json_get(role, "permissions"), cf_permissions[i]));
        json_obj_close(out);
        json_obj_close(out);
}

static enum status load_role(struct call *c, struct span id, struct json **ret, struct error *e)
{
        struct buf CLEANUP(buf_fini) text;
        buf_init(&text, (size_t)1 << 20);
        TRY(role_write(c->db, id, &text, e));
        return json_parse(buf_view(&text), 8, ret, e);
}

static enum status reply_role(struct call *c, struct span id, unsigned status, struct error *e)
{
        struct json CLEANUP(json_freep) *role = NULL;
        TRY(load_role(c, id, &role, e));
        write_role(role, &c->out);
        call_reply_out(c, status);
        return STATUS_OK;
}

static enum status list_page(struct call *c, struct store_conn *db, const struct page *p,
                             struct buf *out, struct error *e)
{
        (void)c;
        return role_list(db, p, out, e);
}

static enum status list_item(struct call *c, struct store_conn *db, const struct json *item,
                             struct error *e)
{
        (void)db, (void)e;
        write_role(item, &c->out);
        return STATUS_OK;
}

static enum status list_work(struct call *c, struct store_conn *db, struct error *e)
{
        static const struct cf_list list = {list_page, list_item};
        return cf_list(c, db, &list, e);
}

enum status cf_roles_list(struct call *c, struct error *e)
{
        return call_defer(c, list_work, call_then_reply, e);
}

enum status cf_roles_get(struct call *c, struct error *e)
{
        return reply_role(c, http_param(c->req, "id"), 200, e);
}

/* ---- a body's permissions ---- */

struct role_body {
        struct span name;
        const struct json *permissions;
};

static bool is_known(struct span name)
{
        for (size_t i = 0; i < CF_PERMISSIONS; i++)
                if (span_is(name, cf_permissions[i]))
                        return true;
        return false;
}

static enum status check_permissions(const struct json *permissions, struct error *e)
{
        void *iter = NULL;
        struct span name;
        const struct json *value;
        char where[96];
        while (json_each(permissions, &iter, &name, &value)) {
                snprintf(where, sizeof where, "/permissions/%.*s",
                         (int)(name.len < 64 ? name.len : 64), name.p);
                if (!is_known(name))
                        return error_set(e, STATUS_INVALID, "invalid-permission", where,
                                         "There is no such permission.");
                if (!json_is_boolean(value))
                        return error_set(e, STATUS_INVALID, "invalid-field", where,
                                         "It is true or false.");
        }
        return STATUS_OK;
}

/* The caller holds what the name means, on `where` (absent: somewhere). */
static enum status may_put(const struct call *c, const char *permission, struct span where,
                           struct error *e)
{
        for (const char *const *native = permission_native(span_of(permission)); *native; native++)
                TRY(call_may(c, *native, where, e));
        return STATUS_OK;
}

/*
 * The names that are true: as the body says, else as `old` (the role as it is; NULL = new). What
 * `old` holds beyond the 50 names stays.
 */
static enum status merge_permissions(struct call *c, const struct json *given,
                                     const struct json *old, struct span **ret, size_t *ret_n,
                                     struct error *e)
{
        const struct json *had = json_get(old, "permissions");
        struct span *list = arena_alloc(c->arena, (CF_PERMISSIONS + json_size(had)) * sizeof *list);
        size_t n = 0;
        if (!list)
                return error_no_memory(e);
        for (size_t i = 0; i < json_size(had); i++)
                if (!is_known(json_span(json_at(had, i))))
                        list[n++] = arena_span(c->arena, json_span(json_at(had, i)));
        for (size_t i = 0; i < CF_PERMISSIONS; i++) {
                const struct json *value = json_get(given, cf_permissions[i]);
                bool was = false;
                for (size_t k = 0; k < json_size(had); k++)
                        was |= span_is(json_span(json_at(had, k)), cf_permissions[i]);
                if (value ? !json_is_true(value) : !was)
                        continue;
                if (!was)
                        TRY(may_put(c, cf_permissions[i], old ? SPAN("*") : SPAN_NONE, e));
                list[n++] = span_of(cf_permissions[i]);
        }
        *ret = list;
        *ret_n = n;
        return STATUS_OK;
}

/* ---- POST, PATCH, DELETE ---- */

static const struct json_field role_fields[] = {
        JSON_FIELD(struct role_body, name, "name", JSON_AS_TEXT, JSON_NONEMPTY),
        JSON_FIELD(struct role_body, permissions, "permissions", JSON_AS_OBJECT, 0),
        JSON_FIELD_END,
};

static enum status answer_created(struct call *c, struct domain_command *cmd, struct error *e)
{
        return reply_role(c, span_of(((struct role_create *)cmd)->new_id), 201, e);
}

enum status cf_roles_post(struct call *c, struct error *e)
{
        struct role_body body = {0};
        struct span *permissions;
        size_t n;
        TRY(call_may(c, "roles:write", SPAN("roles"), e));
        TRY(call_body(c, role_fields, &body, e));
        if (!body.name.p || !body.permissions)
                return error_set_http(e, STATUS_INVALID, 405, "missing-field", NULL,
                                      "Missing fields: a role has a name and permissions.");
        TRY(check_permissions(body.permissions, e));
        TRY(merge_permissions(c, body.permissions, NULL, &permissions, &n, e));
        struct role_create *cmd;
        TRY(role_create_new(c->domain, c->settings, &cmd, e));
        cmd->name = body.name;
        cmd->permissions = permissions;
        cmd->n_permissions = n;
        return call_submit(c, &cmd->base, answer_created, e);
}

static enum status answer_changed(struct call *c, struct domain_command *cmd, struct error *e)
{
        (void)cmd;
        return reply_role(c, c->target, 200, e);
}

/* The role of the path, its id as the audit target. */
static enum status target_role(struct call *c, struct json **ret, struct error *e)
{
        TRY(call_may(c, "roles:write", SPAN("roles"), e));
        TRY(load_role(c, http_param(c->req, "id"), ret, e));
        c->target = arena_span(c->arena, json_get_text(*ret, "id"));
        return c->target.p ? STATUS_OK : error_no_memory(e);
}

enum status cf_roles_patch(struct call *c, struct error *e)
{
        struct json CLEANUP(json_freep) *role = NULL;
        struct role_body body = {0};
        struct span *permissions = NULL;
        size_t n = 0;
        TRY(target_role(c, &role, e));
        TRY(call_body(c, role_fields, &body, e));
        if (body.permissions) {
                TRY(check_permissions(body.permissions, e));
                TRY(merge_permissions(c, body.permissions, role, &permissions, &n, e));
        }
        struct role_change *cmd;
        TRY(role_change_new(c->domain, c->settings, &cmd, e));
        cmd->id = c->target;
        cmd->name = body.name;
        cmd->permissions = permissions;
        cmd->n_permissions = n;
        cmd->has_permissions = body.permissions != NULL;
        return call_submit(c, &cmd->base, answer_changed, e);
}

enum status cf_roles_delete(struct call *c, struct error *e)
{
        struct json CLEANUP(json_freep) *role = NULL;
        TRY(target_role(c, &role, e));
        struct role_delete *cmd;
        TRY(role_delete_new(c->domain, c->settings, &cmd, e));
        cmd->id = c->target;
        return call_submit(c, &cmd->base, call_answer_empty, e);
}

/* ---- {role, inbox?, document_id?} ---- */

struct scope_body {
        struct span role, inbox, document;
};

/* An id, never a pattern. */
static enum status check_scope(struct span id, const char *at, const char *member, struct error *e)
{
        char where[96];
        if (!id.p || document_id_is_valid(id))
                return STATUS_OK;
        snprintf(where, sizeof where, "%s/%s", at, member);
        return error_set(e, STATUS_INVALID, "invalid-field", where,
                         "It is an id of 1 to 128 characters of A-Z a-z 0-9 . _ ~ -");
}

static struct span scope_resource(struct call *c, const struct scope_body *s)
{
        if (!s->inbox.p && !s->document.p)
                return SPAN("*");
        if (!s->document.p)
                return call_resource(c, "inboxes", s->inbox);
        struct span document = call_resource(c, "documents", s->document);
        if (!s->inbox.p || !document.p)
                return document;
        struct span inbox = call_resource(c, "inboxes", s->inbox);
        return inbox.p ? call_resource(c, inbox.p, document) : inbox;
}

enum status cf_roles_read(struct call *c, const struct json *array, const char *at,
                          struct grant **ret, size_t *ret_n, struct error *e)
{
        static const struct json_field fields[] = {
                JSON_FIELD(struct scope_body, role, "role", JSON_AS_TEXT,
                           JSON_REQUIRED | JSON_NONEMPTY),
                JSON_FIELD(struct scope_body, inbox, "inbox", JSON_AS_TEXT,
                           JSON_NULLABLE | JSON_NONEMPTY),
                JSON_FIELD(struct scope_body, document, "document_id", JSON_AS_TEXT,
                           JSON_NULLABLE | JSON_NONEMPTY),
                JSON_FIELD_END,
        };
        size_t n = json_size(array);
        struct grant *list = arena_alloc(c->arena, (n + 1) * sizeof *list);
        if (!list)
                return error_no_memory(e);
        if (n > ROLES_MAX)
                return error_set(e, STATUS_INVALID, "too-many-grants", at, "At most %d roles.",
                                 ROLES_MAX);
        for (size_t i = 0; i < n; i++) {
                struct scope_body s = {0};
                char place[64];
                snprintf(place, sizeof place, "%s/%zu", at, i);
                TRY(json_dispatch_at(json_at(array, i), place, fields, &s, c->arena, e));
                TRY(check_scope(s.inbox, place, "inbox", e));
                TRY(check_scope(s.document, place, "document_id", e));
                list[i] = (struct grant){.role = s.role, .resource = scope_resource(c, &s)};
                if (!list[i].resource.p)
                        return error_no_memory(e);
        }
        *ret = list;
        *ret_n = n;
        return STATUS_OK;
}

/* False where a resource has no such form ("users/U"). */
static bool split_scope(struct span resource, struct scope_body *ret)
{
        struct span rest = resource;
        if (span_is(resource, "*"))
                return true;
        struct span kind = span_split(rest, '/', &rest);
        if (span_is(kind, "inboxes") && rest.p) {
                ret->inbox = span_split(rest, '/', &rest);
                if (!rest.p)
                        return true;
                kind = span_split(rest, '/', &rest);
        }
        if (!span_is(kind, "documents") || !rest.p || memchr(rest.p, '/', rest.len))
                return false;
        ret->document = rest;
        return true;
}

enum status cf_roles_write(struct store_conn *db, const char *subject, struct buf *out,
                           struct error *e)
{
        CLEANUP(arena_fini) struct arena a;
        arena_init(&a, 256 * 1024);
        struct grant *list;
        size_t n;
        TRY(grants_list(db, subject, &a, &list, &n, e));
        json_arr_open(out);
        for (size_t i = 0; i < n; i++) {
                struct scope_body s = {0};
                if (!list[i].role.p || !split_scope(list[i].resource, &s))
                        continue;
                json_obj_open(out);
                json_member_text(out, "role", list[i].role);
                if (s.inbox.p)
                        json_member_text(out, "inbox", s.inbox);
                if (s.document.p)
                        json_member_text(out, "document_id", s.document);
                json_obj_close(out);
        }
        json_arr_close(out);
        return buf_check(out, e);
}
