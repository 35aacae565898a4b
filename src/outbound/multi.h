/*
 * multi: transfers on an event loop (libcurl's multi interface over libevent).
 *
 * Thread:    the loop's.
 * Ownership: a transfer is its starter's; what it points to lives until done or multi_cancel.
 */
#ifndef OUTBOUND_MULTI_H
#define OUTBOUND_MULTI_H

#include <chatelaine/base_buf.h>

#define REPLY_BYTES_MAX 65536 /* what is longer is cut: a status says all that counts */
#define CACHE_CONTROL_SIZE 256

struct event_base;
struct curl_slist;
struct multi;

struct transfer {
        const char *method, *url;
        struct curl_slist *headers; /* may be NULL */
        struct span body;           /* absent = none */
        const char *ca_file;        /* "" = the system's */
        int64_t timeout_ms;
        size_t whole_bytes_max; /* not 0: the reply itself counts, and a longer one is a failure,
                                   "too-large" */
        void (*done)(struct transfer *t); /* t may start again from within */
        void *ctx;
        /* result */
        unsigned status;                        /* of HTTP; 0 = there was no answer */
        const char *failure;                    /* then a slug: "timeout", "tls", ... */
        int64_t retry_after_s;                  /* 0 = not said */
        char cache_control[CACHE_CONTROL_SIZE]; /* the first header of this name; "" = none */
        struct buf reply; /* multi_start makes it; until the next multi_start or transfer_fini */
        /* multi's */
        void *easy;
        bool has_reply;
};

enum status multi_new(struct event_base *base, struct multi **ret, struct error *e) MUST_CHECK;
void multi_free(struct multi *m); /* no transfer may be under way */
enum status multi_start(struct multi *m, struct transfer *t, struct error *e) MUST_CHECK;
void multi_cancel(struct multi *m, struct transfer *t); /* done is not called */
void transfer_fini(struct transfer *t);

#endif
