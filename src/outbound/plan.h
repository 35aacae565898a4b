/*
 * plan: the upstreams, sinks and trusted issuers of one configuration, their secrets read. A reload
 * makes another; what is under way keeps its own until it is done.
 *
 * Thread: made on the main thread, then the loop's.
 */
#ifndef OUTBOUND_PLAN_H
#define OUTBOUND_PLAN_H

#include "outbound/connector.h"

struct sink_target {
        char *name, *url, *ca_file;
        int64_t timeout_ms;
        struct buf secret; /* the key's bytes; empty = unsigned */
};

struct trust_target {
        char *name, *issuer, *jwks, *ca_file;
};

struct plan {
        int refs; /* one of the loop's, one of each job */
        struct arena arena;
        char *node;
        struct upstream *upstreams;
        size_t n_upstreams;
        struct sink_target *sinks;
        size_t n_sinks;
        struct trust_target *trusts;
        size_t n_trusts;
};

enum status plan_new(const struct config *c, struct plan **ret, struct error *e) MUST_CHECK;
void plan_unref(struct plan *p); /* NULL allowed */

#endif
