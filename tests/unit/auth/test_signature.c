/* Signature: each row of linked-services' error table, and what Python signs. */
#include "auth_rig.h"

static const struct app plain = {
        .key = KEY_HEX, .algorithm = APP_HMAC_SHA512, .strategy = APP_SIGNATURE};

static struct request request_of(const struct signed_request *v)
{
        struct request q = {.method = v->method, .body = v->body};
        memcpy(q.headers, v->headers, sizeof v->headers);
        memcpy(q.query, v->query, sizeof v->query);
        add_pair(q.headers, "Authorization", v->authorization);
        return q;
}

static void test_what_python_signs_is_let_in(void **state)
{
        AUTH_RIG(state);
        make_app(r, &plain);
        for (size_t i = 0; i < LENGTH(signed_requests); i++) {
                struct request q = request_of(&signed_requests[i]);
                struct auth_app app;
                const char *slug = ask(r, &q, "webhook", &app);
                if (*slug)
                        fail_msg("%s: %s", signed_requests[i].name, slug);
                assert_false(app.has_user);
                assert_int_equal(app.mode, APP_SCOPE_SIGNATURE);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                AUTH_TEST(test_what_python_signs_is_let_in),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
