/*
 * Tokens: sessions of the engine (domain_sessions), handed out as `authentication_token`.
 *
 *     POST /auth              a password           SESSION_PASSWORD, ends when the password changes
 *     POST /auth/ephemeral    an API key alone     SESSION_KEY, at most 15 min, bound to its key
 *     POST /auth/token        edit_users           SESSION_BEHALF, cut to `roles` where given;
 *                             one's own password   SESSION_PASSWORD
 */
#include "facade/contract_fit.h"

#include <chatelaine/domain_sessions.h>
#include <chatelaine/domain_users.h>

#include <stdio.h>

#define TOKEN_BYTES_MAX 8192

static enum status answer_token(struct call *c, const struct domain_command *cmd, unsigned status,
                                struct error *e)
{
        struct buf CLEANUP(buf_fini_secret) token;
        buf_init(&token, TOKEN_BYTES_MAX);
        TRY(session_token_write((const struct session_create *)cmd, &token, e));
        json_obj_open(&c->out);
        json_member_text(&c->out, "authentication_token", buf_view(&token));
        json_obj_close(&c->out);
        http_reply_header(c->req, "Cache-Control", "no-store");
        call_reply_out(c, status);
        return STATUS_OK;
}

static enum status answer_login(struct call *c, struct domain_command *cmd, struct error *e)
{
        return answer_token(c, cmd, 200, e);
}

static enum status answer_created(struct call *c, struct domain_command *cmd, struct error *e)
{
        return answer_token(c, cmd, 201, e);
}

/* ---- POST /auth ---- */

static enum status password_is_right(struct call *c, struct error *e)
{
        struct session_create *cmd;
        c->who = c->found;
        c->target = span_of(c->who->caller.user_id);
        TRY(session_create_new(c->domain, c->settings, &cmd, e));
        cmd->kind = SESSION_PASSWORD;
        cmd->user = c->target;
        cmd->is_jwt = true;
        return call_submit(c, &cmd->base, answer_login, e);
}

static enum status wrong_password(struct call *c, struct error *e)
{
        (void)c;
        return error_set_http(e, STATUS_DENIED, 401, "invalid-credentials", NULL,
                              "Wrong credentials.");
}

enum status cf_auth_login(struct call *c, struct error *e)
{
        struct login {
                struct span name, password;
        } body = {0};
        static const struct json_field fields[] = {
                JSON_FIELD(struct login, name, "username", JSON_AS_TEXT, JSON_REQUIRED),
                JSON_FIELD(struct login, password, "password", JSON_AS_TEXT, JSON_REQUIRED),
                JSON_FIELD_END,
        };
        TRY(call_body(c, fields, &body, e));
        return call_password(c, body.name, body.password, password_is_right, wrong_password, e);
}

/* ---- POST /auth/ephemeral ---- */

/* A session cannot renew itself, and a password has POST /auth. */
enum status cf_auth_ephemeral(struct call *c, struct error *e)
{
        c->target = span_of(c->who->caller.id);
        if (c->who->caller.kind != CALLER_KEY)
                return error_set(e, STATUS_DENIED, "key-needed", NULL,
                                 "Only an API key opens an ephemeral session.");
        struct session_create *cmd;
        TRY(session_create_new(c->domain, c->settings, &cmd, e));
        cmd->kind = SESSION_KEY;
        cmd->key_id = c->target;
        cmd->is_jwt = true;
        return call_submit(c, &cmd->base, answer_created, e);
}

/* ---- POST /auth/token, /auth/get_JWT ---- */

struct token_body {
        struct span name;
        const struct json *roles;
};

/*
 * Of another: edit_users there, and no right of the other's that the caller lacks. One's own: with
 * the password on this very request, since no session and no key renews or widens itself.
 */
static enum status check_token(struct call *c, const struct user_row *user, struct error *e)
{
        bool is_own = span_is(user->id, c->who->caller.user_id);
        if (is_own && c->who->caller.kind == CALLER_USER)
                return STATUS_OK;
        struct span subject = call_resource(c, "users", user->id);
        TRY(call_may(c, "users:write", subject, e));
        return subject.p ? call_may_all(c, subject.p, e) : error_no_memory(e);
}

static enum status fill_token(struct call *c, const struct token_body *body,
                              const struct user_row *user, struct session_create *cmd,
                              struct error *e)
{
        bool is_own =
                c->who->caller.kind == CALLER_USER && span_is(user->id, c->who->caller.user_id);
        cmd->kind = is_own && !body->roles ? SESSION_PASSWORD : SESSION_BEHALF;
        cmd->user = user->id;
        cmd->is_jwt = true;
        cmd->is_scoped = body->roles != NULL;
        return cf_roles_read(c, body->roles, "/roles", &cmd->grants, &cmd->n_grants, e);
}

enum status cf_auth_token(struct call *c, struct error *e)
{
        static const struct json_field fields[] = {
                JSON_FIELD(struct token_body, name, "username", JSON_AS_TEXT,
                           JSON_REQUIRED | JSON_NONEMPTY),
                JSON_FIELD(struct token_body, roles, "roles", JSON_AS_ARRAY, JSON_NULLABLE),
                JSON_FIELD_END,
        };
        struct token_body body = {0};
        struct user_row user;
        TRY(call_body(c, fields, &body, e));
        if (user_find(c->db, body.name, c->arena, &user, NULL) != STATUS_OK)
                return error_set(e, STATUS_DENIED, "forbidden", NULL,
                                 "You may not make a token for this user.");
        c->target = user.id;
        TRY(check_token(c, &user, e));
        struct session_create *cmd;
        TRY(session_create_new(c->domain, c->settings, &cmd, e));
        enum status status = fill_token(c, &body, &user, cmd, e);
        if (status != STATUS_OK) {
                domain_command_free(&cmd->base);
                return status;
        }
        return call_submit(c, &cmd->base, answer_created, e);
}

/* ---- POST /auth/logout ---- */

enum status cf_auth_logout(struct call *c, struct error *e)
{
        c->target = span_of(c->who->caller.id);
        if (c->who->caller.kind != CALLER_SESSION)
                return error_set(e, STATUS_INVALID, "no-session", NULL,
                                 "Logout impossible: the request brings no token.");
        struct session_end *cmd;
        TRY(session_end_new(c->domain, c->settings, &cmd, e));
        cmd->id = c->target;
        cmd->reason = SESSION_REASON_LOGOUT;
        return call_submit(c, &cmd->base, call_answer_empty, e);
}

/* ---- POST /auth/reset_password ---- */

/* Upstream mails the token of a reset. Nothing is mailed here, so no token is good. */
enum status cf_auth_reset(struct call *c, struct error *e)
{
        struct reset {
                struct span token, password, name;
        } body = {0};
        static const struct json_field fields[] = {
                JSON_FIELD(struct reset, token, "token", JSON_AS_TEXT, JSON_REQUIRED),
                JSON_FIELD(struct reset, password, "new_password", JSON_AS_TEXT, JSON_REQUIRED),
                JSON_FIELD(struct reset, name, "user_name", JSON_AS_TEXT, JSON_REQUIRED),
                JSON_FIELD_END,
        };
        TRY(call_body(c, fields, &body, e));
        return error_set(e, STATUS_DENIED, "reset-denied", NULL,
                         "Reset denied: an administrator sets a new password.");
}
