/*
 * http: the listener. The only user of evhttp, and of OpenSSL for TLS.
 *
 *     N threads, each: event loop + evhttp on every listener (SO_REUSEPORT) + mailbox
 *
 *     bytes ─▶ limits, smuggling checks, gzip ─▶ route ─▶ handler(req)
 *                                                         │  http_reply*() now, or
 *                                                         │  keep req and reply later on the same
 * loop
 *
 * A handler that does not reply has "pending" status: it must reply exactly
 * once, later, on req's loop (a ledger or pool completion that comes through
 * http_mailbox(req)). The request stays valid until it is replied to, even if the
 * client has gone: http_reply then only frees. Handlers never see evhttp.
 *
 * Routing: literal segments beat parameters; the raw path is split at "/"
 * first, then each segment is percent-decoded. Unknown path 404, wrong method
 * 405 with Allow, HEAD is served by GET with the body dropped.
 *
 * Limits: struct http_limits. Over them: 400, 408, 413, 415, 431, 503, all as
 * problem+json or as the face's own error shape (struct http_error_shape).
 *
 * Log: one line a request, "http.request" (info), "http.request_refused" (4xx,
 * info) or "http.request_failed" (5xx, warn), with the route's pattern, never
 * path or query, since those may hold keys. What is answered well on routes of
 * the faces webhooks and health alone is told at level debug only.
 */
#ifndef CHATELAINE_HTTP_H
#define CHATELAINE_HTTP_H

#include <chatelaine/base_buf.h>
#include <chatelaine/base_config.h>
#include <chatelaine/base_mailbox.h>
#include <chatelaine/base_request.h>

struct http_server;
struct http_request;

enum http_method {
        HTTP_GET = 1,
        HTTP_POST = 2,
        HTTP_PUT = 4,
        HTTP_PATCH = 8,
        HTTP_DELETE = 16
}; /* bits */

typedef void (*http_handler)(struct http_request *req);

/* What a body may be: others are 415. A route without a body takes any and ignores it. */
enum http_media {
        MEDIA_JSON = 1,
        MEDIA_CLOUDEVENT = 2,
        MEDIA_CLOUDEVENT_BATCH = 4,
        MEDIA_NDJSON = 8,
        MEDIA_FORM = 16
}; /* bits */

struct http_route {
        enum http_method method;
        const char *path; /* "/v1/keys/{id}/rotate": also its name in metrics, logs and audit */
        unsigned faces;   /* enum config_face bits; a listener without one of them answers 404; the
                             admin socket serves all */
        unsigned media;   /* enum http_media bits; 0 = no body expected. An absent Content-Type on a
                             body counts as JSON */
        http_handler handler;
        const void *arg;    /* http_route_arg(req) */
        bool is_admin_only; /* served on the unix socket alone, 404 elsewhere */
};

/* Error shape by a path's first segments; first match wins; none: problem+json (RFC 9457). */
struct http_error_shape {
        const char *prefix; /* "/admin": it and what is beneath it */
        void (*write)(struct http_request *req, const struct error *e,
                      struct buf *body); /* sets body, may add headers */
        const char *content_type;
};

struct http_wiring {
        const struct http_route *const *route_tables; /* NULL-terminated list of tables, each ended
                                                         by a route with path NULL */
        const struct http_error_shape *error_shapes;  /* ended by prefix NULL; may be NULL */
        /* Each loop's own state (its read connection): made on the loop's thread, before it serves.
         */
        void *(*loop_new)(void *ctx, unsigned index, struct mailbox *mb, struct error *e);
        void (*loop_free)(void *loop);
        /* NULL, or before a loop that has handled requests waits for more. */
        void (*loop_rest)(void *loop);
        void *ctx;
        const char *admin_socket; /* path; NULL = none */
        size_t body_memory_bytes; /* for all bodies together: over it 503; 0 = an eighth of the
                                     machine's */
        int activation_fds;
        const char *const
                *activation_names; /* sockets 3.. from systemd, by listener name; 0 = none */
};

/* Bind, start loops. `c` is read during the call, `w` with its tables must outlive the server.
 * INVALID with where = the listener's name when an address cannot be bound. */
enum status http_start(const struct config *c, const struct http_wiring *w,
                       struct http_server **ret, struct error *e) MUST_CHECK;
/* SIGHUP: limits, trusted proxies, TLS certificates. Listeners themselves stay. */
enum status http_reload(struct http_server *s, const struct config *c, struct error *e) MUST_CHECK;
/* Stop accepting; keep-alive connections end with their next reply. */
void http_drain(struct http_server *s);
/* Requests begun and not yet answered. */
unsigned http_in_flight(const struct http_server *s);
/* Close what is left, join loops. No completion may come after it. */
void http_free(struct http_server *s);
unsigned http_loops(const struct http_server *s);
/* Bound port of a listener (tests use port 0); 0 = unknown name. The port is also logged as event
 * "http.listening". */
unsigned http_port(const struct http_server *s, const char *listen_name);

/* ---- what a handler reads; spans live as long as the request ---- */
enum http_method http_method(const struct http_request *req);
const char *http_method_name(const struct http_request *req);
struct span http_raw_target(const struct http_request *req); /* path?query as sent */
struct span http_path(const struct http_request *req);       /* raw, without query */
struct span http_param(
        struct http_request *req,
        const char *name); /* "{id}", decoded; never absent for a name of the route */
struct span http_query(struct http_request *req,
                       const char *name); /* decoded; absent when not given */
bool http_query_each(struct http_request *req, size_t i, struct span *ret_name,
                     struct span *ret_value); /* in order; false past the end */
struct span http_header(const struct http_request *req,
                        const char *name); /* first; absent when not sent */
bool http_header_each(const struct http_request *req, size_t i, struct span *ret_name,
                      struct span *ret_value);   /* arrival order */
struct span http_body(struct http_request *req); /* whole, unzipped, contiguous; "" when none */
enum http_media http_media(const struct http_request *req); /* one bit of the route's media */
const char *http_client_ip(
        const struct http_request *req); /* after trusted proxies; "" on the unix socket */
bool http_is_unix(const struct http_request
                          *req); /* came by the admin socket, peer checked: root or our own user */
const char *http_request_id(const struct http_request *req);
const char *http_traceparent(const struct http_request *req); /* "" = none */
const char *http_route_path(const struct http_request *req);  /* the matched route's path */
const void *http_route_arg(const struct http_request *req);
void *http_loop_state(const struct http_request *req); /* what loop_new gave */
struct mailbox *http_mailbox(const struct http_request *req);
struct arena *http_arena(struct http_request *req);      /* freed with the request */
int64_t http_started_ms(const struct http_request *req); /* wall time of the request's first byte */
/* The request as auth and domain may see it; valid as long as the request. */
void http_view(struct http_request *req, struct request_view *ret);

/* ---- replies: exactly one; req and all its spans are gone when the call returns ---- */
/* Response headers, before the reply. CR, LF or NUL in a value: dropped and logged. */
void http_reply_header(struct http_request *req, const char *name, const char *value);
/* `body` is copied; empty for 204. content_type NULL = none. */
void http_reply(struct http_request *req, unsigned status, const char *content_type,
                struct span body);
/* In the shape of the path; sends Retry-After when e->retry_after_ms; WWW-Authenticate on 401.
 * Counts chatelaine_rejections_total{reason=slug} for 4xx. */
void http_reply_error(struct http_request *req, const struct error *e);
/* The members of `e` as RFC 9457 has them ("type": to "request_id":), without braces: for answers
 * and shapes that add members. */
void http_problem_members(struct http_request *req, const struct error *e, struct buf *body);
/*
 * Server-sent events: the reply starts now (200, text/event-stream); `next` is
 * called on the loop when the client has drained, each poll_ms, and at each
 * http_stream_wake, and appends at most one slice (256 KiB) to `out` (none =
 * nothing now). false ends the stream, after what it appended. A heartbeat
 * comment goes out after 15 s without anything else. `gone` is called exactly
 * once however the stream ends (client, next, drain): it frees ctx; req is not
 * to be used any more then.
 */
void http_reply_stream(struct http_request *req,
                       bool (*next)(struct http_request *req, struct buf *out, void *ctx),
                       void (*gone)(void *ctx), void *ctx, unsigned poll_ms);
/* There may be something now; on req's loop. req may be over when this returns. */
void http_stream_wake(struct http_request *req);

/* The version of libevent. */
const char *http_library(void);

#endif
