/* The thread that waits for the disk: what it confirms is answered, told and published. */
#include "ledger/writer.h"

#include <chatelaine/base_clock.h>

static bool next(struct ledger *l, struct group *ret)
{
        pthread_mutex_lock(&l->mutex);
        while (!l->is_disk_busy && !l->is_written)
                pthread_cond_wait(&l->committed, &l->mutex);
        bool is_there = l->is_disk_busy;
        *ret = l->handed;
        pthread_mutex_unlock(&l->mutex);
        return is_there;
}

static void disk_is_free(struct ledger *l)
{
        pthread_mutex_lock(&l->mutex);
        l->is_disk_busy = false;
        l->disk_free_us = clock_mono_us();
        pthread_mutex_unlock(&l->mutex);
        pthread_cond_signal(&l->wake);
}

static void set_health(struct ledger *l, const struct group *g, enum status s,
                       const struct error *e)
{
        pthread_mutex_lock(&l->mutex);
        /* A commit that has failed since is the newer news. */
        if (s != STATUS_OK || g->number > l->failed_group)
                ledger_set_health(l, s, e);
        pthread_mutex_unlock(&l->mutex);
}

void *ledger_sync(void *ledger)
{
        struct ledger *l = ledger;
        struct group g;

        while (next(l, &g)) {
                struct error e = {0};
                enum status s = store_sync(l->options.store, &e);
                bool has_events = s == STATUS_OK && g.head != atomic_load(&l->head);

                metric_observe_us(l->commit_seconds, clock_mono_us() - g.began_us);
                set_health(l, &g, s, &e);
                if (s != STATUS_OK)
                        group_fail(&g, s, &e);
                if (has_events)
                        atomic_store(&l->head, g.head);
                disk_is_free(l);
                ledger_complete(l, g.first);
                if (has_events && l->options.durable)
                        l->options.durable(l->options.durable_ctx, g.head);
        }
        return NULL;
}
