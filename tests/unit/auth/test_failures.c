/* Wrong passwords are counted by name and by address for a minute. */
#include "mono_rig.h"

#include "auth/failures.h"

MONO_RIG(failures)
static void count(struct failures *f, const char *name, const char *ip, int n)
{
        while (n--)
                failures_count(f, span_of(name), ip);
}

/* Milliseconds to wait; 0 = let in. */
static uint32_t wait_of(struct failures *f, const char *name, const char *ip)
{
        struct error e = {0};
        if (failures_allow(f, span_of(name), ip, &e) == STATUS_OK)
                return 0;
        assert_string_equal(e.slug, "too-many-failures");
        assert_int_equal(error_http(&e), 429);
        assert_true(e.retry_after_ms > 0);
        return e.retry_after_ms;
}

static void test_a_name_has_10_a_minute_from_wherever(void **state)
{
        struct failures *f = *state;
        for (int i = 0; i < 10; i++) {
                char ip[32];
                snprintf(ip, sizeof ip, "192.0.2.%d", i);
                assert_int_equal(wait_of(f, "admin", ip), 0);
                count(f, "admin", ip, 1);
        }
        assert_int_equal(wait_of(f, "admin", "198.51.100.1"), 60000);
        assert_int_equal(wait_of(f, "other", "198.51.100.1"), 0);
        now_mono_ms += 59999;
        assert_int_equal(wait_of(f, "admin", "198.51.100.1"), 1);
        now_mono_ms += 1;
        assert_int_equal(wait_of(f, "admin", "198.51.100.1"), 0);
}

static void test_an_address_has_30_a_minute_for_whomever(void **state)
{
        struct failures *f = *state;
        char name[32];
        for (int i = 0; i < 30; i++) {
                snprintf(name, sizeof name, "user%d", i);
                assert_int_equal(wait_of(f, name, "192.0.2.1"), 0);
                count(f, name, "192.0.2.1", 1);
        }
        now_mono_ms += 10000;
        assert_int_equal(wait_of(f, "somebody", "192.0.2.1"), 50000);
        assert_int_equal(wait_of(f, "somebody", "192.0.2.2"), 0);
}

static void test_the_longer_wait_is_told(void **state)
{
        struct failures *f = *state;
        count(f, "admin", "192.0.2.9", 10);
        now_mono_ms += 30000;
        for (int i = 0; i < 30; i++)
                count(f, "other", "192.0.2.1", 1);
        assert_int_equal(wait_of(f, "admin", "192.0.2.1"), 60000);
}

static void test_a_name_is_not_an_address(void **state)
{
        struct failures *f = *state;
        count(f, "192.0.2.1", "198.51.100.1", 10);
        assert_int_equal(wait_of(f, "other", "192.0.2.1"), 0);
}

static void test_a_right_password_forgives(void **state)
{
        struct failures *f = *state;
        count(f, "admin", "192.0.2.1", 9);
        failures_forgive(f, SPAN("admin"), "192.0.2.1");
        count(f, "admin", "192.0.2.1", 9);
        assert_int_equal(wait_of(f, "admin", "192.0.2.1"), 0);
        failures_forgive(f, SPAN("nobody"), "192.0.2.7");
}

/* At its bound it forgets the oldest counts, never the one that was just made. */
static void test_a_flood_of_names_is_bounded(void **state)
{
        struct failures *f = *state;
        char name[32];
        for (int i = 0; i < 50000; i++) {
                snprintf(name, sizeof name, "user%d", i);
                failures_count(f, span_of(name), name);
        }
        now_mono_ms += 1;
        count(f, "admin", "192.0.2.1", 10);
        assert_true(wait_of(f, "admin", "192.0.2.1") > 0);
}

static void *worker(void *arg)
{
        struct failures *f = arg;
        char name[32];
        for (int i = 0; i < 2000; i++) {
                snprintf(name, sizeof name, "user%d", i % 50);
                failures_count(f, span_of(name), name);
                (void)!failures_allow(f, span_of(name), name, NULL);
                failures_forgive(f, span_of(name), name);
        }
        return NULL;
}

static void test_any_thread(void **state)
{
        pthread_t threads[3];
        for (int i = 0; i < 3; i++)
                assert_int_equal(pthread_create(&threads[i], NULL, worker, *state), 0);
        for (int i = 0; i < 3; i++)
                pthread_join(threads[i], NULL);
        assert_int_equal(wait_of(*state, "user1", "user1"), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(test_a_name_has_10_a_minute_from_wherever),
                TEST(test_an_address_has_30_a_minute_for_whomever),
                TEST(test_the_longer_wait_is_told),
                TEST(test_a_name_is_not_an_address),
                TEST(test_a_right_password_forgives),
                TEST(test_a_flood_of_names_is_bounded),
                TEST(test_any_thread),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
