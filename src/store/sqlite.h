/*
 * sqlite: what the files of the SQLite driver share.
 *
 *     sqlite_open.c        a database: its lock, its size, its connections' settings
 *     sqlite_conn.c        a connection and its transactions
 *     sqlite_stmt.c        statements: found by address, bound, stepped
 *     sqlite_wal.c         the writer's frames, gathered
 *     sqlite_sync.c        the WAL written out, so that commits are durable
 *     sqlite_checkpoint.c  the thread that carries the WAL into the database
 *     sqlite_migrate.c     schema versions
 *     sqlite_backup.c      a copy of the running database
 *     sqlite_error.c       SQLite's result codes to our statuses
 *
 * Nothing of SQLite's leaves these files.
 */
#ifndef CHATELAINE_STORE_SQLITE_H
#define CHATELAINE_STORE_SQLITE_H

#include <chatelaine/store.h>
#include <sqlite3.h>
#include <stdatomic.h>

struct checkpointer;
struct syncer;

struct store {
        char *path;                        /* of the database file */
        int lock_fd;                       /* flock on state.lock; -1 when not the daemon */
        struct checkpointer *checkpointer; /* NULL when not the daemon */
        struct syncer *syncer;             /* NULL before there is a writing connection */
        /*
         * A sync of the WAL failed. The kernel may have given up pages that it calls clean now: no
         * later sync would miss them, and SQLite would take a WAL with a hole for a shorter one,
         * older pages of which would lie over newer ones in the database. Nothing is confirmed,
         * and nothing carried, until store_sync has written all of it again.
         */
        atomic_bool is_suspect;
        atomic_bool has_writer;
        _Atomic uint64_t commits; /* of the writer, so far */
        atomic_int n_conns;
};

struct store_conn {
        struct store *store;
        sqlite3 *db;
        enum store_mode mode;
        struct store_stmt *
                *stmts; /* open addressing by the SQL's address; stmts_cap is a power of 2 */
        size_t n_stmts, stmts_cap;
        bool is_kept;          /* a reader's transaction that store_keep has left open */
        uint64_t kept_commits; /* store->commits before the transaction */
};

/* Open the file as it is; no settings of ours but the ones that every connection needs. */
enum status sqlite_open_db(const char *path, sqlite3 **ret, struct error *e) MUST_CHECK;
/* Run SQL that returns nothing; for settings and migrations. */
enum status sqlite_run(sqlite3 *db, const char *sql, struct error *e) MUST_CHECK;
/* One integer of the first row; 0 when there is none. */
enum status sqlite_pragma_int(sqlite3 *db, const char *sql, int64_t *ret,
                              struct error *e) MUST_CHECK;

/* The status and text of the last failure on `db`; rc is what the call returned. `db` may be NULL.
 */
enum status sqlite_error(sqlite3 *db, int rc, struct error *e);
#define sqlite_error(...) status_failed((sqlite_error)(__VA_ARGS__))

/* Free all statements of a connection. */
void sqlite_stmts_free(struct store_conn *c);
/* Nothing has been committed since what was kept was begun. */
static inline bool sqlite_is_fresh(const struct store_conn *c)
{
        return c->kept_commits == atomic_load(&c->store->commits);
}

/* The connection's handle of its WAL. */
enum status sqlite_wal_file(sqlite3 *db, sqlite3_file **ret, struct error *e) MUST_CHECK;
/* The writer's frames are gathered from now on. */
enum status sqlite_gather_wal(sqlite3 *db, struct error *e) MUST_CHECK;

enum status syncer_open(const char *path, struct syncer **ret, struct error *e) MUST_CHECK;
void syncer_close(struct syncer *y);

/*
 * The checkpoint thread. wrote: the writer has committed, the WAL holds `pages`
 * pages. enter and leave: the writer's transaction, which waits while a checkpoint
 * that needs the writer out has asked for the gate.
 */
enum status checkpointer_start(struct store *s, struct checkpointer **ret,
                               struct error *e) MUST_CHECK;
void checkpointer_stop(struct checkpointer *k);
void checkpointer_wrote(struct checkpointer *k, int pages);
void checkpointer_enter(struct checkpointer *k);
void checkpointer_leave(struct checkpointer *k);

#endif
