/*
 * The thread that carries the WAL into the database, so that no commit has to.
 *
 *     asleep ──a commit──▶ 500 ms or 32 MiB ──▶ PASSIVE ──all carried──▶ asleep
 *                                   ▲              │ more was written meanwhile
 *                                   └──────────────┘
 *
 * Seldom, since commits wait longer for a disk that is busy with this: at each 100 ms there were a
 * tenth fewer requests of one item.
 *
 * Under steady load PASSIVE never catches up with the writer, and the WAL would
 * grow for ever. Past WAL_BOUND_PAGES the gate is closed: the writer waits before
 * its next transaction, the few pages that are left are carried over, and the
 * writer begins the WAL from its start again.
 */
#include "store/sqlite.h"

#include <chatelaine/base_log.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define PAUSE_MS 500
#define MUCH_PAGES 4096 /* of 8 KiB: no pause is that long */
#define BLOCKED_PAUSE_MS 1000
#define WAL_BOUND_PAGES 8192 /* 64 MiB of 8 KiB pages */
#define READERS_WAIT_MS 250  /* the longest that the writer is held for readers of the old WAL */

struct checkpointer {
        sqlite3 *db; /* the thread's */
        struct store *store;
        pthread_t thread;
        pthread_mutex_t mutex; /* guards all below */
        pthread_cond_t wake;   /* a commit, or the end */
        pthread_cond_t gate;   /* is_closed or is_writing became false */
        bool is_stopping, is_dirty;
        bool is_closed;  /* the thread wants the writer out */
        bool is_writing; /* the writer is in a transaction */
        int pages;       /* of the WAL at the last commit */
        int much_at;     /* so many of them end a pause; 0 = none is on */
};

/* Until `ms` have passed or the WAL has grown to `much_at` pages. */
static void pause_ms(struct checkpointer *k, int ms, int much_at)
{
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += ms % 1000 * 1000000L;
        until.tv_sec += ms / 1000 + until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;

        pthread_mutex_lock(&k->mutex);
        k->much_at = much_at;
        while (!k->is_stopping && k->pages < much_at &&
               pthread_cond_timedwait(&k->wake, &k->mutex, &until) != ETIMEDOUT)
                ;
        k->much_at = 0;
        pthread_mutex_unlock(&k->mutex);
}

/* True when there is something to carry over; false at the end. */
static bool wait_dirty(struct checkpointer *k)
{
        pthread_mutex_lock(&k->mutex);
        while (!k->is_stopping && !k->is_dirty)
                pthread_cond_wait(&k->wake, &k->mutex);
        bool goes_on = !k->is_stopping;
        pthread_mutex_unlock(&k->mutex);
        return goes_on;
}

static void close_gate(struct checkpointer *k)
{
        pthread_mutex_lock(&k->mutex);
        k->is_closed = true;
        while (k->is_writing)
                pthread_cond_wait(&k->gate, &k->mutex);
        pthread_mutex_unlock(&k->mutex);
}

static void open_gate(struct checkpointer *k, bool has_restarted)
{
        pthread_mutex_lock(&k->mutex);
        if (has_restarted)
                k->pages = 0;
        k->is_closed = false;
        pthread_cond_broadcast(&k->gate);
        pthread_mutex_unlock(&k->mutex);
}

static void report(struct checkpointer *k, int rc)
{
        struct error e;

        if (rc == SQLITE_OK || rc == SQLITE_BUSY)
                return;
        if ((rc & 0xff) == SQLITE_IOERR) /* it may have been the WAL's sync */
                atomic_store(&k->store->is_suspect, true);
        (void)sqlite_error(k->db, rc, &e);
        log_error(LOG_LEVEL_WARN, "store.checkpoint_failed", &e);
}

/* How many pages could not be carried over: readers of older snapshots hold them; -1 when it
 * failed. */
static int passive(struct checkpointer *k)
{
        int in_wal = 0, carried = 0;

        pthread_mutex_lock(&k->mutex);
        k->is_dirty = false;
        pthread_mutex_unlock(&k->mutex);
        int rc = sqlite3_wal_checkpoint_v2(k->db, NULL, SQLITE_CHECKPOINT_PASSIVE, &in_wal,
                                           &carried);
        report(k, rc);
        return rc == SQLITE_OK ? in_wal - carried : -1;
}

static void restart(struct checkpointer *k)
{
        close_gate(k);
        int rc = sqlite3_wal_checkpoint_v2(k->db, NULL, SQLITE_CHECKPOINT_RESTART, NULL, NULL);
        open_gate(k, rc == SQLITE_OK);
        report(k, rc);
        if (rc != SQLITE_OK) /* the writer is not held again at once */
                pause_ms(k, BLOCKED_PAUSE_MS, INT_MAX);
}

static void *run(void *arg)
{
        struct checkpointer *k = arg;
        int much_at = MUCH_PAGES;

        while (wait_dirty(k)) {
                pause_ms(k, PAUSE_MS, much_at);
                if (atomic_load(&k->store->is_suspect)) {
                        pause_ms(k, BLOCKED_PAUSE_MS, INT_MAX);
                        continue;
                }
                int left = passive(k);
                pthread_mutex_lock(&k->mutex);
                bool is_over = k->pages > WAL_BOUND_PAGES;
                bool was_written = k->is_dirty;
                much_at = (is_over ? 0 : k->pages) + MUCH_PAGES;
                if (left != 0)
                        k->is_dirty = true;
                pthread_mutex_unlock(&k->mutex);
                if (is_over && was_written && left >= 0)
                        restart(k);
                else if (left != 0 && !was_written)
                        pause_ms(k, BLOCKED_PAUSE_MS, INT_MAX);
        }
        return NULL;
}

static void init_sync(struct checkpointer *k)
{
        pthread_condattr_t attr;

        pthread_condattr_init(&attr);
        pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
        pthread_mutex_init(&k->mutex, NULL);
        pthread_cond_init(&k->wake, &attr);
        pthread_cond_init(&k->gate, NULL);
        pthread_condattr_destroy(&attr);
}

static void destroy(struct checkpointer *k)
{
        sqlite3_close(k->db);
        pthread_cond_destroy(&k->gate);
        pthread_cond_destroy(&k->wake);
        pthread_mutex_destroy(&k->mutex);
        free(k);
}

enum status checkpointer_start(struct store *s, struct checkpointer **ret, struct error *e)
{
        struct checkpointer *k = calloc(1, sizeof *k);
        if (k == NULL)
                return error_no_memory(e);
        init_sync(k);
        k->is_dirty = true; /* a crash may have left a WAL */

        k->store = s;

        enum status status = sqlite_open_db(s->path, &k->db, e);
        if (status == STATUS_OK) {
                sqlite3_busy_timeout(k->db, READERS_WAIT_MS);
                if (pthread_create(&k->thread, NULL, run, k) != 0)
                        status = error_set(e, STATUS_RETRY, "no-thread", NULL,
                                           "the checkpoint thread cannot be started");
                else
                        pthread_setname_np(k->thread, "checkpoint");
        }
        if (status != STATUS_OK) {
                destroy(k);
                return status;
        }
        *ret = k;
        return STATUS_OK;
}

void checkpointer_stop(struct checkpointer *k)
{
        if (k == NULL)
                return;
        pthread_mutex_lock(&k->mutex);
        k->is_stopping = true;
        pthread_cond_broadcast(&k->wake);
        pthread_mutex_unlock(&k->mutex);
        pthread_join(k->thread, NULL);
        destroy(k);
}

void checkpointer_wrote(struct checkpointer *k, int pages)
{
        pthread_mutex_lock(&k->mutex);
        k->pages = pages;
        if (!k->is_dirty) {
                k->is_dirty = true;
                pthread_cond_signal(&k->wake);
        } else if (k->much_at && pages >= k->much_at) {
                pthread_cond_signal(&k->wake);
        }
        pthread_mutex_unlock(&k->mutex);
}

void checkpointer_enter(struct checkpointer *k)
{
        pthread_mutex_lock(&k->mutex);
        while (k->is_closed)
                pthread_cond_wait(&k->gate, &k->mutex);
        k->is_writing = true;
        pthread_mutex_unlock(&k->mutex);
}

void checkpointer_leave(struct checkpointer *k)
{
        pthread_mutex_lock(&k->mutex);
        k->is_writing = false;
        if (k->is_closed)
                pthread_cond_broadcast(&k->gate);
        pthread_mutex_unlock(&k->mutex);
}
