/*
 * loop: what the room's thread has: one event loop, its transfers, what it reads and what it waits
 * for.
 *
 * Thread: all of it the loop's, but for what is marked.
 */
#ifndef OUTBOUND_LOOP_H
#define OUTBOUND_LOOP_H

#include "outbound/multi.h"
#include "outbound/plan.h"

#include <chatelaine/domain_upstreams.h>
#include <chatelaine/outbound.h>
#include <pthread.h>
#include <stdatomic.h>

struct revocation;
struct sink;
struct trust;

/* Is what is committed now seen to anyhow? POSTED: the wake-up lies in the mailbox, and may not be
 * put there twice. TOLD: a look is due. The look itself begins with NONE. */
enum wake { WAKE_NONE, WAKE_POSTED, WAKE_TOLD };

struct outbound {
        struct domain *domain;
        pthread_t thread;
        struct event_base *base;
        struct event *mail_event, *tick_event, *stop_event;
        struct multi *multi;
        struct mailbox *mailbox;
        struct upstream_view *view;

        struct plan *plan;
        struct revocation *jobs; /* under way, of this plan and those before */
        unsigned n_jobs;
        struct sink *sinks;      /* those of the plan, in its order */
        struct plan *trust_plan; /* whose issuers these are: */
        struct trust *trusts;
        size_t n_trusts;
        unsigned n_commands; /* with the ledger */
        unsigned n_strays;   /* of them those of strays.c */
        bool is_plan_new;    /* strays of its upstreams may still be stuck */
        int64_t tick_at;     /* monotonic; INT64_MAX = not armed */
        bool is_stopping;

        atomic_int awake; /* enum wake; any thread: NONE to POSTED; the loop's: the rest */
        struct mail wake, stop;
        atomic_int_least64_t mark; /* any thread reads */
};

/* Look at everything at the latest in `ms`. */
void loop_tick_in(struct outbound *o, int64_t ms);
/* Ends the thread once nothing is under way. */
void loop_check_end(struct outbound *o);

/* revocations.c */
/* Start what is due and has room; *next_ms becomes the earlier of itself and the next date. */
void revocations_look(struct outbound *o, int64_t *next_ms);
/* Give up what is under way: it is pending still. */
void revocations_cut(struct outbound *o);

bool revocation_is_under_way(const struct outbound *o, struct span key_id);

/* strays.c: of upstreams that the plan has not. */
void strays_look(struct outbound *o, int64_t *next_ms);

/* sinks.c: notices. */
enum status sinks_take(struct outbound *o, struct plan *next, struct error *e) MUST_CHECK;
void sinks_look(struct outbound *o, int64_t *next_ms);
bool sinks_are_idle(const struct outbound *o);
void sinks_cut(struct outbound *o);
void sinks_free(struct outbound *o);
void sinks_metrics(void);

/* trusts.c: the keys of other issuers. Takes a reference of its own; issuers that are still there
 * keep their keys. */
enum status trusts_take(struct outbound *o, struct plan *next, struct error *e) MUST_CHECK;
void trusts_look(struct outbound *o, int64_t *next_ms);
void trusts_free(struct outbound *o); /* also what is under way */
void trusts_metrics(void);

/* gauge.c */
enum status upstream_gauge_open(struct domain *d, struct error *e) MUST_CHECK;
void upstream_gauge_close(void);

#endif
