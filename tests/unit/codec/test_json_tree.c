#include "unit/base/unit.h"

#include <chatelaine/codec_json.h>

static struct json *parsed(const char *text)
{
        struct json *v = NULL;
        struct error e;
        if (json_parse(span_of(text), 32, &v, &e) != STATUS_OK)
                fail_msg("%s: %s %s", text, e.where, e.text);
        return v;
}

static void assert_refused(struct span text, const char *slug, const char *where)
{
        struct json *v = (void *)1;
        struct error e;
        assert_int_equal(json_parse(text, 3, &v, &e), STATUS_INVALID);
        assert_ptr_equal(v, (void *)1);
        assert_int_equal(error_http(&e), 400);
        assert_string_equal(e.slug, slug);
        assert_string_equal(e.where, where);
}

static void test_parse_says_where_it_fails(void **state)
{
        (void)state;
        assert_refused(SPAN(""), "invalid-json", "(offset 0)");
        assert_refused(SPAN_NONE, "invalid-json", "(offset 0)");
        assert_refused(SPAN("{\"a\":[1,{\"b/~\":tru}]}"), "invalid-json", "/a/1/b~1~0 (offset 15)");
        assert_refused(SPAN("[[[[]]]]"), "too-deep", "/0/0/0 (offset 3)");
        assert_refused(SPAN("{} {}"), "invalid-json", "(offset 3)");
        assert_refused(SPAN("{\"x\":{\"a\":1,\"a\":2}}"), "invalid-json", "/x (offset 15)");
        assert_refused(SPAN("[1,9223372036854775808]"), "invalid-json", "/1 (offset 22)");
        assert_refused(SPAN("[1e999]"), "invalid-json", "/0 (offset 6)");
        assert_refused(SPAN("{\"a\\u0000\":1}"), "invalid-json", "(offset 10)");
        assert_refused(SPAN("\"\\ud800\""), "invalid-json", "(offset 1)");
        assert_refused(SPAN("\xef\xbb\xbf{}"), "invalid-json", "(offset 0)");
}

static void test_accessors_take_what_is_not_there(void **state)
{
        (void)state;
        struct json *v = parsed(
                "{\"s\":\"x\\u0000y\",\"i\":-5,\"r\":1.5,\"t\":true,\"n\":null,\"a\":[1,2]}");
        assert_true(json_is_object(v));
        assert_int_equal(json_size(v), 6);
        assert_true(span_equal(json_get_text(v, "s"), SPAN("x\0y")));
        assert_true(json_is_string(json_get(v, "s")));
        assert_int_equal(json_integer(json_get(v, "i")), -5);
        assert_true(json_is_integer(json_get(v, "i")) && json_is_number(json_get(v, "i")));
        assert_false(json_is_integer(json_get(v, "r")));
        assert_true(json_number(json_get(v, "r")) == 1.5);
        assert_true(json_is_true(json_get(v, "t")) && json_is_boolean(json_get(v, "t")));
        assert_true(json_is_null(json_get(v, "n")));
        assert_int_equal(json_integer(json_at(json_get(v, "a"), 1)), 2);
        assert_null(json_at(json_get(v, "a"), 2));
        assert_null(json_get(v, "none"));
        assert_null(json_get(json_get(v, "a"), "s"));
        assert_null(json_get_text(v, "i").p);
        assert_false(json_is_null(NULL) || json_is_object(NULL) || json_is_string(NULL));
        assert_int_equal(json_size(NULL), 0);
        assert_int_equal(json_integer(NULL), 0);
        json_free(v);
        json_free(NULL);
}

static void test_dump_keeps_order_and_kinds(void **state)
{
        (void)state;
        const char *text =
                "{\"z\":1,\"a\":[1.0,0.1,1e+300,-0.0,true,false,null,\"\\\"\\u0001\"],\"e\":{},\"l\":[]}";
        struct json *v = parsed(text);
        struct buf b;
        buf_init(&b, 1024);
        json_dump(v, &b);
        assert_string_equal(b.data, text);
        buf_fini(&b);
        json_free(v);
}

struct wanted {
        struct span name;
        int64_t number;
        bool is_on;
        const struct json *object, *array, *value;
        struct json_texts list;
};
static const struct json_field fields[] = {
        JSON_FIELD(struct wanted, name, "name", JSON_AS_TEXT, JSON_REQUIRED | JSON_NONEMPTY),
        JSON_FIELD(struct wanted, number, "number", JSON_AS_INT, 0),
        JSON_FIELD(struct wanted, is_on, "on", JSON_AS_BOOL, 0),
        JSON_FIELD(struct wanted, object, "object", JSON_AS_OBJECT, JSON_NULLABLE),
        JSON_FIELD(struct wanted, array, "array", JSON_AS_ARRAY, JSON_NONEMPTY),
        JSON_FIELD(struct wanted, value, "value", JSON_AS_VALUE, 0),
        JSON_FIELD(struct wanted, list, "li/st", JSON_AS_TEXTS, 0),
        JSON_FIELD_END,
};

static void test_dispatch_fills_a_struct(void **state)
{
        (void)state;
        struct arena arena;
        arena_init(&arena, 65536);
        struct wanted w = {.number = 7};
        struct json *v =
                parsed("{\"name\":\"n\",\"on\":true,\"object\":null,\"array\":[1],\"value\":null,"
                       "\"li/st\":[\"a\",\"\"]}");
        assert_int_equal(json_dispatch(v, fields, &w, &arena, NULL), STATUS_OK);
        assert_int_equal(w.number, 7);
        assert_true(w.is_on);
        assert_null(w.object);
        assert_int_equal(json_size(w.array), 1);
        assert_true(json_is_null(w.value));
        json_free(v);
        assert_true(span_is(w.name, "n"));
        assert_int_equal(w.list.n, 2);
        assert_true(span_is(w.list.items[0], "a"));
        assert_true(span_is(w.list.items[1], ""));
        arena_fini(&arena);
}

static void assert_undispatched(const char *text, const char *slug, const char *where)
{
        struct arena arena;
        arena_init(&arena, 65536);
        struct wanted w = {0};
        struct error e;
        struct json *v = parsed(text);
        assert_int_equal(json_dispatch_at(v, "/grants/0", fields, &w, &arena, &e), STATUS_INVALID);
        assert_string_equal(e.slug, slug);
        assert_string_equal(e.where, where);
        json_free(v);
        arena_fini(&arena);
}

static void test_an_open_table_ignores_other_members(void **state)
{
        (void)state;
        struct named {
                int64_t n;
        } named = {0};
        static const struct json_field open_fields[] = {
                JSON_FIELD(struct named, n, "n", JSON_AS_INT, JSON_REQUIRED),
                JSON_FIELD_END_OPEN,
        };
        struct json *v;
        assert_int_equal(json_parse(SPAN("{\"x\":{},\"n\":7,\"N\":8}"), 8, &v, NULL), STATUS_OK);
        assert_int_equal(json_dispatch(v, open_fields, &named, NULL, NULL), STATUS_OK);
        assert_int_equal(named.n, 7);
        json_free(v);
        assert_int_equal(json_parse(SPAN("{\"x\":1}"), 8, &v, NULL), STATUS_OK);
        assert_int_equal(json_dispatch(v, open_fields, &named, NULL, NULL), STATUS_INVALID);
        json_free(v);
}

static void test_dispatch_refuses_what_the_table_does_not_say(void **state)
{
        (void)state;
        assert_undispatched("[]", "invalid-field", "/grants/0");
        assert_undispatched("{}", "missing-field", "/grants/0/name");
        assert_undispatched("{\"name\":null}", "invalid-field", "/grants/0/name");
        assert_undispatched("{\"name\":\"\"}", "invalid-field", "/grants/0/name");
        assert_undispatched("{\"name\":\"n\",\"x/y~\":1}", "unknown-field", "/grants/0/x~1y~0");
        assert_undispatched("{\"name\":\"n\",\"number\":1.0}", "invalid-field", "/grants/0/number");
        assert_undispatched("{\"name\":\"n\",\"number\":\"1\"}", "invalid-field",
                            "/grants/0/number");
        assert_undispatched("{\"name\":\"n\",\"on\":1}", "invalid-field", "/grants/0/on");
        assert_undispatched("{\"name\":\"n\",\"object\":[]}", "invalid-field", "/grants/0/object");
        assert_undispatched("{\"name\":\"n\",\"array\":[]}", "invalid-field", "/grants/0/array");
        assert_undispatched("{\"name\":\"n\",\"li/st\":[\"a\",1]}", "invalid-field",
                            "/grants/0/li~1st/1");
}

static void test_dispatch_stops_at_the_arenas_bound(void **state)
{
        (void)state;
        struct arena arena;
        arena_init(&arena, 4);
        struct wanted w = {0};
        struct json *v = parsed("{\"name\":\"longer than four\"}");
        assert_int_equal(json_dispatch(v, fields, &w, &arena, NULL), STATUS_NO_MEMORY);
        assert_int_equal(json_dispatch(v, fields, &w, NULL, NULL), STATUS_OK);
        assert_true(span_is(w.name, "longer than four"));
        json_free(v);
        arena_fini(&arena);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_parse_says_where_it_fails),
                cmocka_unit_test(test_accessors_take_what_is_not_there),
                cmocka_unit_test(test_dump_keeps_order_and_kinds),
                cmocka_unit_test(test_dispatch_fills_a_struct),
                cmocka_unit_test(test_an_open_table_ignores_other_members),
                cmocka_unit_test(test_dispatch_refuses_what_the_table_does_not_say),
                cmocka_unit_test(test_dispatch_stops_at_the_arenas_bound),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
