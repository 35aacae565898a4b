/*
 * store: the database seam. A thin driver: SQLite by default, PostgreSQL when
 * one machine is not enough; nothing above it knows which.
 *
 * One SQL dialect serves both: `INSERT ... ON CONFLICT ... DO UPDATE ...
 * RETURNING`, $1..$n parameters (every one used), integer milliseconds, TEXT,
 * BLOB; no LIKE, no reliance on where NULLs sort, columns qualified in DO UPDATE.
 *
 *     struct store_stmt *st;
 *     TRY(store_query(db, "SELECT id, ends_at FROM keys WHERE user_id = $1", &st, err, "s", user));
 *     while (store_next(st))
 *             use(store_text(st, 0), store_int(st, 1));
 *     TRY(store_done(st, err));          // resets the statement, tells whether the loop ended by a
 * fault
 *
 * A statement is prepared once for each connection and found again by the
 * address of its SQL text: pass string literals or other texts that live as
 * long as the connection. One statement runs once at a time: a query with a
 * text that is still being stepped is STATUS_INTERNAL.
 *
 * Errors by class: unique or foreign key broken CONFLICT "store-conflict"; locked by another
 * process RETRY "store-busy"; disk full RETRY "store-full"; I/O or corruption INTERNAL.
 *
 * Thread: a connection belongs to one thread at a time.
 */
#ifndef CHATELAINE_STORE_H
#define CHATELAINE_STORE_H

#include <chatelaine/base_buf.h>

/* Has the database itself failed (disk full, I/O, damage, read-only), so that the transaction is of
 * no more use? */
bool store_is_fault(const struct error *e);

struct store; /* a database: URL, its one-daemon lock, its checkpoint thread */
struct store_conn;
struct store_stmt;

/*
 * Open "sqlite:/abs/path.db". With `is_daemon` the state directory is locked
 * (flock; CONFLICT "state-dir-locked" when another daemon holds it), a missing file is
 * made, and the checkpoint thread runs; without it a missing file is NOT_FOUND "store-missing"
 * (SQLite: PASSIVE each 500 ms or 32 MiB on its own connection; the WAL is recycled, never
 * truncated).
 */
enum status store_open(const char *url, bool is_daemon, struct store **ret,
                       struct error *e) MUST_CHECK;
void store_close(struct store *s);
/* 0 = an empty database. */
enum status store_schema_version(struct store *s, unsigned *ret_have, unsigned *ret_want,
                                 struct error *e) MUST_CHECK;
/* The same of what a connection reads. */
enum status store_conn_schema_version(struct store_conn *c, unsigned *ret_have, unsigned *ret_want,
                                      struct error *e) MUST_CHECK;
/* Carry the schema forward, each migration in its own transaction. CONFLICT "schema-newer" when the
 * database is ahead of this program. */
enum status store_migrate(struct store *s, struct error *e) MUST_CHECK;
/* A consistent copy of the running database into a new file (mode 0600, fsynced). CONFLICT when the
 * file exists. */
enum status store_backup(struct store *s, const char *path, struct error *e) MUST_CHECK;
/* Size in bytes of the database and its WAL; for metrics. */
int64_t store_size_bytes(struct store *s);

enum store_mode { STORE_WRITE, STORE_READ };
/* The ledger's connection (STORE_WRITE, only one) or a read-only one. */
enum status store_connect(struct store *s, enum store_mode mode, struct store_conn **ret,
                          struct error *e) MUST_CHECK;
void store_disconnect(struct store_conn *c);

/* Transactions. begin takes the write lock at once on a writing connection (BEGIN IMMEDIATE); on a
 * reading one all queries until the commit are of one snapshot, of the moment of the first. */
enum status store_begin(struct store_conn *c, struct error *e) MUST_CHECK;
/* Others see it when it returns OK; durable is what store_sync has answered for since. */
enum status store_commit(struct store_conn *c, struct error *e) MUST_CHECK;
/*
 * All that was committed before the call is durable when it returns OK. Any one thread, also while
 * the writing connection, which must be there, goes on. When it fails (INTERNAL "store-io", RETRY
 * "store-full", "store-busy") the commits stay, and may or may not outlive a crash, until a later
 * call is OK.
 */
enum status store_sync(struct store *s, struct error *e) MUST_CHECK;
void store_rollback(struct store_conn *c);
/*
 * In the place of a reader's commit: its snapshot is kept for the next transaction or query, which
 * has a new one all the same when the writer has committed since. So what is read is never older
 * than its begin, and SQLite locks and unlocks once for many. let_go before the thread waits: a
 * snapshot holds up the WAL.
 */
void store_keep(struct store_conn *c);
void store_let_go(struct store_conn *c);
/* One level of savepoint inside a transaction. INTERNAL "store-no-transaction" where a fault (full
 * disk, I/O) has ended it. */
enum status store_savepoint(struct store_conn *c, struct error *e) MUST_CHECK;
enum status store_release(struct store_conn *c, struct error *e) MUST_CHECK;
enum status store_rollback_to(struct store_conn *c,
                              struct error *e) MUST_CHECK; /* undoes and ends the savepoint */

/*
 * Bind and start. `types` has a letter for each parameter:
 *   i int64_t    s const char * (NULL binds NULL)    t struct span as TEXT (p NULL binds NULL)
 *   b struct span as BLOB (p NULL binds NULL)    n NULL (takes no argument)
 * Texts and blobs must live until the statement is done.
 */
enum status store_query(struct store_conn *c, const char *sql, struct store_stmt **ret,
                        struct error *e, const char *types, ...) MUST_CHECK;
bool store_next(struct store_stmt *st); /* true: a row is there */
enum status store_done(struct store_stmt *st, struct error *e) MUST_CHECK;
/* Query, run to the end, done. ret_changes (may be NULL): rows changed. */
enum status store_exec(struct store_conn *c, const char *sql, int64_t *ret_changes, struct error *e,
                       const char *types, ...) MUST_CHECK;
/* Rows changed on this connection so far, undone ones too: the same number twice = nothing was
 * written in between. */
int64_t store_changes(const struct store_conn *c);
/* Some failures of the database (no memory) end the transaction and undo all of it: what follows
 * would be committed by itself. */
bool store_in_transaction(const struct store_conn *c);
/* One integer of one row; NOT_FOUND "no-row" when there is none. NULL counts as 0. */
enum status store_int_of(struct store_conn *c, const char *sql, int64_t *ret, struct error *e,
                         const char *types, ...) MUST_CHECK;

/* Columns of the row that store_next found; spans until the next store_next or store_done. */
int64_t store_int(struct store_stmt *st, int col);
struct span store_text(struct store_stmt *st, int col); /* absent for NULL */
struct span store_blob(struct store_stmt *st, int col); /* absent for NULL */
bool store_is_null(struct store_stmt *st, int col);

/*
 * The set form: the same statement for n rows of parameters, in order, results
 * by row. SQLite: a prepared loop. PostgreSQL: the statement's unnest variant.
 * Columns are arrays: column k of row i is int64 cols[k].ints[i] or
 * span cols[k].texts[i] (as TEXT, or as BLOB where is_blob).
 * `row(ctx, i, st)` is called for each row that the statement returns, with i
 * the parameters' index; a false answer ends with STATUS_INTERNAL.
 */
struct store_column {
        const int64_t *ints;
        const struct span *texts;
        const unsigned char *nulls; /* may be NULL; nulls[i] != 0 binds NULL */
        bool is_blob;
};
enum status store_set(struct store_conn *c, const char *sql, const struct store_column *cols,
                      size_t n_cols, size_t n_rows,
                      bool (*row)(void *ctx, size_t i, struct store_stmt *st), void *ctx,
                      struct error *e) MUST_CHECK;

/*
 * The same for an INSERT ... DO NOTHING without RETURNING whose first parameter is the new row's
 * id: ret_changed[i] tells whether row i was inserted. RETURNING costs SQLite 2.8 us a row, as much
 * as the insert itself. PostgreSQL: the unnest variant returns the ids that went in.
 */
enum status store_set_new(struct store_conn *c, const char *sql, const struct store_column *cols,
                          size_t n_cols, size_t n_rows, bool *ret_changed,
                          struct error *e) MUST_CHECK;
/* The version of SQLite. */
const char *store_library(void);

#endif
