/*
 * Committed is not yet durable: the writer's connection commits without waiting for the disk
 * (synchronous=NORMAL), and store_sync has the WAL written out, from a thread of its own.
 *
 * SQLite itself syncs what order depends on: the head of a WAL that begins anew, the WAL before a
 * checkpoint, the database after it. So a crash at any point leaves a prefix of the commits, and
 * never a shorter one than store_sync has answered for.
 */
#include "store/sqlite.h"

#include <chatelaine/base_clock.h>
#include <stdlib.h>
#include <unistd.h>

#define CARRY_TIMEOUT_MS 1000

struct syncer {
        sqlite3 *db;
        sqlite3_file *wal; /* db's */
        /* A sync failed. The kernel may have given up pages that it calls clean now, and a later
         * sync would not miss them: what the WAL holds must reach the database first. */
        bool is_suspect;
};

static enum status open_wal(struct syncer *y, struct error *e)
{
        int64_t any;

        sqlite3_busy_timeout(y->db, CARRY_TIMEOUT_MS);
        /* The first read opens it. */
        TRY(sqlite_pragma_int(y->db, "SELECT count(*) FROM sqlite_schema", &any, e));
        int rc = sqlite3_file_control(y->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, (void *)&y->wal);
        return rc == SQLITE_OK ? STATUS_OK : sqlite_error(y->db, rc, e);
}

enum status syncer_open(const char *path, struct syncer **ret, struct error *e)
{
        struct syncer *y = calloc(1, sizeof *y);
        if (y == NULL)
                return error_no_memory(e);
        enum status s = sqlite_open_db(path, &y->db, e);
        if (s == STATUS_OK)
                s = open_wal(y, e);
        if (s != STATUS_OK) {
                syncer_close(y);
                return s;
        }
        *ret = y;
        return STATUS_OK;
}

void syncer_close(struct syncer *y)
{
        if (y)
                sqlite3_close(y->db);
        free(y);
}

/* All commits into the database, and the WAL begun anew by the next one. SQLite waits for the
 * writer and for readers, but not for another checkpoint. */
static enum status carry(struct syncer *y, struct error *e)
{
        int64_t until_ms = clock_mono_ms() + CARRY_TIMEOUT_MS;
        int rc;

        do {
                rc = sqlite3_wal_checkpoint_v2(y->db, NULL, SQLITE_CHECKPOINT_RESTART, NULL, NULL);
        } while (rc == SQLITE_BUSY && clock_mono_ms() < until_ms && usleep(1000) == 0);
        return rc == SQLITE_OK ? STATUS_OK : sqlite_error(y->db, rc, e);
}

enum status store_sync(struct store *s, struct error *e)
{
        struct syncer *y = s->syncer;

        if (y->is_suspect) {
                TRY(carry(y, e));
                y->is_suspect = false;
                return STATUS_OK;
        }
        int rc = y->wal->pMethods->xSync(y->wal, SQLITE_SYNC_NORMAL);
        if (rc == SQLITE_OK)
                return STATUS_OK;
        y->is_suspect = true;
        return sqlite_error(NULL, rc, e);
}
