/* Right passwords of the last minute. */
#include "mono_rig.h"

#include "auth/remembered.h"

#define STORED SPAN("$scrypt$one")
#define PASSWORD SPAN("secret")

MONO_RIG(remembered)
static void test_only_what_was_right_is_remembered(void **state)
{
        struct remembered *r = *state;
        assert_false(remembered_has(r, SPAN("u"), STORED, PASSWORD));
        remembered_add(r, SPAN("u"), STORED, PASSWORD);
        assert_true(remembered_has(r, SPAN("u"), STORED, PASSWORD));
        assert_false(remembered_has(r, SPAN("u"), STORED, SPAN("Secret")));
        assert_false(remembered_has(r, SPAN("u"), STORED, SPAN("")));
        assert_false(remembered_has(r, SPAN("v"), STORED, PASSWORD));
        assert_false(remembered_has(r, SPAN(""), STORED, PASSWORD));
}

static void test_a_changed_password_is_not_remembered(void **state)
{
        struct remembered *r = *state;
        remembered_add(r, SPAN("u"), STORED, PASSWORD);
        assert_false(remembered_has(r, SPAN("u"), SPAN("$scrypt$two"), PASSWORD));
        remembered_add(r, SPAN("u"), SPAN("$scrypt$two"), SPAN("new"));
        assert_false(remembered_has(r, SPAN("u"), STORED, PASSWORD));
        assert_true(remembered_has(r, SPAN("u"), SPAN("$scrypt$two"), SPAN("new")));
}

static void test_for_60_seconds(void **state)
{
        struct remembered *r = *state;
        remembered_add(r, SPAN("u"), STORED, PASSWORD);
        now_mono_ms += 59999;
        assert_true(remembered_has(r, SPAN("u"), STORED, PASSWORD));
        now_mono_ms += 1;
        assert_false(remembered_has(r, SPAN("u"), STORED, PASSWORD));
}

static void test_until_it_is_told_to_forget(void **state)
{
        struct remembered *r = *state;
        remembered_add(r, SPAN("u"), STORED, PASSWORD);
        remembered_add(r, SPAN("v"), STORED, PASSWORD);
        remembered_forget(r, SPAN("u"));
        remembered_forget(r, SPAN("w"));
        assert_false(remembered_has(r, SPAN("u"), STORED, PASSWORD));
        assert_true(remembered_has(r, SPAN("v"), STORED, PASSWORD));
}

static void test_more_users_than_it_holds(void **state)
{
        struct remembered *r = *state;
        char id[100];
        for (int i = 0; i < 1000; i++) {
                snprintf(id, sizeof id, "user%d", i);
                now_mono_ms += 1;
                remembered_add(r, span_of(id), STORED, PASSWORD);
                assert_true(remembered_has(r, span_of(id), STORED, PASSWORD));
        }
        assert_false(remembered_has(r, SPAN("user0"), STORED, PASSWORD));
        memset(id, 'x', 64); /* no id is as long */
        id[64] = '\0';
        remembered_add(r, span_of(id), STORED, PASSWORD);
        assert_false(remembered_has(r, span_of(id), STORED, PASSWORD));
}

static void *worker(void *arg)
{
        for (int i = 0; i < 500; i++) {
                remembered_add(arg, SPAN("u"), STORED, PASSWORD);
                (void)remembered_has(arg, SPAN("u"), STORED, PASSWORD);
                remembered_forget(arg, SPAN("u"));
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
        assert_false(remembered_has(*state, SPAN("u"), STORED, PASSWORD));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(test_only_what_was_right_is_remembered),
                TEST(test_a_changed_password_is_not_remembered),
                TEST(test_for_60_seconds),
                TEST(test_until_it_is_told_to_forget),
                TEST(test_more_users_than_it_holds),
                TEST(test_any_thread),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
