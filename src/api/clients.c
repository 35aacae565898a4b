/*
 * Service clients: clients:read and clients:write on clients/ID; on "clients" for new ones.
 *
 * What a client holds the caller may give: its grants when it is made, and all that it holds before
 * the caller gets a new secret of it.
 */
#include "api/endpoints.h"
#include "api/grants.h"
#include "api/query.h"

#include <chatelaine/domain_clients.h>

static enum status one(struct call *c, const char *permission, struct client_row *ret,
                       struct error *e)
{
        c->target = api_param(c, "id");
        TRY(client_get(c->db, c->target, c->arena, ret, e));
        c->target = ret->id;
        struct span resource = call_resource(c, "clients", ret->id);
        enum status allowed = call_may(c, permission, resource, e);
        return api_hide(allowed, grants_allow(c->who, "clients:read", resource), "client-not-found",
                        e);
}

/* Row by row: those that the caller may see. */
enum status clients_list(struct call *c, struct error *e)
{
        struct page page;
        TRY(query_page(c, &page, e));
        TRY(call_may(c, "clients:read", SPAN_NONE, e));
        TRY(client_list(c->db, &page, c->who, &c->out, e));
        call_reply_out(c, 200);
        return STATUS_OK;
}

enum status clients_get(struct call *c, struct error *e)
{
        struct client_row client;
        TRY(one(c, "clients:read", &client, e));
        TRY(client_write(c->db, &client, &c->out, e));
        call_reply_out(c, 200);
        return STATUS_OK;
}

/* A secret that is committed is answered, also where the row cannot be read back. */
static enum status reply_secret(struct call *c, unsigned status, const char *id, const char *secret,
                                struct error *e)
{
        struct client_row client;
        struct buf CLEANUP(buf_fini) members;
        buf_init(&members, (size_t)1 << 20);
        enum status read = client_get(c->db, span_of(id), c->arena, &client, e);
        if (read == STATUS_OK)
                read = client_write_members(c->db, &client, &members, e);
        json_obj_open(&c->out);
        json_member_text(&c->out, "client_secret", span_of(secret));
        if (read == STATUS_OK) {
                buf_char(&c->out, ',');
                buf_span(&c->out, buf_view(&members));
        } else {
                json_member_text(&c->out, "client_id", span_of(id));
        }
        json_obj_close(&c->out);
        TRY(call_out_check(c, e));
        http_reply_header(c->req, "Cache-Control", "no-store");
        call_reply_out(c, status);
        return STATUS_OK;
}

/* ---- create ---- */

struct create_body {
        struct span name;
        struct json_texts redirect_uris;
        const struct json *grants;
};

static enum status answer_created(struct call *c, struct domain_command *cmd, struct error *e)
{
        const struct client_create *made = (struct client_create *)cmd;
        return reply_secret(c, 201, made->id, made->secret, e);
}

enum status clients_post(struct call *c, struct error *e)
{
        static const struct json_field fields[] = {
                JSON_FIELD(struct create_body, name, "name", JSON_AS_TEXT,
                           JSON_REQUIRED | JSON_NONEMPTY),
                JSON_FIELD(struct create_body, redirect_uris, "redirect_uris", JSON_AS_TEXTS,
                           JSON_NULLABLE),
                JSON_FIELD(struct create_body, grants, "grants", JSON_AS_ARRAY, JSON_NULLABLE),
                JSON_FIELD_END,
        };
        struct create_body body = {.name = SPAN_NONE};
        struct grant *grants = NULL;
        size_t n_grants = 0;
        TRY(call_may(c, "clients:write", SPAN("clients"), e));
        TRY(call_body(c, fields, &body, e));
        if (body.grants) {
                TRY(grants_read(c, body.grants, "/grants", "*", &grants, &n_grants, e));
                TRY(grants_within(c, "/grants", grants, n_grants, e));
        }
        struct client_create *cmd;
        TRY(client_create_new(c->domain, c->settings, &cmd, e));
        cmd->name = body.name;
        cmd->redirect_uris = body.redirect_uris.items;
        cmd->n_redirect_uris = body.redirect_uris.n;
        cmd->grants = grants;
        cmd->n_grants = n_grants;
        return call_submit(c, &cmd->base, answer_created, e);
}

/* ---- a new secret ---- */

static enum status answer_key(struct call *c, struct domain_command *cmd, struct error *e)
{
        const struct client_key *made = (struct client_key *)cmd;
        return reply_secret(c, 201, arena_dup(c->arena, c->target), made->secret, e);
}

enum status clients_key(struct call *c, struct error *e)
{
        struct client_row client;
        struct client_key *cmd;
        TRY(one(c, "clients:write", &client, e));
        TRY(client_may_hold(c->db, c->who, &client, e));
        TRY(client_key_new(c->domain, c->settings, &cmd, e));
        cmd->id = c->target;
        return call_submit(c, &cmd->base, answer_key, e);
}

/* ---- delete ---- */

enum status clients_delete(struct call *c, struct error *e)
{
        struct client_row client;
        struct client_delete *cmd;
        TRY(one(c, "clients:write", &client, e));
        TRY(client_delete_new(c->domain, c->settings, &cmd, e));
        cmd->id = c->target;
        return call_submit(c, &cmd->base, call_answer_empty, e);
}
