/*
 * outbound: requests that this program sends. The only user of libcurl.
 *
 * outbound_call is for the command line: one blocking request to the daemon's
 * admin socket.
 */
#ifndef CHATELAINE_OUTBOUND_H
#define CHATELAINE_OUTBOUND_H

#include <chatelaine/base_buf.h>

struct outbound_request {
        const char *unix_socket; /* path */
        const char *method;      /* "POST" */
        const char *target;      /* "/v1/keys?limit=50", percent-encoded already */
        struct span body;        /* JSON; absent = none */
        const char *accept;      /* NULL = application/json */
        size_t reply_bytes_max;  /* of a reply that is kept */
        long timeout_s;          /* 0 = none: a stream that is followed */
        /* A stream: called with each piece as it comes, nothing is kept; false ends the call (OK).
         * NULL = keep the reply. */
        bool (*piece)(void *ctx, struct span bytes);
        void *ctx;
};
struct outbound_reply {
        unsigned status;
        struct buf body; /* buf_fini it, also after a failure */
};

/*
 * RETRY "daemon-unreachable" when nobody listens on the socket, RETRY
 * "daemon-timeout", LIMIT "reply-too-large", INTERNAL "call-failed" with curl's own words.
 */
enum status outbound_call(const struct outbound_request *q, struct outbound_reply *ret,
                          struct error *e) MUST_CHECK;

/* The version of libcurl. */
const char *outbound_library(void);

#endif
