/* Standard Webhooks: signatures as its specification has them, on the raw bytes. */
#include "auth_rig.h"

#include <chatelaine/codec_text.h>

#define WRONG "wrong-signature"

static const struct app plain = {
        .key = KEY_WHSEC, .algorithm = APP_HMAC_SHA256, .strategy = APP_STANDARD};

struct post {
        const char *id, *timestamp, *signature, *body, *slug; /* NULL: as STANDARD_GOOD has it */
};

static const char *post_to(struct auth_rig *r, const struct post *p, struct auth_app *ret)
{
        struct request q = {
                .headers = {{"Webhook-Id", p->id ? p->id : "msg_1"},
                            {"Webhook-Timestamp", p->timestamp ? p->timestamp : "1800000000"},
                            {"Webhook-Signature", p->signature ? p->signature : STANDARD_GOOD}},
                .body = p->body ? p->body : BODY};
        struct request_view view = view_of(r, &q);
        memset(&r->err, 0, sizeof r->err);
        return answer(r, auth_standard(r->auth, r->loop, &view, span_of(p->slug ? p->slug : "acme"),
                                       ret, &r->who, &r->err));
}

static const char *post(struct auth_rig *r, const struct post *p)
{
        struct auth_app app;
        return post_to(r, p, &app);
}

static const char *signed_with(struct auth_rig *r, const char *signature)
{
        return post(r, &(struct post){.signature = signature});
}

static void test_what_the_specification_signs_is_let_in(void **state)
{
        AUTH_RIG(state);
        struct auth_app app;
        make_app(r, &plain);
        assert_string_equal(post_to(r, &(struct post){0}, &app), "");
        assert_false(app.has_user);
        assert_false(app.has_replay_digest);
        assert_true(span_is(app.webhook_id, "msg_1"));
        assert_int_equal(app.webhook_id_ends_at, T0 + 7 * DAY);
        assert_int_equal(app.mode, APP_SCOPE_SIGNATURE);
}

static void test_one_good_signature_of_several_is_enough(void **state)
{
        AUTH_RIG(state);
        make_app(r, &plain);
        assert_string_equal(signed_with(r, STANDARD_OTHER_KEY " " STANDARD_GOOD), "");
        assert_string_equal(signed_with(r, STANDARD_GOOD " " STANDARD_OTHER_KEY), "");
        assert_string_equal(signed_with(r, "v2,AAAA v1, v1 v1,= " STANDARD_GOOD), "");
}

static void test_other_versions_are_passed_over(void **state)
{
        AUTH_RIG(state);
        make_app(r, &plain);
        UNAUTHORIZED(signed_with(r, STANDARD_ED25519), WRONG); /* v1a is not of this key's kind */
        char text[] = STANDARD_GOOD;
        text[1] = '2';
        UNAUTHORIZED(signed_with(r, text), WRONG);
        text[0] = 'V', text[1] = '1';
        UNAUTHORIZED(signed_with(r, text), WRONG);
}

static void test_an_ed25519_app_signs_v1a(void **state)
{
        AUTH_RIG(state);
        make_app(r,
                 &(struct app){.key = KEY_PEM, .algorithm = APP_ED25519, .strategy = APP_STANDARD});
        assert_string_equal(signed_with(r, STANDARD_GOOD " " STANDARD_ED25519), "");
        UNAUTHORIZED(signed_with(r, STANDARD_GOOD), WRONG);
        UNAUTHORIZED(post(r, &(struct post){.signature = STANDARD_ED25519, .body = "{}"}), WRONG);
}

static void test_every_byte_of_the_body_is_signed(void **state)
{
        AUTH_RIG(state);
        make_app(r, &plain);
        UNAUTHORIZED(post(r, &(struct post){.body = BODY " "}), WRONG);
        UNAUTHORIZED(post(r, &(struct post){.body = ""}), WRONG);
        UNAUTHORIZED(post(r, &(struct post){.id = "msg_2"}), WRONG);
        UNAUTHORIZED(post(r, &(struct post){.timestamp = "1800000001"}), WRONG);
        UNAUTHORIZED(post(r, &(struct post){.timestamp = "01800000000"}), WRONG);
        UNAUTHORIZED(signed_with(r, STANDARD_OTHER_KEY), WRONG);
        UNAUTHORIZED(signed_with(r, "v1,AAAA"), WRONG); /* a MAC cut short */
}

static void test_missing_headers(void **state)
{
        AUTH_RIG(state);
        make_app(r, &plain);
        static const char *const names[] = {"webhook-id", "webhook-timestamp", "webhook-signature"};
        for (size_t i = 0; i < LENGTH(names); i++) {
                struct request q = {.body = BODY};
                for (size_t k = 0; k < LENGTH(names); k++)
                        if (k != i)
                                add_pair(q.headers, names[k], "1");
                struct request_view view = view_of(r, &q);
                struct auth_app app;
                assert_string_equal(answer(r, auth_standard(r->auth, r->loop, &view, SPAN("acme"),
                                                            &app, &r->who, &r->err)),
                                    "webhook-headers-missing");
                assert_int_equal(error_http(&r->err), 401);
        }
        assert_string_equal(post(r, &(struct post){.id = ""}), "webhook-headers-missing");
}

static void test_an_id_has_1_to_255_characters(void **state)
{
        AUTH_RIG(state);
        char id[257];
        make_app(r, &plain);
        memset(id, 'm', 256);
        id[256] = '\0';
        assert_string_equal(post(r, &(struct post){.id = id, .signature = STANDARD_TOO_LONG_ID}),
                            "webhook-headers-missing");
        id[255] = '\0';
        assert_string_equal(post(r, &(struct post){.id = id, .signature = STANDARD_LONGEST_ID}),
                            "");
}

static void test_an_unknown_app(void **state)
{
        AUTH_RIG(state);
        make_app(r, &plain);
        UNAUTHORIZED(post(r, &(struct post){.slug = "other"}), "app-not-found");
}

static void test_an_app_of_another_strategy(void **state)
{
        AUTH_RIG(state);
        make_app(r, &(struct app){.key = KEY_HEX,
                                  .algorithm = APP_HMAC_SHA256,
                                  .strategy = APP_SIGNATURE});
        UNAUTHORIZED(post(r, &(struct post){0}), "forbidden-strategy");
}

static void test_the_window_is_5_minutes_either_way(void **state)
{
        AUTH_RIG(state);
        make_app(r, &plain);
        static const struct post posts[] = {
                {.timestamp = "1799999700", .signature = STANDARD_5_MINUTES_AGO},
                {.timestamp = "1800000300", .signature = STANDARD_IN_5_MINUTES},
                {.timestamp = "1799999699", .signature = STANDARD_OVER_5_MINUTES_AGO},
                {.timestamp = "1800000301", .signature = STANDARD_IN_OVER_5_MINUTES},
                {.timestamp = "soon", .signature = STANDARD_NO_TIME},
                {.timestamp = "-1"},
                {.timestamp = "1800000000.0"},
                {.timestamp = "9223372036854775807"},
                {.timestamp = "18000000000000000000000"},
        };
        for (size_t i = 0; i < 2; i++)
                assert_string_equal(post(r, &posts[i]), "");
        for (size_t i = 2; i < LENGTH(posts); i++)
                UNAUTHORIZED(post(r, &posts[i]), "bad-timestamp");
}

static void test_an_agreement_app_needs_the_scope(void **state)
{
        AUTH_RIG(state);
        struct app app = plain;
        app.needs_agreement = true;
        app.scopes[0] = "read:user";
        make_app(r, &app);
        UNAUTHORIZED_APP(post(r, &(struct post){0}), "forbidden-scope");
        UNAUTHORIZED(signed_with(r, STANDARD_OTHER_KEY), WRONG);
}

static void test_both_keys_work_in_the_grace(void **state)
{
        AUTH_RIG(state);
        make_app(r, &plain);
        rotate_app(r, OTHER_KEY_HEX, APP_HMAC_SHA256, MINUTE);
        assert_string_equal(signed_with(r, STANDARD_GOOD), "");
        assert_string_equal(signed_with(r, STANDARD_OTHER_KEY), "");
        rig_advance(MINUTE);
        UNAUTHORIZED(signed_with(r, STANDARD_GOOD), WRONG);
        assert_string_equal(signed_with(r, STANDARD_OTHER_KEY), "");
}

static void test_a_second_scheme_beside_it_is_refused(void **state)
{
        AUTH_RIG(state);
        make_app(r, &plain);
        struct request q = {.headers = {{"webhook-id", "msg_1"},
                                        {"webhook-timestamp", "1800000000"},
                                        {"webhook-signature", STANDARD_GOOD},
                                        {"Authorization", "Basic YTpi"}},
                            .body = BODY};
        struct request_view view = view_of(r, &q);
        struct auth_app app;
        assert_string_equal(answer(r, auth_standard(r->auth, r->loop, &view, SPAN("acme"), &app,
                                                    &r->who, &r->err)),
                            "ambiguous-credentials");
        assert_int_equal(error_http(&r->err), 400);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                AUTH_TEST(test_what_the_specification_signs_is_let_in),
                AUTH_TEST(test_one_good_signature_of_several_is_enough),
                AUTH_TEST(test_other_versions_are_passed_over),
                AUTH_TEST(test_an_ed25519_app_signs_v1a),
                AUTH_TEST(test_every_byte_of_the_body_is_signed),
                AUTH_TEST(test_missing_headers),
                AUTH_TEST(test_an_id_has_1_to_255_characters),
                AUTH_TEST(test_an_unknown_app),
                AUTH_TEST(test_an_app_of_another_strategy),
                AUTH_TEST(test_the_window_is_5_minutes_either_way),
                AUTH_TEST(test_an_agreement_app_needs_the_scope),
                AUTH_TEST(test_both_keys_work_in_the_grace),
                AUTH_TEST(test_a_second_scheme_beside_it_is_refused),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
