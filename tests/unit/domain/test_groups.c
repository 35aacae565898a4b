/* Groups: their life, who manages them, and what their members hold. */
#include "record_rig.h"

#define FOR_GROUP(resource)                                                              \
        "{'name':'n','groups':[{'groupId':'grp_g'}],'statements':[{'roles':['auditor']," \
        "'resources':[{'resourceUri':'" resource "'}]}]}"

static const char *members(struct rig *r, const char *users, const char *admins)
{
        return arena_printf(&r->arena, "{'groupId':'grp_g','name':'g','users':[%s],'admins':[%s]}",
                            users, admins);
}
static const char *one(struct rig *r, const char *user_id)
{
        return arena_printf(&r->arena, "{'userId':'%s'}", user_id);
}

static const char *written(struct rig *r, const struct group_row *row)
{
        struct fixture *f = &r->base;
        CLEANUP(buf_fini) struct buf out;
        buf_init(&out, 1 << 20);
        json_obj_open(&out);
        OK(group_write_members(row, &out, &f->err));
        json_obj_close(&out);
        return arena_dup(&r->arena, buf_view(&out));
}

static void test_a_member_holds_what_the_group_is_given(void **state)
{
        RIG(state);
        struct group_row g = rig_group(r, members(r, "{'userId':'ann'}", ""));
        assert_false(rig_is_allowed(r, "ann", "keys:read", "a"));
        struct record_row record = rig_record(r, FOR_GROUP("a"));
        assert_true(rig_is_allowed(r, "ann", "keys:read", "a/b"));
        assert_false(rig_is_allowed(r, "bob", "keys:read", "a/b"));
        OK(rig_try_regroup(r, &g, members(r, "{'userId':'bob'},{'userId':'bob'}", ""), -1, &g));
        assert_false(rig_is_allowed(r, "ann", "keys:read", "a"));
        assert_true(rig_is_allowed(r, "bob", "keys:read", "a"));
        struct access_reason why;
        bool is_allowed;
        OK(access_explain(r->db, "users/bob", SPAN("keys:read"), SPAN("a/b"), &r->arena, &why,
                          &is_allowed, &f->err));
        assert_true(is_allowed && span_is(why.group_id, "grp_g"));
        assert_true(span_equal(why.record_id, record.id) && why.statement == 0);
        OK(rig_delete_group(r, g.id));
        assert_false(rig_is_allowed(r, "bob", "keys:read", "a"));
        assert_int_equal(rig_delete_group(r, g.id), STATUS_NOT_FOUND);
        assert_int_equal(rig_int(r, "SELECT count(*) FROM group_members"), 0);
}

static void test_an_id_that_a_record_still_names_is_not_given_again(void **state)
{
        RIG(state);
        struct group_row g = rig_group(r, members(r, "", ""));
        assert_int_equal(rig_try_group(r, NULL, members(r, "", ""), NULL), STATUS_CONFLICT);
        assert_string_equal(f->err.slug, "group-exists");
        struct record_row record = rig_record(r, FOR_GROUP("a"));
        OK(rig_delete_group(r, g.id));
        assert_int_equal(rig_try_group(r, NULL, members(r, "", ""), NULL), STATUS_CONFLICT);
        assert_int_equal(rig_try_update(r, &record, FOR_GROUP("b"), -1, NULL), STATUS_INVALID);
        assert_string_equal(f->err.slug, "group-not-found");
        OK(rig_delete_record(r, record.id));
        OK(rig_try_group(r, NULL, members(r, "", ""), NULL));
        assert_true(span_starts(rig_group(r, "{'name':'no id'}").id, "grp_"));
}

static void test_the_lock_holds_and_each_change_has_its_event(void **state)
{
        RIG(state);
        struct group_row first = rig_group(r, members(r, "", "")), second;
        assert_non_null(strstr(rig_event(r, "chatelaine.audit.v1"), "\"group.create\""));
        assert_string_equal(written(r, &first),
                            "{\"groupId\":\"grp_g\",\"name\":\"g\",\"users\":[],\"admins\":[],"
                            "\"tags\":{},\"lastUpdated\":\"2027-01-15T08:00:00.000Z\"}");
        OK(rig_try_regroup(r, &first, members(r, "{'userId':'a'}", ""), first.updated_at, &second));
        assert_non_null(strstr(rig_event(r, "chatelaine.audit.v1"), "\"group.update\""));
        assert_true(second.updated_at > first.updated_at);
        assert_int_equal(rig_try_regroup(r, &second, members(r, "", ""), first.updated_at, NULL),
                         STATUS_CONFLICT);
        assert_int_equal(error_http(&f->err), 412);
        assert_int_equal(rig_try_regroup(r, &first, members(r, "", ""), -1, NULL), STATUS_RETRY);
        assert_int_equal(rig_int(r, "SELECT count(*) FROM group_members"), 1);
        OK(rig_delete_group(r, first.id));
        assert_non_null(strstr(rig_event(r, "chatelaine.audit.v1"), "\"group.delete\""));
        assert_int_equal(rig_try_regroup(r, &second, members(r, "", ""), -1, NULL),
                         STATUS_NOT_FOUND);
}

static void test_what_is_wrong_is_named(void **state)
{
        RIG(state);
        static const struct {
                const char *json, *slug, *where;
        } cases[] = {
                {"{}", "invalid-name", "/name"},
                {"{'name':'g','groupId':'x'}", "invalid-group-id", "/groupId"},
                {"{'name':'g','groupId':'grp_'}", "invalid-group-id", "/groupId"},
                {"{'name':'g','groupId':'grp_a/b'}", "invalid-group-id", "/groupId"},
                {"{'name':'g','users':[{'userId':'%'}]}", "invalid-users", "/users/0/userId"},
                {"{'name':'g','admins':7}", "invalid-admins", "/admins"},
                {"{'name':'g','tags':7}", "invalid-tags", "/tags"},
        };
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                assert_int_equal(rig_try_group(r, NULL, cases[i].json, NULL), STATUS_INVALID);
                assert_string_equal(f->err.slug, cases[i].slug);
                assert_string_equal(f->err.where, cases[i].where);
        }
        for (size_t n = 100; n <= 101; n++) {
                CLEANUP(buf_fini) struct buf json;
                buf_init(&json, 1 << 16);
                buf_text(&json, "{'name':'g','users':[");
                for (size_t i = 0; i < n; i++)
                        buf_printf(&json, "%s{'userId':'u%zu'}", i ? "," : "", i);
                buf_text(&json, "]}");
                assert_int_equal(rig_try_group(r, NULL, json.data, NULL),
                                 n == 100 ? STATUS_OK : STATUS_INVALID);
        }
}

/* ---- who may ---- */

static enum status may_open(struct rig *r, const struct principal *p, enum group_act act,
                            const char *id)
{
        struct group_row row;
        return group_open(p, act, span_of(id), &r->arena, &row, &r->base.err);
}

static enum status may_give(struct rig *r, const struct principal *p, const char *json,
                            const struct group_row *was)
{
        struct fixture *f = &r->base;
        struct user_group group;
        OK(group_read(rig_json(r, json), &r->arena, &group, &f->err));
        return group_may_give(p, &group, was, &f->err);
}

static void test_admins_members_and_those_with_the_right(void **state)
{
        RIG(state);
        static const struct rig_permission some[] = {{"create", 1}, {"update", 1}};
        OK(rig_make_role(r, "M", some, 2));
        struct grant own = {.role = SPAN("M"), .resource = SPAN("Authress:Groups")};
        const char *ann = rig_user(r, "ann", NULL, 0), *bob = rig_user(r, "bob", NULL, 0);
        struct principal manager = rig_principal(r, rig_user(r, "manager", &own, 1)),
                         creator = rig_principal(r, ann), member = rig_principal(r, bob),
                         other = rig_principal(r, rig_user(r, "eve", NULL, 0));
        OK(may_open(r, &manager, GROUP_CREATE, NULL));
        assert_int_equal(may_open(r, &creator, GROUP_CREATE, NULL), STATUS_DENIED);
        struct caller caller = rig_caller(ann);
        OK(rig_try_group(r, &caller, members(r, one(r, bob), ""), NULL));
        static const struct {
                int who; /* creator, member, manager, other */
                bool may[3];
        } cases[] = {{0, {true, true, true}},
                     {1, {true, false, false}},
                     {2, {false, true, true}},
                     {3, {false, false, false}}};
        const struct principal *who[] = {&creator, &member, &manager, &other};
        for (size_t i = 0; i < 4; i++)
                for (int act = GROUP_READ; act <= GROUP_DELETE; act++)
                        if ((may_open(r, who[i], act, "grp_g") == STATUS_OK) !=
                            cases[i].may[act - GROUP_READ])
                                fail_msg("%zu: %d", i, act);
        assert_int_equal(may_open(r, &other, GROUP_READ, "grp_none"), STATUS_DENIED);
        assert_int_equal(may_open(r, &manager, GROUP_UPDATE, "grp_none"), STATUS_NOT_FOUND);
        assert_int_equal(may_open(r, &manager, GROUP_UPDATE, "../x"), STATUS_NOT_FOUND);
}

static void test_whoever_is_no_admin_adds_nobody_to_what_is_not_theirs_to_give(void **state)
{
        RIG(state);
        static const struct rig_permission update[] = {{"update", 1}};
        OK(rig_make_role(r, "U", update, 1));
        struct grant grants[] = {{.role = SPAN("U"), .resource = SPAN("Authress:Groups")},
                                 {.role = SPAN("Authress:Owner"), .resource = SPAN("a")}};
        struct principal manager = rig_principal(r, rig_user(r, "manager", grants, 1)),
                         owner = rig_principal(r, rig_user(r, "owner", grants, 2));
        const char *ann = rig_user(r, "ann", NULL, 0);
        struct principal admin = rig_principal(r, ann);
        struct caller caller = rig_caller(ann);
        struct group_row g;
        OK(rig_try_group(r, &caller, members(r, "{'userId':'x'},{'userId':'y'}", ""), &g));
        const char *less = members(r, "{'userId':'x'}", one(r, ann)),
                   *more = members(r, "{'userId':'x'},{'userId':'z'}", one(r, ann)),
                   *lead = members(r, "{'userId':'x'}", "{'userId':'z'}");
        OK(may_give(r, &manager, more, &g)); /* it holds nothing yet */
        rig_record(r, FOR_GROUP("a/b"));
        OK(may_give(r, &manager, less, &g));
        assert_int_equal(may_give(r, &manager, more, &g), STATUS_DENIED);
        assert_string_equal(f->err.slug, "may-not-give");
        assert_int_equal(may_give(r, &manager, lead, &g), STATUS_DENIED);
        OK(may_give(r, &owner, more, &g));
        OK(may_give(r, &admin, more, &g)); /* who gives to a group gives to whom its admins name */
        rig_record(r, FOR_GROUP("b"));
        assert_int_equal(may_give(r, &owner, more, &g), STATUS_DENIED);
}

static bool count_row(void *ctx, const struct group_row *g)
{
        (void)g;
        ++*(size_t *)ctx;
        return true;
}

static void test_pages_end_and_show_what_may_be_read(void **state)
{
        RIG(state);
        const char *ann = rig_user(r, "ann", NULL, 0);
        struct caller caller = rig_caller(ann);
        for (int i = 0; i < 5; i++)
                OK(rig_try_group(
                        r, i % 2 ? &caller : NULL,
                        arena_printf(&r->arena, "{'groupId':'grp_%d','name':'Team %d'}", i, i),
                        NULL));
        struct principal p[] = {{.db = r->db, .is_all = true}, rig_principal(r, ann)};
        static const size_t want[] = {5, 2};
        for (size_t i = 0; i < 2; i++) {
                struct page page = {.limit = 2};
                size_t n = 0;
                do {
                        struct span next;
                        size_t before = n;
                        OK(group_list(&p[i], &page, SPAN_NONE, count_row, &n, &r->arena, &next,
                                      &f->err));
                        assert_true(n - before <= 2);
                        page.cursor = next;
                } while (page.cursor.p);
                assert_int_equal(n, want[i]);
        }
        struct page page = {.limit = 9};
        struct span next;
        size_t n = 0;
        OK(group_list(&p[0], &page, SPAN("team 3"), count_row, &n, &r->arena, &next, &f->err));
        assert_int_equal(n, 1);
}

/* ---- and API keys ---- */

static void test_leaving_a_group_widens_no_key(void **state)
{
        RIG(state);
        const char *bob = rig_user(r, "bob", NULL, 0);
        struct mint m = {.user = "bob", .role = "auditor", .resource = "*"};
        struct minted key = rig_mint(r, &m);
        struct group_row g = rig_group(r, members(r, one(r, bob), ""));
        assert_true(rig_may(r, key.key, "keys:read", "z")); /* a group that holds nothing */
        struct record_row record = rig_record(r, FOR_GROUP("a"));
        assert_true(rig_may(r, key.key, "keys:read", "a"));
        assert_false(rig_may(r, key.key, "keys:read", "z"));
        OK(rig_try_regroup(r, &g, members(r, "", ""), -1, &g));
        assert_false(rig_may(r, key.key, "keys:read", "a"));
        assert_false(rig_may(r, key.key, "keys:read", "z"));
        const char *eve = rig_user(r, "eve", NULL, 0);
        m.user = "eve";
        key = rig_mint(r, &m);
        OK(rig_try_regroup(r, &g, members(r, one(r, eve), ""), -1, &g)); /* it holds by now */
        assert_false(rig_may(r, key.key, "keys:read", "z"));
        OK(rig_delete_record(r, record.id));
        assert_false(rig_may(r, key.key, "keys:read", "z"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                RIG_TEST(test_a_member_holds_what_the_group_is_given),
                RIG_TEST(test_an_id_that_a_record_still_names_is_not_given_again),
                RIG_TEST(test_the_lock_holds_and_each_change_has_its_event),
                RIG_TEST(test_what_is_wrong_is_named),
                RIG_TEST(test_admins_members_and_those_with_the_right),
                RIG_TEST(test_whoever_is_no_admin_adds_nobody_to_what_is_not_theirs_to_give),
                RIG_TEST(test_pages_end_and_show_what_may_be_read),
                RIG_TEST(test_leaving_a_group_widens_no_key),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
