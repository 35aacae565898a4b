/* The bounds of what waits for the writer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ledger/queue.h"

static void fill(struct queue *q, struct command *commands, unsigned n, unsigned rows)
{
        for (unsigned i = 0; i < n; i++) {
                commands[i] = (struct command){.rows = rows};
                assert_true(queue_has_room(q, &commands[i]));
                queue_put(q, &commands[i]);
        }
}

static void test_an_eighth_is_kept_for_revocations(void **state)
{
        struct queue q;
        struct command commands[14], last = {.rows = 1, .is_revocation = true};
        struct command ordinary = {.rows = 1}, revocation = {.rows = 1, .is_revocation = true};

        (void)state;
        queue_init(&q, 16);
        fill(&q, commands, 14, 1);
        assert_false(queue_has_room(&q, &ordinary));
        assert_true(queue_has_room(&q, &revocation));
        queue_put(&q, &revocation);
        queue_put(&q, &last);
        assert_false(queue_has_room(&q, &revocation));
}

static void test_rows_are_bounded_but_a_large_command_is_not_locked_out(void **state)
{
        struct queue q;
        struct command large = {.rows = 100000}, small = {.rows = 1};

        (void)state;
        queue_init(&q, 16);
        assert_true(queue_has_room(&q, &large));
        queue_put(&q, &large);
        assert_false(queue_has_room(&q, &small));
}

static void test_a_group_is_taken_in_order_up_to_its_rows(void **state)
{
        struct queue q;
        struct command commands[10];
        unsigned n = 0;

        (void)state;
        queue_init(&q, 16);
        fill(&q, commands, 10, 3);
        assert_ptr_equal(queue_take(&q, 10, true, &n, 0), &commands[0]);
        assert_int_equal(n, 3);
        assert_null(commands[2].next);
        assert_ptr_equal(queue_take(&q, 2, true, &n, 0),
                         &commands[3]); /* larger than a group: alone */
        assert_int_equal(n, 1);
        assert_ptr_equal(queue_take(&q, 1000, true, &n, 0), &commands[4]);
        assert_int_equal(n, 6);
        assert_null(queue_take(&q, 1000, true, &n, 0));
        fill(&q, commands, 1, 3);
        assert_null(
                queue_take(&q, 2, false, &n, 0)); /* a group that is begun takes no larger one */
        assert_ptr_equal(queue_take(&q, 3, false, &n, 0), &commands[0]);
        assert_int_equal(q.rows, 0);
        fill(&q, commands, 1, 1);
        assert_ptr_equal(queue_take(&q, 1000, true, &n, 0), &commands[0]);
}

static void test_retry_after_comes_from_the_drain_rate(void **state)
{
        struct queue q;
        static struct command commands[1000];
        unsigned n;

        (void)state;
        queue_init(&q, 2000);
        assert_int_equal(queue_retry_after_ms(&q), 1000); /* nothing known yet */
        fill(&q, commands, 1000, 1);
        for (int64_t ms = 0; ms <= 2000; ms += 100) /* 100 a second */
                assert_non_null(queue_take(&q, 10, true, &n, 5000 + ms));
        assert_in_range(queue_retry_after_ms(&q), 7000, 9000); /* 790 are left */
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_an_eighth_is_kept_for_revocations),
                cmocka_unit_test(test_rows_are_bounded_but_a_large_command_is_not_locked_out),
                cmocka_unit_test(test_a_group_is_taken_in_order_up_to_its_rows),
                cmocka_unit_test(test_retry_after_comes_from_the_drain_rate),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
