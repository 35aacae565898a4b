/*
 * request: what lies behind struct http_request.
 *
 * Life: made when evhttp has the whole request (or when one is refused before
 * that, without `ev`); a handler holds it; the reply is written; freed when the
 * last byte is out or the connection is gone. The client may go while the
 * handler holds it: `conn` is NULL then, `ev` and with it the body stay, owned by
 * us, until the handler replies to nobody.
 *
 * Structures are kept for reuse by the loop; memory a request allocates beside
 * its own structure is freed with it.
 */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include "conn.h"
#include <event2/http_struct.h>

#define REQUEST_ID_MAX 128
#define REQUEST_ID_BYTES 33  /* of one that is made here */
#define TRACEPARENT_BYTES 56 /* W3C Trace Context, version 00 */
#define REPLY_HEADERS_MAX 16384
#define ARENA_MAX (16 * 1024 * 1024)

struct query_pair {
        struct span name, value;
};

struct stream;

struct http_request {
        TAILQ_ENTRY(http_request) link; /* loop->requests or loop->spare */
        struct loop *loop;
        struct listener *listener;
        struct conn *conn;         /* NULL: the client is gone */
        struct evhttp_request *ev; /* NULL: refused before evhttp had it */
        const struct route *route; /* NULL: none matched */
        enum http_method method;   /* 0: none of ours (TRACE, OPTIONS, ...) */
        bool is_head;
        bool is_http10;
        bool must_close;                 /* the connection ends with this reply */
        bool is_replied;                 /* or a stream has begun */
        struct span target, path, query; /* raw; query absent without "?" */
        struct span params[ROUTE_PARAMS];
        const struct evkeyval
                *last_header; /* what follows came as a trailer and is not looked at */
        const char *content_type, *content_encoding;
        const char *request_id, *traceparent;
        struct span body;
        char *unzipped;
        size_t reserved_bytes; /* of loop->body_reserved_bytes */
        enum http_media media;
        struct query_pair *pairs; /* of the query, on first use; in the arena */
        size_t n_pairs;
        bool has_pairs;
        struct arena arena;

        struct buf headers; /* of the reply, whole lines */
        bool has_cache_control, has_www_authenticate, has_retry_after;
        struct stream *stream;

        int64_t started_ms, begun_mono_us;
        char ip[IP_TEXT_BYTES];
        unsigned uid; /* of the peer, on the unix socket */
        char made_id[REQUEST_ID_BYTES], made_trace[TRACEPARENT_BYTES];
};

/* A request on a connection that is not busy; `ev` may be NULL. NULL when memory is short. */
struct http_request *request_new(struct conn *c, struct evhttp_request *ev);
/* Give it back; `ev` is not touched. */
void request_free(struct http_request *r);
/* One that is kept for reuse, no longer. */
void request_forget(struct http_request *r);
/* The connection is going down; from the close callback. */
void request_lost(struct http_request *r);
/* The address of the client, trusted proxies taken off; names for logs taken over or made. */
void request_identify(struct http_request *r);

/* Walk the headers up to the last before any trailer. */
const struct evkeyval *header_next(const struct http_request *r, const struct evkeyval *at);

/* check.c: what evhttp does not refuse. INVALID with what is wrong; the connection must end then.
 */
enum status check_framing(struct http_request *r, struct error *e) MUST_CHECK;
/* Split and check the target; sets target, path, query. */
enum status check_target(struct http_request *r, struct error *e) MUST_CHECK;

/* Percent-decoding; `plus` makes "+" a space. The length; out may be the input. */
size_t unescape(struct span in, bool plus, char *out);

/* reply.c */
/* Status line and headers into the output. content_len < 0: chunked (HTTP/1.0: until close). */
void reply_head(struct http_request *r, unsigned status, const char *content_type,
                int64_t content_len);
/* All of the reply is in the output: hand it to evhttp to finish. The request may be gone when this
 * returns. */
void reply_send(struct http_request *r);
/* Counters and the log line. */
void reply_account(const struct http_request *r, unsigned status, size_t bytes);
/* A 4xx or 5xx of this room's own, connection ended and drained when what follows cannot be read as
 * a request. */
void reply_refused(struct http_request *r, const struct error *e, bool must_linger);

/* stream.c */
void stream_lost(struct http_request *r);
void stream_drain(struct http_request *r);

/* intake.c */
void intake(struct evhttp_request *ev, void *endpoint);
/* 408, 503 and the like for a connection whose request never became whole. */
void intake_refuse(struct conn *c, const struct error *e);

/* chatelaine_rejections_total (reply.c). */
struct metric_family *rejections_family(void);

#endif
