/*
 * SQLite writes a commit frame by frame, the 24 bytes of a frame's head and its page each with a
 * call of their own. On the writer's handle of the WAL they are gathered and written together.
 *
 * Nobody reads a frame before the index in shared memory knows of it, and SQLite enters a commit
 * there when it has written its last frame, the one whose head has a size of the database in it:
 * with that frame all is written. What does not come next in the file (a head that is written
 * again, a WAL that begins anew) goes straight through, and whatever else is asked of the file
 * comes after what was gathered. (SQLite, "WAL-mode File Format", section 4.)
 *
 * What could not be written, SQLite had believed to be: nothing is taken behind the hole, and
 * nothing read, before it begins again in front of it.
 */
#include "store/sqlite.h"

#include <stdlib.h>
#include <string.h>

#define HEAD_BYTES 24
#define SIZE_AT 4                 /* in the head; 0 = the commit goes on */
#define GATHER_BYTES (120 * 1024) /* SQLite's own write takes less than 128 KiB at once */

struct gather {
        sqlite3_io_methods methods; /* the file's: what is not ours is the file system's */
        const sqlite3_io_methods *real;
        sqlite3_int64 end; /* of what was written last, gathered or not */
        int len;           /* gathered, up to `end` */
        bool is_last;      /* the page that comes next ends a commit */
        int lost;          /* why what was gathered at lost_at could not be written; SQLITE_OK */
        sqlite3_int64 lost_at;
        char bytes[GATHER_BYTES];
};

static struct gather *of(sqlite3_file *f)
{
        return (struct gather *)f->pMethods; /* its first member */
}

static int flush(sqlite3_file *f)
{
        struct gather *g = of(f);
        int len = g->len;

        g->len = 0;
        int rc = len ? g->real->xWrite(f, g->bytes, len, g->end - len) : SQLITE_OK;
        if (rc != SQLITE_OK) {
                g->lost = rc;
                g->lost_at = g->end - len;
        }
        return rc;
}

static int through(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
        int rc = flush(f);

        of(f)->end = at + n;
        return rc == SQLITE_OK ? of(f)->real->xWrite(f, p, n, at) : rc;
}

static int gather_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
        static const char none[4];
        struct gather *g = of(f);
        bool is_head = n == HEAD_BYTES, is_next = at == g->end && n <= GATHER_BYTES;
        bool ends_commit = !is_head && g->is_last;

        if ((is_head || at == 0) && at <= g->lost_at)
                g->lost = SQLITE_OK; /* nothing is behind what begins here */
        if (g->lost != SQLITE_OK)
                return g->lost;
        g->is_last = is_head && memcmp((const char *)p + SIZE_AT, none, sizeof none) != 0;
        if (!is_next)
                return through(f, p, n, at);
        int rc = n > GATHER_BYTES - g->len ? flush(f) : SQLITE_OK;
        if (rc != SQLITE_OK)
                return rc;
        memcpy(g->bytes + g->len, p, (size_t)n);
        g->len += n;
        g->end = at + n;
        return ends_commit ? flush(f) : SQLITE_OK;
}

/* ---- whatever else is asked comes after what was gathered ---- */

static int gather_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
        const struct gather *g = of(f);
        int rc = flush(f);

        if (rc == SQLITE_OK && g->lost != SQLITE_OK && at + n > g->lost_at)
                rc = g->lost;
        return rc == SQLITE_OK ? g->real->xRead(f, p, n, at) : rc;
}

static int gather_truncate(sqlite3_file *f, sqlite3_int64 size)
{
        int rc = flush(f);

        return rc == SQLITE_OK ? of(f)->real->xTruncate(f, size) : rc;
}

static int gather_sync(sqlite3_file *f, int flags)
{
        int rc = flush(f);

        return rc == SQLITE_OK ? of(f)->real->xSync(f, flags) : rc;
}

static int gather_size(sqlite3_file *f, sqlite3_int64 *ret)
{
        int rc = flush(f);

        return rc == SQLITE_OK ? of(f)->real->xFileSize(f, ret) : rc;
}

static int gather_control(sqlite3_file *f, int op, void *arg)
{
        int rc = flush(f);

        return rc == SQLITE_OK ? of(f)->real->xFileControl(f, op, arg) : rc;
}

static int gather_close(sqlite3_file *f)
{
        struct gather *g = of(f);
        int rc = flush(f);

        f->pMethods = g->real;
        free(g);
        int closed = f->pMethods->xClose(f);
        return rc == SQLITE_OK ? closed : rc;
}

/* ---- the file ---- */

enum status sqlite_wal_file(sqlite3 *db, sqlite3_file **ret, struct error *e)
{
        int64_t any;

        /* The first read opens it. */
        TRY(sqlite_pragma_int(db, "SELECT count(*) FROM sqlite_schema", &any, e));
        int rc = sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, (void *)ret);
        return rc == SQLITE_OK ? STATUS_OK : sqlite_error(db, rc, e);
}

enum status sqlite_gather_wal(sqlite3 *db, struct error *e)
{
        sqlite3_file *wal = NULL;

        TRY(sqlite_wal_file(db, &wal, e));
        struct gather *g = malloc(sizeof *g);
        if (g == NULL)
                return error_no_memory(e);
        g->real = wal->pMethods;
        g->methods = *wal->pMethods;
        g->methods.xClose = gather_close;
        g->methods.xRead = gather_read;
        g->methods.xWrite = gather_write;
        g->methods.xTruncate = gather_truncate;
        g->methods.xSync = gather_sync;
        g->methods.xFileSize = gather_size;
        g->methods.xFileControl = gather_control;
        g->end = g->lost_at = g->len = g->lost = 0;
        g->is_last = false;
        wal->pMethods = &g->methods;
        return STATUS_OK;
}
