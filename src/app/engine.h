/*
 * engine: store, secrets, domain and ledger, opened in order and closed in the
 * other: what `serve` and `init` both stand on.
 */
#ifndef CHATELAINE_APP_ENGINE_H
#define CHATELAINE_APP_ENGINE_H

#include <chatelaine/domain.h>

struct engine {
        struct store *store;
        struct secrets *secrets;
        struct domain *domain;
        struct ledger *ledger;
        struct settings *settings; /* the first, counted: for rooms that keep the configuration they
                                      were started with */
};

struct engine_options {
        struct config *take_config;
        size_t event_bytes_max;
        void (*durable)(void *ctx, int64_t head_seq); /* as the ledger has it; may be NULL */
        void *durable_ctx;
};

/* Locks the state directory, carries the schema forward. On failure nothing stays open; the
 * configuration is gone in either case. */
enum status engine_open(const struct engine_options *o, struct engine *ret,
                        struct error *e) MUST_CHECK;
/* Runs what is queued first. */
void engine_stop_ledger(struct engine *g);
void engine_close(struct engine *g);

#endif
