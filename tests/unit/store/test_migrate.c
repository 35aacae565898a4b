/* Schema versions and backups. */
#include "store_fixture.h"

#include <sys/stat.h>

static int setup(void **state)
{
        *state = calloc(1, sizeof(struct fixture));
        fixture_open(*state);
        return 0;
}

static int teardown(void **state)
{
        fixture_close(*state);
        free(*state);
        return 0;
}

static void test_an_empty_database_is_carried_to_the_newest_schema(void **state)
{
        struct fixture *f = *state;
        unsigned have, want;
        int64_t n;

        OK(store_schema_version(f->store, &have, &want, &f->err));
        assert_int_equal(have, 0);
        assert_true(want >= 1);
        OK(store_migrate(f->store, &f->err));
        OK(store_schema_version(f->store, &have, &want, &f->err));
        assert_int_equal(have, want);
        OK(store_migrate(f->store, &f->err)); /* nothing left to do */
        OK(store_int_of(f->db, "SELECT count(*) FROM first_party_webhook_log", &n, &f->err, ""));
        assert_int_equal(n, 0);
}

static void test_a_newer_schema_is_refused(void **state)
{
        struct fixture *f = *state;

        OK(store_exec(f->db, "PRAGMA user_version=9999", NULL, &f->err, ""));
        assert_int_equal(store_migrate(f->store, &f->err), STATUS_CONFLICT);
        assert_string_equal(f->err.slug, "schema-newer");
}

static void test_a_foreign_database_is_left_alone(void **state)
{
        struct fixture *f = *state;

        OK(store_exec(f->db, "CREATE TABLE theirs (x)", NULL, &f->err, ""));
        assert_int_equal(store_migrate(f->store, &f->err), STATUS_CONFLICT);
        assert_string_equal(f->err.slug, "store-foreign");
}

static void test_a_backup_is_a_consistent_copy_of_the_running_database(void **state)
{
        struct fixture *f = *state;
        struct store *copy;
        struct store_conn *db;
        struct stat st;
        char path[128], url[192];
        int64_t n;

        OK(store_migrate(f->store, &f->err));
        OK(store_exec(f->db, "INSERT INTO marks (topic, seq) VALUES (0, 17)", NULL, &f->err, ""));
        OK(store_begin(f->db, &f->err));
        OK(store_exec(f->db, "INSERT INTO marks (topic, seq) VALUES (1, 18)", NULL, &f->err, ""));
        snprintf(path, sizeof path, "%s/copy.db", f->dir);
        snprintf(url, sizeof url, "sqlite:%s", path);
        OK(store_backup(f->store, path, &f->err)); /* while a transaction is open */
        OK(store_commit(f->db, &f->err));
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);

        OK(store_open(url, false, &copy, &f->err));
        OK(store_connect(copy, STORE_READ, &db, &f->err));
        OK(store_int_of(db, "SELECT sum(seq) FROM marks", &n, &f->err, ""));
        assert_int_equal(n, 17);
        store_disconnect(db);
        store_close(copy);

        assert_int_equal(store_backup(f->store, path, &f->err), STATUS_CONFLICT);
        assert_string_equal(f->err.slug, "backup-exists");
        assert_int_equal(store_backup(f->store, "/nowhere/copy.db", &f->err), STATUS_INVALID);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
                TEST(test_an_empty_database_is_carried_to_the_newest_schema),
                TEST(test_a_newer_schema_is_refused),
                TEST(test_a_foreign_database_is_left_alone),
                TEST(test_a_backup_is_a_consistent_copy_of_the_running_database),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
