/* The Authorization header of an app: rows 1 to 4 of linked-services' error table. */
#include "auth_rig.h"

#include "auth/header.h"

#define UNKNOWN "unknown-auth-schema"
#define UNKNOWN_TEXT "Unknown auth schema or this schema is forbidden"
#define MALFORMED "authorization-header-malformed"
#define BAD_SCHEMA "authorization-header-bad-schema"

static const char *parse(struct auth_rig *r, const char *value)
{
        struct app_header h;
        memset(&r->err, 0, sizeof r->err);
        return answer(r, app_header_parse(span_of(value), &h, &r->err));
}

static void each(struct auth_rig *r, const char *const *values, const char *slug)
{
        for (size_t i = 0; values[i]; i++) {
                const char *got = parse(r, values[i]);
                if (strcmp(got, slug) != 0)
                        fail_msg("\"%s\" is answered \"%s\"", values[i], got);
                assert_int_equal(error_http(&r->err), 401);
        }
}

static void is(struct span got, const char *text)
{
        assert_true(span_is(got, text));
}

static void test_the_parts_are_given_as_they_are_sent(void **state)
{
        (void)state;
        struct app_header h;
        assert_int_equal(app_header_parse(SPAN("Link App=acme,Token=a.b.c"), &h, NULL), STATUS_OK);
        assert_int_equal(h.scheme, APP_SCHEME_LINK);
        is(h.app, "acme");
        is(h.token, "a.b.c");
        assert_int_equal(
                app_header_parse(SPAN("Signature App=acme,Nonce=0f,SignedHeaders=Host;X-A,Date=d"),
                                 &h, NULL),
                STATUS_OK);
        assert_int_equal(h.scheme, APP_SCHEME_SIGNATURE);
        is(h.app, "acme");
        is(h.nonce, "0f");
        is(h.signed_headers, "Host;X-A");
        is(h.date, "d");
}

static void test_the_order_is_free_and_the_last_of_a_name_counts(void **state)
{
        (void)state;
        struct app_header h;
        assert_int_equal(app_header_parse(SPAN("Link Token=t,App=a,Token=u"), &h, NULL), STATUS_OK);
        is(h.app, "a");
        is(h.token, "u");
        assert_int_equal(
                app_header_parse(SPAN("Signature Date=d,SignedHeaders=,App=,Nonce=n,Date=e"), &h,
                                 NULL),
                STATUS_OK);
        is(h.app, "");
        is(h.signed_headers, "");
        is(h.date, "e");
}

static void test_no_space_is_cut_off(void **state)
{
        (void)state;
        struct app_header h;
        assert_int_equal(app_header_parse(SPAN("Link App= a ,Token=t"), &h, NULL), STATUS_OK);
        is(h.app, " a ");
}

static void test_row_1_no_authorization_header(void **state)
{
        AUTH_RIG(state);
        struct request q = {.headers = {{"Content-Type", "application/json"}}};
        struct auth_app app;
        UNAUTHORIZED(ask(r, &q, "webhook", &app), "no-authorization-header");
        UNAUTHORIZED(ask_with(r, "", NULL), "no-authorization-header");
        add_pair(q.headers, "X-API-Key", "ctl_x");
        UNAUTHORIZED(ask(r, &q, "webhook", &app), "no-authorization-header");
}

static void test_row_2_unknown_auth_schema(void **state)
{
        AUTH_RIG(state);
        static const char *const values[] = {
                "Basic YTpi", "Bearer x",  "link App=a,Token=t", "LINK App=a",          "LinkApp=a",
                "Link",       "Signature", "signature App=",     " Link App=a,Token=t", "Token abc",
                "x",          NULL};
        REFUSED(parse(r, "Linked App=a,Token=t"), UNKNOWN, 401, UNKNOWN_TEXT);
        each(r, values, UNKNOWN);
}

static void test_row_3_authorization_header_malformed(void **state)
{
        AUTH_RIG(state);
        static const char *const values[] = {"Link ",
                                             "Link App",
                                             "Link App=a,Token",
                                             "Link App=a,Token=t,",
                                             "Link ,App=a,Token=t",
                                             "Link App=a,,Token=t",
                                             "Link App=a,Token=t=",
                                             "Link App==a,Token=t",
                                             "Link Other=1,App",
                                             "Signature App=a,Nonce=n,SignedHeaders=,Date=1=2",
                                             NULL};
        UNAUTHORIZED(parse(r, "Link App=a Token=t"), MALFORMED);
        each(r, values, MALFORMED);
}

static void test_row_4_authorization_header_bad_schema(void **state)
{
        AUTH_RIG(state);
        static const char *const values[] = {"Link =",
                                             "Link App=a",
                                             "Link Token=t",
                                             "Link App=a,Token=t,Date=d",
                                             "Link app=a,token=t",
                                             "Link App=a, Token=t",
                                             "Link  App=a,Token=t",
                                             "Link App=a,Nonce=n,SignedHeaders=h,Date=d",
                                             "Signature App=a,Token=t",
                                             "Signature App=a,Nonce=n,SignedHeaders=h",
                                             "Signature App=a,Nonce=n,Date=d",
                                             "Signature App=a,Nonce=n,SignedHeaders=h,Date=d,X=",
                                             NULL};
        UNAUTHORIZED(parse(r, "Link App=a,Tokens=t"), BAD_SCHEMA);
        each(r, values, BAD_SCHEMA);
}

static void test_two_headers_are_refused_whichever_is_good(void **state)
{
        AUTH_RIG(state);
        make_app(r, &(struct app){.key = KEY_HEX, .algorithm = APP_HMAC_SHA512});
        struct request twice = {
                .headers = {{"Authorization", LINK_GOOD}, {"AUTHORIZATION", LINK_GOOD}}};
        struct request empty = {.headers = {{"Authorization", ""}, {"Authorization", LINK_GOOD}}};
        struct auth_app app;
        UNAUTHORIZED(ask(r, &twice, "webhook", &app), MALFORMED);
        UNAUTHORIZED(ask(r, &empty, "webhook", &app), MALFORMED);
}

static void test_a_second_scheme_beside_it_is_refused(void **state)
{
        AUTH_RIG(state);
        make_app(r, &(struct app){.key = KEY_HEX, .algorithm = APP_HMAC_SHA512});
        struct request q = {.headers = {{"Authorization", LINK_GOOD}, {"x-api-key", "ctl_x"}}};
        struct auth_app app;
        assert_string_equal(ask(r, &q, "webhook", &app), "ambiguous-credentials");
        assert_int_equal(error_http(&r->err), 400);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_the_parts_are_given_as_they_are_sent),
                cmocka_unit_test(test_the_order_is_free_and_the_last_of_a_name_counts),
                cmocka_unit_test(test_no_space_is_cut_off),
                AUTH_TEST(test_row_1_no_authorization_header),
                AUTH_TEST(test_row_2_unknown_auth_schema),
                AUTH_TEST(test_row_3_authorization_header_malformed),
                AUTH_TEST(test_row_4_authorization_header_bad_schema),
                AUTH_TEST(test_two_headers_are_refused_whichever_is_good),
                AUTH_TEST(test_a_second_scheme_beside_it_is_refused),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
