/* Statements, transactions and errors of the store. */
#include "store_fixture.h"

#include <signal.h>
#include <sys/resource.h>

static const char insert[] = "INSERT INTO t (id, name, data) VALUES ($1, $2, $3)";
static const char count[] = "SELECT count(*) FROM t";

static int setup(void **state)
{
        struct fixture *f = calloc(1, sizeof *f);

        fixture_open(f);
        OK(store_exec(f->db,
                      "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT UNIQUE, data BLOB) STRICT",
                      NULL, &f->err, ""));
        *state = f;
        return 0;
}

static int teardown(void **state)
{
        fixture_close(*state);
        free(*state);
        return 0;
}

static int64_t rows(struct fixture *f)
{
        int64_t n = -1;

        OK(store_int_of(f->db, count, &n, &f->err, ""));
        return n;
}

static void test_values_come_back_as_they_were_bound(void **state)
{
        struct fixture *f = *state;
        struct store_stmt *st;
        int64_t changes;

        OK(store_exec(f->db, insert, &changes, &f->err, "isb", INT64_MIN, "caf\xc3\xa9",
                      span_make("a\0b", 3)));
        assert_int_equal(changes, 1);
        OK(store_exec(f->db, insert, NULL, &f->err, "itb", (int64_t)2, SPAN(""), SPAN("")));
        OK(store_exec(f->db, insert, NULL, &f->err, "isb", (int64_t)3, (char *)NULL, SPAN_NONE));

        OK(store_query(f->db, "SELECT id, name, data FROM t ORDER BY id", &st, &f->err, ""));
        assert_true(store_next(st));
        assert_true(store_int(st, 0) == INT64_MIN);
        assert_true(span_is(store_text(st, 1), "caf\xc3\xa9"));
        assert_true(span_equal(store_blob(st, 2), span_make("a\0b", 3)));
        assert_true(store_next(st));
        assert_true(store_text(st, 1).p && store_text(st, 1).len == 0);
        assert_true(store_blob(st, 2).p && store_blob(st, 2).len == 0);
        assert_true(store_next(st));
        assert_true(store_is_null(st, 1));
        assert_null(store_text(st, 1).p);
        assert_null(store_blob(st, 2).p);
        assert_int_equal(store_int(st, 1), 0);
        assert_false(store_next(st));
        assert_false(store_next(st)); /* the end stays the end */
        OK(store_done(st, &f->err));
}

static void test_parameters_are_numbered_by_name_not_by_place(void **state)
{
        struct fixture *f = *state;
        int64_t n;

        OK(store_int_of(f->db, "SELECT $2 * 10 + $1 + $2", &n, &f->err, "ii", (int64_t)3,
                        (int64_t)4));
        assert_int_equal(n, 47);
}

static void test_wrong_parameters_are_internal_errors(void **state)
{
        struct fixture *f = *state;
        int64_t n;

        assert_int_equal(
                store_int_of(f->db, "SELECT $1 + $3", &n, &f->err, "ii", (int64_t)1, (int64_t)2),
                STATUS_INTERNAL);
        assert_string_equal(f->err.slug, "store-parameters");
        assert_int_equal(store_exec(f->db, insert, NULL, &f->err, "i", (int64_t)1),
                         STATUS_INTERNAL);
        assert_string_equal(f->err.slug, "store-parameters");
        assert_int_equal(store_exec(f->db, insert, NULL, &f->err, "ixn", (int64_t)1),
                         STATUS_INTERNAL);
        assert_int_equal(store_exec(f->db, "SELEKT", NULL, &f->err, ""), STATUS_INTERNAL);
        assert_string_equal(f->err.slug, "store-error");
        assert_int_equal(store_exec(f->db, "SELECT 1; SELECT 2", NULL, &f->err, ""),
                         STATUS_INTERNAL);
        assert_int_equal(store_exec(f->db, "", NULL, &f->err, ""), STATUS_INTERNAL);
        assert_int_equal(rows(f), 0);
}

static void test_a_running_statement_is_not_started_again(void **state)
{
        struct fixture *f = *state;
        struct store_stmt *st, *again;

        OK(store_query(f->db, count, &st, &f->err, ""));
        assert_true(store_next(st));
        assert_int_equal(store_query(f->db, count, &again, &f->err, ""), STATUS_INTERNAL);
        assert_string_equal(f->err.slug, "store-statement-busy");
        OK(store_done(st, &f->err));
        assert_int_equal(rows(f), 0);
}

static void test_a_query_that_nobody_steps_is_done_all_the_same(void **state)
{
        struct fixture *f = *state;
        struct store_stmt *st;

        OK(store_query(f->db, insert, &st, &f->err, "isn", (int64_t)1, "a"));
        OK(store_done(st, &f->err));
        assert_int_equal(rows(f), 1);
}

static void test_many_texts_are_each_found_again(void **state)
{
        struct fixture *f = *state;
        static char sql[500][24];
        int64_t n;

        for (int i = 0; i < 500; i++)
                snprintf(sql[i], sizeof sql[i], "SELECT %d", i);
        for (int i = 0; i < 1000; i++) {
                OK(store_int_of(f->db, sql[i % 500], &n, &f->err, ""));
                assert_int_equal(n, i % 500);
        }
}

static void test_constraints_are_conflicts(void **state)
{
        struct fixture *f = *state;

        OK(store_exec(f->db, insert, NULL, &f->err, "isn", (int64_t)1, "secret"));
        assert_int_equal(store_exec(f->db, insert, NULL, &f->err, "isn", (int64_t)1, "b"),
                         STATUS_CONFLICT);
        assert_string_equal(f->err.slug, "store-conflict");
        assert_int_equal(store_exec(f->db, insert, NULL, &f->err, "isn", (int64_t)2, "secret"),
                         STATUS_CONFLICT);
        assert_null(strstr(f->err.text, "secret"));
        assert_false(store_is_fault(&f->err));
        /* STRICT: a text where an integer belongs is a fault of ours, not of the row */
        assert_int_equal(store_exec(f->db, insert, NULL, &f->err, "ssn", "x", "c"),
                         STATUS_INTERNAL);
        assert_int_equal(rows(f), 1);
}

static void test_no_row_is_not_found(void **state)
{
        struct fixture *f = *state;
        int64_t n = 7;

        assert_int_equal(
                store_int_of(f->db, "SELECT id FROM t WHERE id = $1", &n, &f->err, "i", (int64_t)1),
                STATUS_NOT_FOUND);
        assert_string_equal(f->err.slug, "no-row");
        assert_int_equal(n, 7);
}

static void test_a_savepoint_undoes_its_own_part(void **state)
{
        struct fixture *f = *state;

        OK(store_begin(f->db, &f->err));
        OK(store_savepoint(f->db, &f->err));
        OK(store_exec(f->db, insert, NULL, &f->err, "isn", (int64_t)1, "a"));
        OK(store_release(f->db, &f->err));
        OK(store_savepoint(f->db, &f->err));
        OK(store_exec(f->db, insert, NULL, &f->err, "isn", (int64_t)2, "b"));
        OK(store_rollback_to(f->db, &f->err));
        OK(store_savepoint(f->db, &f->err));
        OK(store_exec(f->db, insert, NULL, &f->err, "isn", (int64_t)3, "b"));
        OK(store_release(f->db, &f->err));
        OK(store_commit(f->db, &f->err));
        assert_int_equal(rows(f), 2);
}

static void test_transactions_out_of_order_are_internal_errors(void **state)
{
        struct fixture *f = *state;

        assert_int_equal(store_savepoint(f->db, &f->err), STATUS_INTERNAL);
        assert_int_equal(store_release(f->db, &f->err), STATUS_INTERNAL);
        assert_int_equal(store_rollback_to(f->db, &f->err), STATUS_INTERNAL);
        assert_int_equal(store_commit(f->db, &f->err), STATUS_INTERNAL);
        assert_string_equal(f->err.slug, "store-no-transaction");
        OK(store_begin(f->db, &f->err));
        assert_int_equal(store_begin(f->db, &f->err), STATUS_INTERNAL);
        store_rollback(f->db);
        store_rollback(f->db);
        OK(store_begin(f->db, &f->err));
        OK(store_exec(f->db, insert, NULL, &f->err, "isn", (int64_t)1, "a"));
        store_rollback(f->db);
        assert_int_equal(rows(f), 0);
}

static bool take_id(void *ctx, size_t i, struct store_stmt *st)
{
        int64_t *ids = ctx;

        ids[i] = store_int(st, 0);
        return i != 3;
}

static const char set_sql[] =
        "INSERT INTO t (id, name, data) VALUES ($3, $1, $2) ON CONFLICT (name) DO UPDATE "
        "SET data = excluded.data RETURNING id";

static void test_the_set_form_gives_results_by_row(void **state)
{
        struct fixture *f = *state;
        const struct span names[] = {SPAN("a"), SPAN("b"), SPAN("a"), SPAN("c")};
        const unsigned char nulls[] = {0, 1, 0, 0};
        const int64_t ids[] = {11, 12, 13, 14};
        const struct store_column cols[] = {
                {.texts = names}, {.texts = names, .nulls = nulls, .is_blob = true}, {.ints = ids}};
        int64_t got[4] = {0};

        OK(store_set(f->db, set_sql, cols, 3, 3, take_id, got, &f->err));
        assert_int_equal(got[0], 11);
        assert_int_equal(got[1], 12);
        assert_int_equal(got[2], 11); /* the same name: the first row's id */
        OK(store_set(f->db, set_sql, cols, 3, 0, take_id, got, &f->err));

        assert_int_equal(store_set(f->db, set_sql, cols, 3, 4, take_id, got, &f->err),
                         STATUS_INTERNAL);
        assert_string_equal(f->err.slug, "store-set-ended");
        assert_int_equal(store_set(f->db, set_sql, cols, 2, 1, take_id, got, &f->err),
                         STATUS_INTERNAL);
        assert_string_equal(f->err.slug, "store-parameters");
        OK(store_set(f->db, set_sql, cols, 3, 1, NULL, NULL, &f->err)); /* it can be used again */
}

static void test_a_set_of_new_rows_tells_which_went_in(void **state)
{
        struct fixture *f = *state;
        static const char sql[] = "INSERT INTO t (id, name, data) VALUES ($1, $2, NULL)"
                                  " ON CONFLICT (name) DO NOTHING";
        const struct span names[] = {SPAN("a"), SPAN("b"), SPAN("a"), SPAN("c")};
        const int64_t ids[] = {11, 12, 13, 14};
        const struct store_column cols[] = {{.ints = ids}, {.texts = names}};
        bool is_new[4] = {false, false, true, false};

        OK(store_set_new(f->db, sql, cols, 2, 4, is_new, &f->err));
        assert_true(is_new[0] && is_new[1] && !is_new[2] && is_new[3]);
        assert_int_equal(rows(f), 3);
        OK(store_set_new(f->db, sql, cols, 2, 2, is_new, &f->err));
        assert_true(!is_new[0] && !is_new[1]);
        assert_int_equal(store_set_new(f->db, sql, cols, 1, 1, is_new, &f->err), STATUS_INTERNAL);
        assert_string_equal(f->err.slug, "store-parameters");
}

static enum status fill(struct fixture *f)
{
        static char big[8192];

        enum status s = store_begin(f->db, &f->err);
        for (int64_t i = 0; i < 100 && s == STATUS_OK; i++)
                s = store_exec(f->db, insert, NULL, &f->err, "inb", i, span_make(big, sizeof big));
        if (s == STATUS_OK)
                s = store_commit(f->db, &f->err);
        if (s != STATUS_OK)
                store_rollback(f->db);
        return s;
}

static void test_a_full_database_is_said_so_and_heals(void **state)
{
        struct fixture *f = *state;
        int64_t pages;

        OK(store_int_of(f->db, "PRAGMA max_page_count=40", &pages, &f->err, ""));
        assert_int_equal(fill(f), STATUS_RETRY);
        assert_string_equal(f->err.slug, "store-full");
        assert_true(store_is_fault(&f->err));
        assert_int_equal(rows(f), 0);
        OK(store_int_of(f->db, "PRAGMA max_page_count=100000", &pages, &f->err, ""));
        OK(fill(f));
        assert_int_equal(rows(f), 100);
}

static void test_a_file_that_may_not_grow_is_a_full_disk(void **state)
{
        struct fixture *f = *state;
        struct rlimit old, small;

        signal(SIGXFSZ, SIG_IGN);
        assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
        small = (struct rlimit){.rlim_cur = 200000, .rlim_max = old.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
        enum status s = fill(f);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
        assert_int_equal(s, STATUS_RETRY);
        assert_string_equal(f->err.slug, "store-full");
        OK(fill(f));
        assert_int_equal(rows(f), 100);
}

static void test_after_a_fault_ended_the_transaction_no_savepoint_begins_one(void **state)
{
        struct fixture *f = *state;

        OK(store_begin(f->db, &f->err));
        /* As a full disk does it: the transaction is gone beneath us. */
        assert_int_equal(store_exec(f->db, "INSERT OR ROLLBACK INTO t (id) VALUES (1), (1)", NULL,
                                    &f->err, ""),
                         STATUS_CONFLICT);
        assert_int_equal(store_savepoint(f->db, &f->err), STATUS_INTERNAL);
        assert_string_equal(f->err.slug, "store-no-transaction");
        store_rollback(f->db);
        OK(store_begin(f->db, &f->err));
        OK(store_commit(f->db, &f->err));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
                TEST(test_values_come_back_as_they_were_bound),
                TEST(test_parameters_are_numbered_by_name_not_by_place),
                TEST(test_wrong_parameters_are_internal_errors),
                TEST(test_a_running_statement_is_not_started_again),
                TEST(test_a_query_that_nobody_steps_is_done_all_the_same),
                TEST(test_many_texts_are_each_found_again),
                TEST(test_constraints_are_conflicts),
                TEST(test_no_row_is_not_found),
                TEST(test_a_savepoint_undoes_its_own_part),
                TEST(test_transactions_out_of_order_are_internal_errors),
                TEST(test_the_set_form_gives_results_by_row),
                TEST(test_a_set_of_new_rows_tells_which_went_in),
                TEST(test_a_full_database_is_said_so_and_heals),
                TEST(test_a_file_that_may_not_grow_is_a_full_disk),
                TEST(test_after_a_fault_ended_the_transaction_no_savepoint_begins_one),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
