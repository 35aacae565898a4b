/*
 * writer: the ledger's two threads, and what they share.
 *
 *     ledger.c   any thread: submits, waits          sync.c   waits for the disk, answers
 *     writer.c   takes, applies, commits             group.c  one transaction
 *     queue.c    what waits for the writer
 *
 *                   ┌────────── the disk is busy: takes on into the same transaction ─┐
 *     writer:  take, apply ──the disk is free──▶ commit ──▶ hand over ──▶ take, apply ┘
 *     sync:                                                 store_sync ──▶ answer
 *
 * One transaction is open while the one before it is being synced, and takes on what comes.
 * When the disk is free it is committed; but senders who wait for their answers come again
 * together, and a sync for the first of them would keep all others waiting: for gather_us after
 * the last group a smaller one than usual waits for more. Whoever comes later than that is
 * committed at once.
 *
 * Signals are given without the lock: who wakes up wants it.
 */
#ifndef CHATELAINE_LEDGER_WRITER_H
#define CHATELAINE_LEDGER_WRITER_H

#include "ledger/group.h"
#include "ledger/queue.h"

#include <chatelaine/base_metrics.h>
#include <pthread.h>
#include <stdatomic.h>

struct ledger {
        struct ledger_options options;
        struct ledger_tx tx; /* the writer's */
        unsigned usual;      /* the writer's: commands of a group, AVERAGED times their mean */
        pthread_t writer, sync;
        bool is_joined; /* the owner's */

        pthread_mutex_t mutex; /* guards all below, and every waiter */
        pthread_cond_t wake;   /* for the writer: wake_at is reached, the disk is free, the end */
        pthread_cond_t committed; /* for sync: is_disk_busy became true, the end */
        pthread_cond_t ran;       /* a command of ledger_run is done */
        struct queue queue;
        int64_t wake_at;       /* so many rows wake the writer; 0 = it is awake */
        struct group handed;   /* to sync, while is_disk_busy */
        bool is_disk_busy;     /* from the commit until the disk has it */
        int64_t disk_free_us;  /* since when it is not, on the monotonic clock */
        bool is_draining;      /* nothing more is taken */
        bool is_written;       /* nothing more is handed */
        uint64_t failed_group; /* the last one that could not be committed */

        _Atomic int64_t head; /* durable */
        atomic_bool is_healthy;

        struct metric_cell *queued, *group_size, *commit_seconds;
        struct metric_family *commands;
};

void *ledger_writer(void *ledger);
void *ledger_sync(void *ledger);

/* ---- what both do ---- */

/* The commands have their result: hand each back to where it came from. */
void ledger_complete(struct ledger *l, struct command *first);
/* With the lock. Not OK: `e` says why. */
void ledger_set_health(struct ledger *l, enum status s, const struct error *e);

#endif
