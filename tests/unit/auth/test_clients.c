/* Service clients by what they sign and by their keys; to the millisecond, and how often. */
#include "client_rig.h"

#include "auth/client_rate.h"
#include "auth/state.h"
#include "auth/verified.h"

static void test_exp_is_exact_and_other_clocks_may_differ_by_a_minute(void **state)
{
        AUTH_RIG(state);
        struct client c = make_client(r);
        double now = T0 / 1000.0;
        const char *brief = token(r, &c, "JWT", now, 0, now + 1);
        LET_IN(brief);
        LET_IN(token(r, &c, "at+jwt", now + 60, now + 60, now + 100));
        KEPT_OUT(token(r, &c, "JWT", now + 60.5, 0, now + 100));
        KEPT_OUT(token(r, &c, "JWT", 0, now + 60.5, now + 100));
        KEPT_OUT(token(r, &c, "JWT", now, 0, now));
        KEPT_OUT(token(r, &c, "JWT", now, 0, 0));
        KEPT_OUT(token(r, &c, "oauth-authz-req+jwt", now, 0, now + 100));
        rig_advance(999);
        LET_IN(brief);
        rig_advance(1);
        KEPT_OUT(brief); /* remembered or not */
        pkey_free(c.key);
}

static void test_a_remembered_token_is_of_no_use_when_its_key_is_gone(void **state)
{
        AUTH_RIG(state);
        struct client c = make_client(r), other = make_client(r);
        const char *held = token(r, &c, "JWT", 0, 0, T0 / 1000.0 + 100);
        for (int i = 0; i < 3; i++) {
                LET_IN(held);
                LET_IN(c.text);
        }
        delete_key(r, &c);
        KEPT_OUT(held);
        KEPT_OUT(c.text);
        assert_string_equal(with(r, other.text, &other), "");
        pkey_free(c.key);
        pkey_free(other.key);
}

/* The same kid, once its row is purged, may come to be another key's. */
static void test_a_remembered_token_is_of_no_use_under_another_key(void **state)
{
        AUTH_RIG(state);
        struct client c = make_client(r), other = make_client(r);
        const char *held = token(r, &c, "JWT", 0, 0, T0 / 1000.0 + 100);
        struct verified_entry entry = {.ends_at = INT64_MAX};
        struct access_key key;
        struct principal p;
        LET_IN(held);
        OK(access_key_find(r->base.db, span_of(c.id), span_of(c.kid), rig_clock(), &r->base.arena,
                           &key, &f->err));
        memcpy(entry.client_id, other.id, sizeof entry.client_id);
        memcpy(entry.kid, other.kid, sizeof entry.kid);
        memcpy(entry.public_key, key.public_key, sizeof entry.public_key);
        assert_int_equal(access_key_enter(r->loop, &entry, &r->base.arena, &p, &f->err),
                         STATUS_DENIED);
        assert_string_equal(f->err.slug, INVALID);
        pkey_free(c.key);
        pkey_free(other.key);
}

static void test_what_was_verified_is_bound_to_text_and_settings(void **state)
{
        AUTH_RIG(state);
        struct verified *v;
        struct settings *now = domain_settings(r->base.domain), *later = rig_settings(&r->base, "");
        struct verified_entry entry = {.client_id = "sc_x", .ends_at = 5};
        OK(verified_new(&v, &f->err));
        assert_null(verified_find(v, SPAN("token"), now));
        verified_add(v, SPAN("token"), now, &entry);
        assert_int_equal(verified_find(v, SPAN("token"), now)->ends_at, 5);
        assert_null(verified_find(v, SPAN("tokem"), now));
        assert_null(verified_find(v, SPAN("token "), now));
        assert_null(verified_find(v, SPAN("token"), later));
        for (int i = 0; i < 5000; i++) { /* bounded, whatever comes */
                char text[16];
                int n = snprintf(text, sizeof text, "%d", i);
                verified_add(v, span_make(text, (size_t)n), later, &entry);
                assert_non_null(verified_find(v, span_make(text, (size_t)n), later));
        }
        verified_free(v);
        settings_unref(now);
        settings_unref(later);
}

/* ---- how much ---- */

static int64_t wait_of(struct client_rates *rates, const struct client_row *c, struct error *e)
{
        memset(e, 0, sizeof *e);
        enum status s = client_rates_take(rates, c, e);
        if (s == STATUS_OK)
                return 0;
        assert_int_equal(error_http(e), 429);
        assert_string_equal(e->slug, "client-rate");
        return e->retry_after_ms;
}

static void test_a_quota_holds_in_any_window(void **state)
{
        AUTH_RIG(state);
        struct client_rates *rates;
        struct client_row c = {.id = SPAN("sc_a"), .rate_quota = 10, .rate_window_ms = 1000};
        struct client_row other = {.id = SPAN("sc_b"), .rate_quota = 10, .rate_window_ms = 1000};
        struct client_row unlimited = {.id = SPAN("sc_c")};
        OK(client_rates_new(&rates, &f->err));
        rig_mono_at = 10000900; /* late in a window */
        for (int i = 0; i < 10; i++)
                assert_int_equal(wait_of(rates, &c, &f->err), 0);
        assert_int_equal(wait_of(rates, &c, &f->err), 101); /* the next begins in 100 ms */
        assert_int_equal(wait_of(rates, &other, &f->err), 0);
        for (int i = 0; i < 100; i++)
                assert_int_equal(wait_of(rates, &unlimited, &f->err), 0);
        rig_mono_at = 10001000; /* no second burst where a window begins */
        int64_t wait = wait_of(rates, &c, &f->err);
        assert_in_range(wait, 1, 2);
        rig_mono_at += wait;
        assert_int_equal(wait_of(rates, &c, &f->err), 0);
        rig_mono_at = 10001500; /* half of those before still count */
        int n = 0;
        while (wait_of(rates, &c, &f->err) == 0)
                n++;
        assert_int_equal(n, 4);
        rig_mono_at = 10009000;
        for (int i = 0; i < 10; i++)
                assert_int_equal(wait_of(rates, &c, &f->err), 0);
        assert_true(wait_of(rates, &c, &f->err) > 0);
        client_rates_free(rates);
        rig_mono_at = 0;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                AUTH_TEST(test_exp_is_exact_and_other_clocks_may_differ_by_a_minute),
                AUTH_TEST(test_a_remembered_token_is_of_no_use_when_its_key_is_gone),
                AUTH_TEST(test_a_remembered_token_is_of_no_use_under_another_key),
                AUTH_TEST(test_what_was_verified_is_bound_to_text_and_settings),
                AUTH_TEST(test_a_quota_holds_in_any_window),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
