/*
 * /v1/clients/{clientId}/access-keys, and what is published of a client's keys. A client's
 * clientSecret at the token endpoint is its whole access key.
 */
#include "facade/authress.h"

#include <chatelaine/domain_access_keys.h>

/* ---- make ---- */

static enum status answer_created(struct call *c, struct domain_command *cmd, struct error *e)
{
        const struct access_key_create *made = (struct access_key_create *)cmd;
        struct buf CLEANUP(buf_fini_secret) text;
        buf_init(&text, ACCESS_KEY_TEXT_MAX);
        access_key_create_text(made, &text);
        TRY(buf_check(&text, e));
        json_obj_open(&c->out);
        json_member_text(&c->out, "keyId", span_of(made->kid));
        json_member_text(&c->out, "clientId", made->client_id);
        json_member_time(&c->out, "generationDate", made->ret_created_at);
        json_member_time(&c->out, "expiresAt", made->ret_expires_at);
        if (text.len) {
                json_member_text(&c->out, "accessKey", buf_view(&text));
                json_member_text(&c->out, "clientSecret", buf_view(&text));
        }
        json_obj_close(&c->out);
        http_reply_header(c->req, "Cache-Control", "no-store");
        call_reply_out(c, 201);
        return STATUS_OK;
}

struct key_body {
        struct span public_key, expires_at, replaces;
        const struct json *expires_in, *grace;
        struct json_texts resources;
};

static enum status fill(const struct key_body *body, struct access_key_create *cmd, struct error *e)
{
        cmd->public_key = body->public_key;
        cmd->replaces = body->replaces;
        cmd->resources = body->resources.items;
        cmd->n_resources = body->resources.n;
        TRY(call_time(body->expires_at, "/expiresAt", &cmd->expires_at, e));
        TRY(call_duration(body->expires_in, "/expiresIn", &cmd->expires_in_ms, e));
        return call_duration(body->grace, "/grace", &cmd->grace_ms, e);
}

/* Authress's own body is empty, or {publicKey}; the others are this server's. */
enum status au_access_keys_post(struct call *c, struct error *e)
{
        static const struct json_field fields[] = {
                JSON_FIELD(struct key_body, public_key, "publicKey", JSON_AS_TEXT,
                           JSON_NULLABLE | JSON_NONEMPTY),
                JSON_FIELD(struct key_body, expires_at, "expiresAt", JSON_AS_TEXT, JSON_NULLABLE),
                JSON_FIELD(struct key_body, expires_in, "expiresIn", JSON_AS_VALUE, JSON_NULLABLE),
                JSON_FIELD(struct key_body, resources, "resources", JSON_AS_TEXTS, JSON_NULLABLE),
                JSON_FIELD(struct key_body, replaces, "replaces", JSON_AS_TEXT,
                           JSON_NULLABLE | JSON_NONEMPTY),
                JSON_FIELD(struct key_body, grace, "grace", JSON_AS_VALUE, JSON_NULLABLE),
                JSON_FIELD_END_OPEN,
        };
        struct key_body body = {.public_key = SPAN_NONE};
        struct access_key_create *cmd;
        struct client_row client;
        c->target = http_param(c->req, "clientId");
        TRY(client_may(c->who, CLIENT_ACCESS_KEYS, c->target, e));
        TRY(client_get(c->db, c->target, c->arena, &client, e));
        TRY(client_may_hold(c->db, c->who, &client, e));
        TRY(call_body(c, fields, &body, e));
        TRY(access_key_create_new(c->domain, c->settings, &cmd, e));
        cmd->client_id = client.id;
        enum status s = fill(&body, cmd, e);
        if (s != STATUS_OK) {
                domain_command_free(&cmd->base);
                return s;
        }
        return call_submit(c, &cmd->base, answer_created, e);
}

/* ---- end ---- */

enum status au_access_keys_delete(struct call *c, struct error *e)
{
        struct access_key_delete *cmd;
        c->target = http_param(c->req, "clientId");
        TRY(client_may(c->who, CLIENT_ACCESS_KEYS, c->target, e));
        TRY(access_key_delete_new(c->domain, c->settings, &cmd, e));
        cmd->client_id = c->target;
        cmd->kid = http_param(c->req, "keyId");
        return call_submit(c, &cmd->base, call_answer_empty, e);
}

/* ---- what is published ---- */

/* The SDKs ask for {iss}/.well-known/openid-configuration/jwks?kid=...&iss=... */
enum status au_client_jwks(struct call *c, struct error *e)
{
        struct span kid = http_query(c->req, "kid");
        TRY(access_keys_jwks(c->db, http_param(c->req, "clientId"), kid.len ? kid : SPAN_NONE,
                             clock_now_ms(), &c->out, e));
        http_reply_header(c->req, "Cache-Control", "public, max-age=60");
        call_reply(c, 200, "application/json", buf_view(&c->out));
        return STATUS_OK;
}

enum status au_client_configuration(struct call *c, struct error *e)
{
        struct client_row client;
        struct buf CLEANUP(buf_fini) issuer;
        buf_init(&issuer, 4096);
        TRY(client_get(c->db, http_param(c->req, "clientId"), c->arena, &client, e));
        buf_span(&issuer, config_url_base(span_of(c->settings->config->issuer)));
        buf_text(&issuer, "/v1/clients/");
        buf_span(&issuer, client.id);
        TRY(buf_check(&issuer, e));
        return au_reply_configuration(c, buf_view(&issuer), e);
}
