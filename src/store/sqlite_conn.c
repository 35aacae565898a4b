/* A connection and its transactions. */
#include "store/sqlite.h"

#include <assert.h>
#include <stdlib.h>

static int wal_written(void *arg, sqlite3 *db, const char *name, int pages)
{
        struct store_conn *c = arg;

        (void)db;
        (void)name;
        atomic_fetch_add(&c->store->commits, 1);
        if (c->store->checkpointer)
                checkpointer_wrote(c->store->checkpointer, pages);
        return SQLITE_OK;
}

static enum status set_up(struct store_conn *c, struct error *e)
{
        /* Room for the index of 100,000 statements: a page that is not there costs a copy of 8 KiB,
         * and checks want another each time. It fills as it is used. */
        if (c->mode == STORE_READ)
                return sqlite_run(c->db, "PRAGMA query_only=ON; PRAGMA cache_size=-16384;", e);
        /* store_sync waits for the disk; no commit does. */
        TRY(sqlite_run(c->db, "PRAGMA synchronous=NORMAL; PRAGMA cache_size=-8192;", e));
        TRY(sqlite_gather_wal(c->db, e));
        sqlite3_wal_hook(c->db, wal_written, c);
        return c->store->syncer ? STATUS_OK : syncer_open(c->store->path, &c->store->syncer, e);
}

enum status store_connect(struct store *s, enum store_mode mode, struct store_conn **ret,
                          struct error *e)
{
        if (mode == STORE_WRITE && atomic_exchange(&s->has_writer, true))
                return error_set(e, STATUS_INTERNAL, "store-two-writers", NULL,
                                 "there is a writing connection already");

        struct store_conn *c = calloc(1, sizeof *c);
        enum status status = c ? sqlite_open_db(s->path, &c->db, e) : error_no_memory(e);
        if (status == STATUS_OK) {
                c->store = s;
                c->mode = mode;
                status = set_up(c, e);
        }
        if (status != STATUS_OK) {
                if (c)
                        sqlite3_close(c->db);
                free(c);
                if (mode == STORE_WRITE)
                        atomic_store(&s->has_writer, false);
                return status;
        }
        atomic_fetch_add(&s->n_conns, 1);
        *ret = c;
        return STATUS_OK;
}

void store_disconnect(struct store_conn *c)
{
        if (c == NULL)
                return;
        store_rollback(c);
        sqlite_stmts_free(c);
        sqlite3_close(c->db);
        if (c->mode == STORE_WRITE)
                atomic_store(&c->store->has_writer, false);
        atomic_fetch_sub(&c->store->n_conns, 1);
        free(c);
}

bool store_in_transaction(const struct store_conn *c)
{
        return !sqlite3_get_autocommit(c->db);
}

static bool holds_gate(const struct store_conn *c)
{
        return c->mode == STORE_WRITE && c->store->checkpointer;
}

void store_let_go(struct store_conn *c)
{
        if (!c->is_kept)
                return;
        c->is_kept = false;
        if (store_exec(c, "COMMIT", NULL, NULL, "") != STATUS_OK)
                store_rollback(c);
}

void store_keep(struct store_conn *c)
{
        assert(c->mode == STORE_READ);
        c->is_kept = store_in_transaction(c);
}

static enum status begin_reading(struct store_conn *c, struct error *e)
{
        c->kept_commits = atomic_load(&c->store->commits);
        return store_exec(c, "BEGIN", NULL, e, "");
}

enum status store_begin(struct store_conn *c, struct error *e)
{
        if (c->is_kept && sqlite_is_fresh(c)) {
                c->is_kept = false;
                return STATUS_OK;
        }
        store_let_go(c);
        if (store_in_transaction(c))
                return error_set(e, STATUS_INTERNAL, "store-in-transaction", NULL,
                                 "a transaction is open already");
        if (c->mode == STORE_READ)
                return begin_reading(c, e);
        if (holds_gate(c))
                checkpointer_enter(c->store->checkpointer);
        enum status s = store_exec(c, "BEGIN IMMEDIATE", NULL, e, "");
        if (s != STATUS_OK && holds_gate(c))
                checkpointer_leave(c->store->checkpointer);
        return s;
}

enum status store_commit(struct store_conn *c, struct error *e)
{
        if (!store_in_transaction(c))
                return error_set(e, STATUS_INTERNAL, "store-no-transaction", NULL,
                                 "the transaction has ended before");
        TRY(store_exec(c, "COMMIT", NULL, e, ""));
        if (holds_gate(c))
                checkpointer_leave(c->store->checkpointer);
        return STATUS_OK;
}

/* A fault may have ended the transaction before; the gate is left in either case. */
void store_rollback(struct store_conn *c)
{
        c->is_kept = false;
        if (store_in_transaction(c))
                (void)sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
        if (holds_gate(c))
                checkpointer_leave(c->store->checkpointer);
}

int64_t store_changes(const struct store_conn *c)
{
        return sqlite3_total_changes64(c->db);
}

/* SAVEPOINT would begin a transaction of its own where a fault has ended ours. */
static enum status in_transaction(struct store_conn *c, const char *sql, struct error *e)
{
        if (!store_in_transaction(c))
                return error_set(e, STATUS_INTERNAL, "store-no-transaction", NULL,
                                 "the transaction has ended before");
        return store_exec(c, sql, NULL, e, "");
}

enum status store_savepoint(struct store_conn *c, struct error *e)
{
        return in_transaction(c, "SAVEPOINT command", e);
}

enum status store_release(struct store_conn *c, struct error *e)
{
        return in_transaction(c, "RELEASE command", e);
}

enum status store_rollback_to(struct store_conn *c, struct error *e)
{
        TRY(in_transaction(c, "ROLLBACK TO command", e));
        return in_transaction(c, "RELEASE command", e);
}
