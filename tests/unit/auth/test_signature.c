/* Signature: each row of linked-services' error table, and what Python signs. */
#include "auth_rig.h"

#include <chatelaine/codec_text.h>
#include <ctype.h>

#define WRONG "wrong-app-token"
#define WRONG_LEGACY "wrong-legacy-app-token"

static const struct app plain = {
        .key = KEY_HEX, .algorithm = APP_HMAC_SHA512, .strategy = APP_SIGNATURE};
static const struct signed_request *const good = &signed_requests[0]; /* BODY, nothing else */

static struct request request_of(const struct signed_request *v)
{
        struct request q = {.method = v->method, .body = v->body};
        memcpy(q.headers, v->headers, sizeof v->headers);
        memcpy(q.query, v->query, sizeof v->query);
        add_pair(q.headers, "Authorization", v->authorization);
        return q;
}

static const struct signed_request *vector(const char *name)
{
        for (size_t i = 0; i < LENGTH(signed_requests); i++)
                if (strcmp(signed_requests[i].name, name) == 0)
                        return &signed_requests[i];
        fail_msg("no vector \"%s\"", name);
        return NULL;
}

static const char *ask_for(struct auth_rig *r, struct request q, struct auth_app *ret)
{
        return ask(r, &q, "webhook", ret);
}

static const char *sign(struct auth_rig *r, const char *authorization)
{
        return ask_with(r, authorization, BODY);
}

static void test_what_python_signs_is_let_in(void **state)
{
        AUTH_RIG(state);
        make_app(r, &plain);
        for (size_t i = 0; i < LENGTH(signed_requests); i++) {
                struct auth_app app;
                const char *slug = ask_for(r, request_of(&signed_requests[i]), &app);
                if (*slug)
                        fail_msg("%s: %s", signed_requests[i].name, slug);
                assert_false(app.has_user);
                assert_int_equal(app.mode, APP_SCOPE_SIGNATURE);
        }
}

static void test_an_app_of_sha256_signs_with_that(void **state)
{
        AUTH_RIG(state);
        make_app(r, &(struct app){.key = KEY_HEX,
                                  .algorithm = APP_HMAC_SHA256,
                                  .strategy = APP_SIGNATURE});
        assert_string_equal(sign(r, SIGNATURE_SHA256), "");
        UNAUTHORIZED(sign(r, good->authorization), WRONG);
}

/* ---- the table ---- */

static void test_row_5_app_not_found(void **state)
{
        AUTH_RIG(state);
        UNAUTHORIZED(sign(r, good->authorization), "app-not-found");
}

static void test_row_6_forbidden_scope(void **state)
{
        AUTH_RIG(state);
        make_app(r, &(struct app){.key = KEY_HEX,
                                  .algorithm = APP_HMAC_SHA512,
                                  .strategy = APP_SIGNATURE,
                                  .needs_agreement = true,
                                  .scopes = {"read:user"},
                                  .optional = {"webhook"}});
        struct request q = request_of(good);
        struct auth_app app;
        assert_string_equal(ask(r, &q, "read:user", &app), "");
        assert_string_equal(ask(r, &q, "webhook", &app), ""); /* optional ones count */
        UNAUTHORIZED_APP(ask(r, &q, "read:other", &app), "forbidden-scope");
}

static void test_row_7_forbidden_strategy(void **state)
{
        AUTH_RIG(state);
        make_app(r, &(struct app){.key = KEY_HEX, .algorithm = APP_HMAC_SHA512});
        UNAUTHORIZED(sign(r, good->authorization), "forbidden-strategy");
}

static void test_row_8_algorithm_not_implemented(void **state)
{
        AUTH_RIG(state);
        make_app(r, &(struct app){
                            .key = KEY_PEM, .algorithm = APP_ED25519, .strategy = APP_SIGNATURE});
        REFUSED(sign(r, good->authorization), "algorithm-not-implemented", 401,
                "Algorithm not implemented");
}

static void test_row_9_wrong_app_token(void **state)
{
        AUTH_RIG(state);
        make_app(r, &plain);
        UNAUTHORIZED(sign(r, SIGNATURE_OTHER_KEY), WRONG);
        UNAUTHORIZED(sign(r, SIGNATURE_SHA256), WRONG);
        UNAUTHORIZED(ask_with(r, good->authorization, "{}"), WRONG);
        UNAUTHORIZED(
                sign(r, "Signature App=acme,Nonce=,SignedHeaders=,Date=2027-01-15T08:00:00+00:00"),
                WRONG);
}

static void test_row_9_wrong_legacy_app_token(void **state)
{
        AUTH_RIG(state);
        make_app(r, &plain);
        rotate_app(r, OTHER_KEY_HEX, APP_HMAC_SHA512, MINUTE);
        UNAUTHORIZED(sign(r, SIGNATURE_SHA256), WRONG_LEGACY);
        rig_advance(MINUTE);
        UNAUTHORIZED(sign(r, SIGNATURE_SHA256), WRONG);
}

static void test_row_10_bad_timestamp(void **state)
{
        AUTH_RIG(state);
        make_app(r, &plain);
        assert_string_equal(sign(r, SIGNATURE_2_MINUTES_AGO), "");
        assert_string_equal(sign(r, SIGNATURE_IN_2_MINUTES), "");
        UNAUTHORIZED(sign(r, SIGNATURE_OVER_2_MINUTES_AGO), "bad-timestamp");
        UNAUTHORIZED(sign(r, SIGNATURE_IN_OVER_2_MINUTES), "bad-timestamp");
        UNAUTHORIZED(sign(r, SIGNATURE_NO_DATE), "bad-timestamp");
        rig_advance(2 * MINUTE);
        assert_string_equal(sign(r, good->authorization), "");
        rig_advance(1);
        UNAUTHORIZED(sign(r, good->authorization), "bad-timestamp");
        UNAUTHORIZED(sign(r, SIGNATURE_SHA256), WRONG); /* row 9 goes first */
}

static void test_an_earlier_row_goes_first(void **state)
{
        AUTH_RIG(state);
        make_app(r, &(struct app){
                            .key = KEY_HEX, .algorithm = APP_HMAC_SHA512, .needs_agreement = true});
        UNAUTHORIZED(sign(r, SIGNATURE_OTHER_KEY), "forbidden-scope"); /* before the strategy */
        struct app_delete *c;
        OK(app_delete_new(r->base.domain, NULL, &c, &f->err));
        c->slug = SPAN("acme");
        OK(rig_run(&r->base, &c->base));
        domain_command_free(&c->base);
        UNAUTHORIZED(sign(r, SIGNATURE_OTHER_KEY), "app-not-found");
}

/* ---- all that is signed counts ---- */

static void test_whatever_changes_the_mac_fails(void **state)
{
        AUTH_RIG(state);
        const struct signed_request *v = vector("headers in the order of arrival");
        struct auth_app app;
        make_app(r, &plain);

        struct request q = request_of(v);
        q.method = "PUT";
        UNAUTHORIZED(ask_for(r, q, &app), WRONG);
        q = request_of(v);
        q.body = "{\"id\":8}";
        UNAUTHORIZED(ask_for(r, q, &app), WRONG);
        q = request_of(v);
        add_pair(q.query, "a", "1");
        UNAUTHORIZED(ask_for(r, q, &app), WRONG);
        q = request_of(v);
        q.headers[0].value = "3";
        UNAUTHORIZED(ask_for(r, q, &app), WRONG);
        q = request_of(v); /* another order */
        q.headers[0] = v->headers[1];
        q.headers[1] = v->headers[0];
        UNAUTHORIZED(ask_for(r, q, &app), WRONG);
        q = request_of(v); /* one more whose name is in SignedHeaders */
        add_pair(q.headers, "X-A", "");
        UNAUTHORIZED(ask_for(r, q, &app), WRONG);
        q = request_of(v); /* what is not signed may come and go */
        add_pair(q.headers, "Via", "1.1 proxy");
        assert_string_equal(ask_for(r, q, &app), "");
}

static void test_the_nonce_is_lower_case_hex_and_whole(void **state)
{
        AUTH_RIG(state);
        static const char head[] = "Signature App=acme,Nonce=";
        make_app(r, &plain);
        char text[512];
        snprintf(text, sizeof text, "%s", good->authorization);
        for (char *at = text + strlen(head); *at != ','; at++)
                *at = (char)toupper((unsigned char)*at);
        UNAUTHORIZED(sign(r, text), WRONG);
        snprintf(text, sizeof text, "%.*s%s", (int)(sizeof head - 1 + 64), good->authorization,
                 strstr(good->authorization, ",SignedHeaders"));
        UNAUTHORIZED(sign(r, text), WRONG);
}

static void test_a_body_that_is_no_json_is_said_to_be_none(void **state)
{
        AUTH_RIG(state);
        char deep[200];
        make_app(r, &plain);
        assert_string_equal(ask_with(r, good->authorization, "{\"a\":}"), "invalid-json");
        assert_int_equal(error_http(&r->err), 400);
        assert_string_equal(ask_with(r, good->authorization, " "), "invalid-json");
        assert_string_equal(ask_with(r, good->authorization, "{\"a\":NaN}"), "invalid-json");
        memset(deep, '[', 33);
        memset(deep + 33, ']', 33);
        deep[66] = '\0';
        assert_string_equal(ask_with(r, good->authorization, deep), "too-deep");
        assert_int_equal(error_http(&r->err), 400);
        deep[65] = '\0'; /* 32 deep is allowed: the MAC is what is wrong */
        UNAUTHORIZED(ask_with(r, good->authorization, deep + 1), WRONG);
}

static void test_parameters_and_signed_headers_are_bounded(void **state)
{
        AUTH_RIG(state);
        struct auth_app app;
        make_app(r, &plain);
        struct request q = request_of(good);
        for (size_t i = 0; i < 256; i++)
                add_pair(q.query, "a", "1");
        UNAUTHORIZED(ask_for(r, q, &app), WRONG);
        add_pair(q.query, "a", "1");
        assert_string_equal(ask_for(r, q, &app), "too-many-parameters");
        assert_int_equal(error_http(&r->err), 400);

        q = request_of(vector("a header"));
        for (size_t i = 0; i < 99; i++)
                add_pair(q.headers, "Content", "1");
        UNAUTHORIZED(ask_for(r, q, &app), WRONG);
        add_pair(q.headers, "Type", "1");
        assert_string_equal(ask_for(r, q, &app), "too-many-headers");
        assert_int_equal(error_http(&r->err), 400);
}

/* ---- what Chatelaine does ---- */

static void test_the_mac_s_first_half_is_remembered_for_4_minutes(void **state)
{
        AUTH_RIG(state);
        struct auth_app app;
        uint8_t nonce[16];
        make_app(r, &plain);
        assert_string_equal(ask_for(r, request_of(good), &app), "");
        assert_true(hex_decode_exact(nonce, sizeof nonce,
                                     span_make(strstr(good->authorization, "Nonce=") + 6, 32)));
        assert_true(app.has_replay_digest);
        assert_memory_equal(app.replay_digest, nonce, sizeof nonce);
        assert_int_equal(app.replay_ends_at, T0 + 4 * MINUTE);
}

static void test_an_app_whose_sender_retries_is_not_guarded(void **state)
{
        AUTH_RIG(state);
        struct auth_app app;
        make_app(r, &(struct app){.key = KEY_HEX,
                                  .algorithm = APP_HMAC_SHA512,
                                  .strategy = APP_SIGNATURE,
                                  .is_unguarded = true});
        assert_string_equal(ask_for(r, request_of(good), &app), "");
        assert_false(app.has_replay_digest);
}

static void test_both_keys_work_in_the_grace(void **state)
{
        AUTH_RIG(state);
        make_app(r, &plain);
        rotate_app(r, OTHER_KEY_HEX, APP_HMAC_SHA256, MINUTE);
        assert_string_equal(sign(r, good->authorization), "");
        assert_string_equal(sign(r, SIGNATURE_OTHER_KEY_SHA256), "");
        UNAUTHORIZED(sign(r, SIGNATURE_OTHER_KEY), WRONG_LEGACY);
        rig_advance(MINUTE);
        UNAUTHORIZED(sign(r, good->authorization), WRONG);
        assert_string_equal(sign(r, SIGNATURE_OTHER_KEY_SHA256), "");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                AUTH_TEST(test_what_python_signs_is_let_in),
                AUTH_TEST(test_an_app_of_sha256_signs_with_that),
                AUTH_TEST(test_row_5_app_not_found),
                AUTH_TEST(test_row_6_forbidden_scope),
                AUTH_TEST(test_row_7_forbidden_strategy),
                AUTH_TEST(test_row_8_algorithm_not_implemented),
                AUTH_TEST(test_row_9_wrong_app_token),
                AUTH_TEST(test_row_9_wrong_legacy_app_token),
                AUTH_TEST(test_row_10_bad_timestamp),
                AUTH_TEST(test_an_earlier_row_goes_first),
                AUTH_TEST(test_whatever_changes_the_mac_fails),
                AUTH_TEST(test_the_nonce_is_lower_case_hex_and_whole),
                AUTH_TEST(test_a_body_that_is_no_json_is_said_to_be_none),
                AUTH_TEST(test_parameters_and_signed_headers_are_bounded),
                AUTH_TEST(test_the_mac_s_first_half_is_remembered_for_4_minutes),
                AUTH_TEST(test_an_app_whose_sender_retries_is_not_guarded),
                AUTH_TEST(test_both_keys_work_in_the_grace),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
