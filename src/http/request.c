#include "request.h"

#include <chatelaine/base_clock.h>
#include <stdlib.h>
#include <strings.h>

#define SPARE_MAX 256
#define HOPS_MAX 64

/* ---- life ---- */

static struct http_request *fresh(void)
{
        struct http_request *r = calloc(1, sizeof *r);
        if (r)
                arena_init(&r->arena, ARENA_MAX);
        return r;
}

static struct http_request *take_spare(struct loop *l)
{
        struct http_request *r = TAILQ_FIRST(&l->spare);
        if (!r)
                return fresh();
        TAILQ_REMOVE(&l->spare, r, link);
        l->n_spare--;
        struct arena arena = r->arena; /* with the block that it kept */
        *r = (struct http_request){.arena = arena};
        return r;
}

struct http_request *request_new(struct conn *c, struct evhttp_request *ev)
{
        struct loop *l = c->endpoint->loop;
        struct http_request *r = take_spare(l);
        if (!r)
                return NULL;
        r->loop = l;
        r->listener = c->endpoint->listener;
        r->conn = c;
        r->ev = ev;
        r->begun_mono_us = clock_mono_us();
        r->started_ms = c->has_bytes ? c->started_ms : clock_now_ms();
        r->body = SPAN("");
        r->uid = c->uid;
        r->reserved_bytes = c->reserved_bytes;
        c->reserved_bytes = 0;
        r->last_header = c->last_header;
        r->target = r->path = SPAN("");
        TAILQ_INSERT_TAIL(&l->requests, r, link);
        conn_end_reading(c);
        loop_count(l, 1);
        c->req = r;
        return r;
}

void request_forget(struct http_request *r)
{
        arena_fini(&r->arena);
        free(r);
}

void request_free(struct http_request *r)
{
        struct loop *l = r->loop;
        TAILQ_REMOVE(&l->requests, r, link);
        loop_count(l, -1);
        if (l->handling == r)
                l->handling = NULL;
        l->body_reserved_bytes -= r->reserved_bytes;
        buf_fini(&r->headers);
        free(r->unzipped);
        if (l->n_spare == SPARE_MAX) {
                request_forget(r);
                return;
        }
        arena_reset(&r->arena);
        TAILQ_INSERT_HEAD(&l->spare, r, link);
        l->n_spare++;
}

void request_lost(struct http_request *r)
{
        r->conn = NULL;
        if (r->stream) {
                stream_lost(r);
                return;
        }
        if (r->is_replied) /* evhttp frees what it was writing */
                request_free(r);
}

/* ---- headers ---- */

const struct evkeyval *header_next(const struct http_request *r, const struct evkeyval *at)
{
        if (!r->ev || (at && at == r->last_header))
                return NULL;
        return at ? TAILQ_NEXT(at, next) : TAILQ_FIRST(r->ev->input_headers);
}

struct span http_header(const struct http_request *req, const char *name)
{
        for (const struct evkeyval *h = NULL; (h = header_next(req, h));)
                if (strcasecmp(h->key, name) == 0)
                        return span_of(h->value);
        return SPAN_NONE;
}

bool http_header_each(const struct http_request *req, size_t i, struct span *ret_name,
                      struct span *ret_value)
{
        const struct evkeyval *h = NULL;
        while ((h = header_next(req, h)))
                if (i-- == 0) {
                        *ret_name = span_of(h->key);
                        *ret_value = span_of(h->value);
                        return true;
                }
        return false;
}

/* ---- who and which ---- */

static uint64_t rotate(uint64_t x, int k)
{
        return (x << k) | (x >> (64 - k));
}

/* xoroshiro128+: names must differ, not be secret. */
static uint64_t next_random(struct loop *l)
{
        uint64_t a = l->random[0], b = l->random[1], out = a + b;
        b ^= a;
        l->random[0] = rotate(a, 24) ^ b ^ (b << 16);
        l->random[1] = rotate(b, 37);
        return out;
}

static void put_hex(char *out, uint64_t n)
{
        for (int i = 0; i < 16; i++)
                out[i] = "0123456789abcdef"[n >> (60 - 4 * i) & 15];
}

static bool is_request_id(const char *s)
{
        size_t n = 0;
        for (; s[n]; n++)
                if (n == REQUEST_ID_MAX || s[n] <= ' ' || s[n] >= 0x7f || s[n] == '"' ||
                    s[n] == '\\' || s[n] == ',')
                        return false;
        return n > 0;
}

static bool is_hex(const char *s, size_t n)
{
        bool has_other_than_0 = false;
        for (size_t i = 0; i < n; i++) {
                if (!((s[i] >= '0' && s[i] <= '9') || (s[i] >= 'a' && s[i] <= 'f')))
                        return false;
                has_other_than_0 |= s[i] != '0';
        }
        return has_other_than_0;
}

/* W3C Trace Context, version 00: 00-<32 hex, not all 0>-<16 hex, not all 0>-<2 hex>. */
static bool is_traceparent(const char *s)
{
        return strlen(s) == TRACEPARENT_BYTES - 1 && memcmp(s, "00-", 3) == 0 && s[35] == '-' &&
               s[52] == '-' && is_hex(s + 3, 32) && is_hex(s + 36, 16) &&
               (is_hex(s + 53, 2) || memcmp(s + 53, "00", 2) == 0);
}

static size_t add_hops(struct span list, bool is_forwarded, struct span *hops, size_t n)
{
        while (list.p) {
                struct span element = span_trim(span_split(list, ',', &list));
                if (n == HOPS_MAX) { /* the nearest count */
                        memmove(hops, hops + 1, (HOPS_MAX - 1) * sizeof *hops);
                        n--;
                }
                hops[n++] = is_forwarded ? forwarded_for(element) : element;
        }
        return n;
}

/* The client by one of the two headers; false when it was not sent. */
static bool walk_header(const struct http_request *r, const char *name, bool is_forwarded,
                        uint8_t address[16])
{
        struct span hops[HOPS_MAX];
        size_t n = 0;
        for (const struct evkeyval *h = NULL; (h = header_next(r, h));)
                if (strcasecmp(h->key, name) == 0)
                        n = add_hops(span_of(h->value), is_forwarded, hops, n);
        proxy_walk(r->loop->settings->proxies, r->loop->settings->n_proxies, hops, n, address);
        return n > 0;
}

static void identify_client(struct http_request *r)
{
        const struct settings *s = r->loop->settings;
        const struct conn *c = r->conn;
        memcpy(r->ip, c->ip, sizeof r->ip);
        if (s->n_proxies == 0 || r->listener->is_unix ||
            !cidr_any(s->proxies, s->n_proxies, c->address))
                return;
        uint8_t forwarded[16], x_forwarded[16];
        memcpy(forwarded, c->address, sizeof forwarded);
        memcpy(x_forwarded, c->address, sizeof x_forwarded);
        bool has_forwarded = walk_header(r, "Forwarded", true, forwarded);
        bool has_x_forwarded = walk_header(r, "X-Forwarded-For", false, x_forwarded);
        /* A proxy writes one and may pass on the client's other: when they differ, neither is
         * believed. */
        if (has_forwarded && has_x_forwarded &&
            memcmp(forwarded, x_forwarded, sizeof forwarded) != 0)
                return;
        address_text(has_forwarded ? forwarded : x_forwarded, r->ip);
}

void request_identify(struct http_request *r)
{
        if (!r->request_id || !is_request_id(r->request_id)) {
                put_hex(r->made_id, next_random(r->loop));
                put_hex(r->made_id + 16, next_random(r->loop));
                r->request_id = r->made_id;
        }
        if (!r->traceparent || !is_traceparent(r->traceparent)) {
                memcpy(r->made_trace, "00-", 3);
                put_hex(r->made_trace + 3, next_random(r->loop));
                put_hex(r->made_trace + 19, next_random(r->loop) | 1); /* never all 0 */
                r->made_trace[35] = '-';
                put_hex(r->made_trace + 36, next_random(r->loop) | 1);
                memcpy(r->made_trace + 52, "-00", 4);
                r->traceparent = r->made_trace;
        }
        identify_client(r);
}

/* ---- parameters and query ---- */

static int hex_value(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        c |= 0x20;
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 0;
}

size_t unescape(struct span in, bool plus, char *out)
{
        size_t n = 0;
        for (size_t i = 0; i < in.len; i++) {
                if (in.p[i] == '%' && i + 2 < in.len) {
                        out[n++] = (char)(hex_value(in.p[i + 1]) << 4 | hex_value(in.p[i + 2]));
                        i += 2;
                } else {
                        out[n++] = plus && in.p[i] == '+' ? ' ' : in.p[i];
                }
        }
        return n;
}

/* Decoded in the arena where there is anything to decode; absent when memory is short. */
static struct span decode(struct http_request *r, struct span in, bool plus)
{
        if (!memchr(in.p, '%', in.len) && !(plus && memchr(in.p, '+', in.len)))
                return in;
        char *copy = arena_dup(http_arena(r), in);
        return copy ? span_make(copy, unescape(in, plus, copy)) : SPAN_NONE;
}

static size_t count_pairs(struct span query)
{
        size_t n = 1;
        for (size_t i = 0; i < query.len; i++)
                n += query.p[i] == '&';
        return n;
}

static void parse_query(struct http_request *r)
{
        r->has_pairs = true;
        if (r->query.len == 0)
                return;
        r->pairs = arena_alloc(http_arena(r), count_pairs(r->query) * sizeof *r->pairs);
        struct span rest = r->query;
        while (rest.p && r->pairs) {
                struct span value;
                struct span pair = span_split(rest, '&', &rest);
                if (pair.len == 0)
                        continue;
                struct span name = span_split(pair, '=', &value);
                r->pairs[r->n_pairs].name = decode(r, name, true);
                r->pairs[r->n_pairs++].value = value.p ? decode(r, value, true) : SPAN("");
        }
}

bool http_query_each(struct http_request *req, size_t i, struct span *ret_name,
                     struct span *ret_value)
{
        if (!req->has_pairs)
                parse_query(req);
        if (i >= req->n_pairs)
                return false;
        *ret_name = req->pairs[i].name;
        *ret_value = req->pairs[i].value;
        return true;
}

struct span http_query(struct http_request *req, const char *name)
{
        struct span n, value;
        for (size_t i = 0; http_query_each(req, i, &n, &value); i++)
                if (span_is(n, name))
                        return value;
        return SPAN_NONE;
}

struct span http_param(struct http_request *req, const char *name)
{
        for (unsigned i = 0; req->route && i < req->route->n_names; i++)
                if (span_is(req->route->names[i], name))
                        return req->params[i];
        return SPAN_NONE;
}

/* ---- the rest of what a handler reads ---- */

enum http_method http_method(const struct http_request *req)
{
        return req->method;
}

const char *http_method_name(const struct http_request *req)
{
        return req->is_head ? "HEAD" : method_text(req->method);
}

struct span http_raw_target(const struct http_request *req)
{
        return req->target;
}

struct span http_path(const struct http_request *req)
{
        return req->path;
}

struct span http_body(struct http_request *req)
{
        return req->body;
}

enum http_media http_media(const struct http_request *req)
{
        return req->media;
}

const char *http_client_ip(const struct http_request *req)
{
        return req->ip;
}

bool http_is_unix(const struct http_request *req)
{
        return req->listener->is_unix;
}

const char *http_request_id(const struct http_request *req)
{
        return req->request_id;
}

const char *http_traceparent(const struct http_request *req)
{
        return req->traceparent;
}

const char *http_route_path(const struct http_request *req)
{
        return req->route ? req->route->def->path : "none";
}

const void *http_route_arg(const struct http_request *req)
{
        return req->route ? req->route->def->arg : NULL;
}

void *http_loop_state(const struct http_request *req)
{
        return req->loop->state;
}

struct mailbox *http_mailbox(const struct http_request *req)
{
        return req->loop->mailbox;
}

struct arena *http_arena(struct http_request *req)
{
        return &req->arena;
}

int64_t http_started_ms(const struct http_request *req)
{
        return req->started_ms;
}

static struct span view_header(const void *http, const char *name)
{
        return http_header(http, name);
}

static bool view_header_each(const void *http, size_t i, struct span *ret_name,
                             struct span *ret_value)
{
        return http_header_each(http, i, ret_name, ret_value);
}

static bool view_query_each(void *http, size_t i, struct span *ret_name, struct span *ret_value)
{
        return http_query_each(http, i, ret_name, ret_value);
}

void http_view(struct http_request *req, struct request_view *ret)
{
        *ret = (struct request_view){
                .http = req,
                .method = http_method_name(req),
                .ip = req->ip,
                .is_unix = req->listener->is_unix,
                .unix_uid = req->uid,
                .started_ms = req->started_ms,
                .id = http_request_id(req),
                .route = http_route_path(req),
                .traceparent = http_traceparent(req),
                .body = req->body,
                .arena = http_arena(req),
                .mailbox = req->loop->mailbox,
                .header = view_header,
                .header_each = view_header_each,
                .query_each = view_query_each,
                .reply = http_reply,
                .reply_error = http_reply_error,
        };
}
