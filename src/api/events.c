/*
 * GET /v1/events: the journal as CloudEvents, in order. events:read on "events".
 *
 * With Accept: text/event-stream a live stream, from behind Last-Event-ID, else
 * from `from`, else from now: who comes again after a break asks for the same URL
 * and says in the header how far it is. It ends when its caller's credential does,
 * and when the daemon drains.
 */
#include "api/endpoints.h"
#include "api/query.h"

#include <chatelaine/domain_clients.h>
#include <chatelaine/domain_keys.h>
#include <chatelaine/domain_sessions.h>
#include <chatelaine/domain_trust.h>
#include <chatelaine/domain_users.h>
#include <chatelaine/journal.h>
#include <stdlib.h>

#define ALL_TOPICS ((1u << TOPIC_COUNT) - 1)
#define STREAM_POLL_MS 250
#define SLICE_ROWS 32
#define SLICE_BYTES ((size_t)16384)

struct events_query {
        struct span topic;
        struct query_int from;
        struct page page;
        unsigned topics;
};

/* ---- a page ---- */

struct page_writer {
        struct buf *out;
        const char *node;
        unsigned left, limit;
        int64_t next; /* the row behind the page; 0 = none yet */
};

static bool page_row(void *ctx, const struct journal_row *r)
{
        struct page_writer *w = ctx;
        if (w->left == 0) {
                w->next = r->seq;
                return false;
        }
        if (w->left-- < w->limit)
                buf_char(w->out, ',');
        journal_envelope(r, w->node, w->out);
        return w->out->status == STATUS_OK;
}

static enum status page_work(struct call *c, struct store_conn *db, struct error *e)
{
        const struct events_query *q = c->state;
        struct page_writer w = {.out = &c->out,
                                .node = c->settings->config->node,
                                .left = q->page.limit,
                                .limit = q->page.limit};
        buf_text(&c->out, "{\"items\":[");
        TRY(journal_read(db, q->topics, q->from.value, ledger_head(domain_ledger(c->domain)),
                         q->page.limit + 1, page_row, &w, e));
        buf_text(&c->out, "],\"next_cursor\":");
        if (w.next > 0) {
                struct buf CLEANUP(buf_fini) cursor;
                buf_init(&cursor, 64);
                cursor_write_int(&cursor, w.next);
                json_string(&c->out, buf_view(&cursor));
        } else {
                buf_text(&c->out, "null");
        }
        buf_char(&c->out, '}');
        return buf_check(&c->out, e);
}

/* ---- a stream ---- */

struct stream {
        const struct api *api;
        struct store_conn *db;
        struct settings *settings; /* counted */
        struct caller caller;
        unsigned topics;
        int64_t from;
        struct buf *out; /* of the slice that is being written */
};

static void stream_free(void *ctx)
{
        struct stream *s = ctx;
        settings_unref(s->settings);
        free(s);
}

static bool stream_row(void *ctx, const struct journal_row *r)
{
        struct stream *s = ctx;
        buf_printf(s->out, "id: %lld\nevent: %.*s\ndata: ", (long long)r->seq, (int)r->type.len,
                   r->type.p);
        journal_envelope(r, s->settings->config->node, s->out);
        buf_text(s->out, "\n\n");
        s->from = r->seq + 1;
        return s->out->len < SLICE_BYTES;
}

/* Is whoever opened the stream still who it was? What a stream may read does not change while it is
 * open. */
static bool is_caller_live(const struct stream *s)
{
        struct arena CLEANUP(arena_fini) arena;
        arena_init(&arena, (size_t)1 << 20);
        struct span id = span_of(s->caller.id);
        if (s->caller.kind == CALLER_KEY) {
                int64_t now = clock_now_ms();
                struct key_row key;
                return key_get(s->db, id, now, &arena, &key, NULL) == STATUS_OK &&
                       key_is_valid(&key, now);
        }
        if (s->caller.kind == CALLER_USER) {
                struct user_row user;
                return user_find(s->db, id, &arena, &user, NULL) == STATUS_OK && user.is_active;
        }
        if (s->caller.kind == CALLER_CLIENT) {
                struct client_row client;
                return client_get(s->db, id, &arena, &client, NULL) == STATUS_OK;
        }
        if (s->caller.kind == CALLER_TRUSTED)
                return trust_caller_check(s->api->options.domain, s->db, &s->caller, clock_now_ms(),
                                          NULL) == STATUS_OK;
        if (s->caller.kind == CALLER_SESSION) {
                struct session_row session;
                struct principal p;
                return session_get(s->db, id, &arena, &session, NULL) == STATUS_OK &&
                       session_principal(s->db, &session, clock_now_ms(), &arena, &p, NULL) ==
                               STATUS_OK;
        }
        return true;
}

static bool stream_next(struct http_request *req, struct buf *out, void *ctx)
{
        (void)req;
        struct stream *s = ctx;
        const struct api_hooks *hooks = &s->api->options.hooks;
        if (hooks->is_draining(hooks->ctx) || !is_caller_live(s))
                return false;
        struct error err;
        s->out = out;
        int64_t head = ledger_head(domain_ledger(s->api->options.domain));
        return journal_read(s->db, s->topics, s->from, head, SLICE_ROWS, stream_row, s, &err) ==
                       STATUS_OK &&
               out->status == STATUS_OK;
}

static enum status stream_start(struct call *c, const struct events_query *q, struct error *e)
{
        struct stream *s = calloc(1, sizeof *s);
        if (!s)
                return error_no_memory(e);
        *s = (struct stream){.api = api_of(c),
                             .db = c->db,
                             .settings = c->settings,
                             .caller = c->who->caller,
                             .topics = q->topics};
        struct span last = http_header(c->req, "Last-Event-ID");
        int64_t seen;
        if (last.p && span_int64(last, &seen, NULL) == STATUS_OK && seen >= 0 && seen < INT64_MAX)
                s->from = seen + 1;
        else if (q->from.is_given)
                s->from = q->from.value;
        else
                s->from = ledger_head(domain_ledger(c->domain)) + 1;
        /* The call ends here: the stream keeps its settings. */
        http_reply_stream(c->req, stream_next, stream_free, s, STREAM_POLL_MS);
        return STATUS_OK;
}

/* ---- GET /v1/events ---- */

/* A weight of 0 says "not this" (RFC 9110 section 12.4.2). */
static bool is_weight_zero(struct span parameters)
{
        while (parameters.p) {
                struct span value;
                struct span one = span_split(parameters, ';', &parameters);
                if (!span_is_nocase(span_trim(span_split(one, '=', &value)), "q"))
                        continue;
                value = span_trim(value);
                return value.len > 0 && strspn(value.p, "0.") >= value.len;
        }
        return false;
}

static bool wants_stream(const struct call *c)
{
        struct span accept = http_header(c->req, "Accept");
        while (accept.p) {
                struct span rest, parameters;
                struct span one = span_split(accept, ',', &rest);
                if (span_is_nocase(span_trim(span_split(one, ';', &parameters)),
                                   "text/event-stream"))
                        return !is_weight_zero(parameters);
                accept = rest;
        }
        return false;
}

enum status events_get(struct call *c, struct error *e)
{
        static const struct query_field fields[] = {
                QUERY_FIELD(struct events_query, topic, "topic", QUERY_TEXT),
                QUERY_FIELD(struct events_query, from, "from", QUERY_INT),
                QUERY_PAGE(struct events_query),
                QUERY_END,
        };
        struct events_query *q;
        if (!CALL_NEW(c, q))
                return error_no_memory(e);
        q->page.limit = PAGE_LIMIT_DEFAULT;
        q->topics = ALL_TOPICS;
        TRY(call_may(c, "events:read", SPAN("events"), e));
        TRY(query_read(c, fields, q, e));
        if (q->page.cursor.p && q->from.is_given)
                return error_set(e, STATUS_INVALID, "invalid-parameter", "cursor",
                                 "Give from or cursor, not both.");
        if (q->page.cursor.p) {
                TRY(cursor_read_int(q->page.cursor, &q->from.value, e));
                q->from.is_given = true;
        }
        if (q->topic.p) {
                enum topic topic;
                TRY(topic_parse(q->topic, c->settings->config->kafka.topic_prefix, &topic, e));
                q->topics = 1u << topic;
        }
        c->state = q;
        if (wants_stream(c))
                return stream_start(c, q, e);
        return call_defer(c, page_work, call_then_reply, e);
}
