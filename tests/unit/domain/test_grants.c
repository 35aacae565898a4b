/* Which statements reach which resources, and what they allow. */
#include "domain_rig.h"

#include "domain/resources.h"

static void test_resources_follow_their_grammar(void **state)
{
        (void)state;
        static const struct {
                const char *text, *want; /* NULL = refused */
        } cases[] = {
                {"*", "*"},
                {"inboxes/I", "inboxes/I"},
                {"/inboxes/I/", "inboxes/I"},
                {"a:b:*/c", "a:b:*/c"},
                {"a::b", "a::b"},
                {"a/*", "a/*"},
                {"A-._+=~|@9", "A-._+=~|@9"},
                {"", NULL},
                {"/", NULL},
                {"//", NULL},
                {"a//b", NULL},
                {"//a", NULL},
                {"a b", NULL},
                {"a%2f", NULL},
                {"a*", NULL},
                {"**", NULL},
                {":a", NULL},
                {"a/\xc3\xa9", NULL},
                {"1/2/3/4/5/6/7/8/9/10/11/12/13/14/15", "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15"},
                {"1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16", NULL},
                {"1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/*", "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/*"},
                {"1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/*", NULL},
        };
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                struct span got;
                struct error e;
                enum status s = resource_read(span_of(cases[i].text), &got, &e);
                assert_int_equal(s, cases[i].want ? STATUS_OK : STATUS_INVALID);
                if (cases[i].want)
                        assert_true(span_is(got, cases[i].want));
                else
                        assert_string_equal(e.slug, "invalid-resource");
        }
        char longest[514];
        struct span got;
        memset(longest, 'a', sizeof longest);
        for (size_t i = 100; i < sizeof longest; i += 100)
                longest[i] = '/';
        assert_int_equal(resource_read(span_make(longest, 512), &got, NULL), STATUS_OK);
        assert_int_equal(resource_read(span_make(longest, 513), &got, NULL), STATUS_INVALID);
        memset(longest, 'a', sizeof longest);
        assert_int_equal(resource_read(span_make(longest, 128), &got, NULL), STATUS_OK);
        assert_int_equal(resource_read(span_make(longest, 129), &got, NULL), STATUS_INVALID);
}

static void test_statements_reach_what_lies_beneath(void **state)
{
        (void)state;
        static const struct {
                const char *pattern, *resource;
                bool want;
        } cases[] = {
                {"*", "anything/at/all", true},
                {"a", "a", true},
                {"a", "a/b/c", true},
                {"a", "ab", false},
                {"a/b", "a", false},
                {"a/*", "a/b/c", true},
                {"a/*", "a", false},
                {"*/b", "a/b/c", true},
                {"*/b", "a/c", false},
                {"a:*", "a:b", true},
                {"a:*", "a:b/c", true},
                {"a:*", "a:b:c", false},
                {"a:*", "a", false},
                {"a", "a:b", false},
                {"a/b", "a/*", false},
                {"a/*", "a/*", true},
                {"a", "*", false},
        };
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
                if (resource_covers(span_of(cases[i].pattern), span_of(cases[i].resource)) !=
                    cases[i].want)
                        fail_msg("%s on %s", cases[i].pattern, cases[i].resource);
}

static void test_a_document_is_named_in_either_spelling(void **state)
{
        (void)state;
        static const struct {
                const char *resource, *document;
        } cases[] = {
                {"documents/D", "D"},           {"documents/D/pages/1", "D"},
                {"inboxes/I/documents/D", "D"}, {"inboxes/I/documents/D/pages", "D"},
                {"inboxes/*/documents/D", "D"}, {"inboxes/I", NULL},
                {"inboxes/I/documents", NULL},  {"documents", NULL},
                {"documents/*", NULL},          {"documents/a+b", NULL},
                {"users/documents/D", NULL},    {"*", NULL},
        };
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                struct span d = resource_document(span_of(cases[i].resource));
                assert_true(cases[i].document ? span_is(d, cases[i].document) : !d.p);
        }
}

static void test_the_row_says_where_a_document_is_at_home(void **state)
{
        (void)state;
        static const struct {
                const char *pattern, *asked, *home; /* home NULL = no row */
                bool want;
        } cases[] = {
                /* the own inbox, by either spelling */
                {"inboxes/Y", "documents/D", "Y", true},
                {"inboxes/Y", "inboxes/Y/documents/D", "Y", true},
                {"inboxes/Y/documents", "documents/D/p", "Y", true},
                {"inboxes/Y/documents/D", "documents/D", "Y", true},
                {"documents/D", "inboxes/Y/documents/D", "Y", true},
                {"documents/D", "inboxes/X/documents/D", "Y", true}, /* it is D that is asked for */
                /* another inbox, by none */
                {"inboxes/X", "documents/D", "Y", false},
                {"inboxes/X", "inboxes/X/documents/D", "Y", false},
                {"inboxes/X/documents/D", "inboxes/X/documents/D", "Y", false},
                {"inboxes/X/documents/D", "documents/D", "Y", false},
                {"inboxes/X/documents/*", "inboxes/X/documents/D", "Y", false},
                /* no row: where whoever names it says */
                {"inboxes/X", "inboxes/X/documents/D", NULL, true},
                {"inboxes/X", "documents/D", NULL, false},
                {"inboxes/X/documents/D", "documents/D", NULL, true},
                {"inboxes/X/documents/D", "inboxes/Y/documents/D", NULL, false},
                {"documents/D", "inboxes/X/documents/D", NULL, true},
                /* never another document, and only what lies beneath */
                {"documents/E", "documents/D", "Y", false},
                {"documents/D/p", "documents/D", "Y", false},
                {"documents/D/p", "inboxes/Y/documents/D/p/1", "Y", true},
                {"documents", "inboxes/X/documents/D", NULL, true},
                {"inboxes/*/documents/D", "documents/D", "Y", true},
                {"inboxes", "documents/D", "Y", true},
                {"*", "documents/D", NULL, true},
        };
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
                if (resource_reaches(span_of(cases[i].pattern), span_of(cases[i].asked),
                                     span_of(cases[i].home)) != cases[i].want)
                        fail_msg("%s on %s at %s", cases[i].pattern, cases[i].asked,
                                 cases[i].home ? cases[i].home : "-");
}

static void test_actions_imply_what_is_beneath(void **state)
{
        (void)state;
        static const struct {
                const char *held, *asked;
                bool want;
        } cases[] = {
                {"*", "keys:create", true},       {"keys", "keys:create", true},
                {"keys:*", "keys:create", true},  {"keys:create", "keys:create", true},
                {"keys:create", "keys:*", false}, {"keys:create", "keys", false},
                {"keys:*", "keys", false},        {"key", "keys:create", false},
                {"keys:*", "keys:*", true},       {"a:*:c", "a:b:c", true},
        };
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
                assert_int_equal(action_implies(span_of(cases[i].held), span_of(cases[i].asked)),
                                 cases[i].want);
        struct span got;
        assert_int_equal(action_read(SPAN("keys:create"), &got, NULL), STATUS_OK);
        assert_int_equal(action_read(SPAN("Keys:create"), &got, NULL), STATUS_INVALID);
        assert_int_equal(action_read(SPAN("keys:"), &got, NULL), STATUS_INVALID);
        assert_int_equal(action_read(SPAN("a b"), &got, NULL), STATUS_INVALID);
        assert_int_equal(action_read(SPAN(""), &got, NULL), STATUS_INVALID);
        assert_int_equal(action_read(SPAN("*"), &got, NULL), STATUS_OK);
}

/* ---- with rows ---- */

static void test_a_right_on_an_inbox_does_not_reach_another_inbox_s_document(void **state)
{
        RIG(state);
        rig_user(r, "guest", NULL, 0);
        const char *x = rig_inbox(r, "x"), *y = rig_inbox(r, "y");
        rig_document(r, y, "D");
        char on_x[64], on_y[64], by_x[128], by_y[128];
        snprintf(on_x, sizeof on_x, "inboxes/%s", x);
        snprintf(on_y, sizeof on_y, "inboxes/%s", y);
        snprintf(by_x, sizeof by_x, "inboxes/%s/documents/D", x);
        snprintf(by_y, sizeof by_y, "inboxes/%s/documents/D", y);
        struct minted kx = rig_mint(r, &(struct mint){.resource = on_x, .role = "operator"});
        struct minted ky = rig_mint(r, &(struct mint){.resource = on_y, .role = "operator"});
        struct minted kd = rig_mint(r, &(struct mint){.resource = by_x, .role = "operator"});
        const char *const spellings[] = {"documents/D", by_x, by_y};
        for (int i = 0; i < 3; i++) {
                assert_false(rig_may(r, kx.key, "documents:read", spellings[i]));
                assert_false(rig_may(r, kd.key, "documents:read", spellings[i]));
                assert_true(rig_may(r, ky.key, "documents:read", spellings[i]));
        }
        assert_true(rig_may(r, kx.key, "documents:read", on_x));
        assert_false(rig_may(r, kx.key, "keys:create", on_x));
}

static void test_a_key_is_cut_down_to_what_its_user_holds_now(void **state)
{
        RIG(state);
        struct grant grants[] = {{.role = SPAN("auditor"), .resource = SPAN("*")}};
        const char *user = rig_user(r, "guest", NULL, 0);
        struct minted k = rig_mint(r, &(struct mint){.resource = "*", .role = "operator"});
        assert_true(rig_may(r, k.key, "documents:read", "documents/D")); /* a user without any */

        struct user_change *c;
        OK(user_change_new(r->domain, NULL, &c, &f->err));
        c->id = span_of(user);
        c->grants = grants;
        c->n_grants = 1;
        c->has_grants = true;
        OK(rig_run(r, &c->base));
        domain_command_free(&c->base);
        assert_false(rig_may(r, k.key, "documents:read", "documents/D"));
        assert_true(rig_may(r, k.key, "keys:read", "keys/x"));
}

static void test_a_role_that_is_gone_cuts_to_nothing(void **state)
{
        RIG(state);
        OK(rig_role(r, "reader", "documents:read"));
        struct grant grants[] = {{.role = SPAN("reader"), .resource = SPAN("*")}};
        rig_user(r, "guest", grants, 1);
        struct minted k = rig_mint(r, &(struct mint){.resource = "*", .role = "reader"});
        assert_true(rig_may(r, k.key, "documents:read", "documents/D"));
        struct key_row row = rig_find(r, k.key);
        struct principal p;
        OK(key_principal(r->db, &row, &r->arena, &p, &f->err));
        p.user_rights.n = 0; /* what grants_load gives when the role has no row */
        assert_true(p.is_cut);
        assert_false(grants_allow(&p, "documents:read", SPAN("documents/D")));
}

static void test_contract_fit_s_names_are_held_as_ours(void **state)
{
        RIG(state);
        rig_user(r, "guest", NULL, 0);
        OK(rig_role(r, "reviewer", "review"));
        struct minted k =
                rig_mint(r, &(struct mint){.resource = "documents/D", .role = "reviewer"});
        assert_true(rig_may(r, k.key, "documents:read", "documents/D"));
        assert_true(rig_may(r, k.key, "documents:lock", "documents/D"));
        assert_true(rig_may(r, k.key, "review", "documents/D"));
        assert_false(rig_may(r, k.key, "documents:done", "documents/D"));
}

static struct principal principal_of(struct rig *r, const char *key)
{
        struct fixture *f = &r->base;
        struct key_row row = rig_find(r, key);
        struct principal p;
        OK(key_principal(r->db, &row, &r->arena, &p, &f->err));
        return p;
}

static void test_nobody_gives_what_he_does_not_hold(void **state)
{
        RIG(state);
        rig_user(r, "guest", NULL, 0);
        OK(rig_role(r, "reader", "documents:read"));
        OK(rig_role(r, "writer", "keys:*"));
        struct minted op = rig_mint(r, &(struct mint){.resource = "inboxes/I", .role = "operator"});
        struct minted owner =
                rig_mint(r, &(struct mint){.resource = "inboxes/I", .role = "Authress:Owner"});
        struct principal p = principal_of(r, op.key), o = principal_of(r, owner.key);
        assert_int_equal(grants_may_give(&p, SPAN("reader"), SPAN("inboxes/I/documents/D"), NULL),
                         STATUS_OK);
        assert_int_equal(grants_may_give(&p, SPAN("reader"), SPAN("inboxes/J"), &f->err),
                         STATUS_DENIED);
        assert_string_equal(f->err.slug, "may-not-give");
        assert_int_equal(grants_may_give(&p, SPAN("reader"), SPAN("*"), NULL), STATUS_DENIED);
        assert_int_equal(grants_may_give(&p, SPAN("reader"), SPAN("inboxes/*"), NULL),
                         STATUS_DENIED);
        assert_int_equal(grants_may_give(&p, SPAN("writer"), SPAN("inboxes/I"), NULL),
                         STATUS_DENIED); /* keys:read alone */
        assert_int_equal(grants_may_give(&p, SPAN("no-such"), SPAN("inboxes/I"), &f->err),
                         STATUS_NOT_FOUND);
        assert_string_equal(f->err.slug, "role-not-found");
        assert_int_equal(grants_may_give(&p, SPAN("Authress:Owner"), SPAN("inboxes/I"), NULL),
                         STATUS_DENIED);
        assert_int_equal(grants_may_give(&o, SPAN("Authress:Owner"), SPAN("inboxes/I/x"), NULL),
                         STATUS_OK);
        assert_int_equal(
                grants_may_give_permission(&p, SPAN("documents:done"), SPAN("inboxes/I"), NULL),
                STATUS_OK);
}

static void test_rotating_a_key_takes_the_right_to_give_what_it_holds(void **state)
{
        RIG(state);
        rig_user(r, "guest", NULL, 0);
        struct minted admin = rig_mint(r, &(struct mint){.resource = "keys", .role = "admin"});
        struct minted backend = rig_mint(r, &(struct mint){.resource = "*", .role = "backend"});
        struct key_row admins = rig_find(r, admin.key), own = rig_find(r, backend.key);
        struct principal p = principal_of(r, backend.key);
        assert_int_equal(key_may(r->db, &admins, &p, "keys:revoke", NULL), STATUS_OK);
        assert_int_equal(key_may(r->db, &admins, &p, "keys:rotate", &f->err), STATUS_DENIED);
        assert_string_equal(f->err.slug, "may-not-give");
        assert_int_equal(key_may(r->db, &own, &p, "keys:rotate", NULL), STATUS_OK);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_resources_follow_their_grammar),
                cmocka_unit_test(test_statements_reach_what_lies_beneath),
                cmocka_unit_test(test_a_document_is_named_in_either_spelling),
                cmocka_unit_test(test_the_row_says_where_a_document_is_at_home),
                cmocka_unit_test(test_actions_imply_what_is_beneath),
                RIG_TEST(test_a_right_on_an_inbox_does_not_reach_another_inbox_s_document),
                RIG_TEST(test_a_key_is_cut_down_to_what_its_user_holds_now),
                RIG_TEST(test_a_role_that_is_gone_cuts_to_nothing),
                RIG_TEST(test_contract_fit_s_names_are_held_as_ours),
                RIG_TEST(test_nobody_gives_what_he_does_not_hold),
                RIG_TEST(test_rotating_a_key_takes_the_right_to_give_what_it_holds),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
