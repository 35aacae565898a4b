/* What each kind of upstream is asked, and what its answers mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "outbound/backoff.h"
#include "outbound/plan.h"

#include <chatelaine/codec_json.h>
#include <curl/curl.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct error err;
#define OK(call)                                                          \
        do {                                                              \
                if ((call) != STATUS_OK)                                  \
                        fail_msg("%s: %s %s", #call, err.slug, err.text); \
        } while (0)

static struct config_upstream some(const char *kind, const char *url)
{
        return (struct config_upstream){
                .name = (char *)"u",
                .kind = (char *)kind,
                .url = (char *)url,
                .username = (char *)"",
                .password_file = (char *)"",
                .ca_file = (char *)"",
                .method = (char *)"DELETE",
                .concurrency = 8,
                .timeout_ms = 1000,
        };
}

static struct plan *plan_of(struct config_upstream *u)
{
        struct config c = {.node = (char *)"n", .upstreams = u, .n_upstreams = 1};
        struct plan *p;
        OK(plan_new(&c, &p, &err));
        return p;
}

static enum status try_plan(struct config_upstream *u)
{
        struct config c = {.node = (char *)"n", .upstreams = u, .n_upstreams = 1};
        struct plan *p;
        enum status s = plan_new(&c, &p, &err);
        if (s == STATUS_OK)
                plan_unref(p);
        return s;
}

static const char *file_of(const char *text, mode_t mode)
{
        static char path[] = "/tmp/test_connectors.XXXXXX";
        memcpy(path + sizeof path - 7, "XXXXXX", 6);
        int fd = mkstemp(path);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
        assert_int_equal(fchmod(fd, mode), 0);
        close(fd);
        return path;
}

static bool has_header(const struct request *r, const char *line)
{
        for (const struct curl_slist *h = r->headers; h; h = h->next)
                if (strcmp(h->data, line) == 0)
                        return true;
        return false;
}

static const struct step *step_of(const struct upstream *u, const char *name)
{
        const struct step *s = u->connector->steps;
        while (s->name && strcmp(s->name, name) != 0)
                s++;
        assert_non_null(s->name);
        return s;
}

/* ---- requests ---- */

static void test_a_token_cannot_leave_its_place_in_a_url(void **state)
{
        (void)state;
        static const struct {
                const char *kind, *url, *wanted;
        } rows[] = {
                {"contract_fit", "https://a.example/",
                 "https://a.example/admin/auth/api-key/..%2F..%2Fx%3Fy%23z%25"},
                {"http", "https://a.example/k/{token}/d?k={token}",
                 "https://a.example/k/..%2F..%2Fx%3Fy%23z%25/d?k=..%2F..%2Fx%3Fy%23z%25"},
        };
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                struct config_upstream c = some(rows[i].kind, rows[i].url);
                struct plan *p = plan_of(&c);
                struct request r;
                request_init(&r, 1024);
                buf_text(&p->upstreams[0].session, "s");
                OK(step_of(&p->upstreams[0], "revoke")
                           ->build(&p->upstreams[0], SPAN("../../x?y#z%"), &r, &err));
                assert_string_equal(r.url.data, rows[i].wanted);
                request_fini(&r);
                plan_unref(p);
        }
}

static void test_contract_fit_logs_in_and_keeps_the_session(void **state)
{
        (void)state;
        struct config_upstream c = some("contract_fit", "https://a.example");
        c.username = (char *)"keeper";
        c.password_file = (char *)file_of("pass\"word\n", 0600);
        struct plan *p = plan_of(&c);
        struct upstream *u = &p->upstreams[0];
        const struct step *login = step_of(u, "login");
        struct request r;
        request_init(&r, 1024);
        assert_true(login->is_needed(u));
        OK(login->build(u, SPAN("t"), &r, &err));
        assert_string_equal(r.url.data, "https://a.example/admin/auth");
        assert_string_equal(r.body.data, "{\"username\":\"keeper\",\"password\":\"pass\\\"word\"}");
        static const char *const bad[] = {"", "{}", "[]", "{\"authentication_token\":null}",
                                          "{\"authentication_token\":\"a\\r\\nX: b\"}"};
        for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
                assert_int_not_equal(login->take(u, span_of(bad[i]), &err), STATUS_OK);
        assert_true(login->is_needed(u));
        OK(login->take(u, SPAN("{\"authentication_token\":\"s1\"}"), &err));
        assert_false(login->is_needed(u));
        request_fini(&r);
        request_init(&r, 1024);
        OK(step_of(u, "revoke")->build(u, SPAN("t"), &r, &err));
        assert_true(has_header(&r, "Authorization: Bearer s1"));
        assert_string_equal(r.method, "DELETE");
        request_fini(&r);
        plan_unref(p);
        unlink(c.password_file);
}

static void test_oauth2_sends_a_form_as_its_client(void **state)
{
        (void)state;
        struct config_upstream c = some("oauth2", "https://a.example/revoke");
        c.username = (char *)"a:b";
        c.password_file = (char *)file_of("c d", 0600);
        struct plan *p = plan_of(&c);
        struct request r;
        request_init(&r, 1024);
        OK(step_of(&p->upstreams[0], "revoke")->build(&p->upstreams[0], SPAN("a&b=c"), &r, &err));
        assert_string_equal(r.body.data, "token=a%26b%3Dc");
        assert_true(has_header(&r, "Authorization: Basic YSUzQWI6Yytk")); /* a%3Ab:c+d */
        request_fini(&r);
        plan_unref(p);
        unlink(c.password_file);
}

static void test_authress_tokens_that_name_no_key_are_refused(void **state)
{
        (void)state;
        static const char *const bad[] = {"", "a", "a.", ".b", "."};
        struct config_upstream c = some("authress", "https://a.example");
        struct plan *p = plan_of(&c);
        for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
                struct request r;
                request_init(&r, 1024);
                assert_int_equal(step_of(&p->upstreams[0], "revoke")
                                         ->build(&p->upstreams[0], span_of(bad[i]), &r, &err),
                                 STATUS_INVALID);
                assert_string_equal(err.slug, "token-form");
                request_fini(&r);
        }
        plan_unref(p);
}

static void test_airisk_has_no_step(void **state)
{
        (void)state;
        assert_null(airisk_connector.steps[0].name);
}

/* ---- files ---- */

static void test_password_files_are_checked(void **state)
{
        (void)state;
        static const struct {
                const char *kind, *text;
                mode_t mode;
                const char *slug;
        } rows[] = {
                {"oauth2", "x", 0640, "password-file-mode"},
                {"oauth2", "x", 0604, "password-file-mode"},
                {"oauth2", "\n", 0600, "password-file-invalid"},
                {"authress", "a.b.c", 0600, "password-file-invalid"},
                {"authress", "a.b.c.AAAA", 0600, "password-file-invalid"},
        };
        struct config_upstream c;
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                c = some(rows[i].kind, "https://a.example");
                c.password_file = (char *)file_of(rows[i].text, rows[i].mode);
                assert_int_not_equal(try_plan(&c), STATUS_OK);
                assert_string_equal(err.slug, rows[i].slug);
                unlink(c.password_file);
        }
        c = some("oauth2", "https://a.example");
        c.password_file = (char *)"/nowhere/at/all";
        assert_int_equal(try_plan(&c), STATUS_NOT_FOUND);
}

/* ---- waiting ---- */

static void test_waits_double_with_jitter_up_to_a_bound(void **state)
{
        (void)state;
        bool differs = false;
        int64_t first = backoff_ms(5, 0);
        for (int i = 0; i < 100; i++) {
                for (int64_t n = 0; n < 64; n++) {
                        int64_t step = n < 10 ? INT64_C(1000) << n : BACKOFF_LAST_MS;
                        step = step < BACKOFF_LAST_MS ? step : BACKOFF_LAST_MS;
                        int64_t ms = backoff_ms(n, 0);
                        assert_in_range(ms, step / 2, step);
                }
                differs = differs || backoff_ms(5, 0) != first;
        }
        assert_true(differs);
}

static void test_what_the_other_side_asks_for_is_kept_up_to_a_bound(void **state)
{
        (void)state;
        assert_int_equal(backoff_ms(0, 120), 120000);
        assert_int_equal(backoff_ms(0, INT64_MAX), RETRY_AFTER_MAX_S * 1000);
        assert_in_range(backoff_ms(20, 1), BACKOFF_LAST_MS / 2, BACKOFF_LAST_MS);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_a_token_cannot_leave_its_place_in_a_url),
                cmocka_unit_test(test_contract_fit_logs_in_and_keeps_the_session),
                cmocka_unit_test(test_oauth2_sends_a_form_as_its_client),
                cmocka_unit_test(test_authress_tokens_that_name_no_key_are_refused),
                cmocka_unit_test(test_airisk_has_no_step),
                cmocka_unit_test(test_password_files_are_checked),
                cmocka_unit_test(test_waits_double_with_jitter_up_to_a_bound),
                cmocka_unit_test(test_what_the_other_side_asks_for_is_kept_up_to_a_bound),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
