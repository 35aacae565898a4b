#include "facade/call.h"

#include <chatelaine/base_log.h>

/* The largest answer that is built in memory. */
#define OUT_BYTES_MAX ((size_t)32 << 20)

/* ---- the end of a call ---- */

struct held {
        struct settings *settings;
        struct json *body;
        struct buf out;
};

/* What a call holds beyond its arena. The arena, and the call with it, goes with http_reply. */
static struct held call_take(struct face_call *c)
{
        return (struct held){c->settings, c->body, c->out};
}

static void held_release(struct held *h)
{
        settings_unref(h->settings);
        json_free(h->body);
        buf_fini_secret(&h->out);
}

static void reply(struct face_call *c, unsigned status, const char *content_type, struct span body)
{
        struct held held = call_take(c);
        http_reply(c->req, status, content_type, body);
        held_release(&held);
}

void face_reply_out(struct face_call *c, unsigned status)
{
        struct error err;
        if (buf_check(&c->out, &err) != STATUS_OK)
                face_refuse(c, &err);
        else
                reply(c, status, c->endpoint->content_type, buf_view(&c->out));
}

void face_reply_empty(struct face_call *c, unsigned status)
{
        reply(c, status, NULL, SPAN(""));
}

enum status face_then_reply(struct face_call *c, struct error *e)
{
        (void)e;
        face_reply_out(c, 200);
        return STATUS_OK;
}

/* ---- the audit record ---- */

static void audit_fill(struct http_request *req, const struct face_endpoint *endpoint,
                       struct span target, struct audit *a)
{
        struct request_view view;
        http_view(req, &view);
        audit_request(a, &view);
        audit_target(a, target);
        a->action = endpoint->action ? endpoint->action : "request";
        a->target_kind = endpoint->target_kind;
}

static void note_refusal(struct http_request *req, const struct face_endpoint *endpoint,
                         const struct principal *who, struct span target, const struct error *why)
{
        if (why->status != STATUS_DENIED && error_http(why) != 401)
                return;
        static const struct caller nobody = {.kind = CALLER_NOBODY};
        struct audit audit = {0};
        audit_fill(req, endpoint, target, &audit);
        refusal_note(auth_loop_domain(http_loop_state(req)), who ? &who->caller : &nobody, &audit,
                     why);
}

void face_refuse(struct face_call *c, const struct error *e)
{
        note_refusal(c->req, c->endpoint, c->who, c->target, e);
        struct error copy = *e; /* `e` may lie in the arena */
        struct held held = call_take(c);
        http_reply_error(c->req, &copy);
        held_release(&held);
}

/* ---- coming in ---- */

static void begin(struct http_request *req, struct principal *who)
{
        struct error err;
        struct arena *arena = http_arena(req);
        struct face_call *c = arena_alloc(arena, sizeof *c);
        if (!c) {
                (void)!error_no_memory(&err);
                http_reply_error(req, &err);
                return;
        }
        *c = (struct face_call){.req = req,
                                .endpoint = http_route_arg(req),
                                .loop = http_loop_state(req),
                                .arena = arena,
                                .who = who};
        c->domain = auth_loop_domain(c->loop);
        c->db = auth_loop_db(c->loop);
        c->settings = domain_settings(c->domain);
        buf_init(&c->out, OUT_BYTES_MAX);
        if (c->endpoint->serve(c, &err) != STATUS_OK)
                face_refuse(c, &err);
}

static void known(void *http, struct principal *who, const struct error *e)
{
        struct http_request *req = http;
        if (e && e->status != STATUS_OK) {
                note_refusal(req, http_route_arg(req), NULL, SPAN_NONE, e);
                http_reply_error(req, e);
                return;
        }
        begin(req, who);
}

void face_enter(struct http_request *req)
{
        const struct face_endpoint *endpoint = http_route_arg(req);
        if (endpoint->is_open) {
                begin(req, NULL);
                return;
        }
        struct auth_loop *loop = http_loop_state(req);
        struct request_view *view = arena_alloc(http_arena(req), sizeof *view);
        if (!view) {
                struct error err;
                (void)!error_no_memory(&err);
                http_reply_error(req, &err);
                return;
        }
        http_view(req, view);
        auth_caller(auth_loop_auth(loop), loop, view, known);
}

/* ---- what an endpoint asks ---- */

enum status face_parse(struct face_call *c, struct error *e)
{
        struct span text = span_trim(http_body(c->req));
        if (text.len == 0)
                text = SPAN("{}");
        return json_parse(text, (unsigned)c->settings->config->limits.depth, &c->body, e);
}

enum status face_body(struct face_call *c, const struct json_field *fields, void *base,
                      struct error *e)
{
        if (!c->body)
                TRY(face_parse(c, e));
        return json_dispatch(c->body, fields, base, c->arena, e);
}

enum status face_may(const struct face_call *c, const char *permission, struct span resource,
                     struct error *e)
{
        return grants_check(c->who, permission, resource, e);
}

struct span face_resource(const struct face_call *c, const char *kind, struct span name)
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

/* ---- the pool ---- */

static void deferred_run(struct job *j, void *thread_state)
{
        struct face_call *c = (struct face_call *)((char *)j - offsetof(struct face_call, job));
        struct store_conn *db = auth_pool_db(thread_state);
        struct store_conn *loop_db = c->who ? c->who->db : NULL;
        if (c->who)
                c->who->db = db; /* this thread's, while it decides here */
        c->work_status = db ? c->work(c, db, &c->work_error)
                            : error_set(&c->work_error, STATUS_RETRY, "store-busy", NULL,
                                        "The database cannot be read just now.");
        if (c->who)
                c->who->db = loop_db;
}

static void deferred_deliver(struct mail *m)
{
        struct face_call *c =
                (struct face_call *)((char *)m - offsetof(struct face_call, job.mail));
        struct error err;
        if (c->work_status != STATUS_OK)
                face_refuse(c, &c->work_error);
        else if (c->then(c, &err) != STATUS_OK)
                face_refuse(c, &err);
}

enum status face_defer(struct face_call *c, face_work work, face_serve then, struct error *e)
{
        c->work = work;
        c->then = then;
        c->job = (struct job){.mail.deliver = deferred_deliver,
                              .reply_to = http_mailbox(c->req),
                              .run = deferred_run};
        return pool_submit(auth_pool(auth_loop_auth(c->loop)), &c->job, e);
}

/* ---- commands ---- */

static void on_done(struct domain_command *cmd)
{
        struct face_call *c = cmd->context;
        struct error err;
        if (cmd->base.status != STATUS_OK) {
                /* The ledger has put it on record already. */
                struct held held = call_take(c);
                http_reply_error(c->req, &cmd->base.error);
                held_release(&held);
        } else if (c->answer(c, cmd, &err) != STATUS_OK) {
                log_error(LOG_LEVEL_ERROR, "facade.answer", &err);
                face_refuse(c, &err);
        }
        domain_command_free(cmd);
}

enum status face_submit(struct face_call *c, struct domain_command *cmd, face_answer answer,
                        struct error *e)
{
        audit_fill(c->req, c->endpoint, c->target, &cmd->audit);
        if (c->who)
                cmd->caller = c->who->caller;
        cmd->context = c;
        cmd->reply = on_done;
        c->answer = answer;
        enum status status = domain_submit(cmd, http_mailbox(c->req), e);
        if (status != STATUS_OK)
                domain_command_free(cmd);
        return status;
}

enum status face_answer_empty(struct face_call *c, struct domain_command *cmd, struct error *e)
{
        (void)cmd;
        (void)e;
        face_reply_empty(c, 204);
        return STATUS_OK;
}
