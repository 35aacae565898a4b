/* Link: each row of linked-services' error table, and what Chatelaine does where that has a bug. */
#include "auth_rig.h"

static const struct app plain = {.key = KEY_HEX, .algorithm = APP_HMAC_SHA512};

static void test_what_pyjwt_signs_is_let_in(void **state)
{
        AUTH_RIG(state);
        make_app(r, &plain);
        struct request q = {.headers = {{"authorization", LINK_USER_7}}};
        struct auth_app app;
        struct caller who;
        assert_string_equal(ask(r, &q, "webhook", &app), "");
        assert_true(app.has_user);
        assert_int_equal(app.user_number, 7);
        assert_int_equal(app.mode, APP_SCOPE_LINK);
        assert_true(app.scopes.is_all);
        assert_false(app.has_replay_digest);
        assert_null(app.webhook_id.p);
        auth_app_caller(&app, &who);
        assert_int_equal(who.kind, CALLER_APP);
        assert_string_equal(who.id, "acme");
        assert_int_equal(who.app_id, app.app.id);
        assert_int_equal(who.app_version, app.app.version);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                AUTH_TEST(test_what_pyjwt_signs_is_let_in),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
