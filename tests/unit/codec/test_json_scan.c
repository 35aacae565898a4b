#include "unit/base/unit.h"

#include <chatelaine/codec_json_scan.h>

#include <stdio.h>
#include <stdlib.h>

static const struct json_scan_limits limits = {.depth = 4, .items = 3};

/* Reads all items; the last one is in *ret. */
static enum status scan(struct span body, enum json_scan_mode mode, struct json_item *ret,
                        size_t *ret_n, struct error *e)
{
        struct json_scan s;
        size_t n = 0;
        json_scan_init(&s, body, mode, &limits, json_webhook_names, WEBHOOK_NAMES);
        for (;;) {
                struct json_item item;
                bool is_item;
                TRY(json_scan_next(&s, &item, &is_item, e));
                if (!is_item)
                        break;
                assert_int_equal(item.index, n++);
                *ret = item;
        }
        *ret_n = n;
        return STATUS_OK;
}

static struct json_item one_item(const char *body)
{
        struct json_item item = {0};
        size_t n;
        struct error e;
        if (scan(span_of(body), JSON_SCAN_BODY, &item, &n, &e) != STATUS_OK)
                fail_msg("%s: %s %s", body, e.where, e.text);
        assert_int_equal(n, 1);
        return item;
}

static void assert_refused_as(enum json_scan_mode mode, struct span body, const char *slug,
                              unsigned http, const char *where)
{
        struct json_item item;
        size_t n;
        struct error e;
        /* In memory of its own, so that a byte read too far is seen. */
        char *copy = malloc(body.len + !body.len);
        memcpy(copy, body.p, body.len);
        assert_int_not_equal(scan(span_make(copy, body.len), mode, &item, &n, &e), STATUS_OK);
        free(copy);
        assert_string_equal(e.slug, slug);
        assert_int_equal(error_http(&e), http);
        assert_string_equal(e.where, where);
}

static void assert_bad(struct span body, const char *where)
{
        assert_refused_as(JSON_SCAN_BODY, body, "invalid-json", 400, where);
}

static void test_members_are_given_as_sent(void **state)
{
        (void)state;
        struct json_item item = one_item(
                " {\"id\" : 7 , \"x\":[{}], \"type\":\"a\\n\", \"data\": {\"b\": 1.10,\"b\":2} } ");
        assert_true(item.is_object);
        assert_true(span_is(item.members[WEBHOOK_ID].raw, "7"));
        assert_int_equal(item.members[WEBHOOK_ID].kind, JSON_KIND_INTEGER);
        assert_true(span_is(item.members[WEBHOOK_TYPE].raw, "\"a\\n\""));
        assert_true(item.members[WEBHOOK_TYPE].is_escaped);
        assert_true(span_is(item.members[WEBHOOK_DATA].raw, "{\"b\": 1.10,\"b\":2}"));
        assert_int_equal(item.members[WEBHOOK_DATA].kind, JSON_KIND_OBJECT);
        assert_false(item.members[WEBHOOK_DATA].is_repeated);
        assert_true(span_starts(item.raw, "{\"id\" : 7"));
        assert_int_equal(item.raw.p[item.raw.len - 1], '}');
}

static void test_kinds_are_told_apart(void **state)
{
        (void)state;
        static const struct {
                const char *value;
                enum json_kind kind;
                bool is_zero;
        } cases[] = {
                {"null", JSON_KIND_NULL, false},
                {"false", JSON_KIND_FALSE, false},
                {"true", JSON_KIND_TRUE, false},
                {"0", JSON_KIND_INTEGER, true},
                {"-0", JSON_KIND_INTEGER, true},
                {"10", JSON_KIND_INTEGER, false},
                {"0.0", JSON_KIND_REAL, true},
                {"0e9", JSON_KIND_REAL, true},
                {"0.01", JSON_KIND_REAL, false},
                {"-0.000e-5", JSON_KIND_REAL, true},
                {"\"\"", JSON_KIND_STRING, false},
                {"{}", JSON_KIND_OBJECT, false},
                {"[]", JSON_KIND_ARRAY, false},
                {"123456789012345678901234567890", JSON_KIND_INTEGER, false},
                {"1E5", JSON_KIND_REAL, false},
                {"-1", JSON_KIND_INTEGER, false},
        };
        for (size_t i = 0; i < LENGTH(cases); i++) {
                char body[128];
                snprintf(body, sizeof body, "{\"data\":%s}", cases[i].value);
                struct json_item item = one_item(body);
                struct json_value v = item.members[WEBHOOK_DATA], again = json_scan_value(v.raw);
                assert_int_equal(v.kind, cases[i].kind);
                assert_int_equal(v.is_zero, cases[i].is_zero);
                assert_int_equal(again.kind, cases[i].kind);
                assert_int_equal(again.is_zero, cases[i].is_zero);
                assert_int_equal(item.members[WEBHOOK_ID].kind, JSON_KIND_ABSENT);
                assert_null(item.members[WEBHOOK_ID].raw.p);
        }
}

static void test_escaped_names_are_names(void **state)
{
        (void)state;
        struct json_item item = one_item("{\"\\u0069d\":1,\"da\\u0074a\":2,\"\\u0074ype \":3}");
        assert_true(span_is(item.members[WEBHOOK_ID].raw, "1"));
        assert_true(span_is(item.members[WEBHOOK_DATA].raw, "2"));
        assert_int_equal(item.members[WEBHOOK_TYPE].kind, JSON_KIND_ABSENT);
}

static void test_repeated_names_are_told(void **state)
{
        (void)state;
        struct json_item item = one_item("{\"id\":1,\"type\":2,\"i\\u0064\":3,\"x\":1,\"x\":2}");
        assert_true(item.members[WEBHOOK_ID].is_repeated);
        assert_true(span_is(item.members[WEBHOOK_ID].raw, "3"));
        assert_false(item.members[WEBHOOK_TYPE].is_repeated);
}

static void test_bodies_hold_one_item_or_many(void **state)
{
        (void)state;
        struct json_item item = {0};
        size_t n;
        assert_int_equal(scan(SPAN("[]"), JSON_SCAN_BODY, &item, &n, NULL), STATUS_OK);
        assert_int_equal(n, 0);
        assert_int_equal(scan(SPAN(" [ {} , 5 ,[{}]\n] "), JSON_SCAN_BODY, &item, &n, NULL),
                         STATUS_OK);
        assert_int_equal(n, 3);
        assert_false(item.is_object);
        assert_true(span_is(item.raw, "[{}]"));
        assert_int_equal(item.kind, JSON_KIND_ARRAY);
        assert_int_equal(scan(SPAN("5"), JSON_SCAN_BODY, &item, &n, NULL), STATUS_OK);
        assert_int_equal(n, 1);
        assert_false(item.is_object);
        assert_int_equal(scan(SPAN("[{},{}]"), JSON_SCAN_ONE, &item, &n, NULL), STATUS_OK);
        assert_int_equal(n, 1);
        assert_false(item.is_object);
}

static void test_lines_hold_one_item_each(void **state)
{
        (void)state;
        struct json_item item = {0};
        size_t n;
        assert_int_equal(
                scan(SPAN("\n{\"id\":1}\r\n \r\n\n{\"id\":2}"), JSON_SCAN_LINES, &item, &n, NULL),
                STATUS_OK);
        assert_int_equal(n, 2);
        assert_true(span_is(item.members[WEBHOOK_ID].raw, "2"));
        assert_int_equal(scan(SPAN(""), JSON_SCAN_LINES, &item, &n, NULL), STATUS_OK);
        assert_int_equal(n, 0);
        assert_int_equal(scan(SPAN_NONE, JSON_SCAN_LINES, &item, &n, NULL), STATUS_OK);
        assert_refused_as(JSON_SCAN_LINES, SPAN("{}\n{\"id\":\n1}"), "invalid-json", 400,
                          "/1/id (offset 9)");
        assert_refused_as(JSON_SCAN_LINES, SPAN("{}\n{} {}"), "invalid-json", 400, "/1 (offset 6)");
        assert_refused_as(JSON_SCAN_LINES, SPAN("{}\n{}\n{}\n{}"), "too-many-items", 413,
                          "/3 (offset 9)");
        assert_refused_as(JSON_SCAN_LINES, SPAN("{}\n[[[[[]]]]]"), "too-deep", 400,
                          "/1/0/0/0/0 (offset 7)");
}

static void test_limits_hold(void **state)
{
        (void)state;
        struct json_item item;
        size_t n;
        assert_int_equal(scan(SPAN("[{\"data\":[[]]}]"), JSON_SCAN_BODY, &item, &n, NULL),
                         STATUS_OK);
        assert_refused_as(JSON_SCAN_BODY, SPAN("[{\"data\":[[[]]]}]"), "too-deep", 400,
                          "/0/data/0/0 (offset 11)");
        assert_int_equal(scan(SPAN("[{\"data\":[[]]},1,2]"), JSON_SCAN_BODY, &item, &n, NULL),
                         STATUS_OK);
        assert_refused_as(JSON_SCAN_BODY, SPAN("[1,2,3,4]"), "too-many-items", 413,
                          "/3 (offset 7)");
        assert_refused_as(JSON_SCAN_BODY, SPAN("[1,2,{\"id\":[[[]]]},4]"), "too-deep", 400,
                          "/2/id/0/0 (offset 13)");
}

static void test_grammar_is_strict(void **state)
{
        (void)state;
        static const struct {
                struct span body;
                const char *where;
        } cases[] = {
                {SPAN(""), "(offset 0)"},
                {SPAN(" "), "(offset 1)"},
                {SPAN("{"), "(offset 1)"},
                {SPAN("["), "/0 (offset 1)"},
                {SPAN("[1"), "/0 (offset 2)"},
                {SPAN("[1,]"), "/1 (offset 3)"},
                {SPAN("[,1]"), "/0 (offset 1)"},
                {SPAN("[1 2]"), "/0 (offset 3)"},
                {SPAN("[]]"), "(offset 2)"},
                {SPAN("[1]x"), "(offset 3)"},
                {SPAN("{}{}"), "(offset 2)"},
                {SPAN("{\"a\":1,}"), "(offset 7)"},
                {SPAN("{\"a\" 1}"), "(offset 5)"},
                {SPAN("{a:1}"), "(offset 1)"},
                {SPAN("{\"a\":}"), "/a (offset 5)"},
                {SPAN("{'a':1}"), "(offset 1)"},
                {SPAN("01"), "(offset 0)"},
                {SPAN("-"), "(offset 1)"},
                {SPAN("+1"), "(offset 0)"},
                {SPAN(".5"), "(offset 0)"},
                {SPAN("1."), "(offset 2)"},
                {SPAN("1.e5"), "(offset 2)"},
                {SPAN("1e"), "(offset 2)"},
                {SPAN("1e+"), "(offset 3)"},
                {SPAN("-01"), "(offset 1)"},
                {SPAN("0x1"), "(offset 1)"},
                {SPAN("NaN"), "(offset 0)"},
                {SPAN("Infinity"), "(offset 0)"},
                {SPAN("-Infinity"), "(offset 1)"},
                {SPAN("nul"), "(offset 0)"},
                {SPAN("nulll"), "(offset 4)"},
                {SPAN("True"), "(offset 0)"},
                {SPAN("\"abc"), "(offset 4)"},
                {SPAN("\"a\\"), "(offset 3)"},
                {SPAN("\"\\x\""), "(offset 2)"},
                {SPAN("\"\\u12g4\""), "(offset 5)"},
                {SPAN("\"\\u12"), "(offset 5)"},
                {SPAN("\"\\\0\""), "(offset 2)"},
                {SPAN("\"a\nb\""), "(offset 2)"},
                {SPAN("\"a\0b\""), "(offset 2)"},
                {SPAN("\"\x1f\""), "(offset 1)"},
                {SPAN("\"\\ud800\""), "(offset 1)"},
                {SPAN("\"\\udc00\""), "(offset 1)"},
                {SPAN("\"\\ud800\\ud800\""), "(offset 1)"},
                {SPAN("\"\\ud800x\""), "(offset 1)"},
                {SPAN("\"\\ud800\\"), "(offset 1)"},
                {SPAN("\"\xff\""), "(offset 1)"},
                {SPAN("\"\xc3\""), "(offset 1)"},
                {SPAN("\"\xc0\x80\""), "(offset 1)"},
                {SPAN("\"\xe0\x80\x80\""), "(offset 1)"},
                {SPAN("\"\xed\xa0\x80\""), "(offset 1)"},
                {SPAN("\"\xf4\x90\x80\x80\""), "(offset 1)"},
                {SPAN("\"12345678\xf0\x9f\""), "(offset 9)"},
                {SPAN("\xc2\xa0{}"), "(offset 0)"},
                {SPAN("\xef\xbb\xbf{}"), "(offset 0)"},
                {SPAN("{}\0"), "(offset 2)"},
                {SPAN("\f{}"), "(offset 0)"},
                {SPAN("/**/{}"), "(offset 0)"},
        };
        for (size_t i = 0; i < LENGTH(cases); i++)
                assert_bad(cases[i].body, cases[i].where);
}

static void test_a_long_way_to_the_fault_is_cut(void **state)
{
        (void)state;
        struct error e;
        char body[2200], *p = body;
        for (int i = 0; i < 300; i++)
                p = stpcpy(p, "{\"abc\":");
        assert_int_equal(json_scan_check(span_make(body, (size_t)(p - body)), 1000, &e),
                         STATUS_INVALID);
        assert_non_null(strstr(e.where, "/abc/abc/abc"));
        assert_non_null(strstr(e.where, " (offset 2100)"));
}

static void test_strings_at_every_length_and_alignment(void **state)
{
        (void)state;
        for (size_t len = 0; len < 40; len++) {
                for (size_t at = 0; at < len; at++) {
                        char body[64];
                        memset(body, 'a', sizeof body);
                        body[0] = body[len + 1] = '"';
                        assert_int_equal(json_scan_check(span_make(body, len + 2), 1, NULL),
                                         STATUS_OK);
                        body[at + 1] = '\x1f';
                        assert_int_equal(json_scan_check(span_make(body, len + 2), 1, NULL),
                                         STATUS_INVALID);
                        body[at + 1] = '"';
                        assert_int_equal(json_scan_check(span_make(body, len + 2), 1, NULL),
                                         STATUS_INVALID);
                        body[at + 1] = '\x80';
                        assert_int_equal(json_scan_check(span_make(body, len + 2), 1, NULL),
                                         STATUS_INVALID);
                }
        }
}

static void test_paths_find_nested_members(void **state)
{
        (void)state;
        struct span item = SPAN(
                " {\"id\":1,\"data\":{\"a\":{\"b\" : \"x\\u0041\"},\"a.b\":2,\"l\":[{\"b\":1}],"
                "\"d\":1,\"d\":[2]}} ");
        struct json_value v;
        assert_true(json_scan_path(item, "data.a.b", &v));
        assert_true(span_is(v.raw, "\"x\\u0041\""));
        assert_int_equal(v.kind, JSON_KIND_STRING);
        assert_false(v.is_repeated);
        assert_true(json_scan_path(item, "id", &v));
        assert_true(json_scan_path(item, "data.d", &v));
        assert_true(v.is_repeated);
        assert_true(span_is(v.raw, "[2]"));
        assert_false(json_scan_path(item, "data.l.b", &v));
        assert_false(json_scan_path(item, "data.none", &v));
        assert_false(json_scan_path(item, "id.x", &v));
        assert_false(json_scan_path(item, "", &v));
        assert_false(json_scan_path(SPAN("5"), "a", &v));
}

static void test_a_repeated_parent_taints_what_lies_in_it(void **state)
{
        (void)state;
        struct json_value v;
        assert_true(json_scan_path(SPAN("{\"a\":{\"b\":1},\"a\":{\"b\":2}}"), "a.b", &v));
        assert_true(v.is_repeated);
        assert_true(span_is(v.raw, "2"));
}

static void test_strings_are_decoded(void **state)
{
        (void)state;
        struct span raw =
                SPAN("\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\u20ac\\ud83d\\udd11\\u0000z\xc3\xa9\"");
        struct span text = SPAN("a\"\\/\b\f\n\r\t\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\x91\0z\xc3\xa9");
        struct buf b;
        buf_init(&b, 256);
        json_scan_decode(raw, &b);
        assert_true(span_equal(buf_view(&b), text));
        buf_fini(&b);

        struct arena arena;
        arena_init(&arena, 4096);
        assert_true(span_equal(json_scan_text(raw, &arena), text));
        struct span plain = SPAN("\"plain\"");
        assert_ptr_equal(json_scan_text(plain, &arena).p, plain.p + 1);
        arena_fini(&arena);
        arena_init(&arena, 4);
        assert_null(json_scan_text(raw, &arena).p);
        arena_fini(&arena);

        assert_true(json_scan_is(raw, text));
        assert_false(json_scan_is(raw, SPAN("a")));
        assert_false(json_scan_is(SPAN("\"\\u0061\""), SPAN("ab")));
        assert_false(json_scan_is(SPAN("\"\\u0061b\""), SPAN("a")));
        assert_true(json_scan_is(SPAN("\"\""), SPAN_NONE));
        assert_int_equal(json_scan_characters(raw), 15);
}

static void test_white_space_makes_no_difference(void **state)
{
        (void)state;
        assert_true(json_scan_same(SPAN("{\"a b\": [1, 2]}"), SPAN(" {\"a b\" :[ 1\n,2]\t} ")));
        assert_true(json_scan_same(SPAN("\"a\""), SPAN("\"a\"")));
        assert_true(json_scan_same(SPAN(""), SPAN(" ")));
        assert_false(json_scan_same(SPAN("{\"a b\":1}"), SPAN("{\"ab\":1}")));
        assert_false(json_scan_same(SPAN("\"a\""), SPAN("\"a \"")));
        assert_false(json_scan_same(SPAN("[1,2]"), SPAN("[1,2,3]")));
        assert_false(json_scan_same(SPAN("1"), SPAN("1.0")));
        assert_false(json_scan_same(SPAN("{\"a\":1,\"b\":2}"), SPAN("{\"b\":2,\"a\":1}")));
        assert_false(json_scan_same(SPAN("[\" \\\" \"]"), SPAN("[\" \\\"\"]")));
        struct buf b;
        buf_init(&b, 256);
        json_minify(SPAN(" { \"a \\\" b\" : [ 1 , true ] } "), &b);
        assert_string_equal(b.data, "{\"a \\\" b\":[1,true]}");
        buf_fini(&b);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_members_are_given_as_sent),
                cmocka_unit_test(test_kinds_are_told_apart),
                cmocka_unit_test(test_escaped_names_are_names),
                cmocka_unit_test(test_repeated_names_are_told),
                cmocka_unit_test(test_bodies_hold_one_item_or_many),
                cmocka_unit_test(test_lines_hold_one_item_each),
                cmocka_unit_test(test_limits_hold),
                cmocka_unit_test(test_grammar_is_strict),
                cmocka_unit_test(test_a_long_way_to_the_fault_is_cut),
                cmocka_unit_test(test_strings_at_every_length_and_alignment),
                cmocka_unit_test(test_paths_find_nested_members),
                cmocka_unit_test(test_a_repeated_parent_taints_what_lies_in_it),
                cmocka_unit_test(test_strings_are_decoded),
                cmocka_unit_test(test_white_space_makes_no_difference),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
