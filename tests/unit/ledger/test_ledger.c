/* What becomes of commands: committed in order, refused alone, failed together. */
#include "ledger_fixture.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>

static int setup(void **state)
{
        *state = calloc(1, sizeof(struct ledger_fixture));
        ledger_fixture_open(*state);
        return 0;
}

/* So long that who waits for it is found out. */
static int setup_gathering(void **state)
{
        struct ledger_fixture *l = calloc(1, sizeof *l);

        l->gather_us = 600000000;
        *state = l;
        ledger_fixture_open(l);
        return 0;
}

static int teardown(void **state)
{
        ledger_fixture_close(*state);
        free(*state);
        return 0;
}

/* The writer stands inside a command until it is released: what is submitted meanwhile is one
 * group. */
struct hold {
        sem_t began, go;
        struct note note;
};

static void hold_writer(struct ledger_fixture *l, struct hold *h)
{
        struct fixture *f = &l->base;

        sem_init(&h->began, 0, 0);
        sem_init(&h->go, 0, 0);
        h->note = note_of("hold");
        h->note.began = &h->began;
        h->note.go = &h->go;
        OK(ledger_submit(l->ledger, &h->note.command, &f->err));
        sem_wait(&h->began);
}

static void release_writer(struct hold *h)
{
        sem_post(&h->go);
}

static void wait_done(struct note *n)
{
        while (!atomic_load(&n->is_done))
                sched_yield();
}

/* Everything that was submitted before is done when this one is. */
static void flush(struct ledger_fixture *l)
{
        struct fixture *f = &l->base;
        struct note n = note_of("flush");

        OK(ledger_run(l->ledger, &n.command, &f->err));
}

static void test_a_command_that_is_done_is_committed(void **state)
{
        struct ledger_fixture *l = *state;
        struct fixture *f = &l->base;
        struct note n = note_of("a");

        OK(ledger_run(l->ledger, &n.command, &f->err));
        assert_int_equal(n.seq, 1);
        assert_int_equal(ledger_fixture_int(l, "SELECT count(*) FROM journal WHERE key = 'a'"), 1);
        assert_int_equal(
                ledger_fixture_int(l, "SELECT count(*) FROM journal WHERE key = 'success'"), 1);
        assert_int_equal(ledger_head(l->ledger), 2);
        assert_true(ledger_is_healthy(l->ledger));
}

static void test_what_waits_is_committed_as_one_group_in_order(void **state)
{
        struct ledger_fixture *l = *state;
        struct fixture *f = &l->base;
        struct hold h;
        struct note notes[40];

        hold_writer(l, &h);
        for (int i = 0; i < 40; i++) {
                notes[i] = note_of("queued");
                OK(ledger_submit(l->ledger, &notes[i].command, &f->err));
        }
        release_writer(&h);
        ledger_stop(l->ledger);
        assert_int_equal(atomic_load(&l->durable), 2);
        for (int i = 0; i < 40; i++) {
                assert_true(atomic_load(&notes[i].is_done));
                assert_int_equal(notes[i].command.status, STATUS_OK);
                assert_int_equal(notes[i].seq, 3 + 2 * i);
        }
        assert_int_equal(atomic_load(&l->durable_head), ledger_head(l->ledger));
}

static void test_a_refused_command_is_undone_alone_and_its_record_stays(void **state)
{
        struct ledger_fixture *l = *state;
        struct fixture *f = &l->base;
        struct hold h;
        struct note good = note_of("good"), bad = note_of("bad"), last = note_of("last");

        bad.refuse = STATUS_CONFLICT;
        hold_writer(l, &h);
        OK(ledger_submit(l->ledger, &good.command, &f->err));
        OK(ledger_submit(l->ledger, &bad.command, &f->err));
        OK(ledger_submit(l->ledger, &last.command, &f->err));
        release_writer(&h);
        flush(l);
        assert_int_equal(bad.command.status, STATUS_CONFLICT);
        assert_string_equal(bad.command.error.slug, "refused");
        assert_int_equal(good.command.status, STATUS_OK);
        assert_int_equal(last.command.status, STATUS_OK);
        assert_int_equal(ledger_fixture_int(l, "SELECT count(*) FROM journal WHERE key = 'bad'"),
                         0);
        assert_int_equal(ledger_fixture_int(l, "SELECT count(*) FROM journal WHERE key = 'failed'"),
                         1);
        assert_int_equal(ledger_fixture_int(l, "SELECT max(seq) - count(*) FROM journal"),
                         0); /* no gap */
}

static struct note repeatable(const char *name)
{
        struct note n = note_of(name);

        n.command.is_repeatable = true;
        return n;
}

/* One savepoint for a run of them: what it takes along when one fails is done again. */
static void test_repeatable_neighbours_are_undone_alone_too(void **state)
{
        struct ledger_fixture *l = *state;
        struct fixture *f = &l->base;
        struct hold h;
        struct note notes[] = {repeatable("good"), repeatable("bad"),  repeatable("good"),
                               note_of("other"),   repeatable("good"), repeatable("bad")};
        size_t n = sizeof notes / sizeof *notes;

        notes[1].refuse = notes[5].refuse = STATUS_CONFLICT;
        hold_writer(l, &h);
        for (size_t i = 0; i < n; i++)
                OK(ledger_submit(l->ledger, &notes[i].command, &f->err));
        release_writer(&h);
        ledger_stop(l->ledger);
        for (size_t i = 0; i < n; i++)
                assert_int_equal(notes[i].command.status, notes[i].refuse);
        assert_int_equal(atomic_load(&l->durable), 2); /* hold, these */
        assert_int_equal(ledger_fixture_int(l, "SELECT count(*) FROM journal WHERE key = 'good'"),
                         3);
        assert_int_equal(ledger_fixture_int(l, "SELECT count(*) FROM journal WHERE key = 'bad'"),
                         0);
        assert_int_equal(ledger_fixture_int(l, "SELECT count(*) FROM journal WHERE key = 'failed'"),
                         2);
        assert_int_equal(ledger_fixture_int(l, "SELECT max(seq) - count(*) FROM journal"), 0);
        assert_int_equal(ledger_fixture_int(l, "SELECT seq FROM journal WHERE key = 'other'"),
                         notes[3].seq);
}

/* Refused before it wrote: nothing is to be undone, and its neighbours run once. */
static void test_a_repeatable_refusal_that_wrote_nothing_repeats_nobody(void **state)
{
        struct ledger_fixture *l = *state;
        struct fixture *f = &l->base;
        struct hold h;
        struct note first = repeatable("good"), bad = repeatable("bad"), last = repeatable("good");

        bad.refuse = STATUS_DENIED;
        bad.is_early = true;
        hold_writer(l, &h);
        OK(ledger_submit(l->ledger, &first.command, &f->err));
        OK(ledger_submit(l->ledger, &bad.command, &f->err));
        OK(ledger_submit(l->ledger, &last.command, &f->err));
        release_writer(&h);
        flush(l);
        assert_int_equal(bad.command.status, STATUS_DENIED);
        assert_int_equal(first.n_applied, 1);
        assert_int_equal(last.n_applied, 1);
        assert_int_equal(ledger_fixture_int(l, "SELECT count(*) FROM journal WHERE key = 'good'"),
                         2);
        assert_int_equal(ledger_fixture_int(l, "SELECT count(*) FROM journal WHERE key = 'failed'"),
                         1);
}

/* ---- groups that wait for more ---- */

#define TOGETHER 8

static void send(struct ledger_fixture *l, struct note *notes, int n)
{
        struct fixture *f = &l->base;

        for (int i = 0; i < n; i++) {
                notes[i] = note_of("sent");
                OK(ledger_submit(l->ledger, &notes[i].command, &f->err));
        }
}

/* Groups of TOGETHER and the one that holds the writer become what is usual. */
static void make_usual(struct ledger_fixture *l, struct note notes[TOGETHER])
{
        for (int group = 0; group < 60; group++) {
                struct hold h;
                hold_writer(l, &h);
                send(l, notes, TOGETHER);
                release_writer(&h);
                wait_done(&h.note);
                for (int i = 0; i < TOGETHER; i++)
                        wait_done(&notes[i]);
        }
}

static void test_a_smaller_group_than_usual_waits_for_more(void **state)
{
        struct ledger_fixture *l = *state;
        struct note notes[TOGETHER], first;

        make_usual(l, notes);
        int before = atomic_load(&l->committed);
        send(l, &first, 1);
        usleep(20000);
        assert_int_equal(atomic_load(&l->committed), before);
        send(l, notes, TOGETHER);
        wait_done(&first);
        for (int i = 0; i < TOGETHER; i++)
                wait_done(&notes[i]);
        assert_int_equal(atomic_load(&l->committed), before + 1);
}

static void test_a_lone_sender_waits_for_nobody(void **state)
{
        struct ledger_fixture *l = *state;
        struct fixture *f = &l->base;

        for (int i = 1; i <= 100; i++) {
                struct note n = note_of("lone");
                OK(ledger_run(l->ledger, &n.command, &f->err));
                assert_int_equal(atomic_load(&l->committed), i);
        }
}

static void test_the_end_waits_for_nobody(void **state)
{
        struct ledger_fixture *l = *state;
        struct note notes[TOGETHER];

        make_usual(l, notes);
        send(l, notes, 1);
        ledger_stop(l->ledger);
        assert_true(atomic_load(&notes[0].is_done));
}

static void look_at_committed(struct command *c)
{
        struct note *n = (struct note *)c;

        n->committed_when_done = atomic_load(&n->ledger->committed);
        note_done(c);
}

static void test_what_was_derived_is_void_before_the_answer(void **state)
{
        struct ledger_fixture *l = *state;
        struct fixture *f = &l->base;
        struct note n = note_of("a");

        n.command.done = look_at_committed;
        n.ledger = l;
        OK(ledger_submit(l->ledger, &n.command, &f->err));
        wait_done(&n);
        assert_int_equal(n.committed_when_done, 1);
}

static void test_without_its_record_nothing_is_committed(void **state)
{
        struct ledger_fixture *l = *state;
        struct fixture *f = &l->base;
        struct hold h;
        struct note good = note_of("good"), bad = note_of("bad");

        bad.record_result = STATUS_INTERNAL;
        hold_writer(l, &h);
        OK(ledger_submit(l->ledger, &good.command, &f->err));
        OK(ledger_submit(l->ledger, &bad.command, &f->err));
        release_writer(&h);
        wait_done(&bad);
        flush(l);
        assert_int_equal(good.command.status, STATUS_INTERNAL);
        assert_string_equal(good.command.error.slug, "no-record");
        assert_int_equal(bad.command.status, STATUS_INTERNAL);
        assert_int_equal(
                ledger_fixture_int(l, "SELECT count(*) FROM journal WHERE key IN ('good', 'bad')"),
                0);
        assert_int_equal(ledger_fixture_int(l, "SELECT max(seq) - count(*) FROM journal"), 0);
}

static void test_a_full_queue_says_when_to_come_back(void **state)
{
        struct ledger_fixture *l = *state;
        struct fixture *f = &l->base;
        struct hold h;
        struct note notes[65];
        int n = 0;

        hold_writer(l, &h);
        for (;; n++) {
                notes[n] = note_of("queued");
                if (ledger_submit(l->ledger, &notes[n].command, &f->err) != STATUS_OK)
                        break;
        }
        assert_int_equal(n, 56); /* 64 without the eighth that is kept */
        assert_int_equal(f->err.status, STATUS_LIMIT);
        assert_int_equal(error_http(&f->err), 503);
        assert_string_equal(f->err.slug, "queue-full");
        assert_true(f->err.retry_after_ms >= 1000);
        notes[n].command.is_revocation = true;
        OK(ledger_submit(l->ledger, &notes[n].command, &f->err));
        release_writer(&h);
        ledger_stop(l->ledger);
        for (int i = 0; i <= n; i++)
                assert_int_equal(notes[i].command.status, STATUS_OK);
}

static void test_stopping_runs_what_waits_and_takes_nothing_more(void **state)
{
        struct ledger_fixture *l = *state;
        struct fixture *f = &l->base;
        struct note n = note_of("late");

        flush(l);
        ledger_stop(l->ledger);
        ledger_stop(l->ledger);
        assert_int_equal(ledger_submit(l->ledger, &n.command, &f->err), STATUS_LIMIT);
        assert_string_equal(f->err.slug, "draining");
        assert_int_equal(ledger_run(l->ledger, &n.command, &f->err), STATUS_LIMIT);
}

/* ---- a database that cannot be written ---- */

struct set_pages {
        struct command command;
        const char *sql;
};

static enum status set_pages_apply(struct ledger_tx *tx, struct command *c, struct error *e)
{
        int64_t pages;

        return store_int_of(tx->db, ((struct set_pages *)c)->sql, &pages, e, "");
}

static void set_pages(struct ledger_fixture *l, const char *sql)
{
        struct fixture *f = &l->base;
        struct set_pages c = {.command = {.apply = set_pages_apply, .rows = 1}, .sql = sql};

        OK(ledger_run(l->ledger, &c.command, &f->err));
}

static enum status write_much(struct ledger_tx *tx, struct command *c, struct error *e)
{
        static char data[900000];
        struct event ev = {
                .topic = TOPIC_WEBHOOKS,
                .type = "chatelaine.webhook.received.v1",
                .key = SPAN("much"),
                .data = {data, sizeof data},
        };

        (void)c;
        memset(data, ' ', sizeof data);
        return journal_append(tx->journal, tx->db, &ev, tx->now_ms, NULL, e);
}

static void test_a_full_disk_fails_the_group_and_the_next_one_tries_again(void **state)
{
        struct ledger_fixture *l = *state;
        struct fixture *f = &l->base;
        struct hold h;
        struct note good = note_of("good"), much = note_of("much"), after = note_of("after");

        much.command.apply = write_much;
        set_pages(l, "PRAGMA max_page_count=1"); /* the size that it has */
        hold_writer(l, &h);
        OK(ledger_submit(l->ledger, &good.command, &f->err));
        OK(ledger_submit(l->ledger, &much.command, &f->err));
        OK(ledger_submit(l->ledger, &after.command, &f->err));
        release_writer(&h);
        wait_done(&after);
        assert_int_equal(good.command.status, STATUS_RETRY);
        assert_string_equal(good.command.error.slug, "store-full");
        assert_int_equal(after.command.status, STATUS_RETRY);

        set_pages(l, "PRAGMA max_page_count=100000");
        OK(ledger_run(l->ledger, &much.command, &f->err));
        assert_true(ledger_is_healthy(l->ledger));
        assert_int_equal(ledger_fixture_int(l, "SELECT count(*) FROM journal WHERE key = 'good'"),
                         0);
        assert_int_equal(ledger_fixture_int(l, "SELECT max(seq) - count(*) FROM journal"), 0);
        assert_int_equal(ledger_fixture_int(l, "SELECT max(seq) FROM journal"),
                         ledger_head(l->ledger));
}

/* As SQLite does when it has no memory for a SELECT. */
static enum status lose_transaction(struct ledger_tx *tx, struct command *c, struct error *e)
{
        (void)c;
        if (store_exec(tx->db, "ROLLBACK", NULL, e, "") != STATUS_OK)
                return e->status;
        return error_no_memory(e);
}

static void test_a_failure_that_takes_the_transaction_along_fails_the_group(void **state)
{
        struct ledger_fixture *l = *state;
        struct fixture *f = &l->base;

        for (int is_repeatable = 0; is_repeatable < 2; is_repeatable++) {
                struct hold h;
                struct note notes[] = {note_of("lost"), note_of("lost"), note_of("lost")};
                notes[1].command.apply = lose_transaction;
                hold_writer(l, &h);
                for (int i = 0; i < 3; i++) {
                        notes[i].command.is_repeatable = is_repeatable;
                        OK(ledger_submit(l->ledger, &notes[i].command, &f->err));
                }
                release_writer(&h);
                for (int i = 0; i < 3; i++) {
                        wait_done(&notes[i]);
                        assert_int_equal(notes[i].command.status, STATUS_NO_MEMORY);
                }
                flush(l);
                assert_int_equal(
                        ledger_fixture_int(l, "SELECT count(*) FROM journal WHERE key = 'lost'"),
                        0);
                assert_int_equal(ledger_fixture_int(l, "SELECT max(seq) - count(*) FROM journal"),
                                 0);
                assert_int_equal(ledger_fixture_int(l, "SELECT max(seq) FROM journal"),
                                 ledger_head(l->ledger));
        }
}

static enum status break_once(struct ledger_tx *tx, struct command *c, struct error *e)
{
        (void)tx;
        (void)c;
        return error_set(e, STATUS_INTERNAL, "store-io", NULL, "the disk does not answer");
}

static void test_an_idle_ledger_finds_out_that_it_can_write_again(void **state)
{
        struct ledger_fixture *l = *state;
        struct fixture *f = &l->base;
        struct note n = note_of("broken");

        n.command.apply = break_once;
        OK(ledger_submit(l->ledger, &n.command, &f->err));
        wait_done(&n);
        assert_false(ledger_is_healthy(l->ledger));
        while (!ledger_is_healthy(l->ledger)) /* within a second, without any command */
                usleep(10000);
}

/* ---- many threads ---- */

#define SENDERS 4
#define EACH 1500

struct sender {
        struct ledger *ledger;
        struct mailbox *mailbox;
        pthread_t thread;
        struct note notes[EACH];
        unsigned n_done;
        int64_t last_seq;
        bool is_good;
};

static _Thread_local struct sender *self;

/* On the sender's thread, in the order in which they were sent. */
static void sender_done(struct command *c)
{
        struct note *n = (struct note *)c;

        if (c->status != STATUS_OK || n->seq <= self->last_seq)
                self->is_good = false;
        self->last_seq = n->seq;
        self->n_done++;
}

static void drain(struct sender *s)
{
        struct pollfd p = {.fd = mailbox_fd(s->mailbox), .events = POLLIN};

        if (poll(&p, 1, 60000) == 1)
                mailbox_drain(s->mailbox);
        else
                s->is_good = false;
}

static void *send_all(void *arg)
{
        struct sender *s = arg;
        struct error e;

        self = s;
        s->is_good = true;
        for (unsigned i = 0; i < EACH && s->is_good; i++) {
                s->notes[i] = note_of("sent");
                s->notes[i].command.reply_to = s->mailbox;
                s->notes[i].command.done = sender_done;
                while (s->is_good &&
                       ledger_submit(s->ledger, &s->notes[i].command, &e) != STATUS_OK) {
                        if (s->n_done < i)
                                drain(s);
                        else
                                sched_yield(); /* the others have filled it */
                }
        }
        while (s->is_good && s->n_done < EACH)
                drain(s);
        return NULL;
}

static void test_many_threads_lose_nothing(void **state)
{
        struct ledger_fixture *l = *state;
        struct fixture *f = &l->base;
        struct sender *senders = calloc(SENDERS, sizeof *senders);

        for (int i = 0; i < SENDERS; i++) {
                senders[i].ledger = l->ledger;
                OK(mailbox_new(&senders[i].mailbox, &f->err));
                pthread_create(&senders[i].thread, NULL, send_all, &senders[i]);
        }
        for (int i = 0; i < SENDERS; i++) {
                pthread_join(senders[i].thread, NULL);
                assert_true(senders[i].is_good);
                assert_int_equal(senders[i].n_done, EACH);
        }
        ledger_stop(l->ledger);
        for (int i = 0; i < SENDERS; i++)
                mailbox_free(senders[i].mailbox);
        assert_int_equal(ledger_fixture_int(l, "SELECT count(*) FROM journal WHERE key = 'sent'"),
                         SENDERS * EACH);
        assert_int_equal(ledger_fixture_int(l, "SELECT max(seq) - count(*) FROM journal"), 0);
        free(senders);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define GATHERING(name) cmocka_unit_test_setup_teardown(name, setup_gathering, teardown)
                TEST(test_a_command_that_is_done_is_committed),
                TEST(test_what_waits_is_committed_as_one_group_in_order),
                TEST(test_a_refused_command_is_undone_alone_and_its_record_stays),
                TEST(test_repeatable_neighbours_are_undone_alone_too),
                GATHERING(test_a_smaller_group_than_usual_waits_for_more),
                GATHERING(test_a_lone_sender_waits_for_nobody),
                GATHERING(test_the_end_waits_for_nobody),
                TEST(test_a_repeatable_refusal_that_wrote_nothing_repeats_nobody),
                TEST(test_what_was_derived_is_void_before_the_answer),
                TEST(test_without_its_record_nothing_is_committed),
                TEST(test_a_full_queue_says_when_to_come_back),
                TEST(test_stopping_runs_what_waits_and_takes_nothing_more),
                TEST(test_a_full_disk_fails_the_group_and_the_next_one_tries_again),
                TEST(test_a_failure_that_takes_the_transaction_along_fails_the_group),
                TEST(test_an_idle_ledger_finds_out_that_it_can_write_again),
                TEST(test_many_threads_lose_nothing),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
