/*
 * Users: edit_users (users:read, users:write) for all but one's own row.
 *
 * The roles of a new user, and those that replace old ones, are within what the caller may give
 * (grants_may_give).
 */
#include "facade/contract_fit.h"

#include <chatelaine/codec_crypto.h>
#include <chatelaine/domain_users.h>

#include <stdio.h>

/* ---- a user's JSON ---- */

enum status cf_user_write(struct store_conn *db, const struct user_row *u, struct buf *out,
                          struct error *e)
{
        char subject[128];
        snprintf(subject, sizeof subject, "users/%.*s", (int)u->id.len, u->id.p);
        json_obj_open(out);
        json_member_text(out, "id", u->id);
        json_member_text(out, "username", u->name);
        json_member_bool(out, "active", u->is_active);
        json_member_time(out, "confirmed_at", u->created_at);
        json_key(out, "roles");
        TRY(cf_roles_write(db, subject, out, e));
        json_obj_close(out);
        return buf_check(out, e);
}

static enum status reply_user(struct call *c, struct span id, unsigned status, struct error *e)
{
        struct user_row user;
        TRY(user_find(c->db, id, c->arena, &user, e));
        TRY(cf_user_write(c->db, &user, &c->out, e));
        call_reply_out(c, status);
        return STATUS_OK;
}

static enum status list_page(struct call *c, struct store_conn *db, const struct page *p,
                             struct buf *out, struct error *e)
{
        (void)c;
        return user_list(db, p, out, e);
}

static enum status list_item(struct call *c, struct store_conn *db, const struct json *item,
                             struct error *e)
{
        CLEANUP(arena_fini) struct arena a;
        struct user_row user;
        arena_init(&a, 8192);
        enum status s = user_find(db, json_get_text(item, "id"), &a, &user, e);
        if (s == STATUS_NOT_FOUND) /* deleted meanwhile */
                return STATUS_OK;
        TRY(s);
        return cf_user_write(db, &user, &c->out, e);
}

static enum status list_work(struct call *c, struct store_conn *db, struct error *e)
{
        static const struct cf_list list = {list_page, list_item};
        return cf_list(c, db, &list, e);
}

enum status cf_users_list(struct call *c, struct error *e)
{
        TRY(call_may(c, "users:read", SPAN("users"), e));
        return call_defer(c, list_work, call_then_reply, e);
}

/* The user of the path, on whom the caller holds `permission`; else 403, there or not. */
static enum status one(struct call *c, const char *permission, struct user_row *ret,
                       struct error *e)
{
        struct span id = http_param(c->req, "id");
        struct error missing;
        enum status s = user_find(c->db, id, c->arena, ret, &missing);
        TRY(call_may(c, permission, call_resource(c, "users", s == STATUS_OK ? ret->id : id), e));
        if (s != STATUS_OK) {
                *e = missing;
                return s;
        }
        c->target = ret->id;
        return STATUS_OK;
}

enum status cf_users_get(struct call *c, struct error *e)
{
        struct user_row user;
        TRY(one(c, "users:read", &user, e));
        return reply_user(c, user.id, 200, e);
}

/* ---- roles ---- */

/* 406 for a role that is not there. */
static enum status roles_read(struct call *c, const struct json *roles, struct grant **ret,
                              size_t *ret_n, struct error *e)
{
        TRY(cf_roles_read(c, roles, "/roles", ret, ret_n, e));
        for (size_t i = 0; i < *ret_n; i++) {
                enum status s = grants_may_give(c->who, (*ret)[i].role, (*ret)[i].resource, e);
                if (s == STATUS_NOT_FOUND)
                        return error_set_http(e, STATUS_NOT_FOUND, 406, "role-not-found", NULL,
                                              "Role %.*s does not exist.", (int)(*ret)[i].role.len,
                                              (*ret)[i].role.p);
                TRY(s);
        }
        return STATUS_OK;
}

/* ---- POST ---- */

struct user_body {
        struct span name, password;
        const struct json *roles;
        bool is_active;
        struct grant *grants;
        size_t n_grants;
        char hash[PASSWORD_HASH_SIZE];
};

static enum status answer_created(struct call *c, struct domain_command *cmd, struct error *e)
{
        return reply_user(c, span_of(((struct user_create *)cmd)->id), 201, e);
}

static enum status submit_create(struct call *c, struct error *e)
{
        const struct user_body *body = c->state;
        struct user_create *cmd;
        TRY(user_create_new(c->domain, c->settings, &cmd, e));
        cmd->name = body->name;
        cmd->is_inactive = !body->is_active;
        cmd->grants = body->grants;
        cmd->n_grants = body->n_grants;
        memcpy(cmd->password_hash, body->hash, sizeof body->hash);
        return call_submit(c, &cmd->base, answer_created, e);
}

enum status cf_users_post(struct call *c, struct error *e)
{
        static const struct json_field fields[] = {
                JSON_FIELD(struct user_body, name, "username", JSON_AS_TEXT,
                           JSON_REQUIRED | JSON_NONEMPTY),
                JSON_FIELD(struct user_body, password, "password", JSON_AS_TEXT,
                           JSON_NULLABLE | JSON_NONEMPTY),
                JSON_FIELD(struct user_body, roles, "roles", JSON_AS_ARRAY, JSON_REQUIRED),
                JSON_FIELD(struct user_body, is_active, "active", JSON_AS_BOOL, JSON_REQUIRED),
                JSON_FIELD_END,
        };
        struct user_body *body;
        if (!CALL_NEW(c, body))
                return error_no_memory(e);
        c->state = body;
        TRY(call_may(c, "users:write", SPAN("users"), e));
        TRY(call_body(c, fields, body, e));
        TRY(roles_read(c, body->roles, &body->grants, &body->n_grants, e));
        if (!body->password.p)
                return submit_create(c, e);
        return call_hash(c, body->password, body->hash, submit_create, e);
}

/* ---- PATCH, DELETE ---- */

static enum status answer_changed(struct call *c, struct domain_command *cmd, struct error *e)
{
        (void)cmd;
        auth_forget_user(auth_loop_auth(c->loop), c->target);
        return reply_user(c, c->target, 200, e);
}

enum status cf_users_patch(struct call *c, struct error *e)
{
        struct patch {
                struct span name;
                const struct json *roles, *active;
        } body = {0};
        static const struct json_field fields[] = {
                JSON_FIELD(struct patch, name, "username", JSON_AS_TEXT, JSON_NONEMPTY),
                JSON_FIELD(struct patch, roles, "roles", JSON_AS_ARRAY, 0),
                JSON_FIELD(struct patch, active, "active", JSON_AS_VALUE, 0),
                JSON_FIELD_END,
        };
        struct user_row user;
        struct grant *grants = NULL;
        size_t n = 0;
        TRY(one(c, "users:write", &user, e));
        TRY(call_body(c, fields, &body, e));
        if (body.active && !json_is_boolean(body.active))
                return error_set(e, STATUS_INVALID, "invalid-field", "/active",
                                 "It is true or false.");
        if (body.roles)
                TRY(roles_read(c, body.roles, &grants, &n, e));
        struct user_change *cmd;
        TRY(user_change_new(c->domain, c->settings, &cmd, e));
        cmd->id = user.id;
        cmd->name = body.name;
        cmd->is_active = body.active ? json_is_true(body.active) : -1;
        cmd->grants = grants;
        cmd->n_grants = n;
        cmd->has_grants = body.roles != NULL;
        return call_submit(c, &cmd->base, answer_changed, e);
}

static enum status answer_deleted(struct call *c, struct domain_command *cmd, struct error *e)
{
        auth_forget_user(auth_loop_auth(c->loop), c->target);
        return call_answer_empty(c, cmd, e);
}

enum status cf_users_delete(struct call *c, struct error *e)
{
        struct user_row user;
        TRY(one(c, "users:write", &user, e));
        struct user_delete *cmd;
        TRY(user_delete_new(c->domain, c->settings, &cmd, e));
        cmd->id = user.id;
        return call_submit(c, &cmd->base, answer_deleted, e);
}

/* ---- oneself ---- */

enum status cf_me_get(struct call *c, struct error *e)
{
        return reply_user(c, span_of(c->who->caller.user_id), 200, e);
}

struct password_body {
        struct span old, new;
        char hash[PASSWORD_HASH_SIZE];
};

static enum status submit_password(struct call *c, struct error *e)
{
        const struct password_body *body = c->state;
        struct user_change *cmd;
        TRY(user_change_new(c->domain, c->settings, &cmd, e));
        cmd->id = c->target;
        memcpy(cmd->password_hash, body->hash, sizeof body->hash);
        return call_submit(c, &cmd->base, answer_deleted, e);
}

static enum status mismatch(struct call *c, struct error *e)
{
        (void)c;
        return error_set(e, STATUS_DENIED, "password-mismatch", NULL,
                         "The old password is not this.");
}

static enum status old_is_right(struct call *c, struct error *e)
{
        struct password_body *body = c->state;
        return call_hash(c, body->new, body->hash, submit_password, e);
}

/* The old password is asked for whoever calls: a key or a link does not take its user over. */
enum status cf_me_password(struct call *c, struct error *e)
{
        static const struct json_field fields[] = {
                JSON_FIELD(struct password_body, old, "old_password", JSON_AS_TEXT, JSON_REQUIRED),
                JSON_FIELD(struct password_body, new, "new_password", JSON_AS_TEXT,
                           JSON_REQUIRED | JSON_NONEMPTY),
                JSON_FIELD_END,
        };
        struct password_body *body;
        struct user_row user;
        if (!CALL_NEW(c, body))
                return error_no_memory(e);
        c->state = body;
        TRY(user_find(c->db, span_of(c->who->caller.user_id), c->arena, &user, e));
        c->target = user.id;
        TRY(call_body(c, fields, body, e));
        return call_password(c, user.name, body->old, old_is_right, mismatch, e);
}
