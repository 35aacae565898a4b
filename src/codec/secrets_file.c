/* The secret file: load, create, rotate. */
#include "secrets.h"

#include <chatelaine/base_clock.h>
#include <chatelaine/codec_text.h>

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX 65536

static void close_fd(int *fd)
{
        if (*fd >= 0)
                close(*fd);
}

static enum status io_error(const char *path, const char *what, struct error *e)
{
        return error_set(e, STATUS_INTERNAL, "secret-file-io", path,
                         "The secret file cannot be %s: %s.", what, strerrordesc_np(errno));
}

/* systemd puts credentials where only the service can look, with modes of its own. */
static bool is_credential(const char *path)
{
        const char *directory = getenv("CREDENTIALS_DIRECTORY");
        char real_path[PATH_MAX], real_directory[PATH_MAX];
        if (!directory || !realpath(path, real_path) || !realpath(directory, real_directory))
                return false;
        size_t n = strlen(real_directory);
        return strncmp(real_path, real_directory, n) == 0 && real_path[n] == '/';
}

static enum status read_all(int fd, const char *path, struct buf *out, struct error *e)
{
        for (;;) {
                char *room = buf_room(out, 4096);
                if (!room)
                        return buf_check(out, e);
                ssize_t n = read(fd, room, 4096);
                if (n < 0)
                        return io_error(path, "read", e);
                if (n == 0)
                        return STATUS_OK;
                buf_grew(out, (size_t)n);
        }
}

/* A regular file that nobody else may open. */
static enum status check_mode(const char *path, const struct stat *st, struct error *e)
{
        if (!S_ISREG(st->st_mode))
                return error_set(e, STATUS_INVALID, "secret-file-invalid", path,
                                 "Not a regular file.");
        if ((st->st_mode & 077) && !is_credential(path))
                return error_set(
                        e, STATUS_DENIED, "secret-file-mode", path,
                        "The secret file is open to group or others (mode %04o): chmod 0600 it.",
                        (unsigned)(st->st_mode & 07777));
        return STATUS_OK;
}

/* The file's text and its owner, once its mode has been looked at. */
static enum status read_file(const char *path, struct buf *out, struct stat *ret_st,
                             struct error *e)
{
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0 && errno == ENOENT)
                return error_set(e, STATUS_NOT_FOUND, "secret-file-missing", path,
                                 "There is no secret file.");
        if (fd < 0)
                return io_error(path, "opened", e);
        enum status s =
                fstat(fd, ret_st) < 0 ? io_error(path, "opened", e) : check_mode(path, ret_st, e);
        if (s == STATUS_OK)
                s = read_all(fd, path, out, e);
        close(fd);
        return s;
}

static enum status load_text(const char *path, struct buf *text, struct ring **ret,
                             struct stat *ret_st, struct error *e)
{
        TRY(read_file(path, text, ret_st, e));
        return ring_parse(path, buf_view(text), ret, e);
}

static enum status load(const char *path, struct ring **ret, struct error *e)
{
        CLEANUP(buf_fini_secret) struct buf text;
        struct stat st;
        buf_init(&text, FILE_MAX);
        return load_text(path, &text, ret, &st, e);
}

enum status secrets_load(const char *path, struct secrets **ret, struct error *e)
{
        struct secrets *s = calloc(1, sizeof *s);
        if (!s)
                return error_no_memory(e);
        struct ring *ring;
        enum status status = load(path, &ring, e);
        if (status != STATUS_OK) {
                free(s);
                return status;
        }
        s->current = ring;
        *ret = s;
        return STATUS_OK;
}

enum status secrets_reload(struct secrets *s, const char *path, struct error *e)
{
        struct ring *fresh;
        TRY(load(path, &fresh, e));
        enum status status = ring_check_grown(s->current, fresh, path, e);
        if (status != STATUS_OK) {
                ring_free(fresh);
                return status;
        }
        if (ring_check_grown(fresh, s->current, path, NULL) == STATUS_OK) {
                ring_free(fresh); /* nothing new */
                return STATUS_OK;
        }
        fresh->older = s->current;
        s->current = fresh;
        return STATUS_OK;
}

static void write_new(struct buf *out, enum secret_kind kind, uint32_t version)
{
        uint8_t bytes[SECRET_SIZE];
        random_bytes(bytes, sizeof bytes);
        buf_printf(out, "%s.%u ", secret_kind_names[kind], version);
        base64_encode(out, span_make(bytes, sizeof bytes));
        buf_char(out, '\n');
        wipe(bytes, sizeof bytes);
}

static enum status write_and_sync(int fd, const char *path, struct span text, struct error *e)
{
        while (text.len > 0) {
                ssize_t n = write(fd, text.p, text.len);
                if (n < 0)
                        return io_error(path, "written", e);
                text = span_make(text.p + n, text.len - (size_t)n);
        }
        return fsync(fd) < 0 ? io_error(path, "written", e) : STATUS_OK;
}

/* So that the name itself is on the disk. */
static enum status sync_directory(const char *path, struct error *e)
{
        char copy[PATH_MAX];
        if (snprintf(copy, sizeof copy, "%s", path) >= (int)sizeof copy) {
                errno = ENAMETOOLONG;
                return io_error(path, "written", e);
        }
        CLEANUP(close_fd) int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 || fsync(fd) < 0 ? io_error(path, "written", e) : STATUS_OK;
}

enum status secrets_create(const char *path, struct error *e)
{
        CLEANUP(buf_fini_secret) struct buf text;
        buf_init(&text, FILE_MAX);
        buf_text(
                &text,
                "# Secrets of chatelaine. Whoever loses this file loses every key: keep a copy, apart from the\n"
                "# backups of the database. The highest number of a name makes new things, all verify.\n");
        for (int kind = 0; kind < SECRET_KINDS; kind++)
                write_new(&text, kind, 1);
        TRY(buf_check(&text, e));

        CLEANUP(close_fd)
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0 && errno == EEXIST)
                return error_set(e, STATUS_CONFLICT, "secret-file-exists", path,
                                 "There is a secret file already.");
        if (fd < 0)
                return io_error(path, "made", e);
        enum status status = write_and_sync(fd, path, buf_view(&text), e);
        if (status == STATUS_OK)
                status = sync_directory(path, e);
        if (status != STATUS_OK)
                unlink(path);
        return status;
}

/* Writes `text` beside `path`, with the old file's owner, and moves it there. */
static enum status replace(const char *path, struct span text, const struct stat *old,
                           struct error *e)
{
        char temporary[PATH_MAX];
        if (snprintf(temporary, sizeof temporary, "%s.XXXXXX", path) >= (int)sizeof temporary) {
                errno = ENAMETOOLONG;
                return io_error(path, "written", e);
        }
        CLEANUP(close_fd) int fd = mkostemp(temporary, O_CLOEXEC); /* mode 0600 */
        if (fd < 0)
                return io_error(path, "written", e);
        enum status status = STATUS_OK;
        if ((old->st_uid != geteuid() || old->st_gid != getegid()) &&
            fchown(fd, old->st_uid, old->st_gid) < 0)
                status = io_error(path, "given its owner", e);
        if (status == STATUS_OK)
                status = write_and_sync(fd, path, text, e);
        if (status == STATUS_OK && rename(temporary, path) < 0)
                status = io_error(path, "replaced", e);
        if (status != STATUS_OK) {
                unlink(temporary);
                return status;
        }
        return sync_directory(path, e);
}

enum status secrets_rotate(const char *path, struct error *e)
{
        static const enum secret_kind rotated[] = {SECRET_PEPPER, SECRET_SEAL, SECRET_TOKEN};
        CLEANUP(buf_fini_secret) struct buf text;
        struct ring *s;
        struct stat st;
        buf_init(&text, FILE_MAX);
        TRY(load_text(path, &text, &s, &st, e));
        if (text.len > 0 && text.data[text.len - 1] != '\n')
                buf_char(&text, '\n');
        bool is_full = false;
        for (size_t i = 0; i < sizeof rotated / sizeof *rotated; i++) {
                uint32_t newest = s->items[rotated[i]][0].version;
                is_full |= s->n[rotated[i]] == SECRET_VERSIONS_MAX || newest == UINT32_MAX;
                write_new(&text, rotated[i], newest + 1);
        }
        ring_free(s);
        if (is_full)
                return error_set(e, STATUS_LIMIT, "secret-file-full", path,
                                 "The file holds %d versions: take out those that no row carries.",
                                 SECRET_VERSIONS_MAX);
        TRY(buf_check(&text, e));
        return replace(path, buf_view(&text), &st, e);
}
