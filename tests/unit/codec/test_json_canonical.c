#include "unit/base/unit.h"

#include "codec/json_number.h"

#include <chatelaine/codec_json.h>

static void assert_canonical(struct span text, const char *expected)
{
        struct buf b;
        struct error e;
        buf_init(&b, 4096);
        if (json_canonical(text, &b, &e) != STATUS_OK)
                fail_msg("%s %s", e.where, e.text);
        assert_string_equal(b.data, expected);
        buf_fini(&b);
}

/* RFC 8785 section 3.2.2 to 3.2.4. */
static void test_the_rfcs_sample(void **state)
{
        (void)state;
        assert_canonical(
                SPAN("{\n  \"numbers\": [333333333.33333329, 1E30, 4.50, 2e-3, "
                     "0.000000000000000000000000001],\n"
                     "  \"string\": \"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\\"\\/\",\n"
                     "  \"literals\": [null, true, false]\n}"),
                "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],"
                "\"string\":\"\xe2\x82\xac$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}");
}

/* RFC 8785 section 3.2.3: the order is of UTF-16 code units. */
static void test_the_rfcs_order_of_names(void **state)
{
        (void)state;
        assert_canonical(
                SPAN("{\"\\u20ac\":\"Euro Sign\",\"\\r\":\"Carriage Return\",\"\\ufb33\":\"Hebrew Letter "
                     "Dalet With Dagesh\",\"1\":\"One\",\"\\ud83d\\ude00\":\"Emoji: Grinning Face\","
                     "\"\\u0080\":\"Control\",\"\\u00f6\":\"Latin Small Letter O With Diaeresis\"}"),
                "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\xc2\x80\":\"Control\","
                "\"\xc3\xb6\":\"Latin Small Letter O With Diaeresis\",\"\xe2\x82\xac\":\"Euro Sign\","
                "\"\xf0\x9f\x98\x80\":\"Emoji: Grinning Face\","
                "\"\xef\xac\xb3\":\"Hebrew Letter Dalet With Dagesh\"}");
}

/* RFC 8785 appendix B. */
static void test_the_rfcs_numbers(void **state)
{
        (void)state;
        static const struct {
                uint64_t bits;
                const char *text;
        } cases[] = {
                {0x0000000000000000, "0"},
                {0x8000000000000000, "0"},
                {0x0000000000000001, "5e-324"},
                {0x8000000000000001, "-5e-324"},
                {0x7fefffffffffffff, "1.7976931348623157e+308"},
                {0xffefffffffffffff, "-1.7976931348623157e+308"},
                {0x4340000000000000, "9007199254740992"},
                {0xc340000000000000, "-9007199254740992"},
                {0x4430000000000000, "295147905179352830000"},
                {0x44b52d02c7e14af5, "9.999999999999997e+22"},
                {0x44b52d02c7e14af6, "1e+23"},
                {0x44b52d02c7e14af7, "1.0000000000000001e+23"},
                {0x444b1ae4d6e2ef4e, "999999999999999700000"},
                {0x444b1ae4d6e2ef4f, "999999999999999900000"},
                {0x444b1ae4d6e2ef50, "1e+21"},
                {0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
                {0x3eb0c6f7a0b5ed8d, "0.000001"},
                {0x41b3de4355555553, "333333333.3333332"},
                {0x41b3de4355555554, "333333333.33333325"},
                {0x41b3de4355555555, "333333333.3333333"},
                {0x41b3de4355555556, "333333333.3333334"},
                {0x41b3de4355555557, "333333333.33333343"},
                {0xbecbf647612f3696, "-0.0000033333333333333333"},
                {0x43143ff3c1cb0959, "1424953923781206.2"},
        };
        for (size_t i = 0; i < LENGTH(cases); i++) {
                double v;
                char text[NUMBER_SIZE];
                memcpy(&v, &cases[i].bits, 8);
                struct decimal d = decimal_of(v);
                size_t n = number_ecma(&d, text);
                assert_true(span_is(span_make(text, n), cases[i].text));
        }
}

static void test_nested_objects_are_sorted_each(void **state)
{
        (void)state;
        assert_canonical(SPAN(" [ {\"b\" : {\"d\":1, \"c\":[ ]}, \"a\":{ }} , 10 ] "),
                         "[{\"a\":{},\"b\":{\"c\":[],\"d\":1}},10]");
        assert_canonical(SPAN("-0"), "0");
        assert_canonical(SPAN("1.0"), "1");
        assert_canonical(SPAN("\"x\""), "\"x\"");
        assert_canonical(SPAN("{\"aa\":1,\"a\":2,\"\":3}"), "{\"\":3,\"a\":2,\"aa\":1}");
}

static void assert_refused(struct span text, enum status status, const char *where)
{
        struct buf b;
        struct error e;
        buf_init(&b, 16);
        assert_int_equal(json_canonical(text, &b, &e), status);
        assert_string_equal(e.where, where);
        buf_fini(&b);
}

static void test_what_has_no_canonical_form_is_refused(void **state)
{
        (void)state;
        assert_refused(SPAN("{\"a\":1,\"\\u0061\":2}"), STATUS_INVALID, "(offset 7)");
        assert_refused(SPAN("[1e999]"), STATUS_INVALID, "(offset 1)");
        assert_refused(SPAN("[1,]"), STATUS_INVALID, "/1 (offset 3)");
        assert_refused(SPAN("[1,2,3,4,5,6,7,8,9]"), STATUS_LIMIT, "");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_the_rfcs_sample),
                cmocka_unit_test(test_the_rfcs_order_of_names),
                cmocka_unit_test(test_the_rfcs_numbers),
                cmocka_unit_test(test_nested_objects_are_sorted_each),
                cmocka_unit_test(test_what_has_no_canonical_form_is_refused),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
