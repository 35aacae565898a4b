/* Roles: roles:read and roles:write on "roles"; a new role holds only what its maker holds
 * somewhere. */
#include "api/endpoints.h"
#include "api/query.h"

#include <chatelaine/domain_users.h>
#include <stdio.h>

#define PERMISSIONS_MAX 256

enum status roles_list(struct call *c, struct error *e)
{
        struct page page;
        TRY(query_page(c, &page, e));
        TRY(call_may(c, "roles:read", SPAN("roles"), e));
        TRY(role_list(c->db, &page, &c->out, e));
        call_reply_out(c, 200);
        return STATUS_OK;
}

enum status roles_get(struct call *c, struct error *e)
{
        c->target = api_param(c, "id");
        TRY(call_may(c, "roles:read", SPAN("roles"), e));
        TRY(role_write(c->db, c->target, &c->out, e));
        call_reply_out(c, 200);
        return STATUS_OK;
}

struct role_body {
        struct span name, id;
        struct json_texts permissions;
};

static enum status permissions_read(struct call *c, const struct json_texts *permissions,
                                    struct error *e)
{
        for (size_t i = 0; i < permissions->n; i++) {
                enum status status = action_read(permissions->items[i], &permissions->items[i], e);
                const char *action = NULL;
                if (status == STATUS_OK && !(action = arena_dup(c->arena, permissions->items[i])))
                        return error_no_memory(e);
                if (status == STATUS_OK)
                        status = call_may(c, action, SPAN_NONE, e);
                if (status != STATUS_OK) {
                        snprintf(e->where, sizeof e->where, "/permissions/%zu", i);
                        return status;
                }
        }
        return STATUS_OK;
}

static enum status answer_created(struct call *c, struct domain_command *cmd, struct error *e)
{
        const struct role_create *made = (struct role_create *)cmd;
        TRY(role_write(c->db, made->id.p ? made->id : span_of(made->new_id), &c->out, e));
        call_reply_out(c, 201);
        return STATUS_OK;
}

enum status roles_post(struct call *c, struct error *e)
{
        static const struct json_field fields[] = {
                JSON_FIELD(struct role_body, name, "name", JSON_AS_TEXT,
                           JSON_REQUIRED | JSON_NONEMPTY),
                JSON_FIELD(struct role_body, id, "id", JSON_AS_TEXT, JSON_NULLABLE | JSON_NONEMPTY),
                JSON_FIELD(struct role_body, permissions, "permissions", JSON_AS_TEXTS,
                           JSON_REQUIRED | JSON_NONEMPTY),
                JSON_FIELD_END,
        };
        struct role_body body = {0};
        TRY(call_may(c, "roles:write", SPAN("roles"), e));
        TRY(call_body(c, fields, &body, e));
        if (body.permissions.n > PERMISSIONS_MAX)
                return error_set(e, STATUS_INVALID, "too-many-permissions", "/permissions",
                                 "At most %d permissions.", PERMISSIONS_MAX);
        TRY(permissions_read(c, &body.permissions, e));

        struct role_create *cmd;
        TRY(role_create_new(c->domain, c->settings, &cmd, e));
        cmd->name = body.name;
        cmd->id = body.id;
        cmd->permissions = body.permissions.items;
        cmd->n_permissions = body.permissions.n;
        return call_submit(c, &cmd->base, answer_created, e);
}
