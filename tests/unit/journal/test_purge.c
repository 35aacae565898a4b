/* The purge: whole intervals, and a head that is not forgotten. */
#include "verify_fixture.h"

#include <pthread.h>
#include <stdatomic.h>

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

/* ---- verification meanwhile ---- */

#define ROUNDS 150

struct writer {
        struct journal_fixture *j;
        atomic_bool is_over;
        bool is_good;
};

/* One transaction: forty rows, a checkpoint, and the oldest rows gone but for a few thousand. */
static enum status write_round(struct journal_fixture *j, int64_t now_ms, struct error *e)
{
        struct store_conn *db = j->base.db;
        struct event ev = {
                .topic = TOPIC_AUDIT,
                .type = "chatelaine.audit.v1",
                .key = SPAN("audit"),
                .data = SPAN("{}"),
        };
        bool has_more;

        TRY(store_begin(db, e));
        for (int i = 0; i < 40; i++)
                TRY(journal_append(j->journal, db, &ev, now_ms, NULL, e));
        TRY(journal_checkpoint(j->journal, db, now_ms, e));
        TRY(journal_purge(j->journal, db, INT64_MAX, journal_head(j->journal) - 2500, 35, &has_more,
                          e));
        return store_commit(db, e);
}

static void *write_along(void *arg)
{
        struct writer *w = arg;
        struct error e;

        w->is_good = true;
        for (int i = 0; i < ROUNDS && w->is_good; i++)
                w->is_good = write_round(w->j, 1000 + i, &e) == STATUS_OK;
        atomic_store(&w->is_over, true);
        return NULL;
}

static void test_rows_that_come_and_go_are_no_broken_chain(void **state)
{
        struct journal_fixture *j = *state;
        struct fixture *f = &j->base;
        struct writer w = {.j = j};
        struct journal_verdict v;
        struct store_conn *reader;
        struct error err;
        pthread_t thread;
        bool is_over;

        OK(store_connect(f->store, STORE_READ, &reader, &f->err));
        pthread_create(&thread, NULL, write_along, &w);
        do {
                is_over = atomic_load(&w.is_over);
                if (journal_verify(reader, j->secrets, 0, &v, &err) != STATUS_OK)
                        fail_msg("%s: %s", err.where, err.text);
        } while (!is_over);
        pthread_join(thread, NULL);
        assert_true(w.is_good);
        assert_int_equal(v.last, ROUNDS * 41);
        assert_true(v.first > 1);
        store_disconnect(reader);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
                TEST(test_the_purge_ends_at_a_checkpoint),
                TEST(test_the_purge_goes_in_slices),
                TEST(test_the_purge_does_not_forget_the_head),
                TEST(test_old_checkpoints_are_checked_without_their_rows),
                TEST(test_rows_that_come_and_go_are_no_broken_chain),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
