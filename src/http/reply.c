#include "phrase.h"
#include "problem.h"
#include "request.h"

#include <assert.h>
#include <chatelaine/base_clock.h>
#include <chatelaine/base_log.h>
#include <stdio.h>
#include <strings.h>
#include <sys/uio.h>
#include <time.h>

#define HEAD_BYTES 1024
#define CONTENT_TYPE_MAX 200
#define BODY_MAX (64 * 1024) /* of an error */

/* ---- what is counted and told ---- */

/* Names of their own, so that neither crowds the other out of the log's rate limit. */
static const char *event_of(unsigned status)
{
        return status >= 500   ? "http.request_failed"
               : status >= 400 ? "http.request_refused"
                               : "http.request";
}

/* Webhooks answered as they should be, and probes: not told unless asked for, or they would be all
 * that is told. */
static enum log_level level_of(const struct http_request *r, unsigned status)
{
        if (status >= 500)
                return LOG_LEVEL_WARN;
        bool is_bulk = r->route && (r->route->def->faces & (FACE_WEBHOOKS | FACE_HEALTH)) != 0;
        return status < 400 && is_bulk ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO;
}

/* Route, never path or query: those may hold keys. */
void reply_account(const struct http_request *r, unsigned status, size_t bytes)
{
        int64_t us = clock_mono_us() - r->begun_mono_us;
        metric_add(router_cell(r->loop->server->router, r->route, status), 1);
        metric_observe_us(r->loop->server->latency, us);
        enum log_level level = level_of(r, status);
        if (!log_has(level))
                return;
        const struct log_field fields[] = {
                LOG_S("request_id", r->request_id),
                LOG_S("method", http_method_name(r)),
                LOG_S("route", http_route_path(r)),
                LOG_I("status", status),
                LOG_I("ms", us / 1000),
                LOG_S("ip", r->ip),
                LOG_I("bytes", bytes),
                LOG_S("listen", r->listener->name),
                LOG_S("client", r->conn ? "here" : "gone"),
        };
        log_write(level, event_of(status), fields, sizeof fields / sizeof fields[0]);
}

struct metric_family *rejections_family(void)
{
        return metric_family(METRIC_COUNTER, "chatelaine_rejections_total", "reason",
                             "Requests refused, by the slug of their error.");
}

static void count_rejection(const struct error *e)
{
        metric_add(METRIC_CELL(rejections_family(), e->slug[0] ? e->slug : "none"), 1);
}

/* ---- headers ---- */

void http_reply_header(struct http_request *req, const char *name, const char *value)
{
        if (strpbrk(value, "\r\n") || strpbrk(name, "\r\n: ")) {
                LOG_WARN("http.header_dropped", LOG_S("name", name));
                return;
        }
        if (req->headers.max == 0)
                buf_init(&req->headers, REPLY_HEADERS_MAX);
        buf_text(&req->headers, name);
        buf_text(&req->headers, ": ");
        buf_text(&req->headers, value);
        buf_text(&req->headers, "\r\n");
        req->has_cache_control |= strcasecmp(name, "Cache-Control") == 0;
        req->has_www_authenticate |= strcasecmp(name, "WWW-Authenticate") == 0;
        req->has_retry_after |= strcasecmp(name, "Retry-After") == 0;
}

/* IMF-fixdate (RFC 9110, section 5.6.7), made once a second. */
static const char *date_now(struct loop *l)
{
        int64_t now_s = clock_now_ms() / 1000;
        if (now_s != l->date_s) {
                time_t t = (time_t)now_s;
                struct tm tm;
                gmtime_r(&t, &tm);
                strftime(l->date, sizeof l->date, "%a, %d %b %Y %H:%M:%S GMT", &tm);
                l->date_s = now_s;
        }
        return l->date;
}

static bool has_body(unsigned status)
{
        return status >= 200 && status != 204 && status != 304;
}

struct head {
        char text[HEAD_BYTES];
        size_t len;
};

static void put(struct head *h, const char *text)
{
        size_t len = strlen(text);
        assert(h->len + len <= sizeof h->text);
        memcpy(h->text + h->len, text, len);
        h->len += len;
}

static void put_line(struct head *h, const char *name, const char *value)
{
        put(h, name);
        put(h, value);
        put(h, "\r\n");
}

static void put_number(struct head *h, const char *name, size_t n)
{
        char digits[24];
        snprintf(digits, sizeof digits, "%zu", n);
        put_line(h, name, digits);
}

/* Every status line and header that is not the handler's own. content_len < 0: chunked, or until
 * close. */
static void put_head(struct http_request *r, unsigned status, const char *content_type,
                     int64_t content_len, struct head *h)
{
        const char code[] = {(char)('0' + status / 100 % 10), (char)('0' + status / 10 % 10),
                             (char)('0' + status % 10), '\0'};
        put(h, "HTTP/1.1 ");
        put(h, code);
        put(h, " ");
        put_line(h, "", phrase(status));
        put_line(h, "Date: ", date_now(r->loop));
        put_line(h, "X-Request-Id: ", r->request_id);
        put_line(h, "traceparent: ", r->traceparent);
        if (r->must_close)
                put(h, "Connection: close\r\n");
        else if (r->is_http10)
                put(h, "Connection: keep-alive\r\n");
        if (!has_body(status))
                return;
        if (content_type)
                put_line(h, "Content-Type: ", content_type);
        if (content_len >= 0)
                put_number(h, "Content-Length: ", (size_t)content_len);
        else if (!r->is_http10)
                put(h, "Transfer-Encoding: chunked\r\n");
        put(h, "X-Content-Type-Options: nosniff\r\n");
        if (!r->has_cache_control)
                put(h, "Cache-Control: no-store\r\n");
}

/* ---- sending ---- */

/* evhttp's: the last byte of the reply is out. */
static void on_complete(struct evhttp_request *ev, void *arg)
{
        struct http_request *r = arg;
        struct conn *c = r->conn;
        if (c->must_linger) {
                /* evhttp must not close: as far as it knows, the connection goes on. */
                while (evhttp_remove_header(ev->output_headers, "Connection") == 0)
                        ;
                while (evhttp_remove_header(ev->input_headers, "Connection") == 0)
                        ;
                ev->major = 1;
                ev->minor = 1;
        }
        conn_request_done(c);
        request_free(r);
}

void reply_send(struct http_request *r)
{
        struct conn *c = r->conn;
        struct evhttp_request *ev = r->ev;
        bool is_sent = evbuffer_get_length(bufferevent_get_output(c->bev)) == 0;
        r->is_replied = true;
        if (!is_sent || !ev)
                conn_enter(c, CONN_WRITING);
        if (!ev) {
                conn_finish_raw(c);
                return;
        }
        if (r->must_close && evhttp_add_header(ev->output_headers, "Connection", "close") != 0)
                c->must_linger = true; /* no memory: end it our way */
        ev->flags &= ~EVHTTP_USER_OWNED;
        ev->chunked = 0; /* of the request; evhttp would end the reply with a chunk */
        evhttp_request_set_on_complete_cb(ev, on_complete, r);
        if (!is_sent)
                conn_send(c);
        evhttp_send_reply_end(ev); /* when all is sent: done, and the next request is read */
}

/* Nobody is there any more. */
static void reply_to_nobody(struct http_request *r)
{
        if (r->ev)
                evhttp_request_free(r->ev);
        request_free(r);
}

static void make_head(struct http_request *r, unsigned status, const char *content_type,
                      int64_t content_len, struct head *h)
{
        h->len = 0;
        r->must_close |= r->loop->is_draining;
        if (content_type &&
            (strlen(content_type) > CONTENT_TYPE_MAX || strpbrk(content_type, "\r\n")))
                content_type = NULL;
        put_head(r, status, content_type, content_len, h);
}

void reply_head(struct http_request *r, unsigned status, const char *content_type,
                int64_t content_len)
{
        struct head h;
        make_head(r, status, content_type, content_len, &h);
        struct evbuffer *out = bufferevent_get_output(r->conn->bev);
        evbuffer_add(out, h.text, h.len);
        evbuffer_add(out, r->headers.data, r->headers.len);
        evbuffer_add(out, "\r\n", 2);
}

void http_reply(struct http_request *req, unsigned status, const char *content_type,
                struct span body)
{
        assert(!req->is_replied);
        reply_account(req, status, has_body(status) ? body.len : 0);
        if (!req->conn) {
                reply_to_nobody(req);
                return;
        }
        struct head h;
        make_head(req, status, content_type, (int64_t)body.len, &h);
        const struct iovec parts[] = {
                {h.text, h.len},
                {req->headers.data, req->headers.len},
                {(char *)"\r\n", 2},
                {(char *)body.p, has_body(status) && !req->is_head ? body.len : 0},
        };
        conn_write(req->conn, parts, sizeof parts / sizeof parts[0]);
        reply_send(req);
}

/* ---- errors ---- */

static const struct http_error_shape *shape_of(const struct http_request *r)
{
        const struct http_error_shape *s = r->loop->server->wiring.error_shapes;
        for (; s && s->prefix; s++) {
                size_t n = strlen(s->prefix);
                if (span_starts(r->path, s->prefix) && (r->path.len == n || r->path.p[n] == '/'))
                        return s;
        }
        return NULL;
}

static void add_error_headers(struct http_request *r, const struct error *e, unsigned status)
{
        char seconds[24];
        uint32_t ms = e->retry_after_ms                ? e->retry_after_ms
                      : status == 429 || status == 503 ? 1000
                                                       : 0;
        if (ms && !r->has_retry_after) {
                snprintf(seconds, sizeof seconds, "%u", (ms + 999) / 1000);
                http_reply_header(r, "Retry-After", seconds);
        }
        if (status == 401 && !r->has_www_authenticate)
                http_reply_header(r, "WWW-Authenticate", "Bearer realm=\"chatelaine\"");
}

void http_problem_members(struct http_request *req, const struct error *e, struct buf *body)
{
        problem_members(e, error_http(e), req->request_id, body);
}

void http_reply_error(struct http_request *req, const struct error *e)
{
        unsigned status = error_http(e);
        const struct http_error_shape *shape = shape_of(req);
        struct buf body CLEANUP(buf_fini);
        buf_init(&body, BODY_MAX);
        if (status < 500 || status == 503)
                count_rejection(e);
        add_error_headers(req, e, status);
        if (shape)
                shape->write(req, e, &body);
        else
                problem_write(e, status, req->request_id, &body);
        http_reply(req, status, shape ? shape->content_type : "application/problem+json",
                   buf_view(&body));
}

void reply_refused(struct http_request *r, const struct error *e, bool must_linger)
{
        r->must_close = true;
        r->conn->must_linger = must_linger;
        http_reply_error(r, e);
}
