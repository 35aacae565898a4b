#include "unit.h"

#include <chatelaine/base_buf.h>

#include <stdio.h>
#include <stdlib.h>

static void test_appends_run_together(void **state)
{
        (void)state;
        CLEANUP(buf_fini) struct buf b;
        buf_init(&b, 1000);
        buf_text(&b, "a");
        buf_char(&b, 'b');
        buf_int(&b, -42);
        buf_int(&b, INT64_MIN);
        buf_span(&b, SPAN("xy"));
        buf_span(&b, SPAN_NONE);
        buf_printf(&b, "%s-%d", "z", 7);
        assert_int_equal(buf_check(&b, NULL), STATUS_OK);
        assert_string_equal(b.data, "ab-42-9223372036854775808xyz-7");
        assert_true(span_is(buf_view(&b), b.data));
}

static void test_integers_are_written_as_printf_does(void **state)
{
        (void)state;
        static const int64_t numbers[] = {
                0, 1, -1, 9, 10, 99, 100, -10, 1800000000000, INT64_MAX, INT64_MIN, INT64_MIN + 1};
        for (size_t i = 0; i < LENGTH(numbers); i++) {
                char want[32], got[INT64_TEXT_MAX + 1];
                got[int64_write(numbers[i], got)] = '\0';
                snprintf(want, sizeof want, "%lld", (long long)numbers[i]);
                assert_string_equal(got, want);
        }
}

static void test_exactly_the_bound_fits_and_one_more_does_not(void **state)
{
        (void)state;
        CLEANUP(buf_fini) struct buf b;
        struct error e;
        buf_init(&b, 300);
        for (int i = 0; i < 300; i++)
                buf_char(&b, 'x');
        assert_int_equal(buf_check(&b, &e), STATUS_OK);
        assert_true(b.cap <= 301);
        buf_char(&b, 'y');
        assert_int_equal(buf_check(&b, &e), STATUS_LIMIT);
        assert_string_equal(e.slug, "too-large");
        assert_int_equal(b.len, 300);
}

static void test_an_overflow_sticks(void **state)
{
        (void)state;
        CLEANUP(buf_fini) struct buf b;
        buf_init(&b, 4);
        buf_text(&b, "abc");
        buf_text(&b, "de");
        buf_text(&b, "f");
        buf_printf(&b, "g");
        assert_int_equal(buf_check(&b, NULL), STATUS_LIMIT);
        assert_null(buf_room(&b, 0));
        assert_string_equal(b.data, "abc");
        buf_reset(&b);
        buf_text(&b, "good");
        assert_int_equal(buf_check(&b, NULL), STATUS_OK);
        assert_string_equal(b.data, "good");
}

static void test_a_length_that_would_wrap_is_refused(void **state)
{
        (void)state;
        CLEANUP(buf_fini) struct buf b;
        buf_init(&b, 100);
        buf_text(&b, "abc");
        assert_null(buf_room(&b, SIZE_MAX - 1));
        assert_int_equal(b.status, STATUS_LIMIT);
}

static void test_room_is_written_by_the_caller(void **state)
{
        (void)state;
        CLEANUP(buf_fini) struct buf b;
        buf_init(&b, 5000);
        char *room = buf_room(&b, 5000);
        assert_non_null(room);
        memset(room, 'r', 5000);
        buf_grew(&b, 4999);
        assert_int_equal(b.len, 4999);
        assert_int_equal(b.data[4999], 0);
}

static void test_an_empty_buffer_is_present(void **state)
{
        (void)state;
        struct buf b;
        buf_init(&b, 10);
        assert_non_null(buf_view(&b).p);
        assert_int_equal(buf_view(&b).len, 0);
        buf_fini_secret(&b);
        buf_fini(&b);
}

static void test_spans_compare_and_split(void **state)
{
        (void)state;
        struct span rest;
        assert_true(span_is(SPAN("abc"), "abc"));
        assert_false(span_is(SPAN("abc"), "ab"));
        assert_false(span_is(SPAN_NONE, ""));
        assert_true(span_equal(SPAN_NONE, SPAN_NONE));
        assert_false(span_equal(SPAN_NONE, SPAN("")));
        assert_true(span_is_nocase(SPAN("BeArer"), "bearer"));
        assert_false(span_is_nocase(SPAN_NONE, ""));
        assert_true(span_starts(SPAN("ctl_x"), "ctl_"));
        assert_false(span_starts(SPAN("ct"), "ctl_"));
        assert_true(span_is(span_trim(SPAN(" \t\r\na b\n ")), "a b"));
        assert_true(span_is(span_trim(SPAN("  ")), ""));

        assert_true(span_is(span_split(SPAN("a,b,"), ',', &rest), "a"));
        assert_true(span_is(span_split(rest, ',', &rest), "b"));
        assert_non_null(rest.p);
        assert_true(span_is(span_split(rest, ',', &rest), ""));
        assert_null(rest.p);
}

static void test_numbers_are_read_whole(void **state)
{
        (void)state;
        static const struct {
                const char *text;
                int64_t n;
        } good[] = {
                {"0", 0},
                {"-0", 0},
                {"007", 7},
                {"9223372036854775807", INT64_MAX},
                {"-9223372036854775808", INT64_MIN},
        };
        static const char *const bad[] = {
                "",
                "-",
                "+1",
                " 1",
                "1 ",
                "1a",
                "0x1",
                "--1",
                "9223372036854775808",
                "-9223372036854775809",
                "99999999999999999999999999",
        };
        int64_t n = 77;
        struct error e;
        for (size_t i = 0; i < LENGTH(good); i++) {
                assert_int_equal(span_int64(span_of(good[i].text), &n, &e), STATUS_OK);
                assert_true(n == good[i].n);
        }
        n = 77;
        for (size_t i = 0; i < LENGTH(bad); i++)
                assert_int_equal(span_int64(span_of(bad[i]), &n, &e), STATUS_INVALID);
        assert_int_equal(span_int64(SPAN_NONE, &n, &e), STATUS_INVALID);
        assert_int_equal(n, 77);
}

static void test_the_arena_stops_at_its_bound(void **state)
{
        (void)state;
        CLEANUP(arena_fini) struct arena a;
        arena_init(&a, 1000);
        assert_non_null(arena_alloc(&a, 900));
        assert_null(arena_alloc(&a, 200));
        assert_non_null(arena_alloc(&a, 50));
        assert_null(arena_alloc(&a, SIZE_MAX));
        assert_null(arena_alloc(&a, SIZE_MAX - 15));
        assert_true(a.used_bytes <= 1000);
        int n = 0;
        while (arena_alloc(&a, 0))
                n++;
        assert_true(n < 10);
}

static void test_an_arena_without_a_bound_refuses_what_cannot_be(void **state)
{
        (void)state;
        CLEANUP(arena_fini) struct arena a;
        arena_init(&a, SIZE_MAX);
        assert_null(arena_alloc(&a, SIZE_MAX));
        assert_null(arena_alloc(&a, SIZE_MAX - 31));
        assert_non_null(arena_alloc(&a, 32));
}

static void test_arena_memory_is_aligned_zeroed_and_apart(void **state)
{
        (void)state;
        CLEANUP(arena_fini) struct arena a;
        unsigned char *got[500];
        arena_init(&a, 1 << 20);
        for (size_t i = 0; i < LENGTH(got); i++) {
                size_t size = i * 7 % 1500 + 1;
                got[i] = arena_alloc(&a, size);
                assert_non_null(got[i]);
                assert_int_equal((uintptr_t)got[i] % 16, 0);
                for (size_t k = 0; k < size; k++)
                        assert_int_equal(got[i][k], 0);
                memset(got[i], (int)i, size);
        }
        for (size_t i = 0; i < LENGTH(got); i++)
                for (size_t k = 0; k < i * 7 % 1500 + 1; k++)
                        assert_int_equal(got[i][k], (unsigned char)i);
}

static void test_arena_copies(void **state)
{
        (void)state;
        CLEANUP(arena_fini) struct arena a;
        arena_init(&a, 4096);
        assert_string_equal(arena_dup(&a, SPAN("abc")), "abc");
        assert_null(arena_dup(&a, SPAN_NONE));
        assert_null(arena_span(&a, SPAN_NONE).p);
        struct span empty = arena_span(&a, SPAN(""));
        assert_non_null(empty.p);
        assert_int_equal(empty.p[0], 0);
        assert_string_equal(arena_printf(&a, "%d-%s", 5, "x"), "5-x");
        assert_null(arena_printf(&a, "%5000d", 1));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_appends_run_together),
                cmocka_unit_test(test_integers_are_written_as_printf_does),
                cmocka_unit_test(test_exactly_the_bound_fits_and_one_more_does_not),
                cmocka_unit_test(test_an_overflow_sticks),
                cmocka_unit_test(test_a_length_that_would_wrap_is_refused),
                cmocka_unit_test(test_room_is_written_by_the_caller),
                cmocka_unit_test(test_an_empty_buffer_is_present),
                cmocka_unit_test(test_spans_compare_and_split),
                cmocka_unit_test(test_numbers_are_read_whole),
                cmocka_unit_test(test_the_arena_stops_at_its_bound),
                cmocka_unit_test(test_an_arena_without_a_bound_refuses_what_cannot_be),
                cmocka_unit_test(test_arena_memory_is_aligned_zeroed_and_apart),
                cmocka_unit_test(test_arena_copies),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
