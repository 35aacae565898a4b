#include "unit/base/unit.h"

#include <chatelaine/codec_json.h>

static void assert_string_form(struct span text, const char *expected)
{
        struct buf b;
        buf_init(&b, 1024);
        json_string(&b, text);
        assert_string_equal(buf_view(&b).p, expected);
        buf_fini(&b);
}

static void test_string_escapes_what_json_asks_for(void **state)
{
        (void)state;
        assert_string_form(SPAN(""), "\"\"");
        assert_string_form(SPAN("a\"b\\c/d"), "\"a\\\"b\\\\c/d\"");
        assert_string_form(SPAN("\b\f\n\r\t\x01\x1f\x7f"), "\"\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\"");
        assert_string_form(SPAN("a\0b"), "\"a\\u0000b\"");
        assert_string_form(SPAN("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x94\x91"),
                           "\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x94\x91\"");
}

static void test_string_replaces_each_malformed_part_once(void **state)
{
        (void)state;
#define BAD "\xef\xbf\xbd"
        assert_string_form(SPAN("a\xff"
                                "b"),
                           "\"a" BAD "b\"");
        assert_string_form(SPAN("\xc0\xaf"), "\"" BAD BAD "\"");
        assert_string_form(SPAN("\xe2\x82"), "\"" BAD "\"");
        assert_string_form(SPAN("\xe2\x82z"), "\"" BAD "z\"");
        assert_string_form(SPAN("\xed\xa0\x80"), "\"" BAD BAD BAD "\"");
        /* The example of the Unicode Standard, table 3-8. */
        assert_string_form(SPAN("\x61\xf1\x80\x80\xe1\x80\xc2\x62\x80\x63\x80\xbf\x64"),
                           "\"a" BAD BAD BAD "b" BAD "c" BAD BAD "d\"");
}

static void test_writer_places_the_commas(void **state)
{
        (void)state;
        struct buf b;
        buf_init(&b, 1024);
        json_obj_open(&b);
        json_member_text(&b, "a", SPAN("x"));
        json_member_text(&b, "none", SPAN_NONE);
        json_member_int(&b, "n", INT64_MIN);
        json_member_bool(&b, "t", true);
        json_member_bool(&b, "f", false);
        json_member_raw(&b, "raw", SPAN(" [1, 2] "));
        json_member_raw(&b, "rawless", SPAN_NONE);
        json_member_time(&b, "at", 0);
        json_member_time(&b, "never", -1);
        json_key(&b, "list");
        json_arr_open(&b);
        json_obj_open(&b);
        json_obj_close(&b);
        json_arr_open(&b);
        json_arr_close(&b);
        json_null(&b);
        json_int(&b, 1);
        json_int(&b, 2);
        json_arr_close(&b);
        json_obj_close(&b);
        assert_int_equal(buf_check(&b, NULL), STATUS_OK);
        assert_string_equal(b.data,
                            "{\"a\":\"x\",\"none\":null,\"n\":-9223372036854775808,\"t\":true,"
                            "\"f\":false,\"raw\":[1, 2],\"rawless\":null,"
                            "\"at\":\"1970-01-01T00:00:00.000Z\",\"never\":null,"
                            "\"list\":[{},[],null,1,2]}");
        buf_fini(&b);
}

static void test_writer_begins_a_line_without_a_comma(void **state)
{
        (void)state;
        struct buf b;
        buf_init(&b, 64);
        for (int i = 0; i < 2; i++) {
                json_obj_open(&b);
                json_obj_close(&b);
                buf_char(&b, '\n');
        }
        assert_string_equal(b.data, "{}\n{}\n");
        buf_fini(&b);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_string_escapes_what_json_asks_for),
                cmocka_unit_test(test_string_replaces_each_malformed_part_once),
                cmocka_unit_test(test_writer_places_the_commas),
                cmocka_unit_test(test_writer_begins_a_line_without_a_comma),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
