/*
 * base_request: a request as rooms below http may see it.
 *
 * http fills one (http_view); auth reads credentials from it without knowing
 * HTTP's room, and a call (auth_call.h) replies through it. Everything lives as
 * long as the request.
 */
#ifndef CHATELAINE_BASE_REQUEST_H
#define CHATELAINE_BASE_REQUEST_H

#include <chatelaine/base_buf.h>
#include <chatelaine/base_mailbox.h>

struct http_request; /* opaque here */

struct request_view {
        void *http;              /* the struct http_request, or what stands before it */
        const char *method;      /* "POST" */
        const char *ip;          /* after trusted proxies; "" on the unix socket */
        bool is_unix;            /* came by the admin socket, peer checked */
        unsigned unix_uid;       /* the peer's, when is_unix */
        int64_t started_ms;      /* wall time of the first byte */
        const char *id, *route;  /* request id; the matched route's path */
        const char *traceparent; /* "" = none */
        struct span body;        /* raw, unzipped */
        struct arena *arena;
        struct mailbox *mailbox;                                   /* of the request's loop */
        struct span (*header)(const void *http, const char *name); /* first; absent when not sent */
        bool (*header_each)(const void *http, size_t i, struct span *ret_name,
                            struct span *ret_value); /* arrival order */
        bool (*query_each)(void *http, size_t i, struct span *ret_name,
                           struct span *ret_value); /* decoded, in order */
        /* The one reply, on the request's loop: it and all its spans are gone when these return. */
        void (*reply)(struct http_request *req, unsigned status, const char *content_type,
                      struct span body);
        void (*reply_error)(struct http_request *req, const struct error *e);
};

#endif
