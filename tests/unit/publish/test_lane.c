/* A topic's place in the journal, through confirmations and failures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "publish/lane.h"

static void produce(struct lane *l, int64_t first, int64_t last)
{
        for (int64_t seq = first; seq <= last; seq++) {
                assert_int_equal(lane_reserve(l, NULL), STATUS_OK);
                lane_produced(l, seq, 1000 + seq, 10);
        }
}

static void test_the_mark_is_the_end_of_the_unbroken_prefix(void **state)
{
        struct lane l;

        (void)state;
        lane_init(&l, TOPIC_KEYS, 4);
        assert_int_equal(lane_mark(&l), 4);
        produce(&l, 5, 5);
        produce(&l, 8, 9); /* the rows between are other topics' */
        assert_int_equal(lane_mark(&l), 4);
        assert_int_equal(l.waiting_since_ms, 1005);
        lane_confirmed(&l, 8);
        assert_int_equal(lane_mark(&l), 4);
        lane_confirmed(&l, 5);
        assert_int_equal(lane_mark(&l), 8);
        assert_int_equal(l.waiting_since_ms, 1009);
        lane_read_through(&l, 20);
        assert_int_equal(lane_mark(&l), 8);
        lane_confirmed(&l, 9);
        assert_int_equal(lane_mark(&l), 20);
        assert_int_equal(l.waiting_since_ms, 0);
        assert_int_equal(l.bytes, 0);
        lane_fini(&l);
}

static void test_many_messages_are_confirmed_in_any_order(void **state)
{
        struct lane l;

        (void)state;
        lane_init(&l, TOPIC_WEBHOOKS, 0);
        for (int64_t round = 0; round < 3; round++) {
                produce(&l, round * 1000 + 1, round * 1000 + 1000);
                for (int64_t i = 0; i < 1000; i++)
                        lane_confirmed(&l, round * 1000 + 1 + i * 7 % 1000);
                assert_int_equal(lane_mark(&l), round * 1000 + 1000);
        }
        lane_fini(&l);
}

static void test_after_a_failure_it_resumes_behind_the_mark_when_all_is_reported(void **state)
{
        struct lane l;

        (void)state;
        lane_init(&l, TOPIC_AUDIT, 0);
        produce(&l, 1, 5);
        lane_confirmed(&l, 1);
        assert_true(lane_failed(&l, false, 100)); /* 2 */
        assert_false(lane_is_open(&l, 1000000));
        lane_confirmed(&l, 4); /* delivered all the same: it will be repeated */
        assert_false(lane_failed(&l, true, 100));
        assert_false(lane_is_open(&l, 1000000));
        assert_false(lane_failed(&l, true, 100));
        assert_int_equal(l.next, 2);
        assert_int_equal(l.outstanding, 0);
        assert_int_equal(l.bytes, 0);
        assert_int_equal(l.waiting_since_ms, 1002); /* it waits still */
        lane_fini(&l);
}

static void test_one_message_tries_the_way_after_a_pause_that_grows(void **state)
{
        struct lane l;
        int64_t now = 0, pause = 0;

        (void)state;
        lane_init(&l, TOPIC_AUDIT, 0);
        for (int i = 0; i < 12; i++) {
                assert_true(lane_is_open(&l, now));
                produce(&l, 1, 1);
                if (i > 0)
                        assert_false(lane_is_open(&l, now)); /* one alone */
                lane_failed(&l, false, now);
                assert_false(lane_is_open(&l, now));
                assert_true(l.retry_at_mono_ms - now >= pause);
                pause = l.retry_at_mono_ms - now;
                now = l.retry_at_mono_ms;
        }
        assert_int_equal(pause, 30000);
        produce(&l, 1, 1);
        lane_confirmed(&l, 1);
        assert_true(lane_is_open(&l, now));
        produce(&l, 2, 3);
        assert_true(lane_is_open(&l, now));
        lane_failed(&l, false, now);
        assert_int_equal(l.retry_at_mono_ms - now, 250);
        lane_fini(&l);
}

static void test_a_purge_for_another_lane_costs_no_pause(void **state)
{
        struct lane l;

        (void)state;
        lane_init(&l, TOPIC_KEYS, 0);
        produce(&l, 1, 2);
        assert_true(lane_failed(&l, true, 100));
        lane_failed(&l, true, 100);
        assert_true(lane_is_open(&l, 100));
        assert_int_equal(l.next, 1);
        lane_fini(&l);
}

static void test_a_message_that_is_not_taken_is_tried_again(void **state)
{
        struct lane l;

        (void)state;
        lane_init(&l, TOPIC_KEYS, 0);
        produce(&l, 1, 1);
        lane_refused(&l, 100); /* 2 */
        assert_false(lane_is_open(&l, 1000000));
        lane_confirmed(&l, 1);
        assert_int_equal(l.next, 2);
        assert_false(lane_is_open(&l, 100));
        assert_true(lane_is_open(&l, 350));
        lane_fini(&l);
}

static void test_with_its_producer_all_is_forgotten_but_the_mark(void **state)
{
        struct lane l;

        (void)state;
        lane_init(&l, TOPIC_KEYS, 0);
        produce(&l, 1, 3);
        lane_confirmed(&l, 1);
        lane_abandon(&l);
        assert_int_equal(lane_mark(&l), 1);
        assert_int_equal(l.next, 2);
        assert_true(lane_is_open(&l, 0));
        lane_abandon(&l);
        assert_int_equal(l.next, 2);
        lane_fini(&l);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_the_mark_is_the_end_of_the_unbroken_prefix),
                cmocka_unit_test(test_many_messages_are_confirmed_in_any_order),
                cmocka_unit_test(
                        test_after_a_failure_it_resumes_behind_the_mark_when_all_is_reported),
                cmocka_unit_test(test_one_message_tries_the_way_after_a_pause_that_grows),
                cmocka_unit_test(test_a_purge_for_another_lane_costs_no_pause),
                cmocka_unit_test(test_a_message_that_is_not_taken_is_tried_again),
                cmocka_unit_test(test_with_its_producer_all_is_forgotten_but_the_mark),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
