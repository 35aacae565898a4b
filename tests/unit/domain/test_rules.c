#include "unit.h"

#include <chatelaine/domain_apps.h>
#include <chatelaine/domain_rules.h>

#define DONE                                                                                     \
        {                                                                                        \
                .name = "done", .on = "document.done", .revoke = "documents/{data.document_id}", \
                .requires = "document:done", .line = 12                                          \
        }

static struct rules *rules_of(struct config_rule *list, size_t n)
{
        struct config c = {.path = "chatelaine.conf", .rules = list, .n_rules = n};
        struct rules *r = NULL;
        struct error e;
        if (rules_new(&c, &r, &e) != STATUS_OK)
                fail_msg("%s: %s", e.where, e.text);
        return r;
}

static size_t count(const struct rules *r, const char *type, const char *app)
{
        size_t iter = 0, n = 0;
        while (rules_match(r, span_of(type), span_of(app), &iter))
                n++;
        return n;
}

static void test_a_rule_matches_its_type_its_prefix_and_its_app(void **state)
{
        (void)state;
        struct config_rule list[] = {
                DONE,
                {.name = "invoices", .on = "invoice.*", .revoke = "documents/{id}"},
                {.name = "acme", .on = "*", .app = "acme", .revoke = "users/{user_id}"},
        };
        struct rules *r = rules_of(list, LENGTH(list));
        assert_int_equal(count(r, "document.done", "x"), 1);
        assert_int_equal(count(r, "document.done", "acme"), 2);
        assert_int_equal(count(r, "document.done.twice", "x"), 0);
        assert_int_equal(count(r, "Document.done", "x"), 0);
        assert_int_equal(count(r, "invoice.paid", "x"), 1);
        assert_int_equal(count(r, "invoice", "x"), 0);
        assert_int_equal(count(r, "", "acme"), 1);

        size_t iter = 0;
        const struct rule *first = rules_match(r, SPAN("document.done"), SPAN("acme"), &iter);
        assert_string_equal(rule_name(first), "done");
        assert_string_equal(rule_requires(first), "document:done");
        const struct rule *second = rules_match(r, SPAN("document.done"), SPAN("acme"), &iter);
        assert_string_equal(rule_name(second), "acme");
        assert_string_equal(rule_requires(second), "");
        rules_free(r);
}

static void test_no_rules_match_nothing(void **state)
{
        (void)state;
        struct rules *r = rules_of(NULL, 0);
        assert_int_equal(count(r, "document.done", "x"), 0);
        rules_free(r);
        assert_int_equal(count(NULL, "document.done", "x"), 0);
        rules_free(NULL);
}

/* What a template makes of an item; NULL when it is refused, with the reason in `e`. */
static const char *resource(const char *revoke, const struct rule_item *item, struct error *e)
{
        static char text[4096];
        char copy[512];
        snprintf(copy, sizeof copy, "%s", revoke);
        struct config_rule list[] = {{.name = "r", .on = "*", .revoke = copy}};
        struct rules *r = rules_of(list, 1);
        size_t iter = 0;
        CLEANUP(buf_fini) struct buf out;
        buf_init(&out, sizeof text - 1);
        enum status s = rule_resource(rules_match(r, SPAN("t"), SPAN("a"), &iter), item, &out, e);
        rules_free(r);
        if (s != STATUS_OK) {
                assert_int_equal(s, STATUS_INVALID);
                return NULL;
        }
        snprintf(text, sizeof text, "%s", out.data);
        return text;
}

static void test_a_resource_is_made_of_the_items_values(void **state)
{
        (void)state;
        struct rule_item item = {
                .data = SPAN("{\"document_id\":\"d-1.~_Z\",\"n\":42,\"a\":{\"b\":{\"c\":\"deep\"}},"
                             "\"esc\":\"\\u0061b\",\"d\":\"first\",\"d\":\"last\"}"),
                .external_id = SPAN("e1"),
                .type = SPAN("document.done"),
                .app = SPAN("acme"),
                .user_number = 7,
        };
        static const struct {
                const char *revoke, *want;
        } cases[] = {
                {"documents/{data.document_id}", "documents/d-1.~_Z"},
                {"/documents/{data.document_id}/", "documents/d-1.~_Z"},
                {"inboxes/{app}/documents/{id}", "inboxes/acme/documents/e1"},
                {"documents/{data.n}", "documents/42"},
                {"documents/{data.a.b.c}", "documents/deep"},
                {"documents/{data.esc}", "documents/ab"},
                {"documents/{data.d}", "documents/last"},
                {"users/{user_id}", "users/7"},
                {"x/{type}", "x/document.done"},
                {"documents/fixed", "documents/fixed"},
                {"documents/pre-{id}-{data.n}", "documents/pre-e1-42"},
        };
        for (size_t i = 0; i < LENGTH(cases); i++) {
                struct error e;
                const char *got = resource(cases[i].revoke, &item, &e);
                if (!got)
                        fail_msg("%s: %s", cases[i].revoke, e.text);
                assert_string_equal(got, cases[i].want);
        }
}

static void test_what_is_missing_or_is_no_name_is_refused(void **state)
{
        (void)state;
        char long_text[300], escaped[300];
        snprintf(long_text, sizeof long_text, "{\"v\":\"%0129d\"}", 0);
        snprintf(escaped, sizeof escaped, "{\"v\":\"\\u0061%0128d\"}", 0);
        const char *const bad[] = {
                "{}",
                "[]",
                "null",
                "false",
                "0",
                "{\"v\":null}",
                "{\"v\":true}",
                "{\"v\":{}}",
                "{\"v\":[1]}",
                "{\"v\":1.5}",
                "{\"v\":1e3}",
                "{\"v\":\"\"}",
                "{\"v\":\"*\"}",
                "{\"v\":\"a/b\"}",
                "{\"v\":\"a b\"}",
                "{\"v\":\"a:b\"}",
                "{\"v\":\"\\u0000\"}",
                "{\"v\":\"a\\u0000\"}",
                "{\"v\":\"\\u00e4\"}",
                "{\"w\":\"x\"}",
                "{\"v\":\"../..\"}",
                "{\"v.w\":\"x\"}",
                long_text,
                escaped,
        };
        for (size_t i = 0; i < LENGTH(bad); i++) {
                struct rule_item item = {.data = span_of(bad[i]), .type = SPAN("t")};
                struct error e;
                if (resource("documents/{data.v}", &item, &e))
                        fail_msg("taken: %s", bad[i]);
                assert_string_equal(e.where, "data.v");
                assert_non_null(strstr(e.text, "{data.v}"));
        }
        struct rule_item none = {.type = SPAN("t")};
        assert_null(resource("documents/{data.v}", &none, NULL));
        assert_null(resource("documents/{id}", &none, NULL));
        assert_null(resource("users/{user_id}", &none, NULL));
        struct rule_item pattern = {.external_id = SPAN("*"), .type = SPAN("t")};
        assert_null(resource("documents/{id}", &pattern, NULL));
}

static void test_a_rule_that_cannot_be_is_refused_with_its_line(void **state)
{
        (void)state;
        static const struct config_rule bad[] = {
                {.on = NULL, .revoke = "documents/{id}"},
                {.on = "", .revoke = "documents/{id}"},
                {.on = "a*b", .revoke = "documents/{id}"},
                {.on = "**", .revoke = "documents/{id}"},
                {.on = "a", .revoke = NULL},
                {.on = "a", .revoke = ""},
                {.on = "a", .revoke = "/"},
                {.on = "a", .revoke = "documents//{id}"},
                {.on = "a", .revoke = "documents/*"},
                {.on = "a", .revoke = "{id}"},
                {.on = "a", .revoke = "/{id}/x"},
                {.on = "a", .revoke = "doc{id}/x"},
                {.on = "a", .revoke = "documents/{id"},
                {.on = "a", .revoke = "documents/id}"},
                {.on = "a", .revoke = "documents/{}"},
                {.on = "a", .revoke = "documents/{nothing}"},
                {.on = "a", .revoke = "documents/{data}"},
                {.on = "a", .revoke = "documents/{data.}"},
                {.on = "a", .revoke = "documents/{data.a..b}"},
                {.on = "a", .revoke = "documents/{data.a.}"},
                {.on = "a", .revoke = "documents/{data.a b}"},
                {.on = "a", .revoke = "documents/{id}", .requires = "Not A Scope"},
                {.on = "a", .revoke = "documents/{id}", .requires = "document:is:done"},
        };
        for (size_t i = 0; i < LENGTH(bad); i++) {
                struct config_rule list[] = {DONE, bad[i]};
                list[1].name = (char *)"wrong";
                list[1].line = 77;
                struct config c = {.path = "/etc/c.conf", .rules = list, .n_rules = 2};
                struct rules *r = NULL;
                struct error e;
                if (rules_new(&c, &r, &e) != STATUS_INVALID)
                        fail_msg("case %zu was taken", i);
                assert_null(r);
                assert_string_equal(e.where, "/etc/c.conf:77");
                assert_string_equal(e.slug, "invalid-rule");
                assert_non_null(strstr(e.text, "wrong"));
        }
}

static void test_scopes_have_the_grammar_of_linked_services(void **state)
{
        (void)state;
        static const char *const good[] = {"webhook", "read:user", "document:done",  ":",
                                           "_",       "a_b",       "abcdefghijklmno"};
        static const char *const bad[] = {
                "", "a:b:c", "a__b", "A", "a1", "a-b", "a b", "abcdefghijklmnop", "\xc3\xa4"};
        for (size_t i = 0; i < LENGTH(good); i++)
                assert_true(scope_is_valid(span_of(good[i])));
        for (size_t i = 0; i < LENGTH(bad); i++)
                assert_false(scope_is_valid(span_of(bad[i])));
        assert_false(scope_is_valid(SPAN_NONE));
        assert_false(scope_is_valid(SPAN("a\0b")));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_a_rule_matches_its_type_its_prefix_and_its_app),
                cmocka_unit_test(test_no_rules_match_nothing),
                cmocka_unit_test(test_a_resource_is_made_of_the_items_values),
                cmocka_unit_test(test_what_is_missing_or_is_no_name_is_refused),
                cmocka_unit_test(test_a_rule_that_cannot_be_is_refused_with_its_line),
                cmocka_unit_test(test_scopes_have_the_grammar_of_linked_services),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
