/* A sync that failed: what the kernel has forgotten to write must not mix with what was carried. */
#include "store_fixture.h"

#include "faulty_vfs.h"

#include <chatelaine/base_clock.h>
#include <string.h>

#define LOOK_MS 6000 /* the checkpointer has come by twice */

static const char set_a[] = "UPDATE a SET v = v + 1";
static const char set_b[] = "UPDATE b SET v = (SELECT v FROM a)";

static int setup(void **state)
{
        struct fixture *f = calloc(1, sizeof *f);

        atomic_store(&faulty_keep_synced, true);
        fixture_open(f);
        OK(store_exec(f->db, "CREATE TABLE a (v INTEGER)", NULL, &f->err, ""));
        OK(store_exec(f->db, "CREATE TABLE b (v INTEGER)", NULL, &f->err, ""));
        OK(store_exec(f->db, "INSERT INTO a VALUES (0)", NULL, &f->err, ""));
        OK(store_exec(f->db, "INSERT INTO b VALUES (0)", NULL, &f->err, ""));
        *state = f;
        return 0;
}

static int teardown(void **state)
{
        fixture_close(*state);
        atomic_store(&faulty_keep_synced, false);
        free(*state);
        return 0;
}

/* The next commit begins the WAL anew. */
static void carry_all(struct fixture *f)
{
        sqlite3 *db;
        int rc;

        assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
        do
                rc = sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_RESTART, NULL, NULL);
        while (rc == SQLITE_BUSY);
        assert_int_equal(rc, SQLITE_OK);
        sqlite3_close(db);
}

static int64_t after_cut(struct fixture *f, const char *sql)
{
        char path[128], url[160];
        struct store *s;
        struct store_conn *c;
        int64_t n;

        snprintf(path, sizeof path, "%s/cut.db", f->dir);
        snprintf(url, sizeof url, "sqlite:%s", path);
        faulty_cut(f->path, path);
        OK(store_open(url, false, &s, &f->err));
        OK(store_connect(s, STORE_READ, &c, &f->err));
        OK(store_int_of(c, sql, &n, &f->err, ""));
        store_disconnect(c);
        store_close(s);
        return n;
}

/* a is in what the disk has of the WAL, b only in what it has not. */
static void test_nothing_is_carried_from_a_wal_that_may_have_a_hole(void **state)
{
        struct fixture *f = *state;

        carry_all(f);
        OK(store_exec(f->db, set_a, NULL, &f->err, ""));
        OK(store_sync(f->store, &f->err));
        OK(store_exec(f->db, set_a, NULL, &f->err, ""));
        OK(store_exec(f->db, set_b, NULL, &f->err, ""));
        atomic_store(&faulty_lose_wal, true);
        assert_int_equal(store_sync(f->store, &f->err), STATUS_INTERNAL);
        assert_string_equal(f->err.slug, "store-io");
        for (int64_t until_ms = clock_mono_ms() + LOOK_MS; clock_mono_ms() < until_ms;
             usleep(50000)) {
                assert_int_equal(after_cut(f, "SELECT v FROM a"), 1);
                assert_int_equal(after_cut(f, "SELECT v FROM b"), 0);
        }
        OK(store_sync(f->store, &f->err));
        assert_int_equal(after_cut(f, "SELECT v FROM a"), 2);
        assert_int_equal(after_cut(f, "SELECT v FROM b"), 2);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(
                        test_nothing_is_carried_from_a_wal_that_may_have_a_hole, setup, teardown),
        };

        faulty_register();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
