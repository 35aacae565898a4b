#include "facade/contract_fit.h"

#include <chatelaine/base_log.h>
#include <chatelaine/codec_crypto.h>
#include <chatelaine/codec_text.h>

#include <stdio.h>

/* The largest answer that is built in memory. */
#define OUT_BYTES_MAX ((size_t)32 << 20)
#define BASIC_BYTES_MAX 4096

/* ---- the end of a call ---- */

struct held {
        struct settings *settings;
        struct json *body;
        struct buf out;
};

/* What a call holds beyond its arena. The arena, and the call with it, goes with http_reply. */
static struct held call_take(struct cf_call *c)
{
        return (struct held){c->settings, c->body, c->out};
}

static void held_release(struct held *h)
{
        settings_unref(h->settings);
        json_free(h->body);
        buf_fini_secret(&h->out);
}

static void reply(struct cf_call *c, unsigned status, const char *content_type, struct span body)
{
        struct held held = call_take(c);
        http_reply(c->req, status, content_type, body);
        held_release(&held);
}

/* c->out through the mask. */
static enum status mask_out(struct cf_call *c, struct buf *masked, struct error *e)
{
        struct json CLEANUP(json_freep) *value = NULL;
        TRY(json_parse(buf_view(&c->out), 64, &value, e));
        cf_mask_write(c->mask, value, masked);
        return buf_check(masked, e);
}

void cf_reply_out(struct cf_call *c, unsigned status)
{
        struct error err;
        struct buf CLEANUP(buf_fini_secret) masked;
        buf_init(&masked, OUT_BYTES_MAX);
        enum status s = buf_check(&c->out, &err);
        if (s == STATUS_OK && c->mask)
                s = mask_out(c, &masked, &err);
        if (s != STATUS_OK)
                cf_refuse(c, &err);
        else
                reply(c, status, "application/json", buf_view(c->mask ? &masked : &c->out));
}

void cf_reply_empty(struct cf_call *c, unsigned status)
{
        reply(c, status, NULL, SPAN(""));
}

/* ---- the audit record ---- */

static void audit_fill(struct http_request *req, const struct cf_endpoint *endpoint,
                       struct span target, struct audit *a)
{
        struct request_view view;
        http_view(req, &view);
        audit_request(a, &view);
        audit_target(a, target);
        a->action = endpoint->action ? endpoint->action : "request";
        a->target_kind = endpoint->target_kind;
}

static void note_refusal(struct http_request *req, const struct cf_endpoint *endpoint,
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

void cf_refuse(struct cf_call *c, const struct error *e)
{
        note_refusal(c->req, c->endpoint, c->who, c->target, e);
        struct error copy = *e; /* `e` may lie in the arena */
        struct held held = call_take(c);
        http_reply_error(c->req, &copy);
        held_release(&held);
}

enum status cf_then_reply(struct cf_call *c, struct error *e)
{
        (void)e;
        cf_reply_out(c, 200);
        return STATUS_OK;
}

/* ---- a request as auth is shown it: with a credential from elsewhere as a header ---- */

struct shown {
        struct http_request *req;
        struct request_view view;
        bool hides_credentials; /* those that the request has itself */
        struct span name, value;
        /* of cf_password */
        struct cf_call *call;
        cf_serve then, refused;
        struct buf basic;
};

static bool is_credential(struct span name)
{
        return span_is_nocase(name, "Authorization") || span_is_nocase(name, "X-API-Key");
}

static struct span shown_header(const void *http, const char *name)
{
        const struct shown *s = http;
        if (s->value.p && span_is_nocase(s->name, name))
                return s->value;
        if (s->hides_credentials && is_credential(span_of(name)))
                return SPAN_NONE;
        return http_header(s->req, name);
}

static bool shown_header_each(const void *http, size_t i, struct span *ret_name,
                              struct span *ret_value)
{
        const struct shown *s = http;
        size_t own = s->value.p ? 1 : 0;
        if (i < own) {
                *ret_name = s->name;
                *ret_value = s->value;
                return true;
        }
        if (!http_header_each(s->req, i - own, ret_name, ret_value))
                return false;
        if (s->hides_credentials && is_credential(*ret_name))
                *ret_name = SPAN("X-Hidden");
        return true;
}

static bool shown_query_each(void *http, size_t i, struct span *ret_name, struct span *ret_value)
{
        const struct shown *s = http;
        return http_query_each(s->req, i, ret_name, ret_value);
}

static struct shown *show(struct http_request *req, struct span name, struct span value)
{
        struct shown *s = arena_alloc(http_arena(req), sizeof *s);
        if (!s)
                return NULL;
        s->req = req;
        s->name = name;
        s->value = value;
        http_view(req, &s->view);
        s->view.http = s;
        s->view.header = shown_header;
        s->view.header_each = shown_header_each;
        s->view.query_each = shown_query_each;
        return s;
}

/* ---- coming in ---- */

static void begin(struct http_request *req, struct principal *who)
{
        struct error err;
        struct arena *arena = http_arena(req);
        struct cf_mask *mask = NULL;
        struct span fields = http_header(req, "X-Fields");
        struct cf_call *c = arena_alloc(arena, sizeof *c);
        enum status status = c ? STATUS_OK : error_no_memory(&err);
        if (status == STATUS_OK && fields.p && fields.len)
                status = cf_mask_read(fields, arena, &mask, &err);
        if (status != STATUS_OK) {
                http_reply_error(req, &err);
                return;
        }
        *c = (struct cf_call){.req = req,
                              .endpoint = http_route_arg(req),
                              .loop = http_loop_state(req),
                              .arena = arena,
                              .who = who,
                              .mask = mask};
        c->domain = auth_loop_domain(c->loop);
        c->db = auth_loop_db(c->loop);
        c->settings = domain_settings(c->domain);
        buf_init(&c->out, OUT_BYTES_MAX);
        if (c->endpoint->serve(c, &err) != STATUS_OK)
                cf_refuse(c, &err);
}

static void known(void *http, struct principal *who, const struct error *e)
{
        struct http_request *req = ((struct shown *)http)->req;
        if (e && e->status != STATUS_OK) {
                note_refusal(req, http_route_arg(req), NULL, SPAN_NONE, e);
                http_reply_error(req, e);
                return;
        }
        begin(req, who);
}

void cf_enter(struct http_request *req)
{
        const struct cf_endpoint *endpoint = http_route_arg(req);
        if (endpoint->is_open) {
                begin(req, NULL);
                return;
        }
        struct error err;
        struct span key = http_query(req, "api_key");
        struct shown *s = show(req, SPAN("X-API-Key"), key);
        if (!s) {
                (void)!error_no_memory(&err);
                http_reply_error(req, &err);
                return;
        }
        struct auth_loop *loop = http_loop_state(req);
        auth_caller(auth_loop_auth(loop), loop, &s->view, known);
}

/* ---- a password in the body ---- */

static void password_known(void *http, struct principal *who, const struct error *e)
{
        struct shown *s = http;
        struct cf_call *c = s->call;
        struct error err = {0};
        buf_fini_secret(&s->basic);
        if (!e || e->status == STATUS_OK) {
                c->found = who;
                if (s->then(c, &err) != STATUS_OK)
                        cf_refuse(c, &err);
                return;
        }
        err = *e;
        if (error_http(e) == 401 && s->refused && s->refused(c, &err) == STATUS_OK)
                return;
        cf_refuse(c, &err);
}

static void write_basic(struct buf *out, struct span name, struct span password)
{
        struct buf CLEANUP(buf_fini_secret) both;
        buf_init(&both, BASIC_BYTES_MAX);
        buf_span(&both, name);
        buf_char(&both, ':');
        buf_span(&both, password);
        buf_text(out, "Basic ");
        base64_encode(out, buf_view(&both));
        if (both.status != STATUS_OK)
                out->status = both.status;
}

enum status cf_password(struct cf_call *c, struct span name, struct span password, cf_serve then,
                        cf_serve refused, struct error *e)
{
        struct shown *s = show(c->req, SPAN("Authorization"), SPAN_NONE);
        if (!s)
                return error_no_memory(e);
        s->hides_credentials = true;
        s->call = c;
        s->then = then;
        s->refused = refused;
        buf_init(&s->basic, BASIC_BYTES_MAX * 2);
        write_basic(&s->basic, name, password);
        if (s->basic.status != STATUS_OK || memchr(name.p, ':', name.len)) {
                buf_fini_secret(&s->basic);
                return error_set_http(e, STATUS_DENIED, 401, "invalid-credentials", NULL,
                                      "Wrong credentials.");
        }
        s->value = buf_view(&s->basic);
        auth_caller(auth_loop_auth(c->loop), c->loop, &s->view, password_known);
        return STATUS_OK;
}

/* ---- what an endpoint asks ---- */

enum status cf_parse(struct cf_call *c, struct error *e)
{
        struct span text = span_trim(http_body(c->req));
        if (text.len == 0)
                text = SPAN("{}");
        return json_parse(text, (unsigned)c->settings->config->limits.depth, &c->body, e);
}

enum status cf_body(struct cf_call *c, const struct json_field *fields, void *base, struct error *e)
{
        if (!c->body)
                TRY(cf_parse(c, e));
        return json_dispatch(c->body, fields, base, c->arena, e);
}

enum status cf_may(const struct cf_call *c, const char *permission, struct span resource,
                   struct error *e)
{
        return grants_check(c->who, permission, resource, e);
}

struct span cf_resource(const struct cf_call *c, const char *kind, struct span name)
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
        struct cf_call *c = (struct cf_call *)((char *)j - offsetof(struct cf_call, job));
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
        struct cf_call *c = (struct cf_call *)((char *)m - offsetof(struct cf_call, job.mail));
        struct error err;
        if (c->work_status != STATUS_OK)
                cf_refuse(c, &c->work_error);
        else if (c->then(c, &err) != STATUS_OK)
                cf_refuse(c, &err);
}

enum status cf_defer(struct cf_call *c, cf_work work, cf_serve then, struct error *e)
{
        c->work = work;
        c->then = then;
        c->job = (struct job){.mail.deliver = deferred_deliver,
                              .reply_to = http_mailbox(c->req),
                              .run = deferred_run};
        return pool_submit(auth_pool(auth_loop_auth(c->loop)), &c->job, e);
}

struct hashing {
        struct span password;
        char *to;
        cf_serve then;
        void *state; /* the endpoint's */
};

static enum status hash_work(struct cf_call *c, struct store_conn *db, struct error *e)
{
        (void)db;
        const struct hashing *h = c->state;
        return password_hash(h->password, h->to, e);
}

static enum status hash_then(struct cf_call *c, struct error *e)
{
        const struct hashing *h = c->state;
        c->state = h->state;
        return h->then(c, e);
}

enum status cf_hash(struct cf_call *c, struct span password, char *to, cf_serve then,
                    struct error *e)
{
        struct hashing *h;
        if (!CF_NEW(c, h))
                return error_no_memory(e);
        if (password.len > CF_PASSWORD_BYTES_MAX)
                return error_set(e, STATUS_INVALID, "invalid-field", "/password",
                                 "A password has at most %d bytes.", CF_PASSWORD_BYTES_MAX);
        *h = (struct hashing){password, to, then, c->state};
        c->state = h;
        return cf_defer(c, hash_work, hash_then, e);
}

/* ---- commands ---- */

static void on_done(struct domain_command *cmd)
{
        struct cf_call *c = cmd->context;
        struct error err;
        if (cmd->base.status != STATUS_OK) {
                /* The ledger has put it on record already. */
                struct held held = call_take(c);
                http_reply_error(c->req, &cmd->base.error);
                held_release(&held);
        } else if (c->answer(c, cmd, &err) != STATUS_OK) {
                log_error(LOG_LEVEL_ERROR, "contract_fit.answer", &err);
                cf_refuse(c, &err);
        }
        domain_command_free(cmd);
}

enum status cf_submit(struct cf_call *c, struct domain_command *cmd, cf_answer answer,
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

enum status cf_answer_empty(struct cf_call *c, struct domain_command *cmd, struct error *e)
{
        (void)cmd;
        (void)e;
        cf_reply_empty(c, 204);
        return STATUS_OK;
}
