/*
 * domain, inside: struct domain, and what its files know of each other.
 */
#ifndef DOMAIN_DOMAIN_H
#define DOMAIN_DOMAIN_H

#include <chatelaine/domain.h>

#include <pthread.h>
#include <stdatomic.h>

struct refusals;
struct trust_table;

struct domain {
        struct store *store;     /* borrowed */
        struct secrets *secrets; /* borrowed; only grows */
        struct ledger *ledger;   /* borrowed; set once, before threads start */

        atomic_bool is_disk_low; /* by whoever watches it */

        pthread_mutex_t due_lock; /* guards on_due, and is held while it runs: once it is taken
                                     away, it runs no more */
        void (*on_due)(void *ctx, int64_t due_ms); /* the scheduler's; NULL = there is none */
        void *on_due_ctx;

        pthread_mutex_t lock;      /* guards settings, and is held while secrets are reloaded */
        struct settings *settings; /* the current ones, one reference */

        struct refusals *refusals; /* locks itself */

        pthread_mutex_t trust_lock;   /* guards the next three, and is held while on_wanted runs */
        struct trust_table *trust;    /* one reference; NULL = no keys yet */
        void (*on_wanted)(void *ctx); /* outbound's; NULL = there is none */
        void *on_wanted_ctx;

        const struct caller *running; /* ledger's thread: whose command is applied; NULL = none */

        bool has_new_generation; /* ledger's thread: counted at the next commit */
        _Atomic uint64_t generation;

        /* Ledger's thread: versions of apps that caller_check has read in this group; what changes
         * an app forgets them (callers_forget). */
        struct {
                uint64_t group;
                int64_t id, version;
        } apps_checked[16];

        int64_t webhooks_next_id;   /* ledger's thread: above every webhook row's; 0 = unknown */
        int64_t webhooks_purged_to; /* ledger's thread: where the purge of webhook rows goes on; 0 =
                                       at the oldest */
};

/* caller.c: a row that callers are judged by may have changed. */
void callers_forget(struct domain *d);

/* refusals.c */
enum status refusals_new(struct refusals **ret, struct error *e) MUST_CHECK;
void refusals_free(struct refusals *r);

/* trust_keys.c: NULL allowed. */
void trust_table_unref(struct trust_table *t);

/* audit.c: like audit_append, for an outcome that is not an error's: `reason` NULL = none. */
enum status audit_write(struct ledger_tx *tx, const char *actor_kind, const char *actor_id,
                        const char *on_behalf_of, const struct audit *a, const char *outcome,
                        const char *reason, struct error *e) MUST_CHECK;
/* audit.c: of `caller`, success, and why it was done. */
enum status audit_because(struct ledger_tx *tx, const struct caller *caller, const struct audit *a,
                          const char *reason, struct error *e) MUST_CHECK;
/* "success", "denied", "failed". */
const char *audit_outcome(enum status s);

#endif
