/*
 * Tokens of this server for service clients, and what it publishes of itself: OAuth's
 * client_credentials in JSON (POST /api/authentication/oauth/tokens), OpenID discovery, JWKS.
 */
#include "facade/authress.h"

#include <chatelaine/codec_jwt.h>
#include <chatelaine/domain_sessions.h>

static enum status answer_token(struct call *c, struct domain_command *cmd, struct error *e)
{
        const struct session_create *made = (struct session_create *)cmd;
        struct buf CLEANUP(buf_fini_secret) token;
        buf_init(&token, JWT_SIZE_MAX);
        TRY(session_token_write(made, &token, e));
        json_obj_open(&c->out);
        json_member_text(&c->out, "access_token", buf_view(&token));
        json_member_text(&c->out, "token_type", SPAN("Bearer"));
        json_member_int(&c->out, "expires_in",
                        (made->ret_expires_at - made->ret_created_at) / 1000);
        json_obj_close(&c->out);
        TRY(call_out_check(c, e));
        http_reply_header(c->req, "Cache-Control", "no-store");
        call_reply(c, 200, "application/json", buf_view(&c->out));
        return STATUS_OK;
}

struct token_body {
        struct span client_id, client_secret, grant_type;
};

/* 400: not a request that is served; 401: not that client. */
enum status au_tokens_post(struct call *c, struct error *e)
{
        static const struct json_field fields[] = {
                JSON_FIELD(struct token_body, client_id, "client_id", JSON_AS_TEXT, JSON_REQUIRED),
                JSON_FIELD(struct token_body, client_secret, "client_secret", JSON_AS_TEXT,
                           JSON_REQUIRED),
                JSON_FIELD(struct token_body, grant_type, "grant_type", JSON_AS_TEXT,
                           JSON_NULLABLE),
                JSON_FIELD_END_OPEN,
        };
        struct token_body body = {.client_id = SPAN_NONE};
        struct session_create *cmd;
        struct principal *client;
        TRY(call_body(c, fields, &body, e));
        if (body.grant_type.p && !span_is(body.grant_type, "client_credentials"))
                return error_set(e, STATUS_INVALID, "unsupported-grant-type", "/grant_type",
                                 "Only client_credentials is served.");
        if (!CALL_NEW(c, client))
                return error_no_memory(e);
        TRY(auth_client(c->loop, &c->view, body.client_id, body.client_secret, client, e));
        c->who = client;
        TRY(session_create_new(c->domain, c->settings, &cmd, e));
        cmd->kind = SESSION_CLIENT;
        cmd->client_id = arena_span(&cmd->base.arena, body.client_id);
        cmd->is_jwt = true;
        if (!cmd->client_id.p) {
                domain_command_free(&cmd->base);
                return error_no_memory(e);
        }
        return call_submit(c, &cmd->base, answer_token, e);
}

/* ---- published ---- */

static void write_url(struct call *c, const char *name, struct span base, const char *path)
{
        struct buf CLEANUP(buf_fini) url;
        buf_init(&url, 4096);
        buf_span(&url, config_url_base(base));
        buf_text(&url, path);
        json_member_text(&c->out, name, buf_view(&url));
}

static void write_list(struct call *c, const char *name, const char *item)
{
        json_key(&c->out, name);
        json_arr_open(&c->out);
        json_text(&c->out, span_of(item));
        json_arr_close(&c->out);
}

/* OpenID Connect Discovery 1.0 section 3. */
enum status au_reply_configuration(struct call *c, struct span issuer, struct error *e)
{
        struct span ours = span_of(c->settings->config->issuer);
        json_obj_open(&c->out);
        json_member_text(&c->out, "issuer", issuer);
        write_url(c, "jwks_uri", issuer, "/.well-known/openid-configuration/jwks");
        write_url(c, "authorization_endpoint", ours, "/api/oauth2");
        write_url(c, "token_endpoint", ours, "/api/authentication/oauth/tokens");
        write_list(c, "response_types_supported", "code");
        write_list(c, "grant_types_supported", "client_credentials");
        write_list(c, "subject_types_supported", "public");
        write_list(c, "id_token_signing_alg_values_supported", "EdDSA");
        write_list(c, "token_endpoint_auth_methods_supported", "client_secret_post");
        json_obj_close(&c->out);
        TRY(call_out_check(c, e));
        http_reply_header(c->req, "Cache-Control", "public, max-age=300");
        call_reply(c, 200, "application/json", buf_view(&c->out));
        return STATUS_OK;
}

enum status au_configuration(struct call *c, struct error *e)
{
        return au_reply_configuration(c, span_of(c->settings->config->issuer), e);
}

enum status au_jwks(struct call *c, struct error *e)
{
        TRY(session_jwks_write(c->domain, c->db, clock_now_ms(), &c->out, e));
        http_reply_header(c->req, "Cache-Control", "public, max-age=300");
        call_reply(c, 200, "application/json", buf_view(&c->out));
        return STATUS_OK;
}
