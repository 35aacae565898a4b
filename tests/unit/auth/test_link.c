/* Link: each row of linked-services' error table, and what Chatelaine does where that has a bug. */
#include "auth_rig.h"

#define WRONG "wrong-app-token"
#define WRONG_LEGACY "wrong-legacy-app-token"

static const struct app plain = {.key = KEY_HEX, .algorithm = APP_HMAC_SHA512};
static const struct app agreeing = {.key = KEY_HEX,
                                    .algorithm = APP_HMAC_SHA512,
                                    .needs_agreement = true,
                                    .scopes = {"read:user"},
                                    .optional = {"webhook"}};

static const char *link_(struct auth_rig *r, const char *authorization)
{
        return ask_with(r, authorization, NULL);
}

static void test_what_pyjwt_signs_is_let_in(void **state)
{
        AUTH_RIG(state);
        make_app(r, &plain);
        struct request q = {.headers = {{"authorization", LINK_USER_7}}};
        struct auth_app app;
        assert_string_equal(ask(r, &q, "webhook", &app), "");
        assert_true(app.has_user);
        assert_int_equal(app.user_number, 7);
        assert_int_equal(app.mode, APP_SCOPE_LINK);
        assert_true(app.scopes.is_all);
        assert_false(app.has_replay_digest);
        assert_null(app.webhook_id.p);
        assert_int_equal(r->who.kind, CALLER_APP);
        assert_string_equal(r->who.id, "acme");
        assert_int_equal(r->who.app_id, app.app.id);
        assert_int_equal(r->who.app_version, app.app.version);
}

static void lets_in(struct auth_rig *r, const char *authorization, bool has_user, int64_t number)
{
        struct request q = {.headers = {{"Authorization", authorization}}};
        struct auth_app app;
        assert_string_equal(ask(r, &q, "webhook", &app), "");
        assert_int_equal(app.has_user, has_user);
        assert_int_equal(app.user_number, number);
}

static void test_sub_is_empty_or_an_integer_or_its_text(void **state)
{
        AUTH_RIG(state);
        make_app(r, &plain);
        lets_in(r, LINK_GOOD, false, 0);
        lets_in(r, LINK_USER_7, true, 7);
        lets_in(r, LINK_USER_7_AS_INTEGER, true, 7);
        lets_in(r, LINK_USER_0, false, 0);
}

static void test_the_audience_may_be_one_of_a_list(void **state)
{
        AUTH_RIG(state);
        make_app(r, &plain);
        lets_in(r, LINK_AUD_LIST, false, 0);
}

static void test_clocks_may_differ_by_2_seconds(void **state)
{
        AUTH_RIG(state);
        make_app(r, &plain);
        lets_in(r, LINK_IAT_IN_2_SECONDS, false, 0);
        lets_in(r, LINK_NBF_IN_2_SECONDS, false, 0);
        UNAUTHORIZED(link_(r, LINK_IAT_IN_3_SECONDS), WRONG);
        UNAUTHORIZED(link_(r, LINK_NBF_IN_3_SECONDS), WRONG);
}

static void test_the_app_s_algorithm_decides_never_the_token_s(void **state)
{
        AUTH_RIG(state);
        make_app(r, &(struct app){.key = KEY_HEX, .algorithm = APP_HMAC_SHA256});
        lets_in(r, LINK_HS256, false, 0);
        UNAUTHORIZED(link_(r, LINK_GOOD), WRONG);
        UNAUTHORIZED(link_(r, LINK_EDDSA), WRONG);
        UNAUTHORIZED(link_(r, LINK_ALG_NONE), WRONG);
}

static void test_an_ed25519_app_is_checked_with_its_public_key(void **state)
{
        AUTH_RIG(state);
        make_app(r, &(struct app){.key = KEY_PEM, .algorithm = APP_ED25519});
        lets_in(r, LINK_EDDSA, false, 0);
        UNAUTHORIZED(link_(r, LINK_PUBLIC_KEY_AS_SECRET), WRONG);
        UNAUTHORIZED(link_(r, LINK_GOOD), WRONG);
}

/* ---- the table ---- */

static void test_row_5_app_not_found(void **state)
{
        AUTH_RIG(state);
        UNAUTHORIZED(link_(r, LINK_GOOD), "app-not-found");
        make_app(r, &plain);
        UNAUTHORIZED(link_(r, "Link App=ACME,Token=x"), "app-not-found");
        UNAUTHORIZED(link_(r, "Link App=,Token=x"), "app-not-found");
        struct app_delete *c;
        OK(app_delete_new(r->base.domain, NULL, &c, &f->err));
        c->slug = SPAN("acme");
        assert_string_equal(link_(r, LINK_GOOD), "");
        OK(rig_run(&r->base, &c->base));
        domain_command_free(&c->base);
        UNAUTHORIZED(link_(r, LINK_GOOD), "app-not-found");
}

static void test_row_7_authorization_header_forbidden_strategy(void **state)
{
        AUTH_RIG(state);
        make_app(r, &(struct app){.key = KEY_HEX,
                                  .algorithm = APP_HMAC_SHA512,
                                  .strategy = APP_SIGNATURE,
                                  .needs_agreement = true});
        UNAUTHORIZED(link_(r, LINK_GOOD), "authorization-header-forbidden-strategy");
        UNAUTHORIZED(link_(r, LINK_OTHER_KEY), "authorization-header-forbidden-strategy");
}

static void test_row_8_wrong_app_token(void **state)
{
        AUTH_RIG(state);
        static const char *const wrong[] = {
                LINK_OTHER_KEY,         LINK_HS256,
                LINK_ALG_NONE,          LINK_EDDSA,
                LINK_AUD_OTHER,         LINK_AUD_MISSING,
                LINK_APP_OTHER,         LINK_APP_MISSING,
                LINK_SUB_MISSING,       LINK_SUB_NULL,
                LINK_SUB_NO_NUMBER,     LINK_SUB_FRACTION,
                LINK_SUB_NEGATIVE,      LINK_SUB_TOO_LARGE,
                LINK_EXP_NOW,           LINK_EXP_TEXT,
                "Link App=acme,Token=", "Link App=acme,Token=x.y.z",
        };
        make_app(r, &plain);
        for (size_t i = 0; i < LENGTH(wrong); i++) {
                struct error recorded;
                UNAUTHORIZED(link_(r, wrong[i]), WRONG);
                auth_on_record(&r->err, &recorded);
                assert_string_equal(recorded.slug,
                                    strcmp(wrong[i], LINK_EXP_NOW) == 0 ? "expired" : WRONG);
        }
}

static void test_row_8_a_changed_token_is_a_wrong_app_token(void **state)
{
        AUTH_RIG(state);
        make_app(r, &plain);
        char text[] = LINK_GOOD;
        for (size_t i = strlen("Link App=acme,Token="); i < sizeof text - 1; i += 7) {
                char was = text[i];
                text[i] = was == 'A' ? 'B' : 'A';
                UNAUTHORIZED(link_(r, text), WRONG);
                text[i] = was;
        }
        assert_string_equal(link_(r, text), "");
}

static void test_row_8_wrong_legacy_app_token(void **state)
{
        AUTH_RIG(state);
        make_app(r, &plain);
        rotate_app(r, KEY_PEM, APP_ED25519, MINUTE);
        UNAUTHORIZED(link_(r, LINK_OTHER_KEY), WRONG_LEGACY);
        UNAUTHORIZED(link_(r, LINK_AUD_OTHER), WRONG); /* a good key's: the claims are wrong */
        rig_advance(MINUTE);
        UNAUTHORIZED(link_(r, LINK_OTHER_KEY), WRONG);
}

static void test_row_9_agreement_not_accepted(void **state)
{
        AUTH_RIG(state);
        make_app(r, &agreeing);
        REFUSED_APP(link_(r, LINK_USER_7), "agreement-not-accepted", 400,
                    "User has not accepted the agreement");
        agree(r, 8, "webhook");
        REFUSED_APP(link_(r, LINK_USER_7), "agreement-not-accepted", 400,
                    "User has not accepted the agreement");
        REFUSED_APP(link_(r, LINK_USER_7_AS_INTEGER), "agreement-not-accepted", 400,
                    "User has not accepted the agreement");
}

static void test_row_10_forbidden_scope(void **state)
{
        AUTH_RIG(state);
        make_app(r, &agreeing);
        agree(r, 7, NULL);
        UNAUTHORIZED_APP(link_(r, LINK_USER_7), "forbidden-scope");
        struct request q = {.headers = {{"Authorization", LINK_USER_7}}};
        struct auth_app app;
        assert_string_equal(ask(r, &q, "read:user", &app), "");
        UNAUTHORIZED_APP(ask(r, &q, "read:other", &app), "forbidden-scope");
}

static void test_row_11_expired(void **state)
{
        AUTH_RIG(state);
        make_app(r, &plain);
        REFUSED(link_(r, LINK_EXP_MISSING), "expired", 401, "Expired token");
}

static void test_an_earlier_row_goes_first(void **state)
{
        AUTH_RIG(state);
        make_app(r, &agreeing);
        UNAUTHORIZED(link_(r, LINK_OTHER_KEY_EXPIRED), WRONG);
        REFUSED(link_(r, LINK_EXP_MISSING_USER_8), "agreement-not-accepted", 400,
                "User has not accepted the agreement");
        agree(r, 8, NULL);
        UNAUTHORIZED(link_(r, LINK_EXP_MISSING_USER_8), "forbidden-scope");
        agree(r, 8, "webhook");
        REFUSED(link_(r, LINK_EXP_MISSING_USER_8), "expired", 401, "Expired token");
}

/* ---- what Chatelaine does ---- */

static void test_a_past_exp_is_recorded_as_expired(void **state)
{
        AUTH_RIG(state);
        struct error recorded;
        make_app(r, &plain);
        lets_in(r, LINK_EXP_IN_A_MOMENT, false, 0);
        rig_advance(500);
        UNAUTHORIZED(link_(r, LINK_EXP_IN_A_MOMENT), WRONG);
        auth_on_record(&r->err, &recorded);
        assert_string_equal(recorded.slug, "expired");
        assert_string_equal(recorded.text, "Expired token");
        assert_int_equal(error_http(&recorded), 401);
        UNAUTHORIZED(link_(r, LINK_OTHER_KEY_EXPIRED), WRONG); /* nobody's token */
        auth_on_record(&r->err, &recorded);
        assert_string_equal(recorded.slug, WRONG);
}

static void test_an_agreement_app_without_sub_has_its_required_scopes(void **state)
{
        AUTH_RIG(state);
        make_app(r, &agreeing);
        UNAUTHORIZED_APP(link_(r, LINK_GOOD), "forbidden-scope");
        UNAUTHORIZED_APP(link_(r, LINK_USER_0), "forbidden-scope");
        struct request q = {.headers = {{"Authorization", LINK_GOOD}}};
        struct auth_app app;
        assert_string_equal(ask(r, &q, "read:user", &app), "");
        assert_false(app.scopes.is_all);
}

static void test_an_optional_scope_that_the_user_granted_counts(void **state)
{
        AUTH_RIG(state);
        make_app(r, &agreeing);
        agree(r, 7, "webhook");
        lets_in(r, LINK_USER_7, true, 7);
        agree(r, 7, NULL);
        UNAUTHORIZED_APP(link_(r, LINK_USER_7), "forbidden-scope");
}

static void test_a_scope_for_some_webhooks_is_enough_to_come_in(void **state)
{
        AUTH_RIG(state);
        make_app(r, &(struct app){.key = KEY_HEX,
                                  .algorithm = APP_HMAC_SHA512,
                                  .needs_agreement = true,
                                  .scopes = {"webhook:invoice"}});
        struct request q = {.headers = {{"Authorization", LINK_GOOD}}};
        struct auth_app app;
        assert_string_equal(ask(r, &q, "webhook", &app), "");
        assert_true(app_scopes_cover_type(&app.scopes, SPAN("invoice.paid")));
        assert_false(app_scopes_cover_type(&app.scopes, SPAN("user.created")));
}

static void test_the_old_key_works_with_its_algorithm_until_the_grace_ends(void **state)
{
        AUTH_RIG(state);
        make_app(r, &plain);
        lets_in(r, LINK_GOOD, false, 0);
        rotate_app(r, OTHER_KEY_HEX, APP_HMAC_SHA256, MINUTE);
        lets_in(r, LINK_OTHER_KEY_HS256, false, 0);
        lets_in(r, LINK_GOOD, false, 0);
        UNAUTHORIZED(link_(r, LINK_HS256), WRONG_LEGACY); /* the old key with the new algorithm */
        UNAUTHORIZED(link_(r, LINK_OTHER_KEY), WRONG_LEGACY);
        rig_advance(MINUTE - 1);
        lets_in(r, LINK_GOOD, false, 0);
        rig_advance(1); /* no scheduler has run */
        UNAUTHORIZED(link_(r, LINK_GOOD), WRONG);
        lets_in(r, LINK_OTHER_KEY_HS256, false, 0);
}

static void test_a_second_rotation_ends_the_first_key(void **state)
{
        AUTH_RIG(state);
        make_app(r, &plain);
        rotate_app(r, OTHER_KEY_HEX, APP_HMAC_SHA512, MINUTE);
        lets_in(r, LINK_GOOD, false, 0);
        rotate_app(r, KEY_PEM, APP_ED25519, MINUTE);
        UNAUTHORIZED(link_(r, LINK_GOOD), WRONG_LEGACY);
        lets_in(r, LINK_OTHER_KEY, false, 0);
        lets_in(r, LINK_EDDSA, false, 0);
}

static void test_without_a_grace_the_old_key_is_dead_at_once(void **state)
{
        AUTH_RIG(state);
        make_app(r, &plain);
        lets_in(r, LINK_GOOD, false, 0);
        rotate_app(r, OTHER_KEY_HEX, APP_HMAC_SHA512, 0);
        UNAUTHORIZED(link_(r, LINK_GOOD), WRONG);
        lets_in(r, LINK_OTHER_KEY, false, 0);
}

/* The signature is not proven a second time; all else is judged anew. */
static void test_a_token_that_is_recalled_is_no_more_than_verified(void **state)
{
        AUTH_RIG(state);
        make_app(r, &plain);
        for (int i = 0; i < 3; i++) {
                lets_in(r, LINK_GOOD, false, 0);
                lets_in(r, LINK_USER_7, true, 7);
                lets_in(r, LINK_USER_7, true, 7);
        }
        char other[sizeof LINK_USER_7];
        strcpy(other, LINK_USER_7);
        other[sizeof other - 3] ^= 1;
        UNAUTHORIZED(link_(r, other), WRONG);
        lets_in(r, LINK_USER_7, true, 7);
        rig_advance(11 * MINUTE);
        UNAUTHORIZED(link_(r, LINK_USER_7), WRONG);
        UNAUTHORIZED(link_(r, LINK_USER_7), WRONG);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                AUTH_TEST(test_what_pyjwt_signs_is_let_in),
                AUTH_TEST(test_a_token_that_is_recalled_is_no_more_than_verified),
                AUTH_TEST(test_sub_is_empty_or_an_integer_or_its_text),
                AUTH_TEST(test_the_audience_may_be_one_of_a_list),
                AUTH_TEST(test_clocks_may_differ_by_2_seconds),
                AUTH_TEST(test_the_app_s_algorithm_decides_never_the_token_s),
                AUTH_TEST(test_an_ed25519_app_is_checked_with_its_public_key),
                AUTH_TEST(test_row_5_app_not_found),
                AUTH_TEST(test_row_7_authorization_header_forbidden_strategy),
                AUTH_TEST(test_row_8_wrong_app_token),
                AUTH_TEST(test_row_8_a_changed_token_is_a_wrong_app_token),
                AUTH_TEST(test_row_8_wrong_legacy_app_token),
                AUTH_TEST(test_row_9_agreement_not_accepted),
                AUTH_TEST(test_row_10_forbidden_scope),
                AUTH_TEST(test_row_11_expired),
                AUTH_TEST(test_an_earlier_row_goes_first),
                AUTH_TEST(test_a_past_exp_is_recorded_as_expired),
                AUTH_TEST(test_an_agreement_app_without_sub_has_its_required_scopes),
                AUTH_TEST(test_an_optional_scope_that_the_user_granted_counts),
                AUTH_TEST(test_a_scope_for_some_webhooks_is_enough_to_come_in),
                AUTH_TEST(test_the_old_key_works_with_its_algorithm_until_the_grace_ends),
                AUTH_TEST(test_a_second_rotation_ends_the_first_key),
                AUTH_TEST(test_without_a_grace_the_old_key_is_dead_at_once),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
