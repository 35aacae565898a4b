/* How many requests and items an app may send a second. */
#include "auth_rig.h"

#include <pthread.h>

static int setup(void **state)
{
        rig_mono_at = 5000000;
        return auth_setup(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, auth_teardown)

static void limit(struct auth_rig *r, int64_t requests, int64_t items)
{
        struct settings *s = rig_settings(&r->base, "");
        s->config->limits.app_requests_per_second = requests;
        s->config->limits.app_items_per_second = items;
        domain_set_settings(r->base.domain, s);
}

/* Milliseconds to wait; 0 = let in. */
static uint32_t send(struct auth_rig *r, int64_t app_id, size_t items)
{
        struct auth_app app = {.app.id = app_id};
        struct error e = {0};
        if (auth_app_rate(r->auth, &app, items, &e) == STATUS_OK)
                return 0;
        assert_string_equal(e.slug, "app-rate");
        assert_int_equal(error_http(&e), 429);
        assert_true(e.retry_after_ms > 0);
        return e.retry_after_ms;
}

static void test_no_limit_unless_one_is_set(void **state)
{
        AUTH_RIG(state);
        for (int i = 0; i < 10000; i++)
                assert_int_equal(send(r, 1, 1000), 0);
}

static void test_requests_a_second(void **state)
{
        AUTH_RIG(state);
        limit(r, 5, 0);
        for (int i = 0; i < 5; i++)
                assert_int_equal(send(r, 1, 1000), 0);
        assert_in_range(send(r, 1, 1), 1, 200);
        assert_int_equal(send(r, 2, 1), 0); /* another app's */
        rig_mono_at += 200;
        assert_int_equal(send(r, 1, 1), 0);
        assert_in_range(send(r, 1, 1), 1, 200);
        rig_mono_at += 3600000; /* no more than a second's worth is saved up */
        for (int i = 0; i < 5; i++)
                assert_int_equal(send(r, 1, 1), 0);
        assert_in_range(send(r, 1, 1), 1, 200);
}

static void test_a_batch_over_a_second_s_worth_is_paid_off(void **state)
{
        AUTH_RIG(state);
        limit(r, 0, 100);
        assert_int_equal(send(r, 1, 1000), 0);
        assert_in_range(send(r, 1, 1), 9000, 9001);
        assert_int_equal(send(r, 1, 0), 0); /* nothing of it */
        rig_mono_at += 9000;
        assert_int_equal(send(r, 1, 1), 1);
        rig_mono_at += 1;
        assert_int_equal(send(r, 1, 1), 0);
}

static void test_what_waits_pays_nothing(void **state)
{
        AUTH_RIG(state);
        limit(r, 1, 100);
        assert_int_equal(send(r, 1, 1), 0);
        for (int i = 0; i < 100; i++)
                assert_in_range(send(r, 1, 1000), 1, 1001);
        rig_mono_at += 1001;
        assert_int_equal(send(r, 1, 1), 0);
}

static void test_a_limit_that_a_reload_sets_begins_without_debts(void **state)
{
        AUTH_RIG(state);
        limit(r, 1000, 0);
        assert_int_equal(send(r, 1, 1000), 0);
        limit(r, 0, 1000);
        rig_mono_at += 1000;
        assert_int_equal(send(r, 1, 500), 0);
        limit(r, 10, 10);
        rig_mono_at += 1000;
        assert_int_equal(send(r, 1, 1), 0);
}

static void test_more_apps_than_it_holds(void **state)
{
        AUTH_RIG(state);
        limit(r, 1, 0);
        for (int64_t id = 1; id <= 3000; id++) {
                rig_mono_at += 1;
                assert_int_equal(send(r, id, 1), 0);
                assert_true(send(r, id, 1) > 0);
        }
}

static void *worker(void *arg)
{
        for (int i = 0; i < 500; i++) {
                struct auth_app app = {.app.id = 1 + i % 3};
                (void)!auth_app_rate(arg, &app, 1, NULL);
        }
        return NULL;
}

static void test_any_thread(void **state)
{
        AUTH_RIG(state);
        pthread_t threads[3];
        limit(r, 100, 0);
        for (int i = 0; i < 3; i++)
                assert_int_equal(pthread_create(&threads[i], NULL, worker, r->auth), 0);
        for (int i = 0; i < 3; i++)
                pthread_join(threads[i], NULL);
        assert_true(send(r, 1, 1) > 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(test_no_limit_unless_one_is_set),
                TEST(test_requests_a_second),
                TEST(test_a_batch_over_a_second_s_worth_is_paid_off),
                TEST(test_what_waits_pays_nothing),
                TEST(test_a_limit_that_a_reload_sets_begins_without_debts),
                TEST(test_more_apps_than_it_holds),
                TEST(test_any_thread),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
