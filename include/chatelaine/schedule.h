/*
 * schedule: due work to commands. One thread with a read connection of its own.
 *
 *     ┌▶ every job that is due: one slice as a ledger command, round and round until none has more
 *     │  next = min(dates in the store, what domain_due told meanwhile, the next interval)
 *     └─ sleep until next: timerfd (wall clock, cancelled when it is stepped) + eventfd
 *
 * By date:     keys expire, graces end, warnings go out; old keys of apps are dropped.
 * By interval: refusals of nobodies (a minute); checkpoints (10 minutes, or 10,000 rows); what is
 *              past its retention, spent nonces and idempotency keys (10 seconds).
 *
 * The store is the timer: nothing in memory grows with the number of keys, and a restart has
 * nothing to rebuild. No key's validity waits for this thread; it only puts on record what the
 * clock has already decided. A job that fails is tried again after 1 to 60 seconds.
 *
 * A slice that changed something is an audit event of the job that ran it, with its count; spent
 * nonces and idempotency keys are forgotten without one.
 *
 * Life:    schedule_start after ledger_start and domain_set_ledger. schedule_stop when no request
 *          can come any more, before the publisher and the ledger stop: its last checkpoint is
 *          still published.
 */
#ifndef CHATELAINE_SCHEDULE_H
#define CHATELAINE_SCHEDULE_H

#include <chatelaine/domain.h>

struct scheduler;

struct schedule_options {
        struct domain *domain;
        int64_t (*published_mark)(void *ctx); /* any thread: the journal row that the purge may not
                                                 pass (publish_mark) */
        void *ctx;
};

/* Also makes this scheduler the one that domain_due tells, and chatelaine_keys{state} its metric.
 */
enum status schedule_start(const struct schedule_options *o, struct scheduler **ret,
                           struct error *e) MUST_CHECK;
/* Any thread, after a commit (ledger_options.committed): a checkpoint is due when enough rows have
 * come. */
void schedule_committed(struct scheduler *s, int64_t head_seq);
/* Writes what was gathered and a last checkpoint, joins, frees; NULL allowed. */
void schedule_stop(struct scheduler *s);

#endif
