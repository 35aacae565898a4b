/*
 * intake: from evhttp's "here is a request" to a handler, or to a refusal.
 *
 * Two functions of libevent are replaced by ours, as the dynamic linker allows:
 * evhttp_send_error, because its pages are HTML, and evhttp_request_new,
 * because only on a new request can a header callback be set, and only there
 * are the headers told from the trailers.
 */
#include "gzip.h"
#include "request.h"

#include <assert.h>
#include <chatelaine/base_log.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <strings.h>

/* ---- replaced functions ---- */

static int on_head(struct evhttp_request *ev, void *unused)
{
        (void)unused;
        struct conn *c = conn_of(loop_current(), ev->evcon);
        if (c)
                conn_head_done(c, ev);
        return 0;
}

struct evhttp_request *evhttp_request_new(void (*cb)(struct evhttp_request *, void *), void *arg)
{
        static struct evhttp_request *(*_Atomic original)(void (*)(struct evhttp_request *, void *),
                                                          void *);
        if (!original) {
                void *found = dlsym(RTLD_NEXT, "evhttp_request_new");
                assert(found);
                original = (struct evhttp_request *
                            (*)(void (*)(struct evhttp_request *, void *), void *)) found;
        }
        struct evhttp_request *ev = original(cb, arg);
        if (ev)
                ev->header_cb = on_head;
        return ev;
}

/* evhttp says 400 for most things; what it was is told by what it had read. */
static void explain(const struct conn *c, const struct evhttp_request *ev, int status,
                    struct error *e)
{
        size_t max = (size_t)c->endpoint->loop->settings->header_bytes;
        struct evbuffer *input = bufferevent_get_input(c->bev);
        bool has_line = evbuffer_search_eol(input, NULL, NULL, EVBUFFER_EOL_LF).pos >= 0;
        if (status == 413 && c->is_shed)
                (void)error_set(e, STATUS_RETRY, "too-busy", NULL,
                                "Too many large bodies are being received.");
        else if (status == 413)
                (void)error_set_http(
                        e, STATUS_INVALID, 413, "body-too-large", NULL,
                        "The body is over the limit of %lld bytes, or its chunks are malformed or have extensions.",
                        (long long)c->endpoint->loop->settings->body_bytes);
        else if (status == 417)
                (void)error_set_http(e, STATUS_INVALID, 417, "unknown-expectation", "Expect",
                                     "The only expectation taken is 100-continue.");
        else if (ev->headers_size > max || (ev->headers_size && !has_line &&
                                            ev->headers_size + evbuffer_get_length(input) > max))
                (void)error_set_http(
                        e, STATUS_INVALID, 431, "headers-too-large", NULL,
                        "The request line and the headers are over the limit of %zu bytes.", max);
        else
                (void)error_set(e, STATUS_INVALID, "malformed-request", NULL,
                                "The request is malformed.");
}

/* The path as far as it was seen, for the error's shape. */
static void recall_path(struct http_request *r)
{
        const struct conn *c = r->conn;
        struct span rest;
        struct span method = span_split(span_make(c->line, c->line_len), ' ', &rest);
        r->is_head = span_is(method, "HEAD");
        if (!rest.p)
                return;
        r->target = span_trim(span_split(rest, ' ', &rest));
        r->path = span_split(r->target, '?', &r->query);
}

void evhttp_send_error(struct evhttp_request *req, int error, const char *reason)
{
        (void)reason;
        struct conn *c = conn_of(loop_current(), req->evcon);
        struct http_request *r = c ? request_new(c, req) : NULL;
        if (!r) {
                evhttp_connection_free(req->evcon);
                return;
        }
        struct error e;
        conn_enter(c, CONN_HANDLING);
        recall_path(r);
        r->request_id = http_header(r, "X-Request-Id").p;
        r->traceparent = http_header(r, "traceparent").p;
        request_identify(r);
        explain(c, req, error, &e);
        reply_refused(r, &e, true);
}

void intake_refuse(struct conn *c, const struct error *e)
{
        struct http_request *r = request_new(c, NULL);
        if (!r) {
                conn_close(c);
                return;
        }
        conn_enter(c, CONN_HANDLING);
        recall_path(r);
        request_identify(r);
        reply_refused(r, e, true);
}

/* ---- the steps of a request ---- */

static const struct {
        enum evhttp_cmd_type type;
        enum http_method method;
} methods[] = {
        {EVHTTP_REQ_GET, HTTP_GET},       {EVHTTP_REQ_HEAD, HTTP_GET},
        {EVHTTP_REQ_POST, HTTP_POST},     {EVHTTP_REQ_PUT, HTTP_PUT},
        {EVHTTP_REQ_DELETE, HTTP_DELETE}, {EVHTTP_REQ_PATCH, HTTP_PATCH},
};

static void set_method(struct http_request *r)
{
        r->is_head = r->ev->type == EVHTTP_REQ_HEAD;
        for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
                if (methods[i].type == r->ev->type)
                        r->method = methods[i].method;
}

/* Split first, then decode: "%2F" is part of a segment. */
static enum status split_path(struct http_request *r, struct span *segments, size_t *ret_n,
                              struct error *e)
{
        struct span rest = span_make(r->path.p + 1, r->path.len - 1);
        size_t n = 0;
        while (rest.p) {
                struct span segment = span_split(rest, '/', &rest);
                if (n == ROUTE_SEGMENTS)
                        return error_set(e, STATUS_NOT_FOUND, "not-found", NULL,
                                         "There is nothing at this path.");
                if (memchr(segment.p, '%', segment.len)) {
                        char *copy = arena_dup(http_arena(r), segment);
                        if (!copy)
                                return error_no_memory(e);
                        segment = span_make(copy, unescape(segment, false, copy));
                }
                segments[n++] = segment;
        }
        *ret_n = n;
        return STATUS_OK;
}

static enum status find_route(struct http_request *r, struct error *e)
{
        struct span segments[ROUTE_SEGMENTS];
        size_t n = 0;
        TRY(split_path(r, segments, &n, e));
        struct route_match match;
        router_find(r->loop->server->router, r->method, segments, n, r->listener->faces,
                    r->listener->is_unix, &match);
        if (match.allow == 0)
                return error_set(e, STATUS_NOT_FOUND, "not-found", NULL,
                                 "There is nothing at this path.");
        if (!match.route) {
                char allow[ALLOW_BYTES];
                route_allow(match.allow, allow);
                http_reply_header(r, "Allow", allow);
                return error_set_http(e, STATUS_INVALID, 405, "method-not-allowed", NULL,
                                      "This path does not take the method; it takes %s.", allow);
        }
        r->route = match.route;
        memcpy(r->params, match.params, sizeof r->params);
        return STATUS_OK;
}

static const struct {
        const char *type;
        enum http_media media;
} medias[] = {
        {"application/json", MEDIA_JSON},
        {"application/cloudevents+json", MEDIA_CLOUDEVENT},
        {"application/cloudevents-batch+json", MEDIA_CLOUDEVENT_BATCH},
        {"application/x-ndjson", MEDIA_NDJSON},
        {"application/x-www-form-urlencoded", MEDIA_FORM},
};

static bool is_utf8_or_unsaid(struct span parameters)
{
        while (parameters.p) {
                struct span value;
                struct span name = span_trim(
                        span_split(span_split(parameters, ';', &parameters), '=', &value));
                if (!span_is_nocase(name, "charset") || !value.p)
                        continue;
                value = span_trim(value);
                if (value.len >= 2 && value.p[0] == '"' && value.p[value.len - 1] == '"')
                        value = span_make(value.p + 1, value.len - 2);
                if (!span_is_nocase(value, "utf-8") && !span_is_nocase(value, "utf8") &&
                    !span_is_nocase(value, "us-ascii"))
                        return false;
        }
        return true;
}

/* 0 = not one that we read. Other structured JSON types ("application/links+json") are JSON. */
static enum http_media media_of(const char *content_type)
{
        struct span parameters;
        struct span type = span_trim(span_split(span_of(content_type), ';', &parameters));
        if (!is_utf8_or_unsaid(parameters))
                return 0;
        for (size_t i = 0; i < sizeof medias / sizeof medias[0]; i++)
                if (span_is_nocase(type, medias[i].type))
                        return medias[i].media;
        bool is_json = type.len > strlen("application/") + strlen("+json") &&
                       strncasecmp(type.p, "application/", strlen("application/")) == 0 &&
                       strncasecmp(type.p + type.len - 5, "+json", 5) == 0;
        return is_json ? MEDIA_JSON : 0;
}

static enum status unzip(struct http_request *r, struct error *e)
{
        const char *coding = r->content_encoding;
        if (!coding || strcasecmp(coding, "identity") == 0 || !*coding)
                return STATUS_OK;
        if (strcasecmp(coding, "gzip") != 0 && strcasecmp(coding, "x-gzip") != 0) {
                http_reply_header(r, "Accept-Encoding", "gzip");
                return error_set_http(e, STATUS_INVALID, 415, "unsupported-coding",
                                      "Content-Encoding", "The only content coding taken is gzip.");
        }
        size_t len = 0;
        TRY(gzip_inflate(r->body, (size_t)r->loop->settings->body_bytes, &r->unzipped, &len, e));
        r->body = span_make(r->unzipped, len);
        return STATUS_OK;
}

/* The body as a whole, of a type that the route takes. */
static enum status take_body(struct http_request *r, struct error *e)
{
        unsigned takes = r->route->def->media;
        struct evbuffer *in = r->ev->input_buffer;
        size_t len = evbuffer_get_length(in);
        enum http_media media =
                r->content_type && *r->content_type ? media_of(r->content_type) : MEDIA_JSON;
        /* An empty body is what it says, or the lowest. */
        r->media = takes & media ? media : (enum http_media)(takes & -takes);
        if (takes == 0 || len == 0)
                return STATUS_OK;
        if (!(takes & media))
                return error_set_http(e, STATUS_INVALID, 415, "unsupported-media-type",
                                      "Content-Type",
                                      "This path does not take a body of this type.");
        const unsigned char *p = evbuffer_pullup(in, -1);
        if (!p)
                return error_no_memory(e);
        r->body = span_make(p, len);
        return unzip(r, e);
}

/* Refused here means: the connection cannot be trusted to be in step, and ends. */
static bool is_in_step(struct http_request *r)
{
        struct error e;
        enum status s = check_framing(r, &e);
        request_identify(r);
        if (s == STATUS_OK)
                s = check_target(r, &e);
        if (s == STATUS_OK)
                return true;
        if (r->path.len == 0)
                recall_path(r);
        reply_refused(r, &e, true);
        return false;
}

void intake(struct evhttp_request *ev, void *endpoint)
{
        struct endpoint *ep = endpoint;
        struct conn *c = conn_of(ep->loop, ev->evcon);
        struct http_request *r = c ? request_new(c, ev) : NULL;
        if (!r) {
                evhttp_connection_free(ev->evcon);
                return;
        }
        struct error e;
        ev->flags &= ~EVHTTP_PROXY_REQUEST; /* an absolute target is no reason to close */
        conn_enter(c, CONN_HANDLING);
        set_method(r);
        if (!is_in_step(r))
                return;
        ep->loop->handling = r;
        loop_rest_later(ep->loop);
        enum status s = find_route(r, &e);
        if (s == STATUS_OK)
                s = take_body(r, &e);
        if (s == STATUS_OK)
                r->route->def->handler(r);
        else
                http_reply_error(r, &e);
        bool is_over =
                ep->loop->handling != r || r->is_replied; /* over: r may be another's by now */
        ep->loop->handling = NULL;
        if (is_over)
                return;
        ev->flags |= EVHTTP_USER_OWNED; /* the body must outlive the connection */
        conn_park(c);
}
