#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/prefer.h"

static struct prefer read_all(const char *const *headers, size_t n)
{
        struct prefer p = {0};
        struct prefer_seen seen = {0};
        for (size_t i = 0; i < n; i++)
                prefer_take(span_of(headers[i]), &p, &seen);
        return p;
}

static void test_each_preference_is_read_in_every_spelling(void **state)
{
        (void)state;
        static const struct {
                const char *header;
                bool is_representation, is_lenient;
        } cases[] = {
                {"return=representation", true, false},
                {"handling=lenient", false, true},
                {"return=representation, handling=lenient", true, true},
                {" Handling = \"lenient\" ;x=1 ,\tRETURN=\"Representation\"", true, true},
                {"return=minimal", false, false},
                {"handling=strict", false, false},
                {"respond-async, wait=100", false, false},
                {"return", false, false},
                {"representation", false, false},
                {"=representation,,;", false, false},
                {"return=\"representation", false, false},
                {"", false, false},
        };
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                struct prefer p = read_all(&cases[i].header, 1);
                assert_int_equal(p.is_representation, cases[i].is_representation);
                assert_int_equal(p.is_lenient, cases[i].is_lenient);
        }
}

static void test_the_first_of_a_repeated_preference_wins_over_all_headers(void **state)
{
        (void)state;
        static const char *const first[] = {"return=minimal", "return=representation"};
        assert_false(read_all(first, 2).is_representation);
        static const char *const second[] = {"handling=lenient", "handling=strict"};
        assert_true(read_all(second, 2).is_lenient);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_each_preference_is_read_in_every_spelling),
                cmocka_unit_test(test_the_first_of_a_repeated_preference_wins_over_all_headers),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
