/*
 * /v1/roles: {roleId, name, description, permissions: [{action, allow, grant, delegate}]}.
 *
 * A role's members are read here: there is no record to keep of how it was sent.
 */
#include "facade/authress.h"

#include <chatelaine/domain_roles.h>

#include <stdio.h>
#include <strings.h>

#define LIMIT_DEFAULT 100
#define PERMISSIONS_MAX 100
#define ROLE_ID_MAX 64
#define NAME_MAX_BYTES 128
#define DESCRIPTION_MAX_BYTES 1024

/* ---- a role's JSON ---- */

static void write_role(struct call *c, const struct role *r)
{
        json_obj_open(&c->out);
        json_member_text(&c->out, "roleId", r->id);
        json_member_text(&c->out, "name", r->name);
        json_member_text(&c->out, "description", r->description);
        json_key(&c->out, "permissions");
        au_permissions(c, r->permissions, r->n_permissions);
        json_obj_close(&c->out);
}

/* The role of the path, by its id: this API knows no names. */
static enum status find(struct call *c, struct span id, struct role *ret, struct error *e)
{
        TRY(role_get(c->db, id, c->arena, ret, e));
        if (!span_equal(ret->id, id))
                return error_set(e, STATUS_NOT_FOUND, "role-not-found", NULL,
                                 "There is no such role.");
        return STATUS_OK;
}

static enum status reply_role(struct call *c, struct span id, unsigned status, struct error *e)
{
        struct role role;
        TRY(find(c, id, &role, e));
        write_role(c, &role);
        call_reply_out(c, status);
        return STATUS_OK;
}

/* ---- GET ---- */

static bool contains(struct span text, struct span part)
{
        for (size_t i = 0; part.len <= text.len && i <= text.len - part.len; i++)
                if (strncasecmp(text.p + i, part.p, part.len) == 0)
                        return true;
        return false;
}

static bool matches(const struct role *r, struct span filter)
{
        return !filter.p || contains(r->id, filter) || contains(r->name, filter) ||
               contains(r->description, filter);
}

struct listing {
        struct au_listing list;
        struct span filter;
};

static enum status list_rows(struct au_listing *l, struct store_conn *db, struct span *ret_next,
                             struct error *e)
{
        struct role *roles;
        size_t n;
        TRY(role_page(db, &l->page, l->call->arena, &roles, &n, ret_next, e));
        for (size_t i = 0; i < n; i++)
                if (matches(&roles[i], ((struct listing *)l)->filter))
                        write_role(l->call, &roles[i]);
        return STATUS_OK;
}

enum status au_roles_list(struct call *c, struct error *e)
{
        struct listing *l;
        if (!CALL_NEW(c, l))
                return error_no_memory(e);
        TRY(role_may(c->who, ROLE_READ, SPAN_NONE, e));
        TRY(au_page(c, LIMIT_DEFAULT, &l->list.page, &l->filter, e));
        return au_list(c, &l->list, "roles", list_rows, e);
}

enum status au_roles_get(struct call *c, struct error *e)
{
        c->target = http_param(c->req, "roleId");
        TRY(role_may(c->who, ROLE_READ, c->target, e));
        return reply_role(c, c->target, 200, e);
}

/* ---- a body ---- */

struct role_body {
        struct span id, name, description;
        const struct json *permissions;
        struct right *rights;
        struct span *actions; /* of the rights */
        unsigned *abilities;
        size_t n;
};

struct permission_body {
        struct span action;
        bool allow, grant, delegate;
};

/* The error is that of a member of `place`. */
static enum status at_fault(struct error *e, const char *place, const char *member)
{
        snprintf(e->where, sizeof e->where, "%s%s", place, member);
        return e->status;
}

static enum status read_permission(struct call *c, const struct json *value, size_t i,
                                   struct role_body *b, struct error *e)
{
        static const struct json_field fields[] = {
                JSON_FIELD(struct permission_body, action, "action", JSON_AS_TEXT,
                           JSON_REQUIRED | JSON_NONEMPTY),
                JSON_FIELD(struct permission_body, allow, "allow", JSON_AS_BOOL, JSON_NULLABLE),
                JSON_FIELD(struct permission_body, grant, "grant", JSON_AS_BOOL, JSON_NULLABLE),
                JSON_FIELD(struct permission_body, delegate, "delegate", JSON_AS_BOOL,
                           JSON_NULLABLE),
                JSON_FIELD_END_OPEN,
        };
        struct permission_body p = {.allow = false};
        char place[48];
        snprintf(place, sizeof place, "/permissions/%zu", i);
        TRY(json_dispatch_at(value, place, fields, &p, c->arena, e));
        char *lower = arena_dup(c->arena, p.action);
        if (!lower)
                return error_no_memory(e);
        for (char *at = lower; *at; at++)
                *at = *at >= 'A' && *at <= 'Z' ? (char)(*at - 'A' + 'a') : *at;
        if (action_read(span_of(lower), &b->actions[i], e) != STATUS_OK)
                return at_fault(e, place, "/action");
        b->abilities[i] = (p.allow ? ABILITY_ALLOW : 0U) | (p.grant ? ABILITY_GRANT : 0U) |
                          (p.delegate ? ABILITY_DELEGATE : 0U);
        if (b->abilities[i] == 0)
                return error_set(e, STATUS_INVALID, "invalid-permission", place,
                                 "A permission is allowed, granted or delegated.");
        b->rights[i] = (struct right){.action = b->actions[i], .abilities = b->abilities[i]};
        return STATUS_OK;
}

static enum status check_size(struct span text, const char *at, size_t max, struct error *e)
{
        if (text.len <= max)
                return STATUS_OK;
        return error_set(e, STATUS_INVALID, "invalid-field", at, "At most %zu bytes.", max);
}

static enum status check_id(struct span id, struct error *e)
{
        static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                      "0123456789-._:@";
        size_t n = 0;
        while (n < id.len && id.p[n] && strchr(allowed, id.p[n]))
                n++;
        if (n == id.len && n <= ROLE_ID_MAX)
                return STATUS_OK;
        return error_set(e, STATUS_INVALID, "invalid-field", "/roleId",
                         "It is 1 to %d of letters, digits and -._:@", ROLE_ID_MAX);
}

static enum status read_role(struct call *c, struct role_body *b, struct error *e)
{
        static const struct json_field fields[] = {
                JSON_FIELD(struct role_body, id, "roleId", JSON_AS_TEXT, JSON_NULLABLE),
                JSON_FIELD(struct role_body, name, "name", JSON_AS_TEXT,
                           JSON_REQUIRED | JSON_NONEMPTY),
                JSON_FIELD(struct role_body, description, "description", JSON_AS_TEXT,
                           JSON_NULLABLE),
                JSON_FIELD(struct role_body, permissions, "permissions", JSON_AS_ARRAY,
                           JSON_REQUIRED),
                JSON_FIELD_END_OPEN,
        };
        TRY(call_body(c, fields, b, e));
        TRY(check_id(b->id, e));
        TRY(check_size(b->name, "/name", NAME_MAX_BYTES, e));
        TRY(check_size(b->description, "/description", DESCRIPTION_MAX_BYTES, e));
        b->n = json_size(b->permissions);
        if (b->n > PERMISSIONS_MAX)
                return error_set(e, STATUS_INVALID, "invalid-field", "/permissions",
                                 "At most %d permissions.", PERMISSIONS_MAX);
        b->actions = arena_alloc(c->arena, (b->n + 1) * sizeof *b->actions);
        b->abilities = arena_alloc(c->arena, (b->n + 1) * sizeof *b->abilities);
        b->rights = arena_alloc(c->arena, (b->n + 1) * sizeof *b->rights);
        if (!b->actions || !b->abilities || !b->rights)
                return error_no_memory(e);
        for (size_t i = 0; i < b->n; i++)
                TRY(read_permission(c, json_at(b->permissions, i), i, b, e));
        return STATUS_OK;
}

/* ---- POST, PUT, DELETE ---- */

static enum status answer_created(struct call *c, struct domain_command *cmd, struct error *e)
{
        const struct role_create *made = (const struct role_create *)cmd;
        return reply_role(c, made->id.p ? made->id : span_of(made->new_id), 201, e);
}

enum status au_roles_post(struct call *c, struct error *e)
{
        struct role_body body = {.n = 0};
        struct role_create *cmd;
        TRY(role_may(c->who, ROLE_CREATE, SPAN_NONE, e));
        TRY(read_role(c, &body, e));
        c->target = body.id.len ? body.id : body.name;
        TRY(role_create_new(c->domain, c->settings, &cmd, e));
        cmd->id = body.id.len ? body.id : SPAN_NONE;
        cmd->name = body.name;
        cmd->description = body.description;
        cmd->permissions = body.actions;
        cmd->abilities = body.abilities;
        cmd->n_permissions = body.n;
        return call_submit(c, &cmd->base, answer_created, e);
}

static enum status answer_changed(struct call *c, struct domain_command *cmd, struct error *e)
{
        (void)cmd;
        return reply_role(c, c->target, 200, e);
}

enum status au_roles_put(struct call *c, struct error *e)
{
        struct role was;
        struct role_body body = {.n = 0};
        struct role_change *cmd;
        bool is_unheld;
        c->target = http_param(c->req, "roleId");
        TRY(role_may(c->who, ROLE_UPDATE, c->target, e));
        TRY(find(c, c->target, &was, e));
        TRY(read_role(c, &body, e));
        TRY(role_may_give(c->who, &was, body.rights, body.n, &is_unheld, e));
        TRY(role_change_new(c->domain, c->settings, &cmd, e));
        cmd->id = c->target;
        cmd->name = body.name;
        cmd->description = body.description;
        cmd->has_description = true;
        cmd->permissions = body.actions;
        cmd->abilities = body.abilities;
        cmd->n_permissions = body.n;
        cmd->has_permissions = true;
        cmd->is_unheld = is_unheld;
        return call_submit(c, &cmd->base, answer_changed, e);
}

enum status au_roles_delete(struct call *c, struct error *e)
{
        struct role was;
        struct role_delete *cmd;
        c->target = http_param(c->req, "roleId");
        TRY(role_may(c->who, ROLE_DELETE, c->target, e));
        TRY(find(c, c->target, &was, e));
        TRY(role_delete_new(c->domain, c->settings, &cmd, e));
        cmd->id = c->target;
        return call_submit(c, &cmd->base, call_answer_empty, e);
}
