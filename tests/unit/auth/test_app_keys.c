/* A loop's opened keys: never one that the row of this request does not name. */
#include "auth_rig.h"

#include "auth/app_keys.h"

static struct span sealed(struct auth_rig *r, const char *slug, const char *secret)
{
        struct fixture *f = &r->base.base;
        struct buf out;
        buf_init(&out, 4096);
        OK(secrets_seal(r->base.secrets, "apps", "secret", span_of(slug), span_of(secret), &out,
                        &f->err));
        struct span kept = arena_span(&r->base.arena, buf_view(&out));
        buf_fini(&out);
        return kept;
}

static struct app_row row_of(struct auth_rig *r, int64_t id, const char *slug, const char *secret)
{
        return (struct app_row){.id = id,
                                .version = 1,
                                .slug = span_of(slug),
                                .key.sealed = sealed(r, slug, secret)};
}

static void expect(struct auth_rig *r, struct app_keys *k, const struct app_row *row,
                   const char *secret, const char *old)
{
        struct fixture *f = &r->base.base;
        struct app_live live[APP_LIVE_MAX];
        size_t n;
        OK(app_keys_live(k, r->base.secrets, row, rig_clock(), live, &n, &f->err));
        assert_int_equal(n, old ? 2 : 1);
        assert_true(span_is(live[0].secret, secret));
        if (old)
                assert_true(span_is(live[1].secret, old));
}

static void test_another_version_of_the_row_is_another_key(void **state)
{
        AUTH_RIG(state);
        struct app_keys *k;
        OK(app_keys_new(&k, &f->err));
        struct app_row row = row_of(r, 1, "a", "first");
        expect(r, k, &row, "first", NULL);
        row.key.sealed = SPAN("not looked at: the version is the same");
        expect(r, k, &row, "first", NULL);
        row = row_of(r, 1, "a", "second");
        row.version = 2;
        expect(r, k, &row, "second", NULL);
        app_keys_free(k);
}

static void test_a_row_is_recalled_while_no_app_has_changed(void **state)
{
        AUTH_RIG(state);
        struct app_keys *k;
        struct app_row found;
        OK(app_keys_new(&k, &f->err));
        struct app_row row = row_of(r, 1, "a", "first");
        assert_false(app_keys_recall_row(k, SPAN("a"), 5, &found));
        app_keys_keep_row(k, 5, &row);
        assert_true(app_keys_recall_row(k, SPAN("a"), 5, &found));
        assert_int_equal(found.id, 1);
        assert_true(span_equal(found.key.sealed, row.key.sealed));
        assert_false(app_keys_recall_row(k, SPAN("a"), 6, &found));
        assert_false(app_keys_recall_row(k, SPAN("b"), 5, &found));
        row.version = 2;
        app_keys_keep_row(k, 6, &row);
        assert_true(app_keys_recall_row(k, SPAN("a"), 6, &found));
        assert_int_equal(found.version, 2);
        app_keys_free(k);
}

static void test_an_old_key_is_given_while_its_grace_runs(void **state)
{
        AUTH_RIG(state);
        struct app_keys *k;
        OK(app_keys_new(&k, &f->err));
        struct app_row row = row_of(r, 1, "a", "new");
        row.has_old = true;
        row.old_ends_at = T0 + 10;
        row.old.sealed = sealed(r, "a", "old");
        expect(r, k, &row, "new", "old");
        rig_advance(9);
        expect(r, k, &row, "new", "old");
        rig_advance(1);
        expect(r, k, &row, "new", NULL);
        row.has_old = false;
        expect(r, k, &row, "new", NULL);
        app_keys_free(k);
}

static void test_more_apps_than_it_holds(void **state)
{
        AUTH_RIG(state);
        struct app_keys *k;
        struct app_row rows[300];
        char slugs[300][16];
        OK(app_keys_new(&k, &f->err));
        for (int i = 0; i < 300; i++) {
                snprintf(slugs[i], sizeof slugs[i], "app%d", i);
                rows[i] = row_of(r, i + 1, slugs[i], slugs[i]);
        }
        for (int round = 0; round < 3; round++)
                for (int i = 0; i < 300; i++) {
                        expect(r, k, &rows[i], slugs[i], NULL);
                        expect(r, k, &rows[0], slugs[0], NULL);
                }
        app_keys_free(k);
}

static void test_a_key_that_does_not_open_is_the_keeper_s_fault(void **state)
{
        AUTH_RIG(state);
        struct app_keys *k;
        struct app_live live[APP_LIVE_MAX];
        size_t n;
        OK(app_keys_new(&k, &f->err));
        struct app_row good = row_of(r, 1, "a", "secret"), row = good;
        row.slug = SPAN("b"); /* sealed for another place */
        assert_int_equal(app_keys_live(k, r->base.secrets, &row, T0, live, &n, &r->err),
                         STATUS_INTERNAL);
        assert_string_equal(r->err.slug, "app-key-unreadable");
        row.key = (struct app_key){.algorithm = APP_ED25519};
        assert_int_equal(app_keys_live(k, r->base.secrets, &row, T0, live, &n, &r->err),
                         STATUS_INTERNAL);
        row = row_of(r, 1, "a", "");
        assert_int_equal(app_keys_live(k, r->base.secrets, &row, T0, live, &n, &r->err),
                         STATUS_INTERNAL); /* an empty key signs for everybody */
        expect(r, k, &good, "secret", NULL);
        app_keys_free(k);
        app_keys_free(NULL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                AUTH_TEST(test_another_version_of_the_row_is_another_key),
                AUTH_TEST(test_a_row_is_recalled_while_no_app_has_changed),
                AUTH_TEST(test_an_old_key_is_given_while_its_grace_runs),
                AUTH_TEST(test_more_apps_than_it_holds),
                AUTH_TEST(test_a_key_that_does_not_open_is_the_keeper_s_fault),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
