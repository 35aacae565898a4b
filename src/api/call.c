#include "api/call.h"

#include <chatelaine/base_log.h>
#include <string.h>

/* The largest answer that is built in memory: a page of events or rows. */
#define OUT_BYTES_MAX ((size_t)32 << 20)
#define DISK_FULL_RETRY_MS 30000

/* ---- the end of a call ---- */

struct held {
        struct settings *settings;
        struct json *body;
        struct buf out;
};

/* What a call holds beyond its arena. The arena, and the call with it, goes with http_reply. */
static struct held call_take(struct api_call *c)
{
        return (struct held){c->settings, c->body, c->out};
}

static void held_release(struct held *h)
{
        settings_unref(h->settings);
        json_free(h->body);
        buf_fini_secret(&h->out);
}

void api_reply(struct api_call *c, unsigned status, const char *content_type, struct span body)
{
        struct held held = call_take(c);
        http_reply(c->req, status, content_type, body);
        held_release(&held);
}

void api_reply_json(struct api_call *c, unsigned status, const struct buf *body)
{
        struct error err;
        if (buf_check(body, &err) != STATUS_OK)
                api_refuse(c, &err);
        else
                api_reply(c, status, "application/json", buf_view(body));
}

void api_reply_out(struct api_call *c, unsigned status)
{
        api_reply_json(c, status, &c->out);
}

void api_reply_empty(struct api_call *c, unsigned status)
{
        api_reply(c, status, NULL, SPAN(""));
}

/* ---- the audit record ---- */

static void audit_fill(struct http_request *req, const struct api_endpoint *endpoint,
                       struct span target, struct audit *a)
{
        struct request_view view;
        http_view(req, &view);
        audit_request(a, &view);
        audit_target(a, target);
        a->action = endpoint->action ? endpoint->action : "request";
        a->target_kind = endpoint->target_kind;
}

/* A refusal of rights: by its status, or because nobody knows who it is. */
static bool is_refusal(const struct error *e)
{
        return e->status == STATUS_DENIED || error_http(e) == 401;
}

static void note_refusal(const struct api *api, struct http_request *req,
                         const struct api_endpoint *endpoint, const struct principal *who,
                         struct span target, const struct error *why)
{
        if (!is_refusal(why))
                return;
        static const struct caller nobody = {.kind = CALLER_NOBODY};
        struct audit audit = {0};
        struct error recorded = *why;
        audit_fill(req, endpoint, target, &audit);
        if (endpoint->entry == ENTRY_OPEN)
                auth_on_record(why, &recorded);
        refusal_note(api->options.domain, who ? &who->caller : &nobody, &audit, &recorded);
}

void api_refuse(struct api_call *c, const struct error *e)
{
        note_refusal(c->api, c->req, c->endpoint, c->who, c->target, e);
        struct error copy = *e; /* `e` may lie in the arena */
        struct held held = call_take(c);
        http_reply_error(c->req, &copy);
        held_release(&held);
}

/* ---- coming in ---- */

static void serve(struct api_call *c)
{
        struct error err;
        if (c->endpoint->serve(c, &err) != STATUS_OK)
                api_refuse(c, &err);
}

static void begin(struct http_request *req, struct principal *who)
{
        const struct api_bound *bound = http_route_arg(req);
        struct arena *arena = http_arena(req);
        struct api_call *c = arena_alloc(arena, sizeof *c);
        if (!c) {
                struct error err;
                (void)!error_no_memory(&err);
                http_reply_error(req, &err);
                return;
        }
        *c = (struct api_call){.req = req,
                               .api = bound->api,
                               .endpoint = bound->endpoint,
                               .loop = http_loop_state(req),
                               .arena = arena,
                               .who = who,
                               .settings = domain_settings(bound->api->options.domain)};
        c->db = auth_loop_db(c->loop);
        buf_init(&c->out, OUT_BYTES_MAX);
        serve(c);
}

static void known(void *http, struct principal *who, const struct error *e)
{
        struct http_request *req = http;
        if (e && e->status != STATUS_OK) {
                const struct api_bound *bound = http_route_arg(req);
                note_refusal(bound->api, req, bound->endpoint, NULL, SPAN_NONE, e);
                http_reply_error(req, e);
                return;
        }
        begin(req, who);
}

static enum status check_disk(const struct api_bound *bound, struct error *e)
{
        const struct api_hooks *hooks = &bound->api->options.hooks;
        if (bound->endpoint->change != WRITES || hooks->is_disk_ok(hooks->ctx))
                return STATUS_OK;
        enum status status = error_set_http(e, STATUS_RETRY, 503, "disk-full", NULL,
                                            "The disk is full: only what takes rights away is "
                                            "still taken.");
        e->retry_after_ms = DISK_FULL_RETRY_MS;
        return status;
}

void api_enter(struct http_request *req)
{
        const struct api_bound *bound = http_route_arg(req);
        struct error err;
        struct request_view *view = NULL;
        if (check_disk(bound, &err) != STATUS_OK) {
                http_reply_error(req, &err);
        } else if (bound->endpoint->entry == ENTRY_OPEN) {
                begin(req, NULL);
        } else if (!(view = arena_alloc(http_arena(req), sizeof *view))) {
                (void)!error_no_memory(&err);
                http_reply_error(req, &err);
        } else {
                http_view(req, view);
                auth_caller(bound->api->options.auth, http_loop_state(req), view, known);
        }
}

/* ---- what an endpoint asks ---- */

enum status api_body(struct api_call *c, const struct json_field *fields, void *base,
                     struct error *e)
{
        struct span text = span_trim(http_body(c->req));
        if (text.len == 0)
                text = SPAN("{}");
        TRY(json_parse(text, (unsigned)c->settings->config->limits.depth, &c->body, e));
        return json_dispatch(c->body, fields, base, c->arena, e);
}

enum status api_duration(const struct json *value, const char *at, int64_t *ret_ms, struct error *e)
{
        int64_t ms = 0;
        if (!value || json_is_null(value))
                return STATUS_OK;
        if (json_is_integer(value) && json_integer(value) >= 0 &&
            json_integer(value) <= INT64_MAX / 1000) {
                *ret_ms = json_integer(value) * 1000;
                return STATUS_OK;
        }
        if (!json_is_string(value) ||
            clock_parse_duration(json_span(value), &ms, NULL) != STATUS_OK)
                return error_set(e, STATUS_INVALID, "invalid-field", at,
                                 "A duration is a number of seconds, or a text like \"15m\".");
        *ret_ms = ms;
        return STATUS_OK;
}

enum status api_time(struct span text, const char *at, int64_t *ret_ms, struct error *e)
{
        if (text.p && clock_parse_rfc3339(text, ret_ms, NULL) != STATUS_OK)
                return error_set(e, STATUS_INVALID, "invalid-field", at,
                                 "A time is RFC 3339, like \"2030-01-31T12:00:00Z\".");
        return STATUS_OK;
}

enum status api_may(const struct api_call *c, const char *permission, struct span resource,
                    struct error *e)
{
        return grants_check(c->who, permission, resource, e);
}

struct span api_resource(const struct api_call *c, const char *kind, struct span name)
{
        size_t kind_len = strlen(kind), len = kind_len + 1 + name.len;
        char *text = arena_alloc(c->arena, len + 1);
        if (!text)
                return SPAN_NONE;
        memcpy(text, kind, kind_len);
        text[kind_len] = '/';
        if (name.len > 0)
                memcpy(text + kind_len + 1, name.p, name.len);
        return span_make(text, len);
}

enum status api_hide(enum status allowed, bool visible, const char *slug, struct error *e)
{
        if (allowed != STATUS_DENIED || visible)
                return allowed;
        return error_set(e, STATUS_NOT_FOUND, slug, NULL,
                         "There is none of this name that you "
                         "may see.");
}

enum status api_out_check(const struct api_call *c, struct error *e)
{
        if (c->out.status == STATUS_LIMIT)
                return error_set(e, STATUS_INVALID, "page-too-large", "limit",
                                 "The page is larger than %zu MiB: ask for fewer rows.",
                                 OUT_BYTES_MAX >> 20);
        return buf_check(&c->out, e);
}

enum status api_then_reply(struct api_call *c, struct error *e)
{
        TRY(api_out_check(c, e));
        api_reply_out(c, 200);
        return STATUS_OK;
}

/* ---- the pool ---- */

static void deferred_run(struct job *j, void *thread_state)
{
        struct api_call *c = (struct api_call *)((char *)j - offsetof(struct api_call, job));
        struct store_conn *db = auth_pool_db(thread_state);
        /* The evaluator reads on the connection of the thread that asks it. */
        struct store_conn *loops = c->who ? c->who->db : NULL;
        if (c->who)
                c->who->db = db;
        c->work_status = c->work(c, db, &c->work_error);
        if (c->who)
                c->who->db = loops;
}

static void deferred_deliver(struct mail *m)
{
        struct api_call *c = (struct api_call *)((char *)m - offsetof(struct api_call, job.mail));
        struct error err;
        if (c->work_status != STATUS_OK && c->out.status == STATUS_LIMIT) {
                if (api_out_check(c, &err) != STATUS_OK)
                        api_refuse(c, &err);
        } else if (c->work_status != STATUS_OK) {
                api_refuse(c, &c->work_error);
        } else if (c->then(c, &err) != STATUS_OK) {
                api_refuse(c, &err);
        }
}

enum status api_defer(struct api_call *c, api_work work, api_serve then, struct error *e)
{
        c->work = work;
        c->then = then;
        c->job = (struct job){.mail.deliver = deferred_deliver,
                              .reply_to = http_mailbox(c->req),
                              .run = deferred_run};
        return pool_submit(auth_pool(c->api->options.auth), &c->job, e);
}

/* ---- commands ---- */

static void on_done(struct domain_command *cmd)
{
        struct api_call *c = cmd->context;
        struct error err;
        if (cmd->base.status != STATUS_OK) {
                /* The ledger has put it on record already. */
                struct held held = call_take(c);
                http_reply_error(c->req, &cmd->base.error);
                held_release(&held);
        } else if (c->answer(c, cmd, &err) != STATUS_OK) {
                log_error(LOG_LEVEL_ERROR, "api.answer", &err);
                api_refuse(c, &err);
        }
        domain_command_free(cmd);
}

enum status api_submit_as(struct api_call *c, const struct caller *caller,
                          struct domain_command *cmd, api_answer answer, struct error *e)
{
        audit_fill(c->req, c->endpoint, c->target, &cmd->audit);
        cmd->caller = *caller;
        cmd->context = c;
        cmd->reply = on_done;
        c->answer = answer;
        enum status status = domain_submit(cmd, http_mailbox(c->req), e);
        if (status != STATUS_OK)
                domain_command_free(cmd);
        return status;
}

enum status api_submit(struct api_call *c, struct domain_command *cmd, api_answer answer,
                       struct error *e)
{
        return api_submit_as(c, &c->who->caller, cmd, answer, e);
}

enum status api_answer_empty(struct api_call *c, struct domain_command *cmd, struct error *e)
{
        (void)cmd;
        (void)e;
        api_reply_empty(c, 204);
        return STATUS_OK;
}
