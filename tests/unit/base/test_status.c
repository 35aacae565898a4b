#include "unit.h"

#include <chatelaine/base_status.h>

#include <string.h>

static void test_each_status_has_its_name_and_http_status(void **state)
{
        (void)state;
        static const unsigned http[] = {200, 400, 403, 404, 409, 429, 503, 503, 500};
        for (size_t i = 0; i < LENGTH(http); i++)
                assert_int_equal(error_http(&(struct error){.status = (enum status)i}), http[i]);
        assert_string_equal(status_name(STATUS_OK), "OK");
        assert_string_equal(status_name(STATUS_NO_MEMORY), "NO_MEMORY");
        assert_string_equal(status_name((enum status)99), "UNKNOWN");
}

static void test_an_error_says_what_where_and_why(void **state)
{
        (void)state;
        struct error e;
        assert_int_equal(error_set(&e, STATUS_INVALID, "invalid-json", "/items/3", "at %d", 17),
                         STATUS_INVALID);
        assert_int_equal(e.status, STATUS_INVALID);
        assert_string_equal(e.slug, "invalid-json");
        assert_string_equal(e.where, "/items/3");
        assert_string_equal(e.text, "at 17");
        assert_int_equal(error_http(&e), 400);
}

static void test_a_nearer_http_status_wins(void **state)
{
        (void)state;
        struct error e;
        assert_int_equal(error_set_http(&e, STATUS_DENIED, 401, "no-credentials", NULL, "Who?"),
                         STATUS_DENIED);
        assert_int_equal(error_http(&e), 401);
        assert_string_equal(e.where, "");
        assert_int_equal(e.retry_after_ms, 0);
}

static void test_texts_are_cut_at_their_fields(void **state)
{
        (void)state;
        char longest[1000];
        struct error e;
        memset(longest, 'x', sizeof longest - 1);
        longest[sizeof longest - 1] = '\0';
        error_set(&e, STATUS_INVALID, longest, longest, "%s", longest);
        assert_int_equal(strlen(e.slug), sizeof e.slug - 1);
        assert_int_equal(strlen(e.where), sizeof e.where - 1);
        assert_int_equal(strlen(e.text), sizeof e.text - 1);
}

static void test_an_error_can_be_said_again_with_a_prefix(void **state)
{
        (void)state;
        struct error e;
        error_set(&e, STATUS_INVALID, "a", "b", "inner");
        error_set(&e, e.status, e.slug, e.where, "outer: %s", e.text);
        assert_string_equal(e.text, "outer: inner");
        assert_string_equal(e.slug, "a");
        assert_string_equal(e.where, "b");
}

static void test_no_error_is_wanted(void **state)
{
        (void)state;
        assert_int_equal(error_set(NULL, STATUS_CONFLICT, "a", NULL, "b"), STATUS_CONFLICT);
        assert_int_equal(error_no_memory(NULL), STATUS_NO_MEMORY);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_each_status_has_its_name_and_http_status),
                cmocka_unit_test(test_an_error_says_what_where_and_why),
                cmocka_unit_test(test_a_nearer_http_status_wins),
                cmocka_unit_test(test_texts_are_cut_at_their_fields),
                cmocka_unit_test(test_an_error_can_be_said_again_with_a_prefix),
                cmocka_unit_test(test_no_error_is_wanted),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
