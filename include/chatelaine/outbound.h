/*
 * outbound: requests that this program sends. The only user of libcurl.
 *
 * struct outbound is a thread with an event loop of its own. It revokes at upstreams what is
 * pending (domain_upstreams.h), posts audit events to the sinks of the configuration, and fetches
 * the keys of the issuers that it trusts (domain_trust.h).
 *
 *     after a commit: outbound_wake ──▶ upstream_due ──▶ job: the steps of its connector ──▶
 * upstream_settle (each upstream by itself, `concurrency` at a time) sink_next ──▶ POST, one at a
 * time, in order ──▶ sink_mark
 *
 * Nothing here remembers what is to be done: the store does. What is asked twice after a crash is
 * asked for something that is idempotent there. No redirect is followed, TLS is always verified,
 * and no token, password or URL with one in it is ever logged. Proxies of the environment are not
 * used.
 *
 * outbound_call is for the command line: one blocking request to the daemon's
 * admin socket.
 */
#ifndef CHATELAINE_OUTBOUND_H
#define CHATELAINE_OUTBOUND_H

#include <chatelaine/domain.h>

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

struct outbound;
/*
 * With the domain's settings; also makes chatelaine_upstream_revocations{upstream,state}. After
 * ledger_start. Errors: NOT_FOUND "password-file-missing", DENIED "password-file-mode" (others may
 * read it, unless it lies under $CREDENTIALS_DIRECTORY), INVALID "password-file-invalid".
 */
enum status outbound_start(struct domain *d, struct outbound **ret, struct error *e) MUST_CHECK;
/* Take these upstreams and sinks from now on; the files of passwords are read again. On failure all
 * stays as it is. The thread that started it. */
enum status outbound_reload(struct outbound *o, const struct config *c, struct error *e) MUST_CHECK;
/* Any thread, after a commit: something may be due. Cheap. */
void outbound_wake(struct outbound *o);
/* The journal row that the purge may not pass: the least that each sink has confirmed. Any thread.
 */
int64_t outbound_mark(struct outbound *o);
/* Waits for requests under way (2 s at most), joins, frees; before the ledger stops. NULL allowed.
 */
void outbound_stop(struct outbound *o);

/* The version of libcurl. */
const char *outbound_library(void);

#endif
