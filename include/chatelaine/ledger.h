/*
 * ledger: the only writer.
 *
 * Takes commands from any thread, runs all that are queued inside one
 * transaction, commits once, and hands each back to the loop that sent it when
 * the disk has it.
 *
 *     http thread                     ledger thread
 *     ledger_submit(cmd) ──queue──▶   begin
 *                                     savepoint, cmd->apply(tx), release or roll back   (each)
 *                                     cmd->record(tx): its audit event
 *                                     commit, then the next group
 *                                        │ sync thread
 *                                        ▼
 *     cmd->done(cmd)     ◀─mailbox──  fdatasync, then the completion
 *
 * Readers see a commit before it is durable; nothing is answered, published or told
 * (ledger_head) that is not.
 *
 * Neighbours that are is_repeatable share one savepoint, or have none where nothing else is in
 * the transaction; when one of them fails after it has written, all of them are undone and each
 * is run again in its own.
 *
 * Thread:    submit from any; apply and record on the ledger's; done on the
 *            loop of reply_to, or on a thread of the ledger's when reply_to is NULL.
 * Ownership: submit takes the command; done gives it back. A command is never
 *            freed by the ledger.
 * Limits:    queue_max commands and 16 times as many rows (a larger command still
 *            goes into an empty queue); a full queue is STATUS_LIMIT
 *            (http 503, "queue-full") and error.retry_after_ms says when, from the
 *            drain rate of the last second. Commands that only take rights away
 *            (is_revocation) have an eighth of the queue for themselves.
 * Failure:   when the database itself fails (disk full, I/O) or a record does, the
 *            whole group is undone and each of its commands gets that status; the
 *            next group tries again, and an idle ledger tries once a second. When
 *            the disk does not confirm a commit (INTERNAL "store-io"), its commands get
 *            that status and may have happened all the same: as whole as ever, and with
 *            their events.
 */
#ifndef CHATELAINE_LEDGER_H
#define CHATELAINE_LEDGER_H

#include <chatelaine/base_mailbox.h>
#include <chatelaine/journal.h>
#include <chatelaine/store.h>

struct ledger;

/* What apply and record work on: one transaction of the ledger's thread. */
struct ledger_tx {
        struct store_conn *db;
        struct journal *journal;
        int64_t now_ms;  /* the wall clock when this group began; one value for a whole group */
        uint64_t group;  /* the transactions of this process, counted from 1 */
        const void *env; /* ledger_options.env: domain's environment */
};

struct command {
        struct mail mail;         /* the ledger's: the completion */
        struct command *next;     /* the ledger's: the queue */
        struct mailbox *reply_to; /* NULL: done is called on a thread of the ledger's */
        /* Database work only. A failure undoes this command alone, and is its result. With
         * is_repeatable it may be called once more, after all that it did is undone. */
        enum status (*apply)(struct ledger_tx *tx, struct command *c, struct error *e);
        /* Writes the command's audit event, for c->status OK or not; NULL = none. A failure here
         * fails the whole group. */
        enum status (*record)(struct ledger_tx *tx, struct command *c, struct error *e);
        void (*done)(struct command *c);
        unsigned rows; /* about how many rows it writes; at least 1 */
        bool is_revocation;
        bool is_repeatable; /* needs no savepoint of its own: the hot command's */
        enum status status; /* the result; error says why when it is not OK */
        struct error error;
        int64_t submitted_mono_us; /* the ledger's */
        void *waiter;              /* the ledger's: who waits in ledger_run */
};

struct ledger_options {
        struct store *store;
        const struct secrets *secrets;
        size_t event_bytes_max;
        unsigned queue_max;      /* commands */
        unsigned group_rows_max; /* rows of one transaction; a single larger command still goes
                                    alone */
        unsigned gather_us; /* so long after one group was durable a smaller one than usual waits
                               for more; 0 = never */
        const void *env;
        /* NULL, or after each commit, before any of its commands is answered, on the ledger's
         * thread: what was derived from rows that it changed is void from here on. */
        void (*committed)(const void *env);
        /* NULL, or when events have become durable, on the sync thread (the publisher wakes). */
        void (*durable)(void *ctx, int64_t head_seq);
        void *durable_ctx;
};

enum status ledger_start(const struct ledger_options *o, struct ledger **ret,
                         struct error *e) MUST_CHECK;
enum status ledger_submit(struct ledger *l, struct command *c, struct error *e) MUST_CHECK;
/* Submit and wait for the completion, on a thread that has no loop (scheduler, publisher,
 * start-up). Returns the command's status. */
enum status ledger_run(struct ledger *l, struct command *c, struct error *e) MUST_CHECK;
/* Journal head as far as it is durable; any thread. */
int64_t ledger_head(const struct ledger *l);
/* Is the writer able to commit: false after a failed commit until the next good one (readyz). */
bool ledger_is_healthy(const struct ledger *l);
/* Runs all that is queued, then joins. Submissions after it began are LIMIT "draining". */
void ledger_stop(struct ledger *l);
void ledger_free(struct ledger *l);

#endif
