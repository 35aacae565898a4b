/*
 * Statements: prepared once for each connection, found again by the address of
 * their SQL, bound, stepped.
 *
 *     idle ──query──▶ bound ──next──▶ on a row ──next──▶ ended
 *       ▲               │                │                 │
 *       └──────────── done ◀─────────────┴─────────────────┘
 *
 * SQLite numbers $1..$n by first appearance; params[k] is its number of our $k+1.
 */
#include "store/sqlite.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum stmt_state { STMT_IDLE, STMT_BOUND, STMT_ROW, STMT_ENDED };

struct store_stmt {
        const char *sql; /* borrowed: its address is the key */
        sqlite3_stmt *st;
        struct store_conn *conn;
        enum stmt_state state;
        int rc; /* of the last step */
        int n_params;
        int params[];
};

/* ---- the table of a connection ---- */

static size_t slot_of(const struct store_conn *c, const char *sql)
{
        size_t i = ((uintptr_t)sql * UINT64_C(0x9E3779B97F4A7C15)) >> 32;

        for (;; i++) {
                i &= c->stmts_cap - 1;
                if (c->stmts[i] == NULL || c->stmts[i]->sql == sql)
                        return i;
        }
}

static enum status grow(struct store_conn *c, struct error *e)
{
        if (c->n_stmts * 2 < c->stmts_cap)
                return STATUS_OK;

        struct store_stmt **old = c->stmts;
        size_t old_cap = c->stmts_cap;
        struct store_stmt **bigger =
                calloc(old_cap ? old_cap * 2 : 64, sizeof(struct store_stmt *));
        if (bigger == NULL)
                return error_no_memory(e);
        c->stmts = bigger;
        c->stmts_cap = old_cap ? old_cap * 2 : 64;
        for (size_t i = 0; i < old_cap; i++)
                if (old[i])
                        c->stmts[slot_of(c, old[i]->sql)] = old[i];
        free(old);
        return STATUS_OK;
}

static void stmt_free(struct store_stmt *st)
{
        sqlite3_finalize(st->st);
        free(st);
}

void sqlite_stmts_free(struct store_conn *c)
{
        for (size_t i = 0; i < c->stmts_cap; i++)
                if (c->stmts[i])
                        stmt_free(c->stmts[i]);
        free(c->stmts);
        c->stmts = NULL;
        c->n_stmts = c->stmts_cap = 0;
}

static enum status number_params(struct store_stmt *st, struct error *e)
{
        char name[16];

        for (int k = 0; k < st->n_params; k++) {
                snprintf(name, sizeof name, "$%d", k + 1);
                st->params[k] = sqlite3_bind_parameter_index(st->st, name);
                if (st->params[k] == 0)
                        return error_set(e, STATUS_INTERNAL, "store-parameters", name,
                                         "the statement does not use %s: %s", name, st->sql);
        }
        return STATUS_OK;
}

static enum status prepare(struct store_conn *c, const char *sql, struct store_stmt **ret,
                           struct error *e)
{
        sqlite3_stmt *raw;
        const char *rest;
        int rc = sqlite3_prepare_v3(c->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &raw, &rest);
        if (rc != SQLITE_OK)
                return sqlite_error(c->db, rc, e);
        if (raw == NULL || *rest != '\0') {
                sqlite3_finalize(raw);
                return error_set(e, STATUS_INTERNAL, "store-error", NULL,
                                 "the text is not one statement: %s", sql);
        }

        int n = sqlite3_bind_parameter_count(raw);
        struct store_stmt *st = calloc(1, sizeof *st + (size_t)n * sizeof st->params[0]);
        if (st == NULL) {
                sqlite3_finalize(raw);
                return error_no_memory(e);
        }
        *st = (struct store_stmt){.sql = sql, .st = raw, .conn = c, .n_params = n};
        enum status s = number_params(st, e);
        if (s != STATUS_OK) {
                stmt_free(st);
                return s;
        }
        *ret = st;
        return STATUS_OK;
}

/* The statement of this text, idle. */
static enum status find(struct store_conn *c, const char *sql, struct store_stmt **ret,
                        struct error *e)
{
        TRY(grow(c, e));
        size_t i = slot_of(c, sql);
        if (c->stmts[i] == NULL) {
                struct store_stmt *st = NULL;
                TRY(prepare(c, sql, &st, e));
                c->stmts[i] = st;
                c->n_stmts++;
        }
        struct store_stmt *st = c->stmts[i];
        assert(strcmp(sqlite3_sql(st->st), sql) ==
               0); /* a text that did not live as long as the connection */
        if (st->state != STMT_IDLE)
                return error_set(e, STATUS_INTERNAL, "store-statement-busy", NULL,
                                 "the statement is still running: %s", sql);
        *ret = st;
        return STATUS_OK;
}

/* ---- binding ---- */

static int bind_text(struct store_stmt *st, int k, struct span s)
{
        return sqlite3_bind_text64(st->st, st->params[k], s.p, s.len, SQLITE_STATIC, SQLITE_UTF8);
}

static int bind_blob(struct store_stmt *st, int k, struct span s)
{
        return sqlite3_bind_blob64(st->st, st->params[k], s.p, s.len, SQLITE_STATIC);
}

static int bind_all(struct store_stmt *st, const char *types, va_list args)
{
        int rc = SQLITE_OK;

        for (int k = 0; k < st->n_params && rc == SQLITE_OK; k++) {
                switch (types[k]) {
                case 'i':
                        rc = sqlite3_bind_int64(st->st, st->params[k], va_arg(args, int64_t));
                        break;
                case 's': rc = bind_text(st, k, span_of(va_arg(args, const char *))); break;
                case 't': rc = bind_text(st, k, va_arg(args, struct span)); break;
                case 'b': rc = bind_blob(st, k, va_arg(args, struct span)); break;
                case 'n': rc = sqlite3_bind_null(st->st, st->params[k]); break;
                default: rc = SQLITE_MISUSE;
                }
        }
        return rc;
}

static enum status query(struct store_conn *c, const char *sql, struct store_stmt **ret,
                         struct error *e, const char *types, va_list args)
{
        struct store_stmt *st;
        if (c->is_kept && !sqlite_is_fresh(c))
                store_let_go(c);
        TRY(find(c, sql, &st, e));
        if (strlen(types) != (size_t)st->n_params)
                return error_set(e, STATUS_INTERNAL, "store-parameters", NULL,
                                 "%zu parameters for %d: %s", strlen(types), st->n_params, sql);
        int rc = bind_all(st, types, args);
        if (rc != SQLITE_OK)
                return sqlite_error(c->db, rc, e);
        st->state = STMT_BOUND;
        st->rc = SQLITE_OK;
        *ret = st;
        return STATUS_OK;
}

enum status store_query(struct store_conn *c, const char *sql, struct store_stmt **ret,
                        struct error *e, const char *types, ...)
{
        va_list args;
        va_start(args, types);
        enum status s = query(c, sql, ret, e, types, args);
        va_end(args);
        return s;
}

/* ---- stepping ---- */

bool store_next(struct store_stmt *st)
{
        if (st->state != STMT_BOUND && st->state != STMT_ROW)
                return false;
        st->rc = sqlite3_step(st->st);
        st->state = st->rc == SQLITE_ROW ? STMT_ROW : STMT_ENDED;
        return st->state == STMT_ROW;
}

enum status store_done(struct store_stmt *st, struct error *e)
{
        if (st->state == STMT_BOUND) /* nobody looked at its rows, but it has to be done */
                (void)store_next(st);
        bool has_failed = st->rc != SQLITE_OK && st->rc != SQLITE_ROW && st->rc != SQLITE_DONE;
        enum status s = has_failed ? sqlite_error(st->conn->db, st->rc, e) : STATUS_OK;
        sqlite3_reset(st->st);
        st->state = STMT_IDLE;
        return s;
}

enum status store_exec(struct store_conn *c, const char *sql, int64_t *ret_changes, struct error *e,
                       const char *types, ...)
{
        struct store_stmt *st;
        va_list args;
        va_start(args, types);
        enum status s = query(c, sql, &st, e, types, args);
        va_end(args);
        TRY(s);

        while (store_next(st))
                ;
        int64_t changes = sqlite3_stmt_readonly(st->st) ? 0 : sqlite3_changes64(c->db);
        TRY(store_done(st, e));
        if (ret_changes)
                *ret_changes = changes;
        return STATUS_OK;
}

enum status store_int_of(struct store_conn *c, const char *sql, int64_t *ret, struct error *e,
                         const char *types, ...)
{
        struct store_stmt *st;
        va_list args;
        va_start(args, types);
        enum status s = query(c, sql, &st, e, types, args);
        va_end(args);
        TRY(s);

        bool is_found = store_next(st);
        int64_t n = is_found ? store_int(st, 0) : 0;
        TRY(store_done(st, e));
        if (!is_found)
                return error_set(e, STATUS_NOT_FOUND, "no-row", NULL, "there is no such row");
        *ret = n;
        return STATUS_OK;
}

/* ---- columns ---- */

int64_t store_int(struct store_stmt *st, int col)
{
        return sqlite3_column_int64(st->st, col);
}

struct span store_text(struct store_stmt *st, int col)
{
        const void *p = sqlite3_column_text(st->st, col);

        return p ? span_make(p, (size_t)sqlite3_column_bytes(st->st, col)) : SPAN_NONE;
}

/* SQLite gives NULL for an empty blob too. */
struct span store_blob(struct store_stmt *st, int col)
{
        if (store_is_null(st, col))
                return SPAN_NONE;
        const void *p = sqlite3_column_blob(st->st, col);
        return p ? span_make(p, (size_t)sqlite3_column_bytes(st->st, col)) : SPAN("");
}

bool store_is_null(struct store_stmt *st, int col)
{
        return sqlite3_column_type(st->st, col) == SQLITE_NULL;
}

/* ---- the set form: a prepared loop ---- */

static int bind_row(struct store_stmt *st, const struct store_column *cols, size_t i)
{
        int rc = SQLITE_OK;

        for (int k = 0; k < st->n_params && rc == SQLITE_OK; k++) {
                const struct store_column *col = &cols[k];
                if (col->nulls && col->nulls[i])
                        rc = sqlite3_bind_null(st->st, st->params[k]);
                else if (col->ints)
                        rc = sqlite3_bind_int64(st->st, st->params[k], col->ints[i]);
                else
                        rc = col->is_blob ? bind_blob(st, k, col->texts[i])
                                          : bind_text(st, k, col->texts[i]);
        }
        return rc;
}

static enum status run_row(struct store_stmt *st, size_t i,
                           bool (*row)(void *ctx, size_t i, struct store_stmt *st), void *ctx,
                           struct error *e)
{
        bool is_taken = true;

        st->state = STMT_BOUND;
        while (is_taken && store_next(st))
                if (row)
                        is_taken = row(ctx, i, st);
        TRY(store_done(st, e));
        if (!is_taken)
                return error_set(e, STATUS_INTERNAL, "store-set-ended", NULL,
                                 "row %zu was not taken", i);
        return STATUS_OK;
}

/* What a row of the set has done: what the statement returned, or that it changed something. */
struct set_result {
        bool (*row)(void *ctx, size_t i, struct store_stmt *st);
        void *ctx;
        bool *changed;
};

static enum status run_set(struct store_conn *c, const char *sql, const struct store_column *cols,
                           size_t n_cols, size_t n_rows, const struct set_result *r,
                           struct error *e)
{
        struct store_stmt *st;
        TRY(find(c, sql, &st, e));
        if ((size_t)st->n_params != n_cols)
                return error_set(e, STATUS_INTERNAL, "store-parameters", NULL,
                                 "%zu columns for %d parameters: %s", n_cols, st->n_params, sql);
        for (size_t i = 0; i < n_rows; i++) {
                int rc = bind_row(st, cols, i);
                if (rc != SQLITE_OK)
                        return sqlite_error(c->db, rc, e);
                TRY(run_row(st, i, r->row, r->ctx, e));
                if (r->changed)
                        r->changed[i] = sqlite3_changes64(c->db) > 0;
        }
        return STATUS_OK;
}

enum status store_set(struct store_conn *c, const char *sql, const struct store_column *cols,
                      size_t n_cols, size_t n_rows,
                      bool (*row)(void *ctx, size_t i, struct store_stmt *st), void *ctx,
                      struct error *e)
{
        struct set_result r = {.row = row, .ctx = ctx};

        return run_set(c, sql, cols, n_cols, n_rows, &r, e);
}

enum status store_set_new(struct store_conn *c, const char *sql, const struct store_column *cols,
                          size_t n_cols, size_t n_rows, bool *ret_changed, struct error *e)
{
        struct set_result r = {.changed = ret_changed};

        return run_set(c, sql, cols, n_cols, n_rows, &r, e);
}
