/*
 * Every write of a group fails in turn: what was answered is there, what was refused is
 * not (but where the disk did not confirm a commit: then it may be), and the journal has
 * neither gap nor broken link.
 */
#include "ledger_fixture.h"

#include "unit/store/faulty_vfs.h"

#define COMMANDS 6

static int setup(void **state)
{
        *state = calloc(1, sizeof(struct ledger_fixture));
        return 0;
}

static int teardown(void **state)
{
        free(*state);
        return 0;
}

/* Three events, one of them a link of the chain. */
static enum status write_some(struct ledger_tx *tx, struct command *c, struct error *e)
{
        struct event link = {
                .topic = TOPIC_AUDIT,
                .type = "chatelaine.audit.v1",
                .key = SPAN("audit"),
                .data = SPAN("{\"outcome\":\"success\"}"),
        };

        TRY(note_apply(tx, c, e));
        return journal_append(tx->journal, tx->db, &link, tx->now_ms, NULL, e);
}

static bool is_there(struct ledger_fixture *l, const char *name)
{
        struct fixture *f = &l->base;
        int64_t n;

        OK(store_int_of(l->reader, "SELECT count(*) FROM journal WHERE key = $1", &n, &f->err, "s",
                        name));
        assert_in_range(n, 0, 1);
        return n == 1;
}

static void check_journal(struct ledger_fixture *l)
{
        struct fixture *f = &l->base;
        struct journal_verdict v;

        assert_int_equal(
                ledger_fixture_int(l, "SELECT coalesce(max(seq), 0) - count(*) FROM journal"), 0);
        assert_int_equal(ledger_fixture_int(l, "SELECT coalesce(max(seq), 0) FROM journal"),
                         ledger_head(l->ledger));
        OK(journal_verify(l->reader, NULL, 0, &v, &f->err));
}

static int unconfirmed; /* commits that were there all the same */

/* True when the fault came while the commands ran. */
static bool run_with_fault(struct ledger_fixture *l, int after, enum faulty_kind kind, bool lasts)
{
        struct fixture *f = &l->base;
        static const char *const names[COMMANDS] = {"a", "b", "c", "d", "e", "f"};
        struct note notes[COMMANDS], last = note_of("last");
        enum status results[COMMANDS];

        ledger_fixture_open(l);
        faulty_arm(after, kind, lasts);
        for (int i = 0; i < COMMANDS; i++) {
                notes[i] = note_of(names[i]);
                notes[i].command.apply = write_some;
                results[i] = ledger_run(l->ledger, &notes[i].command, &f->err);
                assert_true(results[i] == STATUS_OK || store_is_fault(&f->err));
        }
        bool has_struck = atomic_load(&faulty_struck);
        bool is_unsure = atomic_load(&faulty_struck_sync);
        faulty_disarm();
        OK(ledger_run(l->ledger, &last.command, &f->err)); /* it heals */
        for (int i = 0; i < COMMANDS; i++) {
                bool is_found = is_there(l, names[i]);
                if (is_found && results[i] != STATUS_OK && is_unsure)
                        unconfirmed++;
                else
                        assert_int_equal(is_found, results[i] == STATUS_OK);
        }
        check_journal(l);
        ledger_fixture_close(l);
        return has_struck;
}

static void fail_each_write(struct ledger_fixture *l, enum faulty_kind kind, bool lasts)
{
        int after = 0;

        while (run_with_fault(l, after, kind, lasts))
                after++;
        assert_true(after > COMMANDS); /* each commit has more than one */
        assert_true(unconfirmed > 0);
        unconfirmed = 0;
}

static void test_each_write_meets_a_full_disk(void **state)
{
        fail_each_write(*state, FAULTY_FULL, true);
}

static void test_each_write_fails_once(void **state)
{
        fail_each_write(*state, FAULTY_IO, false);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
                TEST(test_each_write_meets_a_full_disk),
                TEST(test_each_write_fails_once),
        };

        faulty_register();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
