/*
 * A file system for SQLite that fails: the nth write, sync or truncation after it is
 * armed, and all that follow while it stays broken. With faulty_keep_synced it also keeps what
 * a power cut would leave: beside each file, as NAME.synced, the file as it was last synced.
 * faulty_lose_wal is what Linux does: the next sync of the WAL fails, the pages that it was to
 * write are clean from then on and written by no later sync, and every handle is told once.
 */
#ifndef TESTS_FAULTY_VFS_H
#define TESTS_FAULTY_VFS_H

#include <pthread.h>
#include <semaphore.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAULTY_BLOCK 4096
#define FAULTY_BLOCKS_MAX 16384

static atomic_int faulty_left;         /* operations until the fault; below 0: not armed */
static atomic_bool faulty_lasts;       /* what follows fails too */
static atomic_int faulty_code;         /* SQLite's */
static atomic_bool faulty_struck;      /* it has come */
static atomic_bool faulty_struck_sync; /* and was a sync */
static atomic_bool faulty_keep_synced;
static atomic_bool faulty_lose_wal;
static atomic_int faulty_losses;
static bool faulty_is_lost[FAULTY_BLOCKS_MAX]; /* blocks of the WAL; faulty_saving guards them */
static atomic_bool faulty_holds_wal;           /* the next sync of the WAL stands still... */
static sem_t faulty_held, faulty_go_on;        /* ...which `held` tells, until `go_on` */

struct faulty_file {
        sqlite3_file base;
        const char *name;   /* SQLite's, while the file is open; NULL: a temporary one */
        sqlite3_file *real; /* lies behind this struct */
        int losses_told;    /* of faulty_losses */
};

static sqlite3_vfs *faulty_real;

static inline int faulty_strike(void)
{
        int left = atomic_load(&faulty_left);

        if (left < 0)
                return SQLITE_OK;
        left = atomic_fetch_sub(&faulty_left, 1);
        if (left > 0)
                return SQLITE_OK;
        atomic_store(&faulty_struck, true);
        atomic_store(&faulty_left, atomic_load(&faulty_lasts) ? 0 : -1);
        return atomic_load(&faulty_code);
}

#define REAL(f) (((struct faulty_file *)(f))->real)
#define PASS(f, method, ...) REAL(f)->pMethods->method(REAL(f), ##__VA_ARGS__)

/* Held, all NAME.synced are of one moment. */
static pthread_mutex_t faulty_saving = PTHREAD_MUTEX_INITIALIZER;

static inline bool faulty_is_wal(const char *name)
{
        size_t n = name ? strlen(name) : 0;

        return n >= 4 && strcmp(name + n - 4, "-wal") == 0;
}

/* What is written again is written out again. */
static void faulty_dirty(sqlite3_int64 at, int n)
{
        pthread_mutex_lock(&faulty_saving);
        for (sqlite3_int64 b = at / FAULTY_BLOCK; b * FAULTY_BLOCK < at + n; b++)
                if (b < FAULTY_BLOCKS_MAX)
                        faulty_is_lost[b] = false;
        pthread_mutex_unlock(&faulty_saving);
}

static int faulty_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
        int rc = faulty_strike();

        if (faulty_is_wal(((struct faulty_file *)f)->name))
                faulty_dirty(at, n);
        return rc == SQLITE_OK ? PASS(f, xWrite, p, n, at) : rc;
}

static int faulty_truncate(sqlite3_file *f, sqlite3_int64 size)
{
        int rc = faulty_strike();

        return rc == SQLITE_OK ? PASS(f, xTruncate, size) : SQLITE_IOERR_TRUNCATE;
}

/* The whole file, malloc'd. */
static char *faulty_bytes(struct faulty_file *f, sqlite3_int64 *ret_size)
{
        *ret_size = 0;
        int rc = f->real->pMethods->xFileSize(f->real, ret_size);
        char *bytes = malloc((size_t)*ret_size + 1);
        if (rc == SQLITE_OK && bytes && *ret_size > 0)
                rc = f->real->pMethods->xRead(f->real, bytes, (int)*ret_size, 0);
        if (rc != SQLITE_OK || !bytes)
                abort();
        return bytes;
}

/* As much of NAME.synced as `size` bytes hold, zeros behind it; malloc'd. */
static char *faulty_synced(const char *synced, sqlite3_int64 size)
{
        char *bytes = calloc(1, (size_t)size + 1);
        FILE *in = fopen(synced, "r");

        if (!bytes)
                abort();
        if (in) {
                (void)!fread(bytes, 1, (size_t)size, in);
                fclose(in);
        }
        return bytes;
}

static size_t faulty_block_len(sqlite3_int64 size, sqlite3_int64 b)
{
        sqlite3_int64 left = size - b * FAULTY_BLOCK;

        return (size_t)(left < FAULTY_BLOCK ? left : FAULTY_BLOCK);
}

static void faulty_save(struct faulty_file *f)
{
        char name[4200];
        sqlite3_int64 size;
        bool is_wal = faulty_is_wal(f->name);

        pthread_mutex_lock(&faulty_saving);
        snprintf(name, sizeof name, "%s.synced", f->name);
        char *bytes = faulty_bytes(f, &size), *before = faulty_synced(name, size);
        for (sqlite3_int64 b = 0; is_wal && b < FAULTY_BLOCKS_MAX && b * FAULTY_BLOCK < size; b++)
                if (faulty_is_lost[b])
                        memcpy(bytes + b * FAULTY_BLOCK, before + b * FAULTY_BLOCK,
                               faulty_block_len(size, b));
        FILE *out = fopen(name, "w");
        if (!out || fwrite(bytes, 1, (size_t)size, out) != (size_t)size || fclose(out) != 0)
                abort();
        free(before);
        free(bytes);
        pthread_mutex_unlock(&faulty_saving);
}

static inline void faulty_copy(const char *path, const char *to, const char *suffix)
{
        char command[600];

        snprintf(command, sizeof command, "cp %s%s.synced %s%s", path, suffix, to, suffix);
        if (system(command) != 0)
                abort();
}

/* What a machine finds that comes up again, as the database `to`: the files as they were last
 * synced. */
static inline void faulty_cut(const char *path, const char *to)
{
        pthread_mutex_lock(&faulty_saving);
        faulty_copy(path, to, "");
        faulty_copy(path, to, "-wal");
        pthread_mutex_unlock(&faulty_saving);
}

static void faulty_lose(struct faulty_file *f)
{
        char name[4200];
        sqlite3_int64 size;

        pthread_mutex_lock(&faulty_saving);
        snprintf(name, sizeof name, "%s.synced", f->name);
        char *bytes = faulty_bytes(f, &size), *before = faulty_synced(name, size);
        for (sqlite3_int64 b = 0; b < FAULTY_BLOCKS_MAX && b * FAULTY_BLOCK < size; b++)
                faulty_is_lost[b] |= memcmp(bytes + b * FAULTY_BLOCK, before + b * FAULTY_BLOCK,
                                            faulty_block_len(size, b)) != 0;
        free(before);
        free(bytes);
        pthread_mutex_unlock(&faulty_saving);
        atomic_fetch_add(&faulty_losses, 1);
}

static bool faulty_fails_wal(struct faulty_file *f)
{
        if (!faulty_is_wal(f->name))
                return false;
        if (atomic_exchange(&faulty_lose_wal, false))
                faulty_lose(f);
        int losses = atomic_load(&faulty_losses);
        bool is_news = f->losses_told != losses;
        f->losses_told = losses;
        return is_news;
}

static int faulty_sync(sqlite3_file *f, int flags)
{
        struct faulty_file *file = (struct faulty_file *)f;

        if (file->name && faulty_is_wal(file->name) && atomic_exchange(&faulty_holds_wal, false)) {
                sem_post(&faulty_held);
                sem_wait(&faulty_go_on);
        }
        int rc = faulty_strike();
        if (rc != SQLITE_OK) {
                atomic_store(&faulty_struck_sync, true);
                return SQLITE_IOERR_FSYNC;
        }
        if (faulty_fails_wal(file))
                return SQLITE_IOERR_FSYNC;
        if (atomic_load(&faulty_keep_synced) && file->name)
                faulty_save(file);
        return PASS(f, xSync, flags);
}

static int faulty_close(sqlite3_file *f)
{
        return PASS(f, xClose);
}

static int faulty_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
        return PASS(f, xRead, p, n, at);
}

static int faulty_size(sqlite3_file *f, sqlite3_int64 *ret)
{
        return PASS(f, xFileSize, ret);
}

static int faulty_lock(sqlite3_file *f, int level)
{
        return PASS(f, xLock, level);
}

static int faulty_unlock(sqlite3_file *f, int level)
{
        return PASS(f, xUnlock, level);
}

static int faulty_reserved(sqlite3_file *f, int *ret)
{
        return PASS(f, xCheckReservedLock, ret);
}

static int faulty_control(sqlite3_file *f, int op, void *arg)
{
        return PASS(f, xFileControl, op, arg);
}

static int faulty_sector(sqlite3_file *f)
{
        return PASS(f, xSectorSize);
}

static int faulty_device(sqlite3_file *f)
{
        return PASS(f, xDeviceCharacteristics);
}

static int faulty_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **ret)
{
        return PASS(f, xShmMap, page, size, extend, ret);
}

static int faulty_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
        return PASS(f, xShmLock, offset, n, flags);
}

static void faulty_shm_barrier(sqlite3_file *f)
{
        PASS(f, xShmBarrier);
}

static int faulty_shm_unmap(sqlite3_file *f, int remove)
{
        return PASS(f, xShmUnmap, remove);
}

static const sqlite3_io_methods faulty_methods = {
        .iVersion = 2,
        .xClose = faulty_close,
        .xRead = faulty_read,
        .xWrite = faulty_write,
        .xTruncate = faulty_truncate,
        .xSync = faulty_sync,
        .xFileSize = faulty_size,
        .xLock = faulty_lock,
        .xUnlock = faulty_unlock,
        .xCheckReservedLock = faulty_reserved,
        .xFileControl = faulty_control,
        .xSectorSize = faulty_sector,
        .xDeviceCharacteristics = faulty_device,
        .xShmMap = faulty_shm_map,
        .xShmLock = faulty_shm_lock,
        .xShmBarrier = faulty_shm_barrier,
        .xShmUnmap = faulty_shm_unmap,
};

static int faulty_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *ret)
{
        struct faulty_file *file = (struct faulty_file *)f;

        (void)vfs;
        file->name = name;
        file->losses_told = atomic_load(&faulty_losses);
        file->real = (sqlite3_file *)(file + 1);
        file->base.pMethods = NULL;
        int rc = faulty_real->xOpen(faulty_real, name, file->real, flags, ret);
        if (file->real->pMethods)
                file->base.pMethods = &faulty_methods;
        return rc;
}

/* The default file system from now on. */
static inline void faulty_register(void)
{
        static sqlite3_vfs vfs;

        faulty_real = sqlite3_vfs_find(NULL);
        vfs = *faulty_real;
        vfs.zName = "faulty";
        vfs.szOsFile = (int)sizeof(struct faulty_file) + faulty_real->szOsFile;
        vfs.xOpen = faulty_open;
        atomic_store(&faulty_left, -1);
        sem_init(&faulty_held, 0, 0);
        sem_init(&faulty_go_on, 0, 0);
        sqlite3_vfs_register(&vfs, 1);
}

enum faulty_kind { FAULTY_FULL, FAULTY_IO };

static inline void faulty_arm(int after, enum faulty_kind kind, bool lasts)
{
        atomic_store(&faulty_struck, false);
        atomic_store(&faulty_struck_sync, false);
        atomic_store(&faulty_code, kind == FAULTY_FULL ? SQLITE_FULL : SQLITE_IOERR_WRITE);
        atomic_store(&faulty_lasts, lasts);
        atomic_store(&faulty_left, after);
}

static inline void faulty_disarm(void)
{
        atomic_store(&faulty_left, -1);
}

#endif
