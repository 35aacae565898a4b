/* Databases and connections: who may open, write and read, and what the WAL does meanwhile. */
#include "store_fixture.h"

#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

static const char insert[] = "INSERT INTO t (id, data) VALUES ($1, $2)";
static const char count[] = "SELECT count(*) FROM t";

static int setup(void **state)
{
        struct fixture *f = calloc(1, sizeof *f);

        fixture_open(f);
        OK(store_exec(f->db, "CREATE TABLE t (id INTEGER PRIMARY KEY, data BLOB) STRICT", NULL,
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

static void test_a_reading_connection_cannot_write(void **state)
{
        struct fixture *f = *state;
        struct store_conn *reader;

        OK(store_connect(f->store, STORE_READ, &reader, &f->err));
        assert_int_equal(store_exec(reader, insert, NULL, &f->err, "in", (int64_t)1),
                         STATUS_INTERNAL);
        assert_string_equal(f->err.slug, "store-read-only");
        store_disconnect(reader);
}

/* What was asked before its first query (a count of changes, say) is no newer than its rows. */
static void test_a_readers_transaction_is_a_snapshot_of_its_first_query(void **state)
{
        struct fixture *f = *state;
        struct store_conn *reader;
        int64_t n;

        OK(store_connect(f->store, STORE_READ, &reader, &f->err));
        OK(store_begin(reader, &f->err));
        OK(store_exec(f->db, insert, NULL, &f->err, "in", (int64_t)1));
        OK(store_int_of(reader, count, &n, &f->err, ""));
        assert_int_equal(n, 1);
        OK(store_exec(f->db, insert, NULL, &f->err, "in", (int64_t)2));
        OK(store_int_of(reader, count, &n, &f->err, ""));
        assert_int_equal(n, 1);
        OK(store_commit(reader, &f->err));
        OK(store_int_of(reader, count, &n, &f->err, ""));
        assert_int_equal(n, 2);
        store_disconnect(reader);
}

static int64_t counted(struct fixture *f, struct store_conn *c)
{
        int64_t n = -1;

        OK(store_int_of(c, count, &n, &f->err, ""));
        return n;
}

static void test_a_kept_snapshot_serves_until_something_is_committed(void **state)
{
        struct fixture *f = *state;
        struct store_conn *reader;

        OK(store_connect(f->store, STORE_READ, &reader, &f->err));
        for (int64_t i = 0; i < 4; i++) {
                OK(store_begin(reader, &f->err));
                assert_int_equal(counted(f, reader), 2 * i);
                OK(store_exec(f->db, insert, NULL, &f->err, "in", 2 * i));
                assert_int_equal(counted(f, reader), 2 * i);
                store_keep(reader);
                assert_int_equal(counted(f, reader), 2 * i + 1); /* without a transaction */
                OK(store_begin(reader, &f->err));
                assert_int_equal(counted(f, reader), 2 * i + 1);
                store_keep(reader);
                OK(store_begin(f->db, &f->err));
                OK(store_exec(f->db, insert, NULL, &f->err, "in", 2 * i + 1));
                OK(store_commit(f->db, &f->err));
        }
        store_disconnect(reader);
}

/* The count of commits is this process's: what another does (nobody else writes to a daemon's
 * database) shows that the snapshot is the one of before. */
static void test_a_snapshot_is_kept_until_it_is_let_go(void **state)
{
        struct fixture *f = *state;
        struct store_conn *reader, *foreign;
        struct store *other;

        OK(store_open(f->url, false, &other, &f->err));
        OK(store_connect(other, STORE_WRITE, &foreign, &f->err));
        OK(store_connect(f->store, STORE_READ, &reader, &f->err));
        store_keep(reader); /* nothing to keep */
        for (int64_t i = 0; i < 3; i++) {
                OK(store_begin(reader, &f->err));
                assert_int_equal(counted(f, reader), i);
                store_keep(reader);
                OK(store_exec(foreign, insert, NULL, &f->err, "in", i));
                assert_int_equal(counted(f, reader), i);
                OK(store_begin(reader, &f->err));
                assert_int_equal(counted(f, reader), i);
                store_keep(reader);
                store_let_go(reader);
                store_let_go(reader);
                assert_int_equal(counted(f, reader), i + 1);
        }
        store_disconnect(reader);
        store_disconnect(foreign);
        store_close(other);
}

static void test_there_is_one_writing_connection(void **state)
{
        struct fixture *f = *state;
        struct store_conn *second;

        assert_int_equal(store_connect(f->store, STORE_WRITE, &second, &f->err), STATUS_INTERNAL);
        assert_string_equal(f->err.slug, "store-two-writers");
        store_disconnect(f->db);
        f->db = NULL;
        OK(store_connect(f->store, STORE_WRITE, &f->db, &f->err));
}

static void test_a_second_daemon_is_refused(void **state)
{
        struct fixture *f = *state;
        struct store *second;

        assert_int_equal(store_open(f->url, true, &second, &f->err), STATUS_CONFLICT);
        assert_string_equal(f->err.slug, "state-dir-locked");
        OK(store_open(f->url, false, &second, &f->err)); /* a tool may look */
        store_close(second);
}

/* Another process takes the write lock, says so through the pipe, and keeps it until it is killed.
 */
static pid_t hold_lock(struct fixture *f, int ready)
{
        pid_t pid = fork();

        if (pid == 0) {
                struct store *s;
                struct store_conn *db;
                bool is_held = store_open(f->url, false, &s, NULL) == STATUS_OK &&
                               store_connect(s, STORE_WRITE, &db, NULL) == STATUS_OK &&
                               store_begin(db, NULL) == STATUS_OK;
                if (write(ready, is_held ? "y" : "n", 1) == 1)
                        pause();
                _exit(1);
        }
        return pid;
}

static void test_a_lock_held_by_another_process_is_busy(void **state)
{
        struct fixture *f = *state;
        int ready[2];
        char held = 'n';

        assert_int_equal(pipe(ready), 0);
        pid_t pid = hold_lock(f, ready[1]);
        assert_true(pid > 0);
        assert_int_equal(read(ready[0], &held, 1), 1);
        assert_int_equal(held, 'y');
        assert_int_equal(store_begin(f->db, &f->err), STATUS_RETRY);
        assert_string_equal(f->err.slug, "store-busy");
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        OK(store_begin(f->db, &f->err)); /* its lock died with it */
        OK(store_commit(f->db, &f->err));
        close(ready[0]);
        close(ready[1]);
}

static void test_files_are_the_owners_alone(void **state)
{
        struct fixture *f = *state;
        static const char *const names[] = {"chatelaine.db", "chatelaine.db-wal",
                                            "chatelaine.db-shm", "state.lock"};
        char path[128];
        struct stat st;

        for (size_t i = 0; i < 4; i++) {
                snprintf(path, sizeof path, "%s/%s", f->dir, names[i]);
                assert_int_equal(stat(path, &st), 0);
                assert_int_equal(st.st_mode & 0777, 0600);
        }
        assert_true(store_size_bytes(f->store) > 4096);
}

static void test_a_missing_database_is_made_by_the_daemon_only(void **state)
{
        struct fixture *f = *state;
        struct store *s;
        char url[128];

        snprintf(url, sizeof url, "sqlite:%s/other.db", f->dir);
        assert_int_equal(store_open(url, false, &s, &f->err), STATUS_NOT_FOUND);
        assert_string_equal(f->err.slug, "store-missing");
        assert_int_equal(store_open("sqlite:relative.db", false, &s, &f->err), STATUS_INVALID);
        assert_int_equal(store_open("mysql://x", false, &s, &f->err), STATUS_INVALID);
        assert_int_equal(store_open("sqlite:/nowhere/at/all.db", true, &s, &f->err),
                         STATUS_INTERNAL);
}

static void test_what_is_no_database_is_said_to_be_none(void **state)
{
        struct fixture *f = *state;
        struct store *s;
        struct store_conn *db;
        char path[96], url[128];

        snprintf(path, sizeof path, "%s/text.db", f->dir);
        snprintf(url, sizeof url, "sqlite:%s", path);
        FILE *file = fopen(path, "w");
        for (int i = 0; i < 1000; i++)
                fputs("this is no database at all\n", file);
        fclose(file);
        OK(store_open(url, false, &s, &f->err));
        assert_int_equal(store_connect(s, STORE_READ, &db, &f->err), STATUS_INTERNAL);
        assert_string_equal(f->err.slug, "store-corrupt");
        assert_true(store_is_fault(&f->err));
        store_close(s);
}

/* Rows from..from+99 in one commit. */
static void fill(struct fixture *f, int64_t from)
{
        static char big[8192];

        OK(store_begin(f->db, &f->err));
        for (int64_t i = 0; i < 100; i++)
                OK(store_exec(f->db, insert, NULL, &f->err, "ib", from + i,
                              span_make(big, sizeof big)));
        OK(store_commit(f->db, &f->err));
}

struct reader {
        struct store *store;
        const bool *is_over;
        int64_t seen;
        bool is_good;
};

static void *read_along(void *arg)
{
        struct reader *r = arg;
        struct store_conn *db;
        struct error e;
        int64_t n = 0;

        r->is_good = store_connect(r->store, STORE_READ, &db, &e) == STATUS_OK;
        while (r->is_good && !__atomic_load_n(r->is_over, __ATOMIC_ACQUIRE)) {
                r->is_good = store_int_of(db, count, &n, &e, "") == STATUS_OK && n >= r->seen &&
                             n % 100 == 0;
                r->seen = n;
        }
        if (r->is_good)
                r->is_good = store_int_of(db, count, &r->seen, &e, "") == STATUS_OK;
        store_disconnect(db);
        return NULL;
}

static void test_readers_see_whole_commits_while_the_wal_is_carried_over(void **state)
{
        struct fixture *f = *state;
        bool is_over = false;
        pthread_t threads[3];
        struct reader readers[3];

        for (int i = 0; i < 3; i++) {
                readers[i] = (struct reader){.store = f->store, .is_over = &is_over};
                pthread_create(&threads[i], NULL, read_along, &readers[i]);
        }
        for (int64_t i = 0; i < 40; i++)
                fill(f, i * 100);
        __atomic_store_n(&is_over, true, __ATOMIC_RELEASE);
        for (int i = 0; i < 3; i++) {
                pthread_join(threads[i], NULL);
                assert_true(readers[i].is_good);
                assert_int_equal(readers[i].seen, 4000);
        }
}

static void test_the_wal_stays_bounded_under_steady_load(void **state)
{
        struct fixture *f = *state;
        char wal[128];
        struct stat st;

        snprintf(wal, sizeof wal, "%s-wal", f->path);
        for (int64_t i = 0; i < 400; i++) { /* 320 MiB */
                fill(f, 0);
                OK(store_exec(f->db, "DELETE FROM t", NULL, &f->err, ""));
        }
        assert_int_equal(stat(wal, &st), 0);
        assert_true(st.st_size < 200 << 20);
}

static void test_a_reader_that_stays_does_not_stop_the_writer(void **state)
{
        struct fixture *f = *state;
        struct store_conn *reader;
        int64_t n;

        fill(f, 0);
        OK(store_connect(f->store, STORE_READ, &reader, &f->err));
        OK(store_begin(reader, &f->err));
        OK(store_int_of(reader, count, &n, &f->err, ""));
        for (int64_t i = 1; i < 100; i++) /* 80 MiB of WAL that nobody may recycle */
                fill(f, i * 100);
        OK(store_int_of(reader, count, &n, &f->err, ""));
        assert_int_equal(n, 100);
        store_disconnect(reader);
        OK(store_int_of(f->db, count, &n, &f->err, ""));
        assert_int_equal(n, 10000);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
                TEST(test_a_reading_connection_cannot_write),
                TEST(test_a_readers_transaction_is_a_snapshot_of_its_first_query),
                TEST(test_a_kept_snapshot_serves_until_something_is_committed),
                TEST(test_a_snapshot_is_kept_until_it_is_let_go),
                TEST(test_there_is_one_writing_connection),
                TEST(test_a_second_daemon_is_refused),
                TEST(test_a_lock_held_by_another_process_is_busy),
                TEST(test_files_are_the_owners_alone),
                TEST(test_a_missing_database_is_made_by_the_daemon_only),
                TEST(test_what_is_no_database_is_said_to_be_none),
                TEST(test_readers_see_whole_commits_while_the_wal_is_carried_over),
                TEST(test_the_wal_stays_bounded_under_steady_load),
                TEST(test_a_reader_that_stays_does_not_stop_the_writer),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
