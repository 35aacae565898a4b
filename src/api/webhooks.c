/* FirstPartyWebhookLog rows: webhooks:read and webhooks:replay on webhooks/APP, row by row. */
#include "api/endpoints.h"
#include "api/query.h"

#include <chatelaine/domain_webhooks.h>

struct list_query {
        struct webhook_filter filter;
        struct query_int user;
        struct span status;
        struct page page;
};

static enum status list_work(struct call *c, struct store_conn *db, struct error *e)
{
        const struct list_query *q = c->state;
        return webhook_list(db, &q->filter, &q->page, c->who, &c->out, e);
}

static enum status status_read(struct span text, enum webhook_status *ret, struct error *e)
{
        static const char *const names[] = {
                [WEBHOOK_PENDING] = "PENDING", [WEBHOOK_DONE] = "DONE", [WEBHOOK_ERROR] = "ERROR"};
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
                if (span_is(text, names[i])) {
                        *ret = (enum webhook_status)i;
                        return STATUS_OK;
                }
        }
        return error_set(e, STATUS_INVALID, "invalid-parameter", "status",
                         "A status is PENDING, DONE or ERROR.");
}

enum status webhooks_list(struct call *c, struct error *e)
{
        static const struct query_field fields[] = {
                QUERY_FIELD(struct list_query, filter.app, "app", QUERY_TEXT),
                QUERY_FIELD(struct list_query, user, "user_id", QUERY_INT),
                QUERY_FIELD(struct list_query, filter.type, "type", QUERY_TEXT),
                QUERY_FIELD(struct list_query, filter.external_id, "external_id", QUERY_TEXT),
                QUERY_FIELD(struct list_query, status, "status", QUERY_TEXT),
                QUERY_FIELD(struct list_query, filter.since_ms, "since", QUERY_TIME),
                QUERY_FIELD(struct list_query, filter.until_ms, "until", QUERY_TIME),
                QUERY_PAGE(struct list_query),
                QUERY_END,
        };
        struct list_query *q;
        if (!CALL_NEW(c, q))
                return error_no_memory(e);
        q->page.limit = PAGE_LIMIT_DEFAULT;
        q->filter.until_ms = INT64_MAX;
        TRY(query_read(c, fields, q, e));
        TRY(call_may(c, "webhooks:read", SPAN_NONE, e));
        q->filter.has_user = q->user.is_given;
        q->filter.user_id = q->user.value;
        if (q->status.p) {
                TRY(status_read(q->status, &q->filter.status, e));
                q->filter.has_status = true;
        }
        c->state = q;
        return call_defer(c, list_work, call_then_reply, e);
}

static enum status not_found(struct error *e)
{
        return error_set(e, STATUS_NOT_FOUND, "webhook-not-found", NULL,
                         "There is no such webhook row.");
}

/* The row {log_id} into c->out, when the caller holds `permission` on its app. */
static enum status read_one(struct call *c, const char *permission, int64_t *ret_id,
                            struct error *e)
{
        struct span app;
        c->target = api_param(c, "log_id");
        if (span_int64(c->target, ret_id, NULL) != STATUS_OK)
                return not_found(e);
        TRY(webhook_write(c->db, *ret_id, &app, c->arena, &c->out, e));
        TRY(call_out_check(c, e));
        struct span resource = call_resource(c, "webhooks", app);
        enum status allowed = call_may(c, permission, resource, e);
        return api_hide(allowed, grants_allow(c->who, "webhooks:read", resource),
                        "webhook-not-found", e);
}

enum status webhooks_get(struct call *c, struct error *e)
{
        int64_t id;
        TRY(read_one(c, "webhooks:read", &id, e));
        call_reply_out(c, 200);
        return STATUS_OK;
}

static enum status answer_replay(struct call *c, struct domain_command *cmd, struct error *e)
{
        struct span app;
        buf_reset(&c->out);
        TRY(webhook_write(c->db, ((struct webhook_replay *)cmd)->log_id, &app, c->arena, &c->out,
                          e));
        call_reply_out(c, 200);
        return STATUS_OK;
}

enum status webhooks_replay(struct call *c, struct error *e)
{
        int64_t id;
        TRY(read_one(c, "webhooks:replay", &id, e));
        struct webhook_replay *cmd;
        TRY(webhook_replay_new(c->domain, c->settings, &cmd, e));
        cmd->log_id = id;
        return call_submit(c, &cmd->base, answer_replay, e);
}
