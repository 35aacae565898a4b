#include "auth/state.h"

#include <chatelaine/auth_call.h>
#include <chatelaine/base_log.h>
#include <chatelaine/codec_crypto.h>

/* The largest answer that is built in memory: a page of events or rows. */
#define OUT_BYTES_MAX ((size_t)32 << 20)

/* ---- the end of a call ---- */

struct held {
        struct settings *settings;
        struct json *body;
        struct buf out;
};

/* What a call holds beyond its arena. The arena, and the call with it, goes with the reply. */
static struct held call_take(struct call *c)
{
        return (struct held){c->settings, c->body, c->out};
}

static void held_release(struct held *h)
{
        settings_unref(h->settings);
        json_free(h->body);
        buf_fini_secret(&h->out);
}

static void reply_error(struct call *c, const struct error *e)
{
        struct error copy = *e; /* `e` may lie in the arena */
        struct held held = call_take(c);
        c->view.reply_error(c->req, &copy);
        held_release(&held);
}

void call_reply(struct call *c, unsigned status, const char *content_type, struct span body)
{
        struct held held = call_take(c);
        c->view.reply(c->req, status, content_type, body);
        held_release(&held);
}

void call_reply_json(struct call *c, unsigned status, const struct buf *body)
{
        const char *type = c->face->content_type;
        struct error err;
        if (buf_check(body, &err) != STATUS_OK)
                call_refuse(c, &err);
        else
                call_reply(c, status, type ? type : "application/json", buf_view(body));
}

void call_reply_out(struct call *c, unsigned status)
{
        struct error err;
        struct buf CLEANUP(buf_fini_secret) shaped;
        buf_init(&shaped, OUT_BYTES_MAX);
        enum status s = buf_check(&c->out, &err);
        if (s == STATUS_OK && c->face->shape)
                s = c->face->shape(c, &shaped, &err);
        if (s != STATUS_OK)
                call_refuse(c, &err);
        else
                call_reply_json(c, status, shaped.len ? &shaped : &c->out);
}

void call_reply_empty(struct call *c, unsigned status)
{
        call_reply(c, status, NULL, SPAN(""));
}

/* ---- the audit record ---- */

static void audit_fill(const struct call *c, struct audit *a)
{
        audit_request(a, &c->view);
        audit_target(a, c->target);
        a->action = c->endpoint->action ? c->endpoint->action : "request";
        a->target_kind = c->endpoint->target_kind;
}

static const struct caller *caller_of(const struct call *c)
{
        return c->who ? &c->who->caller : &c->app;
}

void call_note(const struct call *c, int64_t count, const struct error *e)
{
        struct audit audit = {0};
        struct error recorded;
        if (!refusal_is_due(e, c->endpoint->action != NULL))
                return;
        audit_fill(c, &audit);
        audit.count = count;
        auth_on_record(e, &recorded);
        refusal_note(c->domain, caller_of(c), &audit, &recorded);
}

void call_refuse(struct call *c, const struct error *e)
{
        call_note(c, -1, e);
        reply_error(c, e);
}

/* ---- the request as auth is shown it ---- */

static struct span shown_header(const void *http, const char *name)
{
        const struct call *c = http;
        if (c->shown_value.p && span_is_nocase(span_of(c->shown_name), name))
                return c->shown_value;
        return c->view.header(c->view.http, name);
}

static bool shown_header_each(const void *http, size_t i, struct span *ret_name,
                              struct span *ret_value)
{
        const struct call *c = http;
        size_t own = c->shown_value.p && !c->is_shown_instead ? 1 : 0;
        if (i >= own) {
                if (!c->view.header_each(c->view.http, i - own, ret_name, ret_value))
                        return false;
                if (c->is_shown_instead && span_is_nocase(*ret_name, c->shown_name))
                        *ret_value = c->shown_value;
                return true;
        }
        *ret_name = span_of(c->shown_name);
        *ret_value = c->shown_value;
        return true;
}

static bool shown_query_each(void *http, size_t i, struct span *ret_name, struct span *ret_value)
{
        struct call *c = http;
        return c->view.query_each(c->view.http, i, ret_name, ret_value);
}

/* ---- coming in ---- */

struct call *call_new(const struct request_view *view, struct http_request *req,
                      struct auth_loop *loop, const struct call_face *face,
                      const struct call_endpoint *endpoint)
{
        struct call *c = arena_alloc(view->arena, sizeof *c);
        struct error err;
        if (!c) {
                (void)!error_no_memory(&err);
                view->reply_error(req, &err);
                return NULL;
        }
        c->req = req;
        c->view = c->shown = *view;
        c->shown.http = c;
        c->shown.header = shown_header;
        c->shown.header_each = shown_header_each;
        c->shown.query_each = shown_query_each;
        c->face = face;
        c->endpoint = endpoint;
        c->loop = loop;
        c->domain = auth_loop_domain(loop);
        c->db = auth_loop_db(loop);
        c->arena = view->arena;
        buf_init(&c->out, OUT_BYTES_MAX);
        return c;
}

void call_show_header(struct call *c, const char *name, struct span value, bool is_instead)
{
        c->shown_name = name;
        c->shown_value = value;
        c->is_shown_instead = value.p && is_instead;
}

static void serve(struct call *c)
{
        struct error err;
        enum status status = STATUS_OK;
        c->settings = domain_settings(c->domain);
        if (c->face->begin)
                status = c->face->begin(c, &err);
        if (status == STATUS_OK)
                status = c->endpoint->serve(c, &err);
        if (status != STATUS_OK)
                call_refuse(c, &err);
}

static void known(void *http, struct principal *who, const struct error *e)
{
        struct call *c = http;
        if (e && e->status != STATUS_OK) {
                call_refuse(c, e);
                return;
        }
        c->who = who;
        serve(c);
}

/*
 * What is read before the call has to wait is read from one snapshot: the credential, its rights
 * and what is asked are of one moment, and SQLite locks and unlocks once instead of a dozen times.
 * The call may be gone afterwards.
 */
static void enter_known(struct call *c)
{
        struct auth_loop *loop = c->loop;
        auth_snapshot_begin(loop);
        auth_caller(auth_loop_auth(loop), loop, &c->shown, known);
        auth_snapshot_end(loop);
}

void call_enter(struct call *c)
{
        if (c->endpoint->is_open)
                serve(c);
        else
                enter_known(c);
}

/* ---- a password in the body ---- */

static void password_known(void *http, struct principal *who, const struct error *e)
{
        struct call *c = http;
        struct error err;
        if (!e || e->status == STATUS_OK) {
                c->found = who;
                if (c->then(c, &err) != STATUS_OK)
                        call_refuse(c, &err);
                return;
        }
        err = *e;
        if (error_http(e) == 401 && c->refused && c->refused(c, &err) == STATUS_OK)
                return;
        call_refuse(c, &err);
}

enum status call_password(struct call *c, struct span name, struct span password, call_serve then,
                          call_serve refused, struct error *e)
{
        (void)e;
        c->then = then;
        c->refused = refused;
        auth_password(auth_loop_auth(c->loop), c->loop, &c->shown, name, password, password_known);
        return STATUS_OK;
}

/* ---- what an endpoint asks ---- */

enum status call_parse(struct call *c, struct error *e)
{
        struct span text = span_trim(c->view.body);
        if (text.len == 0)
                text = SPAN("{}");
        return json_parse(text, (unsigned)c->settings->config->limits.depth, &c->body, e);
}

enum status call_body(struct call *c, const struct json_field *fields, void *base, struct error *e)
{
        if (!c->body)
                TRY(call_parse(c, e));
        return json_dispatch(c->body, fields, base, c->arena, e);
}

enum status call_duration(const struct json *value, const char *at, int64_t *ret_ms,
                          struct error *e)
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

enum status call_time(struct span text, const char *at, int64_t *ret_ms, struct error *e)
{
        if (text.p && clock_parse_rfc3339(text, ret_ms, NULL) != STATUS_OK)
                return error_set(e, STATUS_INVALID, "invalid-field", at,
                                 "A time is RFC 3339, like \"2030-01-31T12:00:00Z\".");
        return STATUS_OK;
}

enum status call_may(const struct call *c, const char *permission, struct span resource,
                     struct error *e)
{
        if (!resource.p && c->arena->has_failed)
                return error_no_memory(e);
        return grants_check(c->who, permission, resource, e);
}

enum status call_may_all(const struct call *c, const char *subject, struct error *e)
{
        struct rights rights;
        TRY(grants_load_all(c->db, subject, c->arena, &rights, e));
        for (size_t i = 0; i < rights.n; i++) {
                const char *action = arena_dup(c->arena, rights.list[i].action);
                if (!action)
                        return error_no_memory(e);
                TRY(call_may(c, action, rights.list[i].resource, e));
        }
        return STATUS_OK;
}

struct span call_resource(const struct call *c, const char *kind, struct span name)
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

enum status call_out_check(const struct call *c, struct error *e)
{
        if (c->out.status == STATUS_LIMIT)
                return error_set(e, STATUS_INVALID, "page-too-large", "limit",
                                 "The page is larger than %zu MiB: ask for fewer rows.",
                                 OUT_BYTES_MAX >> 20);
        return buf_check(&c->out, e);
}

enum status call_then_reply(struct call *c, struct error *e)
{
        TRY(call_out_check(c, e));
        call_reply_out(c, 200);
        return STATUS_OK;
}

/* ---- the pool ---- */

static void deferred_run(struct job *j, void *thread_state)
{
        struct call *c = (struct call *)((char *)j - offsetof(struct call, job));
        struct store_conn *db = auth_pool_db(thread_state);
        /* The evaluator reads on the connection of the thread that asks it. */
        struct store_conn *loops = c->who ? c->who->db : NULL;
        if (c->who)
                c->who->db = db;
        c->work_status = db ? c->work(c, db, &c->work_error)
                            : error_set(&c->work_error, STATUS_RETRY, "store-busy", NULL,
                                        "The database cannot be read just now.");
        if (c->who)
                c->who->db = loops;
}

static void deferred_deliver(struct mail *m)
{
        struct call *c = (struct call *)((char *)m - offsetof(struct call, job.mail));
        struct error err = c->work_error;
        enum status status = c->work_status;
        if (status != STATUS_OK && c->out.status == STATUS_LIMIT)
                status = call_out_check(c, &err);
        else if (status == STATUS_OK)
                status = c->then(c, &err);
        if (status != STATUS_OK)
                call_refuse(c, &err);
}

enum status call_defer(struct call *c, call_work work, call_serve then, struct error *e)
{
        c->work = work;
        c->then = then;
        c->job = (struct job){
                .mail.deliver = deferred_deliver, .reply_to = c->view.mailbox, .run = deferred_run};
        return pool_submit(auth_pool(auth_loop_auth(c->loop)), &c->job, e);
}

struct hashing {
        struct span password;
        char *to;
        call_serve then;
        void *state; /* the endpoint's */
};

static enum status hash_work(struct call *c, struct store_conn *db, struct error *e)
{
        (void)db;
        const struct hashing *h = c->state;
        return password_hash(h->password, h->to, e);
}

static enum status hash_then(struct call *c, struct error *e)
{
        const struct hashing *h = c->state;
        c->state = h->state;
        return h->then(c, e);
}

enum status call_hash(struct call *c, struct span password, char *to, call_serve then,
                      struct error *e)
{
        struct hashing *h;
        if (!CALL_NEW(c, h))
                return error_no_memory(e);
        if (password.len > CALL_PASSWORD_BYTES_MAX)
                return error_set(e, STATUS_INVALID, "invalid-field", "/password",
                                 "A password has at most %d bytes.", CALL_PASSWORD_BYTES_MAX);
        *h = (struct hashing){password, to, then, c->state};
        c->state = h;
        return call_defer(c, hash_work, hash_then, e);
}

/* ---- commands ---- */

static void on_done(struct domain_command *cmd)
{
        struct call *c = cmd->context;
        struct error err;
        /* The ledger has put it on record already, done or not. */
        if (cmd->base.status != STATUS_OK) {
                reply_error(c, &cmd->base.error);
        } else if (c->answer(c, cmd, &err) != STATUS_OK) {
                log_error(LOG_LEVEL_ERROR, "call.answer", &err);
                reply_error(c, &err);
        }
        domain_command_free(cmd);
}

enum status call_submit(struct call *c, struct domain_command *cmd, call_answer answer,
                        struct error *e)
{
        audit_fill(c, &cmd->audit);
        cmd->caller = *caller_of(c);
        cmd->context = c;
        cmd->reply = on_done;
        c->answer = answer;
        enum status status = domain_submit(cmd, c->view.mailbox, e);
        if (status != STATUS_OK)
                domain_command_free(cmd);
        return status;
}

enum status call_answer_empty(struct call *c, struct domain_command *cmd, struct error *e)
{
        (void)cmd;
        (void)e;
        call_reply_empty(c, 204);
        return STATUS_OK;
}
