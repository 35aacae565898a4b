#include "unit.h"

#include <chatelaine/base_mailbox.h>

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

struct letter {
        struct mail mail; /* the first, so that a mail is its letter */
        int sender, n;
};

static int order[16];
static size_t n_delivered;

static void deliver(struct mail *m)
{
        order[n_delivered++ % LENGTH(order)] = ((struct letter *)m)->n;
}

static struct mailbox *mailbox(void)
{
        struct mailbox *mb = NULL;
        struct error e;
        n_delivered = 0;
        assert_int_equal(mailbox_new(&mb, &e), STATUS_OK);
        return mb;
}

static bool is_readable(const struct mailbox *mb, int timeout_ms)
{
        struct pollfd p = {.fd = mailbox_fd(mb), .events = POLLIN};
        return poll(&p, 1, timeout_ms) == 1;
}

static void test_mail_is_delivered_in_order(void **state)
{
        (void)state;
        struct mailbox *mb = mailbox();
        struct letter l[5] = {{.n = 0}, {.n = 1}, {.n = 2}, {.n = 3}, {.n = 4}};
        for (size_t i = 0; i < LENGTH(l); i++)
                l[i].mail.deliver = deliver;
        l[1].mail.next = &l[2].mail;
        l[2].mail.next = &l[3].mail;
        l[3].mail.next = &l[0].mail; /* left from elsewhere: the list ends at `last` */

        assert_false(is_readable(mb, 0));
        mailbox_post(mb, &l[0].mail);
        mailbox_post_list(mb, &l[1].mail, &l[3].mail);
        mailbox_post(mb, &l[4].mail);
        assert_true(is_readable(mb, 0));
        assert_int_equal(mailbox_drain(mb), 5);
        for (int i = 0; i < 5; i++)
                assert_int_equal(order[i], i);
        assert_false(is_readable(mb, 0));
        assert_int_equal(mailbox_drain(mb), 0);
        mailbox_free(mb);
        mailbox_free(NULL);
}

static void test_some_mail_is_delivered_and_the_rest_stays_announced(void **state)
{
        (void)state;
        struct mailbox *mb = mailbox();
        struct letter l[6];
        for (size_t i = 0; i < LENGTH(l); i++)
                l[i] = (struct letter){.n = (int)i, .mail.deliver = deliver};

        for (size_t i = 0; i < 4; i++)
                mailbox_post(mb, &l[i].mail);
        assert_int_equal(mailbox_drain_some(mb, 0), 0);
        assert_int_equal(mailbox_drain_some(mb, 3), 3);
        assert_int_equal(n_delivered, 3);
        assert_true(is_readable(mb, 0));
        mailbox_post(mb, &l[4].mail);
        assert_int_equal(mailbox_drain_some(mb, 2), 2);
        assert_false(is_readable(mb, 0));
        mailbox_post(mb, &l[5].mail);
        assert_true(is_readable(mb, 0));
        assert_int_equal(mailbox_drain_some(mb, 2), 1);
        assert_false(is_readable(mb, 0));
        for (int i = 0; i < 6; i++)
                assert_int_equal(order[i], i);
        mailbox_free(mb);
}

static struct mailbox *again_mailbox;

static void deliver_and_post_again(struct mail *m)
{
        struct letter *l = (struct letter *)m;
        n_delivered++;
        if (l->n-- > 0)
                mailbox_post(again_mailbox, m);
}

static void test_mail_posted_while_delivering_comes_with_the_next_turn(void **state)
{
        (void)state;
        struct letter l = {.n = 2, .mail.deliver = deliver_and_post_again};
        again_mailbox = mailbox();
        mailbox_post(again_mailbox, &l.mail);
        for (int turn = 0; turn < 3; turn++) {
                assert_true(is_readable(again_mailbox, 0));
                assert_int_equal(mailbox_drain(again_mailbox), 1);
        }
        assert_false(is_readable(again_mailbox, 0));
        mailbox_free(again_mailbox);
}

static void free_letter(struct mail *m)
{
        static int last[4];
        struct letter *l = (struct letter *)m;
        if (l->n > 0 && last[l->sender] != l->n - 1)
                abort();
        last[l->sender] = l->n;
        n_delivered++;
        free(l);
}

#define SENDERS 4
#define LETTERS 5000

struct sender {
        struct mailbox *to;
        int number;
};

static void *send_letters(void *arg)
{
        const struct sender *s = arg;
        for (int i = 0; i < LETTERS; i++) {
                struct letter *l = calloc(1, sizeof *l);
                if (!l)
                        abort();
                l->sender = s->number;
                l->n = i;
                l->mail.deliver = free_letter;
                mailbox_post(s->to, &l->mail);
        }
        return NULL;
}

static void test_no_wake_up_is_lost_between_threads(void **state)
{
        (void)state;
        struct mailbox *mb = mailbox();
        pthread_t threads[SENDERS];
        struct sender senders[SENDERS];
        for (int i = 0; i < SENDERS; i++) {
                senders[i] = (struct sender){.to = mb, .number = i};
                assert_int_equal(pthread_create(&threads[i], NULL, send_letters, &senders[i]), 0);
        }
        while (n_delivered < (size_t)SENDERS * LETTERS) {
                assert_true(is_readable(mb, 60000));
                mailbox_drain(mb);
        }
        for (int i = 0; i < SENDERS; i++)
                pthread_join(threads[i], NULL);
        mailbox_free(mb);
}

/* A job that waits for its gate to open. */
struct task {
        struct job job;
        pthread_mutex_t *gate;
        void *seen_state;
        bool is_run, is_replied;
};

static void run(struct job *j, void *thread_state)
{
        struct task *t = (struct task *)j;
        if (t->gate) {
                pthread_mutex_lock(t->gate);
                pthread_mutex_unlock(t->gate);
        }
        t->seen_state = thread_state;
        t->is_run = true;
}

static void replied(struct mail *m)
{
        ((struct task *)m)->is_replied = true;
        n_delivered++;
}

static struct task task(struct mailbox *mb, pthread_mutex_t *gate)
{
        return (struct task){.job = {.mail.deliver = replied, .reply_to = mb, .run = run},
                             .gate = gate};
}

static void wait_for_replies(struct mailbox *mb, size_t n)
{
        while (n_delivered < n) {
                assert_true(is_readable(mb, 60000));
                mailbox_drain(mb);
        }
}

static void test_jobs_run_and_their_replies_come_home(void **state)
{
        (void)state;
        struct mailbox *mb = mailbox();
        struct pool *p;
        struct task tasks[20];
        assert_int_equal(pool_new("test", 3, 20, NULL, NULL, NULL, &p, NULL), STATUS_OK);
        for (size_t i = 0; i < LENGTH(tasks); i++) {
                tasks[i] = task(mb, NULL);
                assert_int_equal(pool_submit(p, &tasks[i].job, NULL), STATUS_OK);
        }
        wait_for_replies(mb, LENGTH(tasks));
        for (size_t i = 0; i < LENGTH(tasks); i++)
                assert_true(tasks[i].is_run && tasks[i].is_replied);
        pool_free(p);
        pool_free(NULL);
        mailbox_free(mb);
}

static void test_a_full_pool_says_when_to_come_back(void **state)
{
        (void)state;
        struct mailbox *mb = mailbox();
        pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
        struct task tasks[5];
        struct error e;
        struct pool *p;
        assert_int_equal(pool_new("test", 2, 2, NULL, NULL, NULL, &p, NULL), STATUS_OK);

        pthread_mutex_lock(&gate);
        for (size_t i = 0; i < 4; i++) { /* two run, two wait */
                tasks[i] = task(mb, &gate);
                assert_int_equal(pool_submit(p, &tasks[i].job, &e), STATUS_OK);
        }
        tasks[4] = task(mb, NULL);
        assert_int_equal(pool_submit(p, &tasks[4].job, &e), STATUS_LIMIT);
        assert_string_equal(e.slug, "too-busy");
        assert_int_equal(error_http(&e), 503);
        assert_true(e.retry_after_ms > 0);
        assert_int_equal(pool_submit(p, &tasks[4].job, NULL), STATUS_LIMIT);
        pthread_mutex_unlock(&gate);

        /* The place of a job whose reply is here is free. */
        wait_for_replies(mb, 1);
        assert_int_equal(pool_submit(p, &tasks[4].job, &e), STATUS_OK);
        wait_for_replies(mb, 5);
        pool_free(p);
        mailbox_free(mb);
}

static void test_a_stopped_pool_has_run_what_waited_and_takes_no_more(void **state)
{
        (void)state;
        struct mailbox *mb = mailbox();
        struct task tasks[10];
        struct pool *p;
        assert_int_equal(pool_new("test", 1, 10, NULL, NULL, NULL, &p, NULL), STATUS_OK);
        for (size_t i = 0; i < LENGTH(tasks); i++) {
                tasks[i] = task(mb, NULL);
                assert_int_equal(pool_submit(p, &tasks[i].job, NULL), STATUS_OK);
        }
        pool_stop(p);
        assert_int_equal(mailbox_drain(mb), 10);
        for (size_t i = 0; i < LENGTH(tasks); i++)
                assert_true(tasks[i].is_run);

        struct error e;
        assert_int_equal(pool_submit(p, &tasks[0].job, &e), STATUS_LIMIT);
        assert_string_equal(e.slug, "draining");
        assert_int_equal(error_http(&e), 503);
        pool_free(p);
        mailbox_free(mb);
}

static atomic_int states_alive;
static int states_wanted;

static void *state_new(void *ctx)
{
        assert_ptr_equal(ctx, &states_wanted);
        if (atomic_fetch_add(&states_alive, 1) >= states_wanted) {
                atomic_fetch_sub(&states_alive, 1);
                return NULL;
        }
        return malloc(1);
}

static void state_free(void *thread_state)
{
        free(thread_state);
        atomic_fetch_sub(&states_alive, 1);
}

static void test_each_thread_has_its_own_state(void **state)
{
        (void)state;
        struct mailbox *mb = mailbox();
        struct task t = task(mb, NULL);
        struct pool *p;
        states_wanted = 3;
        assert_int_equal(pool_new("test", 3, 1, state_new, state_free, &states_wanted, &p, NULL),
                         STATUS_OK);
        assert_int_equal(atomic_load(&states_alive), 3);
        assert_int_equal(pool_submit(p, &t.job, NULL), STATUS_OK);
        wait_for_replies(mb, 1);
        assert_non_null(t.seen_state);
        pool_free(p);
        assert_int_equal(atomic_load(&states_alive), 0);
        mailbox_free(mb);
}

static void test_a_state_that_cannot_be_made_fails_the_pool(void **state)
{
        (void)state;
        struct pool *p = NULL;
        struct error e;
        states_wanted = 2;
        assert_int_equal(pool_new("test", 3, 1, state_new, state_free, &states_wanted, &p, &e),
                         STATUS_INTERNAL);
        assert_string_equal(e.slug, "pool-start");
        assert_null(p);
        assert_int_equal(atomic_load(&states_alive), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_mail_is_delivered_in_order),
                cmocka_unit_test(test_some_mail_is_delivered_and_the_rest_stays_announced),
                cmocka_unit_test(test_mail_posted_while_delivering_comes_with_the_next_turn),
                cmocka_unit_test(test_no_wake_up_is_lost_between_threads),
                cmocka_unit_test(test_jobs_run_and_their_replies_come_home),
                cmocka_unit_test(test_a_full_pool_says_when_to_come_back),
                cmocka_unit_test(test_a_stopped_pool_has_run_what_waited_and_takes_no_more),
                cmocka_unit_test(test_each_thread_has_its_own_state),
                cmocka_unit_test(test_a_state_that_cannot_be_made_fails_the_pool),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
