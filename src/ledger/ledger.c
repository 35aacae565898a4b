/* The writer's thread: takes what is queued, has it committed, hands it back. */
#include "ledger/group.h"
#include "ledger/queue.h"

#include <assert.h>
#include <chatelaine/base_clock.h>
#include <chatelaine/base_log.h>
#include <chatelaine/base_metrics.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#define PROBE_MS 1000

struct ledger {
        struct ledger_options options;
        struct ledger_tx tx; /* the thread's */
        pthread_t thread;
        bool is_joined; /* the owner's */

        pthread_mutex_t mutex; /* guards queue, is_draining, is_asleep and every waiter */
        pthread_cond_t wake;   /* the queue was empty, or the end has come */
        pthread_cond_t ran;    /* a command of ledger_run is done */
        struct queue queue;
        bool is_draining, is_asleep;

        _Atomic int64_t head;
        atomic_bool is_healthy;

        struct metric_cell *queued, *group_size, *commit_seconds;
        struct metric_family *commands;
};

/* ---- submitting ---- */

enum status ledger_submit(struct ledger *l, struct command *c, struct error *e)
{
        assert(c->rows >= 1);
        c->submitted_mono_us = clock_mono_us();

        pthread_mutex_lock(&l->mutex);
        enum status s = STATUS_OK;
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
                if (l->is_asleep)
                        pthread_cond_signal(&l->wake);
        }
        unsigned n = l->queue.n;
        pthread_mutex_unlock(&l->mutex);
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

        assert(!pthread_equal(pthread_self(), l->thread)); /* it would wait for itself */
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

/* ---- the thread ---- */

static void set_health(struct ledger *l, enum status s, const struct error *e)
{
        bool was = atomic_exchange(&l->is_healthy, s == STATUS_OK);

        if (s != STATUS_OK)
                log_error(LOG_LEVEL_ERROR, "ledger.commit_failed", e);
        else if (!was)
                LOG_INFO("ledger.commits_again");
}

static void count_statuses(struct ledger *l, const struct command *first)
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
}

static void run_group(struct ledger *l, struct command *first, unsigned n)
{
        struct error e = {0};
        int64_t began_us = clock_mono_us(), head_before = journal_head(l->tx.journal);

        l->tx.now_ms = clock_now_ms();
        l->tx.group++;
        enum status s = group_run(&l->tx, first, &e);
        set_health(l, s, &e);
        metric_observe_us(l->commit_seconds, clock_mono_us() - began_us);
        metric_observe(l->group_size, n);
        count_statuses(l, first);

        int64_t head = journal_head(l->tx.journal);
        atomic_store(&l->head, head);
        if (s == STATUS_OK && l->options.durable)
                l->options.durable(l->options.env);
        group_complete(first);
        if (head != head_before && l->options.committed)
                l->options.committed(l->options.committed_ctx, head);
}

static void probe(struct ledger *l)
{
        struct error e;

        l->tx.now_ms = clock_now_ms();
        if (group_probe(&l->tx, &e) == STATUS_OK)
                set_health(l, STATUS_OK, NULL);
}

/* A second from now, or when woken; a healthy ledger sleeps until it is woken. */
static void sleep_locked(struct ledger *l)
{
        struct timespec until;

        l->is_asleep = true;
        if (atomic_load(&l->is_healthy)) {
                pthread_cond_wait(&l->wake, &l->mutex);
        } else {
                clock_gettime(CLOCK_MONOTONIC, &until);
                until.tv_sec += PROBE_MS / 1000;
                (void)pthread_cond_timedwait(&l->wake, &l->mutex, &until);
        }
        l->is_asleep = false;
}

static void *run(void *arg)
{
        struct ledger *l = arg;

        pthread_mutex_lock(&l->mutex);
        for (;;) {
                unsigned n = 0;
                struct command *group =
                        queue_take(&l->queue, l->options.group_rows_max, &n, clock_mono_ms());
                if (group == NULL && l->is_draining)
                        break;
                if (group == NULL) {
                        sleep_locked(l);
                        if (l->queue.n > 0 || l->is_draining || atomic_load(&l->is_healthy))
                                continue;
                }
                unsigned left = l->queue.n;
                pthread_mutex_unlock(&l->mutex);
                metric_set(l->queued, left);
                if (group)
                        run_group(l, group, n);
                else
                        probe(l);
                pthread_mutex_lock(&l->mutex);
        }
        pthread_mutex_unlock(&l->mutex);
        return NULL;
}

/* ---- life ---- */

static void init_sync(struct ledger *l)
{
        pthread_condattr_t attr;

        pthread_condattr_init(&attr);
        pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
        pthread_mutex_init(&l->mutex, NULL);
        pthread_cond_init(&l->wake, &attr);
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

static enum status start(struct ledger *l, struct error *e)
{
        TRY(store_connect(l->options.store, STORE_WRITE, &l->tx.db, e));
        TRY(journal_open(l->tx.db, l->options.secrets, l->options.event_bytes_max, &l->tx.journal,
                         e));
        atomic_store(&l->head, journal_head(l->tx.journal));
        atomic_store(&l->is_healthy, true);
        if (pthread_create(&l->thread, NULL, run, l) != 0)
                return error_set(e, STATUS_RETRY, "no-thread", NULL,
                                 "the ledger's thread cannot be started");
        pthread_setname_np(l->thread, "ledger");
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
        pthread_join(l->thread, NULL);
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
        pthread_cond_destroy(&l->wake);
        pthread_mutex_destroy(&l->mutex);
        free(l);
}
