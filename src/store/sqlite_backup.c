/* A consistent copy of the running database: one read transaction, so that writers go on. */
#include "store/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static enum status copy(sqlite3 *from, sqlite3 *to, struct error *e)
{
        sqlite3_backup *b = sqlite3_backup_init(to, "main", from, "main");
        if (b == NULL)
                return sqlite_error(to, sqlite3_errcode(to), e);
        (void)sqlite3_backup_step(b, -1);
        int rc = sqlite3_backup_finish(b);
        return rc == SQLITE_OK ? STATUS_OK : sqlite_error(to, rc, e);
}

/* The copy is synced by us, once, at its end. */
static enum status copy_file(const char *from_path, const char *to_path, struct error *e)
{
        sqlite3 *from = NULL, *to = NULL;

        enum status s = sqlite_open_db(from_path, &from, e);
        if (s == STATUS_OK) {
                int rc = sqlite3_open_v2(to_path, &to,
                                         SQLITE_OPEN_READWRITE | SQLITE_OPEN_EXRESCODE, NULL);
                s = rc == SQLITE_OK
                            ? sqlite_run(to, "PRAGMA synchronous=OFF; PRAGMA journal_mode=OFF;", e)
                            : sqlite_error(to, rc, e);
        }
        if (s == STATUS_OK)
                s = copy(from, to, e);
        sqlite3_close(to);
        sqlite3_close(from);
        return s;
}

static enum status sync_directory(const char *path, struct error *e)
{
        const char *slash = strrchr(path, '/');
        char *dir = slash == NULL   ? strdup(".")
                    : slash == path ? strdup("/")
                                    : strndup(path, (size_t)(slash - path));
        if (dir == NULL)
                return error_no_memory(e);
        int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        free(dir);
        bool is_synced = fd >= 0 && fsync(fd) == 0;
        if (!is_synced)
                (void)error_set(e, STATUS_INTERNAL, "store-io", path,
                                "its directory cannot be synced: %m");
        if (fd >= 0)
                close(fd);
        return is_synced ? STATUS_OK : STATUS_INTERNAL;
}

enum status store_backup(struct store *s, const char *path, struct error *e)
{
        int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0 && errno == EEXIST)
                return error_set(e, STATUS_CONFLICT, "backup-exists", path,
                                 "the file is there already");
        if (fd < 0)
                return error_set(e, STATUS_INVALID, "backup-path", path,
                                 "the backup cannot be made: %m");

        enum status status = copy_file(s->path, path, e);
        if (status == STATUS_OK && fsync(fd) != 0)
                status = error_set(e, errno == ENOSPC ? STATUS_RETRY : STATUS_INTERNAL, "store-io",
                                   path, "the backup cannot be synced: %m");
        close(fd);
        if (status == STATUS_OK)
                status = sync_directory(path, e);
        if (status != STATUS_OK)
                unlink(path);
        return status;
}
