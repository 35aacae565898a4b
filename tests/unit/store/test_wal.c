/* The writer's frames, gathered: nobody sees the difference, whatever is done to them. */
#include "store_fixture.h"

#include "faulty_vfs.h"

#include <string.h>

#define ROWS 3000 /* of 4,000 bytes: more than the writer's cache */
#define OPERATIONS 1000000

static int setup(void **state)
{
        struct fixture *f = calloc(1, sizeof *f);

        fixture_open(f);
        /* Without a checkpoint thread: its writes would be counted, and would fail. */
        store_disconnect(f->db);
        store_close(f->store);
        OK(store_open(f->url, false, &f->store, &f->err));
        OK(store_connect(f->store, STORE_WRITE, &f->db, &f->err));
        OK(store_exec(f->db, "CREATE TABLE a (id INTEGER PRIMARY KEY, n INTEGER, v BLOB)", NULL,
                      &f->err, ""));
        *state = f;
        return 0;
}

static int teardown(void **state)
{
        fixture_close(*state);
        free(*state);
        return 0;
}

static void insert(struct fixture *f, int64_t from, int64_t n)
{
        for (int64_t id = from; id < from + n; id++)
                OK(store_exec(f->db, "INSERT INTO a VALUES ($1, 0, zeroblob(4000))", NULL, &f->err,
                              "i", id));
}

/* Each row once, in an order that finds no page in the cache. */
static void count_up(struct fixture *f)
{
        for (int64_t i = 0; i < ROWS; i++)
                OK(store_exec(f->db, "UPDATE a SET n = n + 1, v = zeroblob(4000) WHERE id = $1",
                              NULL, &f->err, "i", i * 769 % ROWS));
}

/* By a reader, of the WAL and of the database, and whether it is sound. */
static int64_t read_int(struct fixture *f, const char *sql)
{
        struct store_conn *c;
        int64_t n = -1;

        OK(store_connect(f->store, STORE_READ, &c, &f->err));
        OK(store_int_of(c,
                        "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> "
                        "'ok'",
                        &n, &f->err, ""));
        assert_int_equal(n, 0);
        OK(store_int_of(c, sql, &n, &f->err, ""));
        store_disconnect(c);
        return n;
}

/* The same after it was opened anew: the WAL is read from its beginning, each checksum checked. */
static int64_t read_again(struct fixture *f, const char *sql)
{
        char to[128], command[640];
        sqlite3 *db;
        sqlite3_stmt *st;

        snprintf(to, sizeof to, "%s/copy.db", f->dir);
        snprintf(command, sizeof command, "rm -f %s-shm; cp %s %s && cp %s-wal %s-wal", to, f->path,
                 to, f->path, to);
        assert_int_equal(system(command), 0);
        assert_int_equal(sqlite3_open_v2(to, &db, SQLITE_OPEN_READWRITE, "unix"), SQLITE_OK);
        assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA quick_check", -1, &st, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(st), SQLITE_ROW);
        assert_string_equal(sqlite3_column_text(st, 0), "ok");
        sqlite3_finalize(st);
        assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(st), SQLITE_ROW);
        int64_t n = sqlite3_column_int64(st, 0);
        sqlite3_finalize(st);
        sqlite3_close(db);
        return n;
}

static const char sum[] = "SELECT coalesce(sum(n), 0) + count(*) FROM a";

static int operations_of(struct fixture *f, int64_t from, int64_t rows)
{
        OK(store_begin(f->db, &f->err));
        insert(f, from, rows);
        faulty_arm(OPERATIONS, FAULTY_IO, false);
        OK(store_commit(f->db, &f->err));
        int n = OPERATIONS - atomic_load(&faulty_left);
        faulty_disarm();
        return n;
}

static void test_a_commit_is_one_write(void **state)
{
        struct fixture *f = *state;

        (void)operations_of(f, 0, 1); /* a WAL that has begun */
        assert_int_equal(operations_of(f, 1, 1), 1);
        assert_int_equal(operations_of(f, 2, 20), 1); /* ten pages */
        assert_in_range(operations_of(f, 22, 200), 7, 9);
        assert_int_equal(read_int(f, sum), 222);
        assert_int_equal(read_again(f, sum), 222);
}

/* Its pages go into the WAL before it is committed, are read back and written over, and then all
 * heads behind them are written again. */
static void test_a_transaction_larger_than_the_cache(void **state)
{
        struct fixture *f = *state;

        OK(store_begin(f->db, &f->err));
        insert(f, 0, ROWS);
        count_up(f);
        count_up(f);
        assert_int_equal(read_int(f, sum), 0);
        OK(store_commit(f->db, &f->err));
        assert_int_equal(read_int(f, sum), 3 * ROWS);
        assert_int_equal(read_again(f, sum), 3 * ROWS);
        (void)operations_of(f, ROWS, 1);
        assert_int_equal(read_again(f, sum), 3 * ROWS + 1);
}

static void test_what_is_rolled_back_leaves_nothing(void **state)
{
        struct fixture *f = *state;

        OK(store_begin(f->db, &f->err));
        insert(f, 0, ROWS);
        OK(store_commit(f->db, &f->err));
        for (int64_t i = 1; i <= 3; i++) {
                OK(store_begin(f->db, &f->err));
                count_up(f);
                OK(store_savepoint(f->db, &f->err));
                count_up(f);
                OK(store_rollback_to(f->db, &f->err));
                if (i == 2) {
                        OK(store_commit(f->db, &f->err));
                        continue;
                }
                store_rollback(f->db);
                (void)operations_of(f, ROWS + i, 1);
        }
        assert_int_equal(read_int(f, sum), 2 * ROWS + 2);
        assert_int_equal(read_again(f, sum), 2 * ROWS + 2);
}

/* Each write of a commit fails once: it is not there, and the next one is. */
static void test_a_commit_that_cannot_be_written_is_not_there(void **state)
{
        struct fixture *f = *state;
        int64_t n_there = 0;

        for (int at = 0;; at++) {
                OK(store_begin(f->db, &f->err));
                insert(f, at * 1000, 200);
                faulty_arm(at, FAULTY_FULL, false);
                enum status s = store_commit(f->db, &f->err);
                bool has_struck = atomic_load(&faulty_struck);
                faulty_disarm();
                assert_int_equal(s, has_struck ? STATUS_RETRY : STATUS_OK);
                if (s == STATUS_OK)
                        n_there += 200;
                else
                        store_rollback(f->db);
                assert_int_equal(read_int(f, sum), n_there);
                assert_int_equal(read_again(f, sum), n_there);
                if (!has_struck)
                        break;
                assert_in_range(at, 0, 20);
        }
        assert_int_equal(n_there, 200);
}

/* Whoever does not hear that a write has failed, and commits, is told then. */
static void test_nothing_is_committed_behind_a_hole(void **state)
{
        struct fixture *f = *state;
        int n_told = 0;

        OK(store_begin(f->db, &f->err));
        insert(f, 0, ROWS);
        OK(store_commit(f->db, &f->err));
        int64_t before = read_again(f, sum);
        for (int at = 0; at < 120; at += 4) {
                OK(store_begin(f->db, &f->err));
                faulty_arm(at, FAULTY_FULL, false);
                for (int64_t i = 0; i < ROWS && store_in_transaction(f->db); i++)
                        (void)!store_exec(
                                f->db, "UPDATE a SET n = n + 1, v = zeroblob(4000) WHERE id = $1",
                                NULL, &f->err, "i", i * 769 % ROWS);
                bool has_struck = atomic_load(&faulty_struck);
                faulty_disarm();
                enum status s = store_commit(f->db, &f->err);
                if (s != STATUS_OK)
                        store_rollback(f->db);
                assert_true(s != STATUS_OK || !has_struck);
                before += s == STATUS_OK ? ROWS : 0;
                n_told += s != STATUS_OK;
                assert_int_equal(read_again(f, sum), before);
                (void)operations_of(f, ROWS + at, 1); /* and it goes on */
                before++;
        }
        assert_in_range(n_told, 10, 30);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

                TEST(test_a_commit_is_one_write),
                TEST(test_a_transaction_larger_than_the_cache),
                TEST(test_what_is_rolled_back_leaves_nothing),
                TEST(test_a_commit_that_cannot_be_written_is_not_there),
                TEST(test_nothing_is_committed_behind_a_hole),
        };

        faulty_register();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
