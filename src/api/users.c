/*
 * Users: users:read and users:write on users/ID; on "users" for the list and for new ones.
 *
 * What a user holds the caller may give: the roles of a new user and those that replace
 * old ones (grants_may_give), and, before the caller sets a password, all that the user holds now.
 * Passwords are hashed on the pool.
 */
#include "api/endpoints.h"
#include "api/grants.h"
#include "api/query.h"

#include <chatelaine/domain_users.h>

/* The user {id} of the path, an id or a name, on whom the caller holds `permission`. */
static enum status one(struct call *c, const char *permission, struct user_row *ret,
                       struct error *e)
{
        TRY(user_find(c->db, api_param(c, "id"), c->arena, ret, e));
        c->target = ret->id;
        struct span resource = call_resource(c, "users", ret->id);
        enum status allowed = call_may(c, permission, resource, e);
        return api_hide(allowed, grants_allow(c->who, "users:read", resource), "user-not-found", e);
}

enum status users_list(struct call *c, struct error *e)
{
        struct page page;
        TRY(query_page(c, &page, e));
        TRY(call_may(c, "users:read", SPAN("users"), e));
        TRY(user_list(c->db, &page, &c->out, e));
        call_reply_out(c, 200);
        return STATUS_OK;
}

enum status users_get(struct call *c, struct error *e)
{
        struct user_row user;
        TRY(one(c, "users:read", &user, e));
        TRY(user_write(c->db, &user, &c->out, e));
        call_reply_out(c, 200);
        return STATUS_OK;
}

static enum status reply_user(struct call *c, struct span id, unsigned status, struct error *e)
{
        struct user_row user;
        TRY(user_find(c->db, id, c->arena, &user, e));
        TRY(user_write(c->db, &user, &c->out, e));
        call_reply_out(c, status);
        return STATUS_OK;
}

/* ---- what create and change share: a body, a password to hash, then a command ---- */

struct user_body {
        struct span name, password;
        const struct json *roles, *active;
        struct grant *grants;
        size_t n_grants;
        char hash[PASSWORD_HASH_SIZE]; /* "" = no password given */
};

/* `submit`, after the password is hashed where there is one. */
static enum status with_password(struct call *c, call_serve submit, struct error *e)
{
        struct user_body *body = c->state;
        if (!body->password.p)
                return submit(c, e);
        return call_hash(c, body->password, body->hash, submit, e);
}

static enum status roles_read(struct call *c, struct user_body *body, struct error *e)
{
        if (!body->roles)
                return STATUS_OK;
        TRY(grants_read(c, body->roles, "/roles", "*", &body->grants, &body->n_grants, e));
        return grants_within(c, "/roles", body->grants, body->n_grants, e);
}

/* ---- POST ---- */

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
        memcpy(cmd->password_hash, body->hash, sizeof cmd->password_hash);
        cmd->grants = body->grants;
        cmd->n_grants = body->n_grants;
        return call_submit(c, &cmd->base, answer_created, e);
}

enum status users_post(struct call *c, struct error *e)
{
        static const struct json_field fields[] = {
                JSON_FIELD(struct user_body, name, "name", JSON_AS_TEXT,
                           JSON_REQUIRED | JSON_NONEMPTY),
                JSON_FIELD(struct user_body, password, "password", JSON_AS_TEXT,
                           JSON_NULLABLE | JSON_NONEMPTY),
                JSON_FIELD(struct user_body, roles, "roles", JSON_AS_ARRAY, JSON_NULLABLE),
                JSON_FIELD_END,
        };
        struct user_body *body;
        if (!CALL_NEW(c, body))
                return error_no_memory(e);
        c->state = body;
        TRY(call_may(c, "users:write", SPAN("users"), e));
        TRY(call_body(c, fields, body, e));
        TRY(roles_read(c, body, e));
        return with_password(c, submit_create, e);
}

/* ---- PATCH ---- */

static enum status answer_changed(struct call *c, struct domain_command *cmd, struct error *e)
{
        (void)cmd;
        auth_forget_user(auth_loop_auth(c->loop), c->target);
        return reply_user(c, c->target, 200, e);
}

static enum status submit_change(struct call *c, struct error *e)
{
        const struct user_body *body = c->state;
        struct user_change *cmd;
        TRY(user_change_new(c->domain, c->settings, &cmd, e));
        cmd->id = c->target;
        memcpy(cmd->password_hash, body->hash, sizeof cmd->password_hash);
        cmd->is_active = body->active ? json_is_true(body->active) : -1;
        cmd->grants = body->grants;
        cmd->n_grants = body->n_grants;
        cmd->has_grants = body->roles;
        return call_submit(c, &cmd->base, answer_changed, e);
}

enum status users_patch(struct call *c, struct error *e)
{
        static const struct json_field fields[] = {
                JSON_FIELD(struct user_body, password, "password", JSON_AS_TEXT, JSON_NONEMPTY),
                JSON_FIELD(struct user_body, roles, "roles", JSON_AS_ARRAY, 0),
                JSON_FIELD(struct user_body, active, "active", JSON_AS_VALUE, 0),
                JSON_FIELD_END,
        };
        struct user_row user;
        struct user_body *body;
        if (!CALL_NEW(c, body))
                return error_no_memory(e);
        c->state = body;
        TRY(one(c, "users:write", &user, e));
        TRY(call_body(c, fields, body, e));
        if (body->active && !json_is_boolean(body->active))
                return error_set(e, STATUS_INVALID, "invalid-field", "/active",
                                 "It is true or false.");
        TRY(roles_read(c, body, e));
        bool is_self =
                c->who->caller.kind == CALLER_USER && span_is(user.id, c->who->caller.user_id);
        if (body->password.p && !is_self) {
                const char *subject = call_resource(c, "users", user.id).p;
                if (!subject)
                        return error_no_memory(e);
                TRY(call_may_all(c, subject, e));
        }
        return with_password(c, submit_change, e);
}

/* ---- DELETE ---- */

static enum status answer_deleted(struct call *c, struct domain_command *cmd, struct error *e)
{
        auth_forget_user(auth_loop_auth(c->loop), c->target);
        return call_answer_empty(c, cmd, e);
}

enum status users_delete(struct call *c, struct error *e)
{
        struct user_row user;
        TRY(one(c, "users:write", &user, e));
        struct user_delete *cmd;
        TRY(user_delete_new(c->domain, c->settings, &cmd, e));
        cmd->id = c->target;
        return call_submit(c, &cmd->base, answer_deleted, e);
}
