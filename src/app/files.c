#include "app/files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static enum status fail(const char *path, struct error *e)
{
        if (errno == EEXIST)
                return error_set(e, STATUS_CONFLICT, "file-exists", path,
                                 "the file is there already");
        return error_set(e, errno == ENOENT ? STATUS_NOT_FOUND : STATUS_INTERNAL, "file-failed",
                         path, "%s", strerror(errno));
}

enum status dir_make(const char *path, struct arena *a, const char **ret_path, struct error *e)
{
        char *copy = arena_printf(a, "%s/", path), absolute[PATH_MAX];

        if (!copy)
                return error_no_memory(e);
        for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
                *slash = '\0';
                if (mkdir(copy, 0700) != 0 && errno != EEXIST)
                        return fail(copy, e);
                *slash = '/';
        }
        if (!realpath(path, absolute))
                return fail(path, e);
        *ret_path = arena_dup(a, span_of(absolute));
        return *ret_path ? STATUS_OK : error_no_memory(e);
}

bool dir_lacks(const char *dir, const char *name)
{
        char path[PATH_MAX];

        snprintf(path, sizeof path, "%s/%s", dir, name);
        return access(path, F_OK) != 0;
}

enum status dir_sync(const char *dir, struct error *e)
{
        int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        enum status s = STATUS_OK;

        if (fd < 0)
                return fail(dir, e);
        if (fsync(fd) != 0)
                s = fail(dir, e);
        close(fd);
        return s;
}

static enum status write_all(int fd, struct span bytes, const char *path, struct error *e)
{
        while (bytes.len) {
                ssize_t n = write(fd, bytes.p, bytes.len);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return fail(path, e);
                bytes.p += n;
                bytes.len -= (size_t)n;
        }
        return STATUS_OK;
}

static enum status finish_new(int fd, enum status s, const char *path, struct error *e)
{
        if (s == STATUS_OK && fsync(fd) != 0)
                s = fail(path, e);
        if (close(fd) != 0 && s == STATUS_OK)
                s = fail(path, e);
        if (s != STATUS_OK)
                unlink(path);
        return s;
}

enum status file_write_new(const char *path, struct span bytes, struct error *e)
{
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

        if (fd < 0)
                return fail(path, e);
        return finish_new(fd, write_all(fd, bytes, path, e), path, e);
}

enum status file_copy_new(const char *from, const char *to, struct error *e)
{
        char piece[65536];
        int in = open(from, O_RDONLY | O_CLOEXEC), out;
        enum status s = STATUS_OK;
        ssize_t n = 0;

        if (in < 0)
                return fail(from, e);
        out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (out < 0) {
                s = fail(to, e);
                close(in);
                return s;
        }
        while (s == STATUS_OK &&
               ((n = read(in, piece, sizeof piece)) > 0 || (n < 0 && errno == EINTR)))
                if (n > 0)
                        s = write_all(out, span_make(piece, (size_t)n), to, e);
        if (s == STATUS_OK && n < 0)
                s = fail(from, e);
        close(in);
        return finish_new(out, s, to, e);
}
