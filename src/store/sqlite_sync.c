/*
 * Committed is not yet durable: the writer's connection commits without waiting for the disk
 * (synchronous=NORMAL), and store_sync has the WAL written out, from a thread of its own.
 *
 * SQLite itself syncs what order depends on: the head of a WAL that begins anew, the WAL before a
 * checkpoint, the database after it. So a crash at any point leaves a prefix of the commits, and
 * never a shorter one than store_sync has answered for.
 */
#include "store/sqlite.h"

#include <stdlib.h>

#define WRITER_TIMEOUT_MS 1000
#define CHUNK_BYTES 65536

struct syncer {
        sqlite3 *db;
        sqlite3_file *wal; /* db's */
};

enum status syncer_open(const char *path, struct syncer **ret, struct error *e)
{
        struct syncer *y = calloc(1, sizeof *y);
        if (y == NULL)
                return error_no_memory(e);
        enum status s = sqlite_open_db(path, &y->db, e);
        if (s == STATUS_OK) {
                sqlite3_busy_timeout(y->db, WRITER_TIMEOUT_MS);
                s = sqlite_wal_file(y->db, &y->wal, e);
        }
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

/* The same bytes in the same places: the kernel has them to write out once more. */
static int copy_onto_itself(sqlite3_file *wal, char *chunk)
{
        const sqlite3_io_methods *io = wal->pMethods;
        sqlite3_int64 size = 0;

        int rc = io->xFileSize(wal, &size);
        for (sqlite3_int64 at = 0; at < size && rc == SQLITE_OK; at += CHUNK_BYTES) {
                int n = size - at < CHUNK_BYTES ? (int)(size - at) : CHUNK_BYTES;
                rc = io->xRead(wal, chunk, n, at);
                if (rc == SQLITE_OK)
                        rc = io->xWrite(wal, chunk, n, at);
        }
        return rc;
}

/* With the write lock, so that nobody else writes there meanwhile. */
static int write_again(struct syncer *y)
{
        char *chunk = malloc(CHUNK_BYTES);
        if (chunk == NULL)
                return SQLITE_NOMEM;
        int rc = sqlite3_exec(y->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
        if (rc == SQLITE_OK) {
                rc = copy_onto_itself(y->wal, chunk);
                (void)sqlite3_exec(y->db, "ROLLBACK", NULL, NULL, NULL);
        }
        free(chunk);
        return rc;
}

enum status store_sync(struct store *s, struct error *e)
{
        struct syncer *y = s->syncer;

        bool was_suspect = atomic_load(&s->is_suspect);
        int rc = was_suspect ? write_again(y) : SQLITE_OK;
        if (rc == SQLITE_OK)
                rc = y->wal->pMethods->xSync(y->wal, SQLITE_SYNC_NORMAL);
        if (was_suspect || rc != SQLITE_OK)
                atomic_store(&s->is_suspect, rc != SQLITE_OK);
        return rc == SQLITE_OK ? STATUS_OK : sqlite_error(NULL, rc, e);
}
