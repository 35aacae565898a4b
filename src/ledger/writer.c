/* The writer: takes what is queued, applies it, commits when the disk is free. */
#include "ledger/writer.h"

#include <chatelaine/base_clock.h>
#include <time.h>

#define PROBE_US 1000000
/* While a transaction is open: fewer rows are not worth waking up for. */
#define FEW_ROWS 8
#define AVERAGED 16 /* groups */

/* ---- one transaction ---- */

static void fail(struct ledger *l, struct group *g, enum status s, const struct error *e)
{
        struct command *first = g->first;
        uint64_t number = g->number;

        group_fail(g, s, e);
        group_undo(&l->tx, g);
        pthread_mutex_lock(&l->mutex);
        l->failed_group = number;
        ledger_set_health(l, s, e);
        pthread_mutex_unlock(&l->mutex);
        ledger_complete(l, first);
}

/* `first` NULL: the transaction of a probe. */
static void apply(struct ledger *l, struct group *g, struct command *first)
{
        struct error e = {0};

        l->tx.now_ms = clock_now_ms();
        enum status s = g->is_open ? STATUS_OK : group_begin(&l->tx, g, &e);
        group_add(g, first);
        if (s == STATUS_OK)
                s = first ? group_apply(&l->tx, g, first, &e) : group_probe(&l->tx, &e);
        if (s != STATUS_OK)
                fail(l, g, s, &e);
}

static bool commit(struct ledger *l, struct group *g)
{
        struct error e = {0};

        enum status s = group_commit(&l->tx, g, &e);
        if (s != STATUS_OK) {
                fail(l, g, s, &e);
                return false;
        }
        if (l->options.committed)
                l->options.committed(l->options.env);
        if (g->n) {
                metric_observe(l->group_size, g->n);
                l->usual += g->n - l->usual / AVERAGED;
        }
        return true;
}

static void hand_over_locked(struct ledger *l, struct group *g)
{
        l->handed = *g;
        l->is_disk_busy = true;
        *g = (struct group){0};
}

/* ---- the thread ---- */

static struct timespec after(int64_t us)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        int64_t ns = t.tv_nsec + us * 1000;
        return (struct timespec){.tv_sec = t.tv_sec + ns / 1000000000, .tv_nsec = ns % 1000000000};
}

/* Until `at` rows are queued, the disk is free, or the end has come; for at most max_us. */
static void sleep_locked(struct ledger *l, int64_t at, int64_t max_us)
{
        l->wake_at = at;
        if (max_us == INT64_MAX) {
                pthread_cond_wait(&l->wake, &l->mutex);
        } else {
                struct timespec until = after(max_us);
                (void)pthread_cond_timedwait(&l->wake, &l->mutex, &until);
        }
        l->wake_at = 0;
}

/* A group that may still grow takes what there is. While the disk makes trouble none is open: the
 * store needs the write lock to mend it. */
static bool take_and_apply_locked(struct ledger *l, struct group *g)
{
        unsigned left, n = 0;
        if (l->is_disk_busy && !atomic_load(&l->is_healthy))
                return false;
        int64_t rows = (int64_t)l->options.group_rows_max - g->rows;
        struct command *first = queue_take(&l->queue, rows, !g->first, &n, clock_mono_ms());

        if (first == NULL)
                return false;
        left = l->queue.n;
        pthread_mutex_unlock(&l->mutex);
        metric_set(l->queued, left);
        apply(l, g, first);
        pthread_mutex_lock(&l->mutex);
        return true;
}

static void commit_locked(struct ledger *l, struct group *g)
{
        pthread_mutex_unlock(&l->mutex);
        bool is_committed = commit(l, g);
        pthread_mutex_lock(&l->mutex);
        if (!is_committed)
                return;
        hand_over_locked(l, g);
        pthread_mutex_unlock(&l->mutex);
        pthread_cond_signal(&l->committed);
        pthread_mutex_lock(&l->mutex);
}

static void probe_locked(struct ledger *l, struct group *g)
{
        pthread_mutex_unlock(&l->mutex);
        apply(l, g, NULL);
        pthread_mutex_lock(&l->mutex);
}

/* Nothing is open, and nothing may be: until there is something. A ledger that could not write
 * looks again after a second. */
static void idle_locked(struct ledger *l, struct group *g)
{
        sleep_locked(l, 1, atomic_load(&l->is_healthy) ? INT64_MAX : PROBE_US);
        if (l->queue.n == 0 && !l->is_draining && !l->is_disk_busy && !atomic_load(&l->is_healthy))
                probe_locked(l, g);
}

/* How many commands more the open group is to wait for, and for how long: 0 = it is committed. */
static int64_t missing_locked(const struct ledger *l, const struct group *g, int64_t *ret_us)
{
        *ret_us = INT64_MAX;
        if (l->is_disk_busy)
                return FEW_ROWS;
        *ret_us = l->disk_free_us + l->options.gather_us - clock_mono_us();
        int64_t n = (int64_t)(l->usual / AVERAGED) - g->n;
        bool may_wait = *ret_us > 0 && n > 0 && !l->is_draining && atomic_load(&l->is_healthy);
        return may_wait ? n : 0;
}

static void go_on_locked(struct ledger *l, struct group *g, bool has_taken)
{
        int64_t us, n = missing_locked(l, g, &us);
        bool is_full = !has_taken && l->queue.n > 0; /* what is queued has no room */

        if (n == 0 || (is_full && !l->is_disk_busy))
                commit_locked(l, g);
        else if (!has_taken)
                sleep_locked(l, is_full ? INT64_MAX : n < FEW_ROWS ? n : FEW_ROWS, us);
}

void *ledger_writer(void *ledger)
{
        struct ledger *l = ledger;
        struct group g = {0};

        pthread_mutex_lock(&l->mutex);
        for (;;) {
                bool has_taken = take_and_apply_locked(l, &g);
                if (g.is_open)
                        go_on_locked(l, &g, has_taken);
                else if (l->is_draining && l->queue.n == 0)
                        break;
                else if (!has_taken)
                        idle_locked(l, &g);
        }
        pthread_mutex_unlock(&l->mutex);
        return NULL;
}
