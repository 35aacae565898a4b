/* Submitting, waiting, starting and stopping. */
#include "ledger/writer.h"

#include <assert.h>
#include <chatelaine/base_clock.h>
#include <chatelaine/base_log.h>
#include <stdlib.h>

/* ---- submitting ---- */

enum status ledger_submit(struct ledger *l, struct command *c, struct error *e)
{
        assert(c->rows >= 1);
        c->submitted_mono_us = clock_mono_us();

        pthread_mutex_lock(&l->mutex);
        enum status s = STATUS_OK;
        bool wakes = false;
        if (l->is_draining) {
                s = error_set_http(e, STATUS_LIMIT, 503, "draining", NULL,
                                   "the daemon is stopping");
        } else if (!queue_has_room(&l->queue, c)) {
                s = error_set_http(e, STATUS_LIMIT, 503, "queue-full", NULL,
                                   "too much waits to be written");
                if (e)
                        e->retry_after_ms = queue_retry_after_ms(&l->queue);
        } else {
                queue_put(&l->queue, c);
                wakes = l->wake_at && l->queue.rows >= l->wake_at;
        }
        unsigned n = l->queue.n;
        pthread_mutex_unlock(&l->mutex);
        if (wakes)
                pthread_cond_signal(&l->wake);
        metric_set(l->queued, n);
        return s;
}

struct waiter {
        struct ledger *ledger;
        bool is_done;
};

static void wake_waiter(struct command *c)
{
        struct waiter *w = c->waiter;
        struct ledger *l = w->ledger;

        pthread_mutex_lock(&l->mutex);
        w->is_done = true;
        pthread_cond_broadcast(&l->ran);
        pthread_mutex_unlock(&l->mutex);
}

enum status ledger_run(struct ledger *l, struct command *c, struct error *e)
{
        struct waiter w = {.ledger = l};

        /* They would wait for themselves. */
        assert(!pthread_equal(pthread_self(), l->writer));
        assert(!pthread_equal(pthread_self(), l->sync));
        c->reply_to = NULL;
        c->done = wake_waiter;
        c->waiter = &w;
        TRY(ledger_submit(l, c, e));

        pthread_mutex_lock(&l->mutex);
        while (!w.is_done)
                pthread_cond_wait(&l->ran, &l->mutex);
        pthread_mutex_unlock(&l->mutex);
        if (c->status != STATUS_OK && e)
                *e = c->error;
        return c->status;
}

int64_t ledger_head(const struct ledger *l)
{
        return atomic_load(&l->head);
}

bool ledger_is_healthy(const struct ledger *l)
{
        return atomic_load(&l->is_healthy);
}

/* ---- for both threads ---- */

void ledger_set_health(struct ledger *l, enum status s, const struct error *e)
{
        bool was = atomic_exchange(&l->is_healthy, s == STATUS_OK);

        if (s != STATUS_OK)
                log_error(LOG_LEVEL_ERROR, "ledger.commit_failed", e);
        else if (!was)
                LOG_INFO("ledger.commits_again");
}

void ledger_complete(struct ledger *l, struct command *first)
{
        int64_t n_ok = 0;

        for (const struct command *c = first; c; c = c->next) {
                if (c->status == STATUS_OK)
                        n_ok++;
                else
                        metric_add(METRIC_CELL(l->commands, status_name(c->status)), 1);
        }
        if (n_ok)
                metric_add(METRIC_CELL(l->commands, status_name(STATUS_OK)), n_ok);
        group_complete(first);
}

/* ---- life ---- */

static void init_sync(struct ledger *l)
{
        pthread_condattr_t attr;

        pthread_condattr_init(&attr);
        pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
        pthread_mutex_init(&l->mutex, NULL);
        pthread_cond_init(&l->wake, &attr);
        pthread_cond_init(&l->committed, NULL);
        pthread_cond_init(&l->ran, NULL);
        pthread_condattr_destroy(&attr);
}

static void init_metrics(struct ledger *l)
{
        l->queued = metric_only(metric_family(METRIC_GAUGE, "chatelaine_ledger_queue", "",
                                              "Commands that wait for the writer."));
        l->group_size = metric_only(metric_family(METRIC_SIZES, "chatelaine_ledger_group_size", "",
                                                  "Commands of one transaction."));
        l->commit_seconds = metric_only(
                metric_family(METRIC_HISTOGRAM, "chatelaine_commit_seconds", "",
                              "From the beginning of a transaction until it is durable."));
        l->commands = metric_family(METRIC_COUNTER, "chatelaine_ledger_commands_total", "status",
                                    "Commands by their result.");
}

static enum status start_thread(pthread_t *ret, const char *name, void *(*run)(void *),
                                struct ledger *l, struct error *e)
{
        if (pthread_create(ret, NULL, run, l) != 0)
                return error_set(e, STATUS_RETRY, "no-thread", NULL,
                                 "the ledger's %s thread cannot be started", name);
        pthread_setname_np(*ret, name);
        return STATUS_OK;
}

static void end_sync(struct ledger *l)
{
        pthread_mutex_lock(&l->mutex);
        l->is_written = true;
        pthread_cond_signal(&l->committed);
        pthread_mutex_unlock(&l->mutex);
        pthread_join(l->sync, NULL);
}

static enum status start(struct ledger *l, struct error *e)
{
        TRY(store_connect(l->options.store, STORE_WRITE, &l->tx.db, e));
        TRY(journal_open(l->tx.db, l->options.secrets, l->options.event_bytes_max, &l->tx.journal,
                         e));
        atomic_store(&l->head, journal_head(l->tx.journal));
        atomic_store(&l->is_healthy, true);
        TRY(start_thread(&l->sync, "sync", ledger_sync, l, e));
        enum status s = start_thread(&l->writer, "ledger", ledger_writer, l, e);
        if (s != STATUS_OK) {
                end_sync(l);
                return s;
        }
        l->is_joined = false;
        return STATUS_OK;
}

enum status ledger_start(const struct ledger_options *o, struct ledger **ret, struct error *e)
{
        struct ledger *l = calloc(1, sizeof *l);
        if (l == NULL)
                return error_no_memory(e);
        l->options = *o;
        l->tx.env = o->env;
        l->is_joined = true;
        init_sync(l);
        init_metrics(l);
        queue_init(&l->queue, o->queue_max);

        enum status s = start(l, e);
        if (s != STATUS_OK) {
                ledger_free(l);
                return s;
        }
        *ret = l;
        return STATUS_OK;
}

void ledger_stop(struct ledger *l)
{
        if (l == NULL || l->is_joined)
                return;
        pthread_mutex_lock(&l->mutex);
        l->is_draining = true;
        pthread_cond_signal(&l->wake);
        pthread_mutex_unlock(&l->mutex);
        pthread_join(l->writer, NULL);
        end_sync(l);
        l->is_joined = true;
}

void ledger_free(struct ledger *l)
{
        if (l == NULL)
                return;
        ledger_stop(l);
        journal_free(l->tx.journal);
        store_disconnect(l->tx.db);
        pthread_cond_destroy(&l->ran);
        pthread_cond_destroy(&l->committed);
        pthread_cond_destroy(&l->wake);
        pthread_mutex_destroy(&l->mutex);
        free(l);
}
