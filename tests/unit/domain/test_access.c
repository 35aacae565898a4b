/* What anyone may, asked by others: who is meant, why, and rows of every kind. */
#include "record_rig.h"
#include "unit.h"

#include <chatelaine/domain_resource_config.h>

#include "domain/records.h"

static void test_a_user_id_names_one_subject(void **state)
{
        RIG(state);
        static const struct {
                const char *user_id, *subject; /* NULL = refused */
        } cases[] = {
                {"u", "users/u"},
                {"a b|c/d:e@f.g+h~i-_", "users/a b|c/d:e@f.g+h~i-_"},
                {"sc_0123456789abcdefghij", "clients/sc_0123456789abcdefghij"},
                {"Authress:ServiceClients/sc_0123456789abcdefghij",
                 "clients/sc_0123456789abcdefghij"},
                {"Authress:ServiceClients/", "users/Authress:ServiceClients/"},
                {"sc_short", "users/sc_short"},
                {"", NULL},
                {"a%b", NULL},
                {"a\tb", NULL},
                {"a*", NULL},
                {"\xc3\xa9", NULL},
        };
        for (size_t i = 0; i < LENGTH(cases); i++) {
                char subject[ACCESS_SUBJECT_SIZE];
                enum status s = access_subject(span_of(cases[i].user_id), subject, &f->err);
                assert_int_equal(s, cases[i].subject ? STATUS_OK : STATUS_INVALID);
                if (cases[i].subject)
                        assert_string_equal(subject, cases[i].subject);
                else
                        assert_string_equal(f->err.slug, "invalid-user-id");
        }
        char longest[130], subject[ACCESS_SUBJECT_SIZE];
        memset(longest, 'a', sizeof longest);
        OK(access_subject(span_make(longest, 128), subject, &f->err));
        assert_int_equal(strlen(subject), 134);
        assert_int_equal(access_subject(span_make(longest, 129), subject, &f->err), STATUS_INVALID);
        assert_int_equal(access_subject(SPAN_NONE, subject, &f->err), STATUS_INVALID);
}

static void test_a_reason_names_what_was_given_directly(void **state)
{
        RIG(state);
        struct grant own = {.role = SPAN("auditor"), .resource = SPAN("a")};
        const char *bob = rig_user(r, "bob", &own, 1);
        struct access_reason why;
        bool is_allowed;
        OK(access_explain(r->db, arena_printf(&r->arena, "users/%s", bob), SPAN("Keys:Read"),
                          SPAN("/a/b"), &r->arena, &why, &is_allowed, &f->err));
        assert_true(is_allowed && !why.record_id.p && !why.group_id.p && why.statement == -1);
        assert_true(span_is(why.role, "auditor") && span_is(why.resource, "a") &&
                    span_is(why.action, "keys:read"));
        assert_int_equal(access_explain(r->db, "users/x", SPAN("a b"), SPAN("a"), &r->arena, &why,
                                        &is_allowed, &f->err),
                         STATUS_INVALID);
        assert_string_equal(f->err.slug, "invalid-permission");
        assert_int_equal(access_explain(r->db, "users/x", SPAN("a"), SPAN("a//b"), &r->arena, &why,
                                        &is_allowed, &f->err),
                         STATUS_INVALID);
        assert_string_equal(f->err.slug, "invalid-resource");
}

/* ---- rows from before there were stems ---- */

static enum status forget_stems(struct ledger_tx *tx, struct domain_command *c, struct error *e)
{
        (void)c;
        return store_exec(tx->db, "UPDATE statements SET stem = '' WHERE id % 2 = 0", NULL, e, "");
}

static void test_rows_without_a_stem_are_found(void **state)
{
        RIG(state);
        static const char *const resources[] = {"a",
                                                "a/b",
                                                "inboxes/i",
                                                "a/*",
                                                "documents/d/p",
                                                "inboxes/i/documents/d",
                                                "b:*",
                                                "inboxes/*/documents/e"};
        CLEANUP(buf_fini) struct buf json;
        buf_init(&json, 1 << 16);
        for (size_t i = 0; i < LENGTH(resources); i++) {
                buf_reset(&json);
                buf_printf(
                        &json,
                        "{'name':'n','users':[{'userId':'u%zu'},{'userId':'all'}],'statements':[{"
                        "'roles':['Authress:Owner'],'resources':[{'resourceUri':'%s'}]}]}",
                        i, resources[i]);
                rig_record(r, json.data);
        }
        bool want[LENGTH(resources)][LENGTH(resources)], is_any = false;
        for (int round = 0; round < 2; round++) {
                for (size_t i = 0; i < LENGTH(resources); i++)
                        for (size_t k = 0; k < LENGTH(resources); k++) {
                                const char *user = arena_printf(&r->arena, "u%zu", i);
                                bool got = rig_is_allowed(r, user, "x", resources[k]);
                                if (round == 0)
                                        want[i][k] = got;
                                assert_int_equal(got, want[i][k]);
                                is_any |= got;
                        }
                struct domain_command *c;
                OK(domain_command_new(r->domain, NULL, sizeof *c, 1024, &c, &f->err));
                c->run = forget_stems;
                OK(rig_run(r, c));
                domain_command_free(c);
        }
        assert_true(is_any);
        struct access_filter all = {.resource = SPAN_NONE};
        for (unsigned limit = 1; limit < 10; limit++) {
                struct page page = {.limit = limit};
                size_t n_all = 0, n;
                do {
                        struct span *list, next;
                        OK(access_resources(r->db, "users/all", &all, &page, &r->arena, &list, &n,
                                            &next, &f->err));
                        n_all += n;
                        page.cursor = next;
                } while (page.cursor.p);
                assert_int_equal(n_all, LENGTH(resources));
        }
}

/* ---- large records ---- */

static const char *large(struct rig *r, int n_users, const char *more)
{
        CLEANUP(buf_fini) struct buf json;
        buf_init(&json, 1 << 20);
        buf_printf(&json, "{'name':'n','users':[%s", more);
        for (int i = 0; i < n_users; i++)
                buf_printf(&json, "%s{'userId':'u%d'}", i || more[0] ? "," : "", i);
        buf_text(&json, "],'statements':[{'roles':['auditor','backend'],'resources':["
                        "{'resourceUri':'documents/1'},{'resourceUri':'a'}]}]}");
        return arena_dup(&r->arena, buf_view(&json));
}

static void test_users_of_a_large_record_are_its_members(void **state)
{
        RIG(state);
        struct record_row row = rig_record(
                r, large(r, 900, "{'userId':'Authress:ServiceClients/sc_0123456789abcdefghij'}"));
        assert_int_equal(rig_int(r, "SELECT count(*) FROM statements"), 4);
        assert_int_equal(rig_int(r, "SELECT count(*) FROM group_members"), 901);
        assert_true(rig_is_allowed(r, "u0", "keys:read", "a/b"));
        assert_true(rig_is_allowed(r, "u899", "documents:read", "inboxes/9/documents/1"));
        assert_true(rig_is_allowed(r, "sc_0123456789abcdefghij", "keys:read", "a"));
        assert_false(rig_is_allowed(r, "u900", "keys:read", "a"));
        struct access_reason why;
        bool is_allowed;
        OK(access_explain(r->db, "users/u7", SPAN("keys:read"), SPAN("a"), &r->arena, &why,
                          &is_allowed, &f->err));
        assert_true(is_allowed && span_equal(why.record_id, row.id) && !why.group_id.p);
        /* Small again, and large, and gone. */
        OK(rig_try_update(r, &row, large(r, 2, ""), -1, &row));
        assert_int_equal(rig_int(r, "SELECT count(*) FROM statements"), 8);
        assert_int_equal(rig_int(r, "SELECT count(*) FROM group_members"), 0);
        assert_false(rig_is_allowed(r, "u2", "keys:read", "a"));
        OK(rig_try_update(r, &row, large(r, 1000, ""), -1, &row));
        assert_true(rig_is_allowed(r, "u999", "keys:read", "a"));
        OK(rig_delete_record(r, row.id));
        assert_false(rig_is_allowed(r, "u999", "keys:read", "a"));
        assert_int_equal(rig_int(r, "SELECT count(*) FROM group_members"), 0);
        assert_int_equal(rig_int(r, "SELECT count(*) FROM statements"), 0);
}

static void test_users_of_a_large_record_are_named_on_its_resources(void **state)
{
        RIG(state);
        rig_record(r, large(r, 600, ""));
        rig_record(r, "{'name':'n','users':[{'userId':'single'}],'statements':[{'roles':"
                      "['auditor'],'resources':[{'resourceUri':'a'}]}]}");
        struct page page = {.limit = 100};
        size_t n_all = 0, n;
        do {
                struct span *list, next;
                OK(resource_users(r->db, SPAN("a"), &page, &r->arena, &list, &n, &next, &f->err));
                assert_true(n <= 100);
                n_all += n;
                page.cursor = next;
        } while (page.cursor.p);
        assert_int_equal(n_all, 601);
}

static void test_a_large_record_cuts_keys_and_stays_judged_user_by_user(void **state)
{
        RIG(state);
        const char *bob = rig_user(r, "bob", NULL, 0);
        struct mint m = {.user = "bob", .role = "auditor", .resource = "*"};
        struct minted key = rig_mint(r, &m);
        struct record_row row =
                rig_record(r, large(r, 900, arena_printf(&r->arena, "{'userId':'%s'}", bob)));
        assert_true(rig_may(r, key.key, "keys:read", "a"));
        assert_false(rig_may(r, key.key, "keys:read", "b"));
        struct principal p = rig_principal(r, rig_user(r, "nobody", NULL, 0));
        struct record record;
        OK(record_read(rig_json(r, large(r, 900, "")), &r->arena, &record, &f->err));
        OK(record_may_give(&p, &record, &row, &f->err));
        OK(record_read(rig_json(r, large(r, 901, "")), &r->arena, &record, &f->err));
        assert_int_equal(record_may_give(&p, &record, &row, &f->err), STATUS_DENIED);
        OK(rig_delete_record(r, row.id));
        assert_false(rig_may(r, key.key, "keys:read", "b"));
}

/* ---- who is deactivated ---- */

static void set_active(struct rig *r, const char *id, bool is_active)
{
        struct fixture *f = &r->base;
        struct user_change *c;
        OK(user_change_new(r->domain, NULL, &c, &f->err));
        c->id = span_of(id);
        c->is_active = is_active;
        OK(rig_run(r, &c->base));
        domain_command_free(&c->base);
}

static void make_public(struct rig *r, const char *resource)
{
        struct fixture *f = &r->base;
        struct resource_config config = {.resource = span_of(resource), .is_public = true};
        struct resource_config_put *c;
        OK(resource_config_put_new(r->domain, NULL, &config, &c, &f->err));
        OK(rig_run(r, &c->base));
        domain_command_free(&c->base);
}

static void test_a_deactivated_user_holds_nothing_of_its_own_of_groups_or_of_all(void **state)
{
        RIG(state);
        struct grant own = {.role = SPAN("auditor"), .resource = SPAN("own")};
        const char *bob = rig_user(r, "bob", &own, 1);
        rig_group(r, arena_printf(&r->arena,
                                  "{'groupId':'grp_g','name':'n','users':[{'userId':'%s'}]}", bob));
        rig_record(r, "{'name':'n','groups':[{'groupId':'grp_g'}],'statements':[{'roles':"
                      "['auditor'],'resources':[{'resourceUri':'group'}]}]}");
        make_public(r, "public");
        static const char *const resources[] = {"own/a/b", "own", "group/a", "public/a", "public"};
        for (int round = 0; round < 4; round++) {
                bool is_active = round % 2 == 0;
                struct right *held;
                size_t n;
                for (size_t i = 0; i < LENGTH(resources); i++) {
                        assert_int_equal(rig_is_allowed(r, bob, "keys:read", resources[i]),
                                         is_active);
                        OK(access_permissions(r->db, arena_printf(&r->arena, "users/%s", bob),
                                              span_of(resources[i]), &r->arena, &held, &n,
                                              &f->err));
                        assert_int_equal(n > 0, is_active);
                }
                assert_true(rig_is_allowed(r, "anybody", "keys:read", "public"));
                set_active(r, bob, !is_active);
        }
}

/* ---- what others hold ---- */

static enum status fill_stem(struct ledger_tx *tx, struct domain_command *c, struct error *e)
{
        (void)c;
        return store_exec(tx->db,
                          "INSERT INTO statements (subject, resource, stem, role)"
                          " WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
                          " WHERE i < 20000) SELECT 'users/other' || i, 'a', 'a', 'auditor' FROM n",
                          NULL, e, "");
}

/* The least time on a processor that a check took. */
static int64_t least_ns(struct rig *r, const char *resource)
{
        int64_t least = INT64_MAX;
        for (int i = 0; i < 20; i++) {
                struct timespec from, to;
                clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
                assert_false(rig_is_allowed(r, "member", "keys:read", resource));
                clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
                int64_t ns = (to.tv_sec - from.tv_sec) * 1000000000 + to.tv_nsec - from.tv_nsec;
                least = ns < least ? ns : least;
        }
        return least;
}

static void test_what_others_hold_there_costs_a_groups_member_nothing(void **state)
{
        RIG(state);
        struct domain_command *c;
        rig_group(r, "{'groupId':'grp_g','name':'n','users':[{'userId':'member'}]}");
        rig_record(r, "{'name':'n','groups':[{'groupId':'grp_g'}],'statements':[{'roles':"
                      "['auditor'],'resources':[{'resourceUri':'b'}]}]}");
        OK(domain_command_new(r->domain, NULL, sizeof *c, 1024, &c, &f->err));
        c->run = fill_stem;
        OK(rig_run(r, c));
        domain_command_free(c);
        assert_true(rig_is_allowed(r, "member", "keys:read", "b/c"));
        assert_true(least_ns(r, "a/b") < 20 * least_ns(r, "c/b"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                RIG_TEST(test_a_user_id_names_one_subject),
                RIG_TEST(test_a_reason_names_what_was_given_directly),
                RIG_TEST(test_rows_without_a_stem_are_found),
                RIG_TEST(test_users_of_a_large_record_are_its_members),
                RIG_TEST(test_users_of_a_large_record_are_named_on_its_resources),
                RIG_TEST(test_a_large_record_cuts_keys_and_stays_judged_user_by_user),
                RIG_TEST(test_a_deactivated_user_holds_nothing_of_its_own_of_groups_or_of_all),
                RIG_TEST(test_what_others_hold_there_costs_a_groups_member_nothing),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
