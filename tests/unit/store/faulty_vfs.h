/*
 * A file system for SQLite that fails: the nth write, sync or truncation after it is
 * armed, and all that follow while it stays broken. With faulty_keep_synced it also keeps what
 * a power cut would leave: beside each file, as NAME.synced, the file as it was last synced.
 */
#ifndef TESTS_FAULTY_VFS_H
#define TESTS_FAULTY_VFS_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static atomic_int faulty_left;         /* operations until the fault; below 0: not armed */
static atomic_bool faulty_lasts;       /* what follows fails too */
static atomic_int faulty_code;         /* SQLite's */
static atomic_bool faulty_struck;      /* it has come */
static atomic_bool faulty_struck_sync; /* and was a sync */
static atomic_bool faulty_keep_synced;
static void (*_Atomic faulty_before_sync)(const char *name); /* NULL, or called by each sync */

struct faulty_file {
        sqlite3_file base;
        const char *name;   /* SQLite's, while the file is open; NULL: a temporary one */
        sqlite3_file *real; /* lies behind this struct */
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

static int faulty_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
        int rc = faulty_strike();

        return rc == SQLITE_OK ? PASS(f, xWrite, p, n, at) : rc;
}

static int faulty_truncate(sqlite3_file *f, sqlite3_int64 size)
{
        int rc = faulty_strike();

        return rc == SQLITE_OK ? PASS(f, xTruncate, size) : SQLITE_IOERR_TRUNCATE;
}

/* Held, all NAME.synced are of one moment. */
static pthread_mutex_t faulty_saving = PTHREAD_MUTEX_INITIALIZER;

static void faulty_save(struct faulty_file *f)
{
        char name[4200];
        sqlite3_int64 size = 0;

        pthread_mutex_lock(&faulty_saving);
        snprintf(name, sizeof name, "%s.synced", f->name);
        FILE *out = fopen(name, "w");
        int rc = f->real->pMethods->xFileSize(f->real, &size);
        char *bytes = malloc((size_t)size + 1);
        if (rc == SQLITE_OK)
                rc = f->real->pMethods->xRead(f->real, bytes, (int)size, 0);
        if (rc != SQLITE_OK || fwrite(bytes, 1, (size_t)size, out) != (size_t)size ||
            fclose(out) != 0)
                abort();
        free(bytes);
        pthread_mutex_unlock(&faulty_saving);
}

static int faulty_sync(sqlite3_file *f, int flags)
{
        struct faulty_file *file = (struct faulty_file *)f;
        void (*before)(const char *name) = atomic_load(&faulty_before_sync);

        if (before && file->name)
                before(file->name);
        int rc = faulty_strike();
        if (rc != SQLITE_OK) {
                atomic_store(&faulty_struck_sync, true);
                return SQLITE_IOERR_FSYNC;
        }
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
