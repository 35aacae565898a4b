/*
 * /v1/invites: rights for whoever accepts them; /v1/requests: rights that somebody asks for.
 */
#include "facade/authress.h"

#include <chatelaine/domain_access_requests.h>
#include <chatelaine/domain_invites.h>

#define LIMIT_DEFAULT 20

/* ---- invites ---- */

static enum status answer_invite(struct call *c, struct domain_command *cmd, struct error *e)
{
        const struct invite_create *made = (struct invite_create *)cmd;
        (void)e;
        json_obj_open(&c->out);
        json_member_text(&c->out, "inviteId", span_of(made->name));
        json_member_raw(&c->out, "statements", made->invite.statements);
        json_member_time(&c->out, "expiryTime", made->expires_at);
        au_self(c, "/v1/invites/", span_of(made->name));
        json_obj_close(&c->out);
        call_reply_out(c, 201);
        return STATUS_OK;
}

enum status au_invites_post(struct call *c, struct error *e)
{
        struct invite invite;
        struct invite_create *cmd;
        TRY(invite_read(c->who, http_body(c->req), clock_now_ms(), c->arena, &invite, e));
        TRY(invite_create_new(c->domain, c->settings, &invite, &cmd, e));
        return call_submit(c, &cmd->base, answer_invite, e);
}

/* The audit names the invite by its public id: the path's name is a secret. */
static enum status find_invite(struct call *c, struct invite_row *ret, struct error *e)
{
        TRY(invite_find(c->domain, c->db, http_param(c->req, "inviteId"), clock_now_ms(), c->arena,
                        ret, e));
        c->target = ret->id;
        return STATUS_OK;
}

enum status au_invites_get(struct call *c, struct error *e)
{
        struct invite_row row;
        struct span name = http_param(c->req, "inviteId");
        TRY(find_invite(c, &row, e));
        json_obj_open(&c->out);
        json_member_text(&c->out, "inviteId", name);
        json_member_raw(&c->out, "statements", row.statements);
        json_member_time(&c->out, "expiryTime", row.expires_at);
        au_self(c, "/v1/invites/", name);
        json_obj_close(&c->out);
        call_reply_out(c, 200);
        return STATUS_OK;
}

/* An Account, as the SDKs read it. */
static enum status answer_accepted(struct call *c, struct domain_command *cmd, struct error *e)
{
        const struct record_row *record = &((struct record_create *)cmd)->row;
        struct span account = span_of(c->settings->config->account_id);
        (void)e;
        json_obj_open(&c->out);
        json_member_text(&c->out, "accountId", account);
        json_member_time(&c->out, "createdTime", record->created_at);
        json_key(&c->out, "company");
        json_obj_open(&c->out);
        json_obj_close(&c->out);
        json_member_text(&c->out, "recordId", record->id);
        au_self(c, "/v1/accounts/", account);
        json_obj_close(&c->out);
        call_reply_out(c, 200);
        return STATUS_OK;
}

enum status au_invites_patch(struct call *c, struct error *e)
{
        struct invite_row row;
        struct record_create *cmd;
        TRY(find_invite(c, &row, e));
        TRY(invite_accept_new(c->who, c->domain, c->settings, &row, &cmd, e));
        return call_submit(c, &cmd->base, answer_accepted, e);
}

enum status au_invites_delete(struct call *c, struct error *e)
{
        struct invite_row row;
        struct invite_delete *cmd;
        TRY(find_invite(c, &row, e));
        TRY(invite_may_delete(c->who, &row, e));
        TRY(invite_delete_new(c->domain, c->settings, &cmd, e));
        cmd->id = row.id;
        return call_submit(c, &cmd->base, call_answer_empty, e);
}

/* ---- requests ---- */

static enum status write_request(struct call *c, const struct access_request_row *row,
                                 struct error *e)
{
        json_obj_open(&c->out);
        TRY(access_request_write_members(row, &c->out, e));
        au_self(c, "/v1/requests/", row->id);
        json_obj_close(&c->out);
        return STATUS_OK;
}

struct listing {
        struct au_listing list;
        enum request_status status;
        bool has_status;
};

static bool list_row(void *ctx, const struct access_request_row *row)
{
        struct au_listing *l = ctx;
        l->status = write_request(l->call, row, l->error);
        return l->status == STATUS_OK;
}

static enum status list_rows(struct au_listing *l, struct store_conn *db, struct span *ret_next,
                             struct error *e)
{
        const struct listing *asked = (struct listing *)l;
        (void)db; /* l->call->who has it */
        return access_request_list(l->call->who, &l->page,
                                   asked->has_status ? &asked->status : NULL, list_row, l,
                                   l->call->arena, ret_next, e);
}

enum status au_requests_list(struct call *c, struct error *e)
{
        struct listing *l;
        struct span limit = SPAN_NONE, status = SPAN_NONE;
        if (!CALL_NEW(c, l))
                return error_no_memory(e);
        const struct au_query_field fields[] = {
                {"limit", &limit}, {"cursor", &l->list.page.cursor}, {"status", &status}, {0}};
        TRY(au_query(c, fields, e));
        TRY(au_limit(limit, LIMIT_DEFAULT, &l->list.page.limit, e));
        l->has_status = status.p != NULL;
        if (l->has_status && !request_status_read(status, &l->status))
                return error_set(e, STATUS_INVALID, "invalid-request", "status",
                                 "It is OPEN, APPROVED, DENIED or DELETED.");
        return au_list(c, &l->list, "records", list_rows, e);
}

static enum status answer_created(struct call *c, struct domain_command *cmd, struct error *e)
{
        TRY(write_request(c, &((struct access_request_create *)cmd)->row, e));
        call_reply_out(c, 201);
        return STATUS_OK;
}

enum status au_requests_post(struct call *c, struct error *e)
{
        struct span body;
        struct access_request_create *cmd;
        TRY(access_request_read(http_body(c->req), c->arena, &body, e));
        TRY(access_request_create_new(c->who, c->domain, c->settings, body, &cmd, e));
        return call_submit(c, &cmd->base, answer_created, e);
}

static enum status find_request(struct call *c, enum request_act act,
                                struct access_request_row *ret, struct error *e)
{
        c->target = http_param(c->req, "requestId");
        return access_request_open(c->who, act, c->target, c->arena, ret, e);
}

static enum status reply_request(struct call *c, const struct access_request_row *row,
                                 struct error *e)
{
        TRY(write_request(c, row, e));
        call_reply_out(c, 200);
        return STATUS_OK;
}

enum status au_requests_get(struct call *c, struct error *e)
{
        struct access_request_row row;
        TRY(find_request(c, REQUEST_READ, &row, e));
        return reply_request(c, &row, e);
}

/* As it is now. */
static enum status answer_settled(struct call *c, struct domain_command *cmd, struct error *e)
{
        (void)cmd;
        return au_requests_get(c, e);
}

struct answer_body {
        struct span status;
};

enum status au_requests_patch(struct call *c, struct error *e)
{
        static const struct json_field fields[] = {
                JSON_FIELD(struct answer_body, status, "status", JSON_AS_TEXT, JSON_REQUIRED),
                JSON_FIELD_END_OPEN,
        };
        struct answer_body body = {SPAN_NONE};
        struct access_request_row row;
        struct record_create *approve;
        struct access_request_settle *deny;
        TRY(call_body(c, fields, &body, e));
        bool is_approved = span_is(body.status, "APPROVED");
        if (!is_approved && !span_is(body.status, "DENIED"))
                return error_set(e, STATUS_INVALID, "invalid-field", "/status",
                                 "It is APPROVED or DENIED.");
        TRY(find_request(c, is_approved ? REQUEST_APPROVE : REQUEST_DENY, &row, e));
        if (is_approved) {
                TRY(access_request_approve_new(c->domain, c->settings, &row, &approve, e));
                return call_submit(c, &approve->base, answer_settled, e);
        }
        TRY(access_request_settle_new(c->domain, c->settings, REQUEST_DENIED, &deny, e));
        deny->id = row.id;
        return call_submit(c, &deny->base, answer_settled, e);
}

enum status au_requests_delete(struct call *c, struct error *e)
{
        struct access_request_row row;
        struct access_request_settle *cmd;
        TRY(find_request(c, REQUEST_DELETE, &row, e));
        TRY(access_request_settle_new(c->domain, c->settings, REQUEST_DELETED, &cmd, e));
        cmd->id = row.id;
        return call_submit(c, &cmd->base, call_answer_empty, e);
}
