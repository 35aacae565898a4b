/*
 * /v1/resources: what holds of a resource for everybody, and who is named on it; /v1/claims: a
 * resource that is nobody's becomes the caller's.
 */
#include "facade/authress.h"

#include <chatelaine/domain_claims.h>
#include <chatelaine/domain_resource_config.h>

#include <stdio.h>

#define LIMIT_DEFAULT 20
#define PERMISSIONS_MAX 100

/* ---- a configuration's JSON: both actions, always ---- */

static void write_permission(struct buf *out, const char *action, bool allow)
{
        json_obj_open(out);
        json_member_text(out, "action", span_of(action));
        json_member_bool(out, "allow", allow);
        json_obj_close(out);
}

static void write_config(struct call *c, const struct resource_config *config)
{
        json_obj_open(&c->out);
        json_member_text(&c->out, "resourceUri", config->resource);
        json_key(&c->out, "permissions");
        json_arr_open(&c->out);
        write_permission(&c->out, "CLAIM", config->is_claimable);
        write_permission(&c->out, "PUBLIC", config->is_public);
        json_arr_close(&c->out);
        json_obj_close(&c->out);
}

struct permission {
        struct span action;
        bool allow;
};

static enum status read_permission(const struct json *value, size_t i, struct arena *a,
                                   struct resource_config *config, struct error *e)
{
        static const struct json_field fields[] = {
                JSON_FIELD(struct permission, action, "action", JSON_AS_TEXT, JSON_REQUIRED),
                JSON_FIELD(struct permission, allow, "allow", JSON_AS_BOOL, JSON_REQUIRED),
                JSON_FIELD_END_OPEN,
        };
        struct permission p;
        char place[48];
        snprintf(place, sizeof place, "/permissions/%zu", i);
        TRY(json_dispatch_at(value, place, fields, &p, a, e));
        if (span_is(p.action, "CLAIM"))
                config->is_claimable = p.allow;
        else if (span_is(p.action, "PUBLIC"))
                config->is_public = p.allow;
        else
                return error_set(e, STATUS_INVALID, "invalid-field", place,
                                 "The action is CLAIM or PUBLIC.");
        return STATUS_OK;
}

struct config_body {
        const struct json *permissions;
};

static enum status read_config(struct call *c, struct resource_config *config, struct error *e)
{
        static const struct json_field fields[] = {
                JSON_FIELD(struct config_body, permissions, "permissions", JSON_AS_ARRAY,
                           JSON_REQUIRED | JSON_NONEMPTY),
                JSON_FIELD_END_OPEN,
        };
        struct config_body body = {NULL};
        TRY(call_body(c, fields, &body, e));
        size_t n = json_size(body.permissions);
        if (n > PERMISSIONS_MAX)
                return error_set(e, STATUS_INVALID, "invalid-field", "/permissions",
                                 "At most %d permissions.", PERMISSIONS_MAX);
        for (size_t i = 0; i < n; i++)
                TRY(read_permission(json_at(body.permissions, i), i, c->arena, config, e));
        return STATUS_OK;
}

/* ---- GET, PUT ---- */

enum status au_resources_get(struct call *c, struct error *e)
{
        struct resource_config config;
        struct span resource;
        c->target = http_param(c->req, "resourceUri");
        TRY(resource_config_may(c->who, RESOURCE_CONFIG_READ, c->target, &resource, e));
        TRY(resource_config_get(c->db, resource, &config, e));
        write_config(c, &config);
        call_reply_out(c, 200);
        return STATUS_OK;
}

static enum status answer_put(struct call *c, struct domain_command *cmd, struct error *e)
{
        (void)e;
        write_config(c, &((struct resource_config_put *)cmd)->config);
        call_reply_out(c, 200);
        return STATUS_OK;
}

enum status au_resources_put(struct call *c, struct error *e)
{
        struct resource_config config = {.is_public = false};
        struct resource_config_put *cmd;
        c->target = http_param(c->req, "resourceUri");
        TRY(resource_config_may(c->who, RESOURCE_CONFIG_WRITE, c->target, &config.resource, e));
        TRY(read_config(c, &config, e));
        TRY(resource_config_put_new(c->domain, c->settings, &config, &cmd, e));
        return call_submit(c, &cmd->base, answer_put, e);
}

/* ---- lists ---- */

static bool list_row(void *ctx, const struct resource_config *config)
{
        struct au_listing *l = ctx;
        write_config(l->call, config);
        return l->call->out.status == STATUS_OK;
}

static enum status list_rows(struct au_listing *l, struct store_conn *db, struct span *ret_next,
                             struct error *e)
{
        (void)db; /* l->call->who has it */
        return resource_config_list(l->call->who, &l->page, list_row, l, l->call->arena, ret_next,
                                    e);
}

enum status au_resources_list(struct call *c, struct error *e)
{
        struct au_listing *l;
        if (!CALL_NEW(c, l))
                return error_no_memory(e);
        TRY(au_page(c, LIMIT_DEFAULT, &l->page, NULL, e));
        return au_list(c, l, "resources", list_rows, e);
}

struct users_listing {
        struct au_listing list;
        struct span resource;
};

static enum status write_user(struct call *c, struct store_conn *db, struct span subject,
                              struct span resource, struct error *e)
{
        const char *name = arena_dup(c->arena, subject);
        struct span *roles;
        size_t n;
        if (!name)
                return error_no_memory(e);
        TRY(access_roles(db, name, resource, c->arena, &roles, &n, e));
        json_obj_open(&c->out);
        json_member_text(&c->out, "userId", access_user_id(name));
        json_key(&c->out, "roles");
        json_arr_open(&c->out);
        for (size_t i = 0; i < n; i++) {
                json_obj_open(&c->out);
                json_member_text(&c->out, "roleId", roles[i]);
                json_obj_close(&c->out);
        }
        json_arr_close(&c->out);
        json_obj_close(&c->out);
        return STATUS_OK;
}

static enum status list_users(struct au_listing *l, struct store_conn *db, struct span *ret_next,
                              struct error *e)
{
        struct span *subjects, resource = ((struct users_listing *)l)->resource;
        size_t n;
        TRY(resource_users(db, resource, &l->page, l->call->arena, &subjects, &n, ret_next, e));
        for (size_t i = 0; i < n; i++)
                TRY(write_user(l->call, db, subjects[i], resource, e));
        return STATUS_OK;
}

enum status au_resources_users(struct call *c, struct error *e)
{
        struct users_listing *l;
        if (!CALL_NEW(c, l))
                return error_no_memory(e);
        c->target = http_param(c->req, "resourceUri");
        TRY(au_page(c, LIMIT_DEFAULT, &l->list.page, NULL, e));
        TRY(resource_config_may(c->who, RESOURCE_CONFIG_READ, c->target, &l->resource, e));
        return au_list(c, &l->list, "users", list_users, e);
}

/* ---- claims ---- */

static enum status answer_claimed(struct call *c, struct domain_command *cmd, struct error *e)
{
        (void)e;
        json_obj_open(&c->out);
        json_member_text(&c->out, "recordId", ((struct record_create *)cmd)->row.id);
        json_obj_close(&c->out);
        call_reply_out(c, 201);
        return STATUS_OK;
}

enum status au_claims_post(struct call *c, struct error *e)
{
        static const struct json_field fields[] = {
                JSON_FIELD(struct claim, collection, "collectionResource", JSON_AS_TEXT,
                           JSON_REQUIRED | JSON_NONEMPTY),
                JSON_FIELD(struct claim, id, "resourceId", JSON_AS_TEXT,
                           JSON_REQUIRED | JSON_NONEMPTY),
                JSON_FIELD_END_OPEN,
        };
        struct claim claim = {SPAN_NONE, SPAN_NONE};
        struct record_create *cmd;
        TRY(call_body(c, fields, &claim, e));
        c->target = claim.collection;
        TRY(claim_new(c->who, c->domain, c->settings, &claim, &cmd, e));
        return call_submit(c, &cmd->base, answer_claimed, e);
}
