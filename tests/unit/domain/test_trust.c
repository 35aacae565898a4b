/* Keys of other issuers and the tokens that they sign: what is believed, and how long. */
#include "domain_rig.h"

#include <chatelaine/domain_trust.h>

#define ISSUER "https://login.example.com"
#define SECTION "\ntrust \"login\" { issuer = \"" ISSUER "\" audience = \"us\" }\n"
#define KEYS 70

static const struct trust_source source = {ISSUER, "", ""};
static struct pkey *signers[KEYS];
static char kids[KEYS][8];
static unsigned n_wanted;

static void on_wanted(void *ctx)
{
        (void)ctx;
        n_wanted++;
}

static int setup(void **state)
{
        if (rig_setup(state) != 0)
                return -1;
        struct rig *r = *state;
        domain_set_settings(r->domain, rig_settings(r, SECTION));
        for (size_t i = 0; i < KEYS; i++) {
                if (!signers[i] && pkey_generate(&signers[i], NULL) != STATUS_OK)
                        return -1;
                snprintf(kids[i], sizeof kids[i], "k%zu", i);
        }
        n_wanted = 0;
        trust_on_wanted(r->domain, on_wanted, NULL);
        return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, rig_teardown)
#define RIG(state)                    \
        struct rig *r = *(state);     \
        struct fixture *f = &r->base; \
        (void)f

/* signers[from..to) listed, in the place of `before`, which is let go. */
static struct trust_keys *list(struct rig *r, size_t from, size_t to, bool has_kids,
                               struct trust_keys *before)
{
        struct fixture *f = &r->base;
        CLEANUP(buf_fini) struct buf text;
        struct trust_keys *keys;
        struct jwks *set;
        buf_init(&text, 1 << 18);
        buf_text(&text, "{\"keys\":[");
        for (size_t i = from; i < to; i++) {
                if (i > from)
                        buf_char(&text, ',');
                CLEANUP(buf_fini) struct buf one;
                buf_init(&one, 4096);
                OK(jwk_write(signers[i], has_kids ? kids[i] : NULL, &one, &f->err));
                buf_span(&text, buf_view(&one));
        }
        buf_text(&text, "]}");
        OK(jwks_parse(buf_view(&text), &set, &f->err));
        OK(trust_keys_new(&source, set, before, rig_clock(), &keys, &f->err));
        OK(trust_set_keys(r->domain, &keys, 1, &f->err));
        jwks_free(set);
        trust_keys_unref(before);
        return keys;
}

static const char *check_token(struct rig *r, struct span token)
{
        struct fixture *f = &r->base;
        struct trusted t;
        bool is_theirs;
        memset(&f->err, 0, sizeof f->err);
        enum status s =
                trust_check(r->domain, token, rig_clock(), &r->arena, &is_theirs, &t, &f->err);
        if (s == STATUS_OK && !is_theirs)
                return "not theirs";
        if (s != STATUS_OK) {
                assert_int_equal(error_http(&f->err), 401);
                assert_true(is_theirs);
                return f->err.slug;
        }
        assert_true(span_is(t.trust, "login"));
        return t.subject.p;
}

/* What a token that signers[i] makes now, for an hour, is taken for. */
static const char *check(struct rig *r, size_t i, bool has_kid)
{
        struct fixture *f = &r->base;
        CLEANUP(buf_fini) struct buf token;
        struct jwt_key key = {
                .algorithm = JWT_EDDSA, .pkey = signers[i], .kid = has_kid ? kids[i] : NULL};
        long long now = rig_clock() / 1000;
        char *claims = arena_printf(&r->arena,
                                    "{\"iss\":\"" ISSUER "\",\"aud\":\"us\",\"sub\":\"ann\","
                                    "\"iat\":%lld,\"exp\":%lld}",
                                    now, now + 3600);
        buf_init(&token, JWT_SIZE_MAX);
        OK(jwt_sign(&key, NULL, span_of(claims), &token, &f->err));
        return check_token(r, buf_view(&token));
}

#define GOOD(i) assert_string_equal(check(r, i, true), "ann")
#define BAD(i) assert_string_equal(check(r, i, true), "invalid-credentials")

static void test_nobody_is_believed_before_the_keys_are_there(void **state)
{
        RIG(state);
        BAD(0);
        assert_int_equal(n_wanted, 0); /* it is being asked already */
        trust_keys_unref(list(r, 0, 1, true, NULL));
        GOOD(0);
}

static void test_what_is_of_no_issuer_in_the_settings_is_not_theirs(void **state)
{
        RIG(state);
        trust_keys_unref(list(r, 0, 1, true, NULL));
        assert_string_equal(check_token(r, SPAN("")), "not theirs");
        assert_string_equal(check_token(r, SPAN("cts_abc")), "not theirs");
        assert_string_equal(check_token(r, SPAN("a.b.c")), "not theirs");
        GOOD(0);
        domain_set_settings(r->domain, rig_settings(r, ""));
        assert_string_equal(check(r, 0, true), "not theirs");
}

static void test_keys_are_for_their_source_alone(void **state)
{
        RIG(state);
        trust_keys_unref(list(r, 0, 1, true, NULL));
        domain_set_settings(r->domain,
                            rig_settings(r, "\ntrust login { issuer = \"" ISSUER "\" audience = us "
                                            "jwks = \"https://elsewhere/keys\" }\n"));
        BAD(0);
}

static void test_a_key_that_is_listed_no_more_has_its_overlap(void **state)
{
        RIG(state);
        struct trust_keys *keys = list(r, 0, 2, true, NULL);
        keys = list(r, 1, 3, true, keys);
        GOOD(0);
        assert_int_equal(trust_keys_usable(keys, rig_clock()), 3);
        rig_advance(TRUST_OVERLAP_MS - 1);
        keys = list(r, 1, 3, true, keys); /* another look does not prolong it */
        GOOD(0);
        rig_advance(1);
        BAD(0);
        GOOD(1);
        GOOD(2);
        assert_int_equal(trust_keys_usable(keys, rig_clock()), 2);
        trust_keys_unref(keys);
}

static void test_a_key_that_is_listed_again_is_as_any_other(void **state)
{
        RIG(state);
        struct trust_keys *keys = list(r, 0, 1, true, NULL);
        keys = list(r, 1, 2, true, keys);
        keys = list(r, 0, 2, true, keys);
        assert_int_equal(trust_keys_usable(keys, rig_clock()), 2);
        rig_advance(TRUST_OVERLAP_MS);
        GOOD(0);
        trust_keys_unref(keys);
}

static void test_a_kid_may_get_another_key(void **state)
{
        RIG(state);
        struct trust_keys *keys = list(r, 0, 1, true, NULL);
        snprintf(kids[1], sizeof kids[1], "k0");
        keys = list(r, 1, 2, true, keys);
        GOOD(0);
        GOOD(1);
        rig_advance(TRUST_OVERLAP_MS);
        BAD(0);
        GOOD(1);
        assert_int_equal(n_wanted, 0); /* its kid is there: a wrong signature asks for nothing */
        trust_keys_unref(keys);
}

static void test_last_good_keys_end_after_a_day(void **state)
{
        RIG(state);
        struct trust_keys *keys = list(r, 0, 1, true, NULL);
        rig_advance(TRUST_KEEP_MS - 1);
        GOOD(0);
        rig_advance(1);
        BAD(0);
        assert_int_equal(trust_keys_usable(keys, rig_clock()), 0);
        trust_keys_unref(keys);
}

static void test_an_unknown_kid_is_asked_for_once(void **state)
{
        RIG(state);
        struct trust_keys *keys = list(r, 0, 1, true, NULL);
        assert_false(trust_keys_wanted(keys));
        for (size_t i = 1; i < KEYS; i++)
                BAD(i);
        assert_int_equal(n_wanted, 1);
        assert_true(trust_keys_wanted(keys));
        keys = list(r, 0, 2, true, keys);
        assert_false(trust_keys_wanted(keys));
        GOOD(1);
        BAD(2);
        assert_int_equal(n_wanted, 2);
        trust_keys_unref(keys);
}

static void test_without_a_kid_few_keys_are_tried(void **state)
{
        RIG(state);
        struct trust_keys *keys = list(r, 0, 64, true, NULL);
        assert_string_equal(check(r, 0, false), "ann");
        assert_string_equal(check(r, TRUST_TRIES_MAX - 1, false), "ann");
        assert_string_equal(check(r, TRUST_TRIES_MAX, false), "invalid-credentials");
        GOOD(TRUST_TRIES_MAX);
        keys = list(r, 64, 65, false, keys);
        assert_string_equal(check(r, 64, false), "ann");
        assert_string_equal(check(r, 64, true), "ann"); /* a key without a kid fits any */
        trust_keys_unref(keys);
}

static void test_more_keys_than_fit_drop_the_retired(void **state)
{
        RIG(state);
        struct trust_keys *keys = list(r, 0, 64, true, NULL);
        keys = list(r, 6, 70, true, keys);
        assert_int_equal(trust_keys_usable(keys, rig_clock()), 70);
        for (size_t i = 0; i < KEYS; i++)
                GOOD(i);
        trust_keys_unref(keys);
}

static struct principal principal_of(struct rig *r, const char *sub, const char *want)
{
        struct fixture *f = &r->base;
        struct trusted t = {SPAN("login"), span_of(sub), rig_clock() + HOUR};
        struct principal p = {0};
        memset(&f->err, 0, sizeof f->err);
        enum status s = trust_principal(r->db, &t, &r->arena, &p, &f->err);
        assert_string_equal(s == STATUS_OK ? "" : f->err.slug, want);
        return p;
}

static void test_a_row_of_ours_is_found_by_its_id_alone(void **state)
{
        RIG(state);
        const char *id = arena_dup(&r->arena, span_of(rig_user(r, "ann", NULL, 0)));
        struct principal p = principal_of(r, id, "");
        assert_true(p.has_user_number);
        assert_string_equal(p.caller.user_id, id);
        OK(trust_caller_check(r->domain, r->db, &p.caller, rig_clock(), &f->err));
        assert_false(principal_of(r, "ann", "").has_user_number);

        struct user_change *c;
        OK(user_change_new(r->domain, NULL, &c, &f->err));
        c->id = span_of(id);
        c->is_active = 0;
        OK(rig_run(r, &c->base));
        domain_command_free(&c->base);
        principal_of(r, id, "invalid-credentials");
        principal_of(r, "ann", "");
        assert_int_equal(trust_caller_check(r->domain, r->db, &p.caller, rig_clock(), &f->err),
                         STATUS_DENIED);
}

static void test_a_caller_ends_with_its_token_and_its_section(void **state)
{
        RIG(state);
        struct principal p = principal_of(r, "auth0|1", "");
        OK(trust_caller_check(r->domain, r->db, &p.caller, rig_clock(), &f->err));
        rig_advance(HOUR - 1);
        OK(trust_caller_check(r->domain, r->db, &p.caller, rig_clock(), &f->err));
        assert_int_equal(trust_caller_check(r->domain, r->db, &p.caller, rig_clock() + 1, &f->err),
                         STATUS_DENIED);
        assert_string_equal(f->err.slug, "credential-ended");
        domain_set_settings(r->domain, rig_settings(r, ""));
        assert_int_equal(trust_caller_check(r->domain, r->db, &p.caller, rig_clock(), &f->err),
                         STATUS_DENIED);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(test_nobody_is_believed_before_the_keys_are_there),
                TEST(test_what_is_of_no_issuer_in_the_settings_is_not_theirs),
                TEST(test_keys_are_for_their_source_alone),
                TEST(test_a_key_that_is_listed_no_more_has_its_overlap),
                TEST(test_a_key_that_is_listed_again_is_as_any_other),
                TEST(test_a_kid_may_get_another_key),
                TEST(test_last_good_keys_end_after_a_day),
                TEST(test_an_unknown_kid_is_asked_for_once),
                TEST(test_without_a_kid_few_keys_are_tried),
                TEST(test_more_keys_than_fit_drop_the_retired),
                TEST(test_a_row_of_ours_is_found_by_its_id_alone),
                TEST(test_a_caller_ends_with_its_token_and_its_section),
        };
        int failed = cmocka_run_group_tests(tests, NULL, NULL);
        for (size_t i = 0; i < KEYS; i++)
                pkey_free(signers[i]);
        return failed;
}
