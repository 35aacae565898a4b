/* What a revocation takes with it. */
#include "domain_rig.h"

static struct caller by_key(const char *id)
{
        struct caller c = {.kind = CALLER_KEY};
        snprintf(c.id, sizeof c.id, "%s", id);
        return c;
}

static void test_children_go_with_their_parent(void **state)
{
        RIG(state);
        rig_user(r, "guest", NULL, 0);
        struct minted parent = rig_mint(r, &(struct mint){.expires_in_ms = HOUR});
        struct caller p = by_key(parent.id);
        assert_int_equal(
                rig_try_mint(r, &(struct mint){.caller = &p, .expires_in_ms = HOUR + 1}, NULL),
                STATUS_INVALID);
        assert_string_equal(f->err.slug, "expiry-over-parent");
        struct minted child = rig_mint(r, &(struct mint){.caller = &p});
        assert_int_equal(child.expires_at, T0 + HOUR); /* the default gives way */
        struct caller c = by_key(child.id);
        struct minted grandchild = rig_mint(r, &(struct mint){.caller = &c});
        assert_int_equal(rig_revoke_id(r, parent.id), 3);
        assert_false(rig_is_valid(r, grandchild.key));
        assert_true(span_is(rig_get(r, child.id).reason, "parent-revoked"));
        assert_int_equal(rig_try_mint(r, &(struct mint){.caller = &c}, NULL), STATUS_DENIED);
        assert_string_equal(f->err.slug, "credential-ended");
        assert_int_equal(error_http(&f->err), 401);
        rig_check_counts(r);
}

static void test_children_pass_to_the_successor_when_the_grace_ends(void **state)
{
        RIG(state);
        rig_user(r, "guest", NULL, 0);
        struct minted old = rig_mint(r, &(struct mint){0}), new;
        struct caller p = by_key(old.id);
        struct minted child = rig_mint(r, &(struct mint){.caller = &p});
        OK(rig_rotate(r, old.id, MINUTE, &new));
        rig_advance(MINUTE);
        assert_int_equal(rig_job(r, keys_expire_in, 100, NULL), 1);
        assert_true(rig_is_valid(r, child.key));
        assert_true(span_is(rig_get(r, child.id).parent_key_id, new.id));
        assert_int_equal(rig_revoke_id(r, new.id), 2);
        assert_false(rig_is_valid(r, child.key));
}

static void test_children_end_when_the_successor_ended_before_the_grace(void **state)
{
        RIG(state);
        rig_user(r, "guest", NULL, 0);
        struct minted old = rig_mint(r, &(struct mint){0}), new;
        struct caller p = by_key(old.id);
        struct minted child = rig_mint(r, &(struct mint){.caller = &p});
        OK(rig_rotate(r, old.id, MINUTE, &new));
        assert_int_equal(rig_revoke_id(r, new.id), 1);
        assert_true(rig_is_valid(r, child.key));
        rig_advance(MINUTE);
        assert_int_equal(rig_job(r, keys_expire_in, 100, NULL), 1);
        assert_false(rig_is_valid(r, child.key));
        rig_check_counts(r);
}

static void test_done_revokes_in_either_spelling_and_keeps_new_keys_away(void **state)
{
        RIG(state);
        rig_user(r, "guest", NULL, 0);
        struct minted a = rig_mint(r, &(struct mint){.resource = "documents/d"});
        struct minted b = rig_mint(
                r, &(struct mint){.resource = "inboxes/i/documents/d", .role = "operator"});
        struct minted other = rig_mint(r, &(struct mint){.resource = "documents/dd"});
        assert_int_equal(rig_done(r, "d", false), 2);
        assert_int_equal(rig_done(r, "d", false), 0);
        assert_false(rig_is_valid(r, a.key));
        assert_false(rig_is_valid(r, b.key));
        assert_true(rig_is_valid(r, other.key));
        assert_true(span_is(rig_get(r, a.id).reason, "document-done"));
        static const struct mint refused[] = {
                {.resource = "documents/d"},
                {.resource = "/inboxes/i/documents/d/"},
                {.resource = "inboxes/x/documents/d", .role = "operator"},
                {.resource = "documents/d/pages/1"},
        };
        for (size_t i = 0; i < 4; i++) {
                assert_int_equal(rig_try_mint(r, &refused[i], NULL), STATUS_CONFLICT);
                assert_string_equal(f->err.slug, "document-done");
        }
        rig_done(r, "d", true);
        assert_int_equal(rig_try_mint(r, &refused[0], NULL), STATUS_OK);
        assert_int_equal(rig_done(r, "d", false), 1);
        rig_check_counts(r);
}

static void test_revoking_an_inbox_takes_what_lies_beneath(void **state)
{
        RIG(state);
        rig_user(r, "guest", NULL, 0);
        const char *i = rig_inbox(r, "invoice");
        rig_document(r, i, "in");
        char inbox[64], beneath[64], similar[64];
        snprintf(inbox, sizeof inbox, "inboxes/%s", i);
        snprintf(beneath, sizeof beneath, "inboxes/%s/documents/x", i);
        snprintf(similar, sizeof similar, "inboxes/%s-2", i);
        rig_mint(r, &(struct mint){.resource = inbox});
        rig_mint(r, &(struct mint){.resource = beneath, .role = "operator"});
        rig_mint(r, &(struct mint){.resource = "documents/in"});
        struct minted others[] = {
                rig_mint(r, &(struct mint){.resource = similar}),
                rig_mint(r, &(struct mint){.resource = "documents/out"}),
                rig_mint(r, &(struct mint){.resource = "*", .role = "operator"}),
                rig_mint(r, &(struct mint){.resource = "inboxes"}),
                rig_mint(r, &(struct mint){0}),
        };
        assert_int_equal(rig_revoke_resource(r, inbox), 3);
        for (size_t k = 0; k < 5; k++)
                assert_true(rig_is_valid(r, others[k].key));
        assert_int_equal(rig_revoke_resource(r, "inboxes/*"), 1);
        assert_int_equal(rig_revoke_resource(r, "documents"), 1);
        assert_int_equal(rig_revoke_resource(r, "*"), 2);
        assert_true(rig_is_valid(r, others[4].key)); /* bound to nothing */
        rig_check_counts(r);
}

static void test_selectors_match_all_that_is_given(void **state)
{
        RIG(state);
        const char *guest = rig_user(r, "guest", NULL, 0);
        rig_user(r, "other", NULL, 0);
        struct minted a = rig_mint(r, &(struct mint){.resource = "documents/d"});
        struct minted b = rig_mint(r, &(struct mint){.user = "other", .resource = "documents/d"});
        struct minted c = rig_mint(r, &(struct mint){.resource = "documents/e"});
        int64_t n;
        struct key_selector sel = {.user = span_of(guest), .resource = SPAN("documents/d")};
        OK(rig_revoke(r, &sel, &n));
        assert_int_equal(n, 1);
        assert_false(rig_is_valid(r, a.key));
        struct span ids[] = {span_of(b.id), span_of(c.id)};
        sel = (struct key_selector){
                .ids = ids, .n_ids = 2, .user = SPAN("guest"), .resource = SPAN("documents/e")};
        OK(rig_revoke(r, &sel, &n));
        assert_int_equal(n, 1);
        assert_true(rig_is_valid(r, b.key));
        sel = (struct key_selector){.user = SPAN("unknown")};
        OK(rig_revoke(r, &sel, &n));
        assert_int_equal(n, 0);
        sel = (struct key_selector){.user = SPAN("other")};
        OK(rig_revoke(r, &sel, &n));
        assert_int_equal(n, 1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                RIG_TEST(test_children_go_with_their_parent),
                RIG_TEST(test_children_pass_to_the_successor_when_the_grace_ends),
                RIG_TEST(test_children_end_when_the_successor_ended_before_the_grace),
                RIG_TEST(test_done_revokes_in_either_spelling_and_keeps_new_keys_away),
                RIG_TEST(test_revoking_an_inbox_takes_what_lies_beneath),
                RIG_TEST(test_selectors_match_all_that_is_given),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
