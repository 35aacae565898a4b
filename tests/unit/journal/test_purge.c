/* The purge: whole intervals, and a head that is not forgotten. */
#include "verify_fixture.h"

static int setup(void **state)
{
        *state = calloc(1, sizeof(struct journal_fixture));
        journal_fixture_open(*state);
        return 0;
}

static int teardown(void **state)
{
        journal_fixture_close(*state);
        free(*state);
        return 0;
}

static bool purge(struct journal_fixture *j, int64_t before_ms, int64_t through, unsigned limit)
{
        struct fixture *f = &j->base;
        bool has_more = false;

        OK(journal_purge(j->journal, f->db, before_ms, through, limit, &has_more, &f->err));
        return has_more;
}

static void test_the_purge_ends_at_a_checkpoint(void **state)
{
        struct journal_fixture *j = *state;

        assert_false(purge(j, INT64_MAX, INT64_MAX, 100));
        append_interval(j, 1000);
        append_interval(j, 2000);
        append_interval(j, 3000);
        append_webhook(j, "{}");
        assert_false(purge(j, 2001, 6, 100)); /* published up to the middle of the second */
        assert_int_equal(int_of(j, "SELECT min(seq) FROM journal"), 4);
        assert_false(purge(j, 2000, INT64_MAX, 100)); /* old enough is the first alone */
        assert_int_equal(int_of(j, "SELECT min(seq) FROM journal"), 4);
        assert_false(purge(j, 2001, INT64_MAX, 100));
        assert_int_equal(int_of(j, "SELECT min(seq) FROM journal"), 8);
        struct journal_verdict v = verify_ok(j, 0);
        assert_int_equal(v.first, 8);
        assert_int_equal(v.last, 13);
        assert_int_equal(v.checkpoints, 3); /* those of the rows that are gone too */
}

static void test_the_purge_goes_in_slices(void **state)
{
        struct journal_fixture *j = *state;

        for (int i = 0; i < 3; i++)
                append_interval(j, 1000);
        assert_true(purge(j, 2000, INT64_MAX, 5));
        assert_int_equal(int_of(j, "SELECT min(seq) FROM journal"), 6);
        struct journal_verdict v = verify_ok(j, 0);
        assert_int_equal(v.first, 8); /* the interval that is half gone does not count */
        assert_true(purge(j, 2000, INT64_MAX, 2));
        assert_true(purge(j, 2000, INT64_MAX, 2));
        assert_false(purge(j, 2000, INT64_MAX, 2));
        assert_int_equal(int_of(j, "SELECT min(seq) FROM journal"), 12);
        verify_ok(j, 0);
}

static void test_the_purge_does_not_forget_the_head(void **state)
{
        struct journal_fixture *j = *state;

        append_interval(j, 1000);
        assert_false(purge(j, INT64_MAX, INT64_MAX, 100));
        journal_fixture_reopen(j);
        assert_int_equal(journal_head(j->journal), 4);
        assert_int_equal(append_audit(j, "{}"), 5); /* the chain goes on from the checkpoint */
        checkpoint_at(j, 2000);
        assert_int_equal(verify_ok(j, 0).last, 6);
        purge(j, INT64_MAX, INT64_MAX, 100);
        run(j, "DELETE FROM journal"); /* even so */
        journal_fixture_reopen(j);
        assert_int_equal(journal_head(j->journal), 5);
}

static void test_old_checkpoints_are_checked_without_their_rows(void **state)
{
        struct journal_fixture *j = *state;

        for (int i = 0; i < 3; i++)
                append_interval(j, 1000);
        purge(j, INT64_MAX, INT64_MAX, 100);
        assert_int_equal(verify_ok(j, 0).checkpoints, 3);
        run(j, "UPDATE checkpoints SET digest = zeroblob(32) WHERE seq = 3");
        verify_broken_at(j, "seq 3");
        run(j, "DELETE FROM checkpoints WHERE seq = 3");
        verify_broken_at(j, "seq 7"); /* it names one before it */
}

int main(void)
{
        const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
                TEST(test_the_purge_ends_at_a_checkpoint),
                TEST(test_the_purge_goes_in_slices),
                TEST(test_the_purge_does_not_forget_the_head),
                TEST(test_old_checkpoints_are_checked_without_their_rows),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
