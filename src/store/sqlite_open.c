/* A database file: opened, locked, measured. */
#include "store/sqlite.h"

#include <chatelaine/base_log.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define SCHEME "sqlite:"
#define BUSY_TIMEOUT_MS 5000

static pthread_once_t configure_once = PTHREAD_ONCE_INIT;

/* Without its memory statistics SQLite takes no global lock for each allocation. */
static void configure(void)
{
        sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
        sqlite3_initialize();
}

enum status sqlite_run(sqlite3 *db, const char *sql, struct error *e)
{
        int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);

        return rc == SQLITE_OK ? STATUS_OK : sqlite_error(db, rc, e);
}

enum status sqlite_pragma_int(sqlite3 *db, const char *sql, int64_t *ret, struct error *e)
{
        sqlite3_stmt *st;
        int rc = sqlite3_prepare_v2(db, sql, -1, &st, NULL);
        if (rc != SQLITE_OK)
                return sqlite_error(db, rc, e);

        int64_t n = sqlite3_step(st) == SQLITE_ROW ? sqlite3_column_int64(st, 0) : 0;
        rc = sqlite3_finalize(st);
        if (rc != SQLITE_OK)
                return sqlite_error(db, rc, e);
        *ret = n;
        return STATUS_OK;
}

/* synchronous and temp_store are not kept in the file: every connection sets them. */
static const char settings[] = "PRAGMA synchronous=FULL;"
                               "PRAGMA temp_store=MEMORY;"
                               "PRAGMA wal_autocheckpoint=0;"
                               "PRAGMA journal_size_limit=134217728;"
                               "PRAGMA trusted_schema=OFF;";

/* Heard only while the database is empty. A group of batches fills ten pages of 4 KiB: half as many
 * frames are half as many writes, splits and checksums' heads. */
static const char layout[] = "PRAGMA page_size=8192";

/* Where the file system has no shared memory SQLite says "delete" and goes on without. */
static enum status use_wal(sqlite3 *db, const char *path, struct error *e)
{
        sqlite3_stmt *st;
        int rc = sqlite3_prepare_v2(db, "PRAGMA journal_mode=WAL", -1, &st, NULL);
        if (rc != SQLITE_OK)
                return sqlite_error(db, rc, e);

        bool is_wal = sqlite3_step(st) == SQLITE_ROW &&
                      strcmp((const char *)sqlite3_column_text(st, 0), "wal") == 0;
        rc = sqlite3_finalize(st);
        if (rc != SQLITE_OK)
                return sqlite_error(db, rc, e);
        if (!is_wal)
                return error_set(e, STATUS_INTERNAL, "store-no-wal", path,
                                 "the file system cannot carry a write-ahead log");
        return STATUS_OK;
}

enum status sqlite_open_db(const char *path, sqlite3 **ret, struct error *e)
{
        sqlite3 *db = NULL;
        int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;

        int rc = sqlite3_open_v2(path, &db, flags, NULL);
        enum status s = rc == SQLITE_OK ? STATUS_OK : sqlite_error(db, rc, e);
        if (s == STATUS_OK) {
                sqlite3_busy_timeout(db, BUSY_TIMEOUT_MS);
                s = sqlite_run(db, layout, e);
        }
        if (s == STATUS_OK)
                s = use_wal(db, path, e);
        if (s == STATUS_OK)
                s = sqlite_run(db, settings, e);
        if (s != STATUS_OK) {
                sqlite3_close(db);
                return s;
        }
        *ret = db;
        return STATUS_OK;
}

/* SQLite would make it readable to the group; the WAL takes its mode from the file. */
static enum status ensure_file(const char *path, bool may_create, struct error *e)
{
        struct stat st;
        if (stat(path, &st) == 0)
                return STATUS_OK;
        if (errno != ENOENT)
                return error_set(e, STATUS_INTERNAL, "store-cannot-open", path, "%m");
        if (!may_create)
                return error_set(e, STATUS_NOT_FOUND, "store-missing", path,
                                 "there is no database");

        int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0)
                return error_set(e, STATUS_INTERNAL, "store-cannot-open", path,
                                 "the database cannot be made: %m");
        close(fd);
        return STATUS_OK;
}

static enum status lock_directory(const char *path, int *ret_fd, struct error *e)
{
        const char *slash = strrchr(path, '/');
        char *name = NULL;
        if (asprintf(&name, "%.*s/state.lock", (int)(slash - path), path) < 0)
                return error_no_memory(e);

        enum status s = STATUS_OK;
        int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0)
                s = error_set(e, STATUS_INTERNAL, "store-cannot-open", name,
                              "the lock cannot be made: %m");
        else if (flock(fd, LOCK_EX | LOCK_NB) < 0)
                s = errno == EWOULDBLOCK
                            ? error_set(e, STATUS_CONFLICT, "state-dir-locked", name,
                                        "another daemon is running on this state directory")
                            : error_set(e, STATUS_INTERNAL, "store-io", name,
                                        "the lock cannot be taken: %m");
        free(name);
        if (s == STATUS_OK)
                *ret_fd = fd;
        else if (fd >= 0)
                close(fd);
        return s;
}

static enum status parse_url(const char *url, const char **ret_path, struct error *e)
{
        if (strncmp(url, SCHEME, sizeof SCHEME - 1) != 0)
                return error_set(e, STATUS_INVALID, "store-unknown", "store",
                                 "only sqlite: is known");
        const char *path = url + sizeof SCHEME - 1;
        if (path[0] != '/' || path[strlen(path) - 1] == '/')
                return error_set(e, STATUS_INVALID, "store-path", "store",
                                 "the file's path must be absolute");
        *ret_path = path;
        return STATUS_OK;
}

static enum status open_daemon(struct store *s, struct error *e)
{
        TRY(lock_directory(s->path, &s->lock_fd, e));
        TRY(ensure_file(s->path, true, e));
        return checkpointer_start(s, &s->checkpointer, e);
}

enum status store_open(const char *url, bool is_daemon, struct store **ret, struct error *e)
{
        const char *path = NULL;
        TRY(parse_url(url, &path, e));
        pthread_once(&configure_once, configure);

        struct store *s = calloc(1, sizeof *s);
        if (s == NULL)
                return error_no_memory(e);
        s->lock_fd = -1;
        s->path = strdup(path);
        enum status status = s->path == NULL ? error_no_memory(e)
                             : is_daemon     ? open_daemon(s, e)
                                             : ensure_file(s->path, false, e);
        if (status != STATUS_OK) {
                store_close(s);
                return status;
        }
        *ret = s;
        return STATUS_OK;
}

void store_close(struct store *s)
{
        if (s == NULL)
                return;
        int left = atomic_load(&s->n_conns);
        if (left != 0)
                LOG_ERROR("store.connections_left", LOG_I("connections", left));
        syncer_close(s->syncer);
        checkpointer_stop(s->checkpointer);
        if (s->lock_fd >= 0)
                close(s->lock_fd);
        free(s->path);
        free(s);
}

static int64_t file_size(const char *path, const char *suffix)
{
        char name[4096];
        struct stat st;

        int n = snprintf(name, sizeof name, "%s%s", path, suffix);
        return n < (int)sizeof name && stat(name, &st) == 0 ? st.st_size : 0;
}

int64_t store_size_bytes(struct store *s)
{
        return file_size(s->path, "") + file_size(s->path, "-wal");
}

const char *store_library(void)
{
        return sqlite3_libversion();
}
