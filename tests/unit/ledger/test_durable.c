/* Committed is not durable: nothing is answered or told before the disk has it. */
#include "ledger_fixture.h"

#include "unit/store/faulty_vfs.h"

#include <sched.h>
#include <semaphore.h>

#define CUTS 150
#define LOSSES 20

static int setup(void **state)
{
        *state = calloc(1, sizeof(struct ledger_fixture));
        atomic_store(&faulty_keep_synced, true);
        ledger_fixture_open(*state);
        return 0;
}

static int teardown(void **state)
{
        ledger_fixture_close(*state);
        atomic_store(&faulty_keep_synced, false);
        free(*state);
        return 0;
}

/* One command is committed, and its sync stands still. */
static void hold_disk(struct ledger_fixture *l, struct note *n)
{
        struct fixture *f = &l->base;
        struct note first = note_of("first");

        OK(ledger_run(l->ledger, &first.command, &f->err)); /* a WAL that has begun */
        atomic_store(&faulty_holds_wal, true);
        OK(ledger_submit(l->ledger, &n->command, &f->err));
        sem_wait(&faulty_held);
}

static void wait_done(struct note *n)
{
        while (!atomic_load(&n->is_done))
                sched_yield();
}

static void test_nothing_is_answered_or_told_before_the_disk_has_it(void **state)
{
        struct ledger_fixture *l = *state;
        struct note n = note_of("held");

        hold_disk(l, &n);
        assert_int_equal(ledger_fixture_int(l, "SELECT count(*) FROM journal WHERE key = 'held'"),
                         1); /* it is committed */
        assert_false(atomic_load(&n.is_done));
        assert_int_equal(ledger_head(l->ledger), 2);
        assert_int_equal(atomic_load(&l->durable_head), 2);
        sem_post(&faulty_go_on);
        wait_done(&n);
        assert_int_equal(n.command.status, STATUS_OK);
        assert_int_equal(ledger_head(l->ledger), 4);
        while (atomic_load(&l->durable_head) != 4)
                sched_yield();
}

static void test_the_next_group_is_applied_while_the_disk_works(void **state)
{
        struct ledger_fixture *l = *state;
        struct fixture *f = &l->base;
        struct note held = note_of("held"), next[8];
        sem_t began;

        sem_init(&began, 0, 0);
        hold_disk(l, &held);
        for (int i = 0; i < 8; i++) {
                next[i] = note_of("next");
                next[i].began = &began;
                OK(ledger_submit(l->ledger, &next[i].command, &f->err));
        }
        sem_wait(&began);
        assert_false(atomic_load(&held.is_done));
        sem_post(&faulty_go_on);
        for (int i = 0; i < 8; i++)
                wait_done(&next[i]);
        assert_true(atomic_load(&held.is_done));
        assert_int_equal(atomic_load(&l->committed), 3); /* first, held, and the rest as one */
        sem_destroy(&began);
}

/* Repeatable ones alone have no savepoint: what fails takes the whole transaction along, and all of
 * it is run again, also what was taken before. */
static void test_a_refusal_repeats_what_the_open_transaction_has(void **state)
{
        struct ledger_fixture *l = *state;
        struct fixture *f = &l->base;
        struct note held = note_of("held"), notes[16];
        sem_t began;

        sem_init(&began, 0, 0);
        hold_disk(l, &held);
        for (int i = 0; i < 16; i++) {
                notes[i] = note_of("next");
                notes[i].command.is_repeatable = true;
                notes[i].refuse = i == 12 ? STATUS_CONFLICT : STATUS_OK;
                notes[i].began = &began;
                OK(ledger_submit(l->ledger, &notes[i].command, &f->err));
                if (i == 7) /* taken, before the one that will fail is there */
                        for (int k = 0; k <= i; k++)
                                sem_wait(&began);
        }
        while (sem_wait(&began) != 0)
                ;
        sem_post(&faulty_go_on);
        ledger_stop(l->ledger);
        for (int i = 0; i < 16; i++) {
                assert_int_equal(notes[i].command.status, notes[i].refuse);
                assert_int_equal(notes[i].seq, 5 + 2 * i - (i > 12));
                assert_int_equal(notes[i].n_applied, i <= 12 ? 2 : 1);
        }
        assert_int_equal(atomic_load(&l->committed), 3); /* first, held, and the rest as one */
        assert_int_equal(ledger_fixture_int(l, "SELECT count(*) FROM journal WHERE key = 'next'"),
                         15);
        assert_int_equal(ledger_fixture_int(l, "SELECT max(seq) - count(*) FROM journal"), 0);
        sem_destroy(&began);
}

/* ---- a power cut ---- */

static int first_int(sqlite3 *db, const char *sql)
{
        sqlite3_stmt *st;

        assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(st), SQLITE_ROW);
        int n = sqlite3_column_int(st, 0);
        sqlite3_finalize(st);
        return n;
}

static int rows_after_cut(const struct fixture *f)
{
        char to[128];
        sqlite3 *db;

        snprintf(to, sizeof to, "%s/cut.db", f->dir);
        faulty_cut(f->path, to);
        assert_int_equal(sqlite3_open_v2(to, &db, SQLITE_OPEN_READWRITE, "unix"), SQLITE_OK);
        int n = first_int(db, "SELECT count(*) FROM journal WHERE key = 'answered'");
        assert_int_equal(first_int(db, "SELECT count(*) - max(seq) FROM journal"), 0);
        assert_int_equal(first_int(db, "SELECT count(*) FROM pragma_integrity_check"
                                       " WHERE integrity_check <> 'ok'"),
                         0);
        sqlite3_close(db);
        return n;
}

static void test_a_power_cut_loses_nothing_that_was_answered(void **state)
{
        struct ledger_fixture *l = *state;
        struct fixture *f = &l->base;

        for (int i = 1; i <= CUTS; i++) {
                struct note n = note_of("answered");
                OK(ledger_run(l->ledger, &n.command, &f->err));
                assert_in_range(rows_after_cut(f), i, CUTS);
        }
}

/* A later sync would be told that all is well, and have nothing to write. */
static void test_a_power_cut_after_a_failed_sync_finds_a_whole_database(void **state)
{
        struct ledger_fixture *l = *state;
        struct fixture *f = &l->base;
        int n_answered = 0;

        for (int i = 0; i < LOSSES; i++) {
                struct note lost = note_of("lost");
                atomic_store(&faulty_lose_wal, true);
                while (ledger_run(l->ledger, &lost.command, &f->err) == STATUS_OK)
                        ; /* the checkpoint's was the one that failed */
                assert_string_equal(f->err.slug, "store-io");
                for (int k = 0; k < 3; k++) {
                        struct note n = note_of("answered");
                        while (ledger_run(l->ledger, &n.command, &f->err) != STATUS_OK)
                                assert_string_equal(f->err.slug, "store-io"); /* told late */
                        assert_in_range(rows_after_cut(f), ++n_answered, 6 * LOSSES);
                }
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

                TEST(test_nothing_is_answered_or_told_before_the_disk_has_it),
                TEST(test_the_next_group_is_applied_while_the_disk_works),
                TEST(test_a_refusal_repeats_what_the_open_transaction_has),
                TEST(test_a_power_cut_loses_nothing_that_was_answered),
                TEST(test_a_power_cut_after_a_failed_sync_finds_a_whole_database),
        };

        faulty_register();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
