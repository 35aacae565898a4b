/* Access records: what they may say, what becomes of it, and who sees it. */
#include "record_rig.h"

#define ONE(extra)                                      \
        "{'name':'n','users':[{'userId':'ann'}]," extra \
        "'statements':[{'roles':['Authress:Owner'],'resources':[{'resourceUri':'a/b'}]}]}"

static struct record_row get(struct rig *r, struct span id)
{
        struct fixture *f = &r->base;
        struct principal unix_socket = {.db = r->db, .is_all = true};
        struct record_row row;
        OK(record_open(&unix_socket, RECORD_READ, id, &r->arena, &row, &f->err));
        return row;
}

static const char *written(struct rig *r, const struct record_row *row)
{
        struct fixture *f = &r->base;
        CLEANUP(buf_fini) struct buf out;
        buf_init(&out, 1 << 20);
        json_obj_open(&out);
        OK(record_write_members(row, &out, &f->err));
        json_obj_close(&out);
        struct json *json;
        OK(json_parse(buf_view(&out), 16, &json, &f->err));
        json_free(json);
        return arena_dup(&r->arena, buf_view(&out));
}

/* ---- its life ---- */

static void test_a_record_gives_at_once_and_takes_away_at_once(void **state)
{
        RIG(state);
        assert_false(rig_is_allowed(r, "ann", "read", "a/b"));
        struct record_row row = rig_record(r, ONE(""));
        assert_true(rig_is_allowed(r, "ann", "READ", "/a/b/c/"));
        assert_false(rig_is_allowed(r, "ann", "read", "a"));
        assert_false(rig_is_allowed(r, "anna", "read", "a/b"));
        OK(rig_delete_record(r, row.id));
        assert_false(rig_is_allowed(r, "ann", "read", "a/b"));
        assert_int_equal(rig_int(r, "SELECT count(*) FROM statements"), 0);
        assert_int_equal(rig_delete_record(r, row.id), STATUS_NOT_FOUND);
        assert_true(get(r, row.id).is_deleted); /* the row is kept */
}

static void test_a_record_is_given_back_as_it_was_given(void **state)
{
        RIG(state);
        struct record_row row = rig_record(
                r, "{'recordId':'r:1','name':'N','description':'D','users':[{'userId':'ann'},"
                   "{'userId':'Authress:ServiceClients/sc_x'}],'tags':{'k':'v'},'links':{},"
                   "'capacity':0.5,'status':'DELETED','lastUpdated':'2020-01-01T00:00:00Z',"
                   "'statements':[{'roles':['Authress:Owner'],"
                   "'resources':[{'resourceUri':'/users/7'},{'resourceUri':'*'}]}]}");
        row = get(r, row.id);
        assert_string_equal(
                written(r, &row),
                "{\"recordId\":\"r:1\",\"name\":\"N\",\"description\":\"D\",\"users\":[{\"userId\":"
                "\"ann\"},{\"userId\":\"Authress:ServiceClients/sc_x\"}],\"admins\":[],"
                "\"groups\":[],\"statements\":[{\"roles\":[\"Authress:Owner\"],\"resources\":["
                "{\"resourceUri\":\"/users/7\"},{\"resourceUri\":\"*\"}]}],\"tags\":{\"k\":\"v\"},"
                "\"status\":\"ACTIVE\",\"lastUpdated\":\"2027-01-15T08:00:00.000Z\"}");
}

static void test_an_update_replaces_all_of_it(void **state)
{
        RIG(state);
        struct record_row row = rig_record(r, ONE("'description':'d',"));
        rig_advance(5);
        OK(rig_try_update(r, &row,
                          "{'name':'m','users':[{'userId':'bob'}],'statements':[{'roles':"
                          "['auditor'],'resources':[{'resourceUri':'c'}]}]}",
                          -1, &row));
        assert_int_equal(row.updated_at, T0 + 5);
        assert_false(rig_is_allowed(r, "ann", "read", "a/b"));
        assert_true(rig_is_allowed(r, "bob", "webhooks:read", "c"));
        assert_null(strstr(written(r, &row), "description"));
        OK(rig_delete_record(r, row.id));
        assert_int_equal(rig_try_update(r, &row, ONE(""), -1, NULL), STATUS_NOT_FOUND);
}

static void test_the_lock_holds(void **state)
{
        RIG(state);
        struct record_row first = rig_record(r, ONE("")), second;
        OK(rig_try_update(r, &first, ONE("'description':'2',"), first.updated_at, &second));
        assert_true(second.updated_at > first.updated_at); /* in one millisecond, too */
        struct record_row seen = second;
        assert_int_equal(rig_try_update(r, &seen, ONE(""), first.updated_at, NULL),
                         STATUS_CONFLICT);
        assert_int_equal(error_http(&f->err), 412);
        assert_string_equal(f->err.slug, "record-changed");
        assert_string_equal(f->err.where, "If-Unmodified-Since");
        struct record_row now = get(r, second.id);
        assert_string_equal(written(r, &second), written(r, &now));
        /* Judged by a row that has changed since. */
        assert_int_equal(rig_try_update(r, &first, ONE(""), -1, NULL), STATUS_RETRY);
        OK(rig_try_update(r, &second, ONE(""), second.updated_at + HOUR, NULL));
}

static void test_an_id_is_given_once(void **state)
{
        RIG(state);
        struct record_row row = rig_record(r, ONE("'recordId':'mine',"));
        assert_true(span_is(row.id, "mine"));
        assert_int_equal(rig_try_record(r, NULL, ONE("'recordId':'mine',"), NULL), STATUS_CONFLICT);
        assert_string_equal(f->err.slug, "record-exists");
        OK(rig_delete_record(r, row.id));
        assert_int_equal(rig_try_record(r, NULL, ONE("'recordId':'mine',"), NULL), STATUS_CONFLICT);
        assert_true(span_starts(rig_record(r, ONE("'recordId':'',")).id, "rec_"));
}

static void test_each_change_has_its_event(void **state)
{
        RIG(state);
        struct record_row row = rig_record(r, ONE("'recordId':'mine',"));
        assert_non_null(
                strstr(rig_event(r, "chatelaine.audit.v1"), "\"action\":\"record.create\""));
        assert_non_null(strstr(rig_event(r, "chatelaine.audit.v1"),
                               "\"target\":{\"id\":\"mine\",\"kind\":\"record\"}"));
        OK(rig_try_update(r, &row, ONE(""), -1, NULL));
        assert_non_null(
                strstr(rig_event(r, "chatelaine.audit.v1"), "\"action\":\"record.update\""));
        OK(rig_delete_record(r, row.id));
        assert_non_null(
                strstr(rig_event(r, "chatelaine.audit.v1"), "\"action\":\"record.delete\""));
        (void)rig_try_record(r, NULL, ONE("'recordId':'mine',"), NULL);
        assert_non_null(
                strstr(rig_event(r, "chatelaine.audit.v1"), "\"outcome\":\"failed\",\"previous\""));
        assert_non_null(strstr(rig_event(r, "chatelaine.audit.v1"), "record-exists"));
}

/* ---- what it may say ---- */

#define ST "'statements':[{'roles':['Authress:Owner'],'resources':[{'resourceUri':'a'}]}]"
#define STATEMENT(roles, resources) \
        "{'name':'n','statements':[{'roles':" roles ",'resources':" resources "}]}"

static void test_what_is_wrong_is_named(void **state)
{
        RIG(state);
        static const struct {
                const char *json, *slug, *where;
        } cases[] = {
                {"[]", "invalid-json", NULL},
                {"{", "invalid-json", NULL},
                {"{" ST "}", "invalid-name", "/name"},
                {"{'name':''," ST "}", "invalid-name", "/name"},
                {"{'name':7," ST "}", "invalid-name", "/name"},
                {"{'name':'a\\u0001'," ST "}", "invalid-name", "/name"},
                {"{'name':'n','description':7," ST "}", "invalid-description", "/description"},
                {"{'name':'n','recordId':'a b'," ST "}", "invalid-recordId", "/recordId"},
                {"{'name':'n','recordId':'a/b'," ST "}", "invalid-recordId", "/recordId"},
                {"{'name':'n','users':{}," ST "}", "invalid-users", "/users"},
                {"{'name':'n','users':['x']," ST "}", "invalid-users", "/users/0/userId"},
                {"{'name':'n','users':[{'userId':'ok'},{'userId':'a%'}]," ST "}", "invalid-users",
                 "/users/1/userId"},
                {"{'name':'n','users':[{'userId':''}]," ST "}", "invalid-users", "/users/0/userId"},
                {"{'name':'n','admins':[{'userId':'\\n'}]," ST "}", "invalid-admins",
                 "/admins/0/userId"},
                {"{'name':'n','groups':[{'groupId':'x'}]," ST "}", "invalid-groups",
                 "/groups/0/groupId"},
                {"{'name':'n','tags':[]," ST "}", "invalid-tags", "/tags"},
                {"{'name':'n','tags':{'a':1}," ST "}", "invalid-tags", "/tags"},
                {"{'name':'n'}", "invalid-statements", "/statements"},
                {"{'name':'n','statements':[]}", "invalid-statements", "/statements"},
                {"{'name':'n','statements':[7]}", "invalid-statements", "/statements/0"},
                {STATEMENT("[]", "[{'resourceUri':'a'}]"), "invalid-statements",
                 "/statements/0/roles"},
                {STATEMENT("[7]", "[{'resourceUri':'a'}]"), "invalid-roles",
                 "/statements/0/roles/0"},
                {STATEMENT("['r']", "[]"), "invalid-statements", "/statements/0/resources"},
                {STATEMENT("['r']", "[{'resourceUri':'a//b'}]"), "invalid-resource",
                 "/statements/0/resources/0/resourceUri"},
                {STATEMENT("['r']", "[{'resourceUri':'a%2f'}]"), "invalid-resource",
                 "/statements/0/resources/0/resourceUri"},
                {STATEMENT("['r']", "[{}]"), "invalid-resource",
                 "/statements/0/resources/0/resourceUri"},
                {"{'name':'n','users':[{'userId':'a'}],'statements':[{'roles':['r'],'resources':"
                 "[{'resourceUri':'a'}],'users':[{'userId':'b'}]}]}",
                 "invalid-statements", "/statements/0"},
                {STATEMENT("['nobody-made-it']", "[{'resourceUri':'a'}]"), "role-not-found",
                 "/statements"},
                {"{'name':'n','groups':[{'groupId':'grp_none'}]," ST "}", "group-not-found",
                 "/groups"},
        };
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                assert_int_equal(rig_try_record(r, NULL, cases[i].json, NULL), STATUS_INVALID);
                if (strcmp(f->err.slug, cases[i].slug) != 0 ||
                    (cases[i].where && strcmp(f->err.where, cases[i].where) != 0))
                        fail_msg("%s: %s at %s", cases[i].json, f->err.slug, f->err.where);
        }
        assert_int_equal(rig_int(r, "SELECT count(*) FROM records"), 0);
        assert_int_equal(rig_int(r, "SELECT count(*) FROM statements"), 0);
}

static struct span many(struct rig *r, const char *before, const char *item, size_t n,
                        const char *behind)
{
        CLEANUP(buf_fini) struct buf out;
        buf_init(&out, 4 << 20);
        buf_text(&out, before);
        for (size_t i = 0; i < n; i++) {
                buf_text(&out, i ? "," : "");
                struct span rest, head = span_split(span_of(item), '%', &rest);
                buf_span(&out, head); /* % is the number */
                buf_printf(&out, "%03zu", i);
                buf_span(&out, rest);
        }
        buf_text(&out, behind);
        return rig_json(r, arena_dup(&r->arena, buf_view(&out)));
}

static void test_every_bound_holds(void **state)
{
        RIG(state);
        struct record record;
        static const struct {
                const char *before, *item;
                size_t most;
                const char *behind;
        } cases[] = {
                {"{'name':'n','users':[", "{'userId':'u%'}", 1000, "]," ST "}"},
                {"{'name':'n','admins':[", "{'userId':'u%'}", 100, "]," ST "}"},
                {"{'name':'n','groups':[", "{'groupId':'grp_%'}", 100, "]," ST "}"},
                {"{'name':'n','statements':[", "{'roles':['r%'],'resources':[{'resourceUri':'a'}]}",
                 100, "]}"},
                {"{'name':'n','statements':[{'resources':[{'resourceUri':'a'}],'roles':[", "'r%'",
                 100, "]}]}"},
                {"{'name':'n','statements':[{'roles':['r'],'resources':[", "{'resourceUri':'a/%'}",
                 100, "]}]}"},
        };
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                OK(record_read(
                        many(r, cases[i].before, cases[i].item, cases[i].most, cases[i].behind),
                        &r->arena, &record, &f->err));
                assert_int_equal(record_read(many(r, cases[i].before, cases[i].item,
                                                  cases[i].most + 1, cases[i].behind),
                                             &r->arena, &record, &f->err),
                                 STATUS_INVALID);
        }
        /* 1,000 users times 200 are judged one by one, but not one more. */
        CLEANUP(buf_fini) struct buf text;
        buf_init(&text, 1 << 20);
        for (size_t extra = 0; extra < 2; extra++) {
                buf_reset(&text);
                buf_text(&text, "{'name':'n','statements':[");
                for (size_t i = 0; i < 10; i++) {
                        buf_text(&text, i ? ",{'roles':['r'],'resources':["
                                          : "{'roles':['r'],'resources':[");
                        for (size_t k = 0; k < 20 + (i == 9 ? extra : 0); k++)
                                buf_printf(&text, "%s{'resourceUri':'a/%zu'}", k ? "," : "", k);
                        buf_text(&text, "]}");
                }
                buf_text(&text, "],'users':[");
                struct span json = many(r, text.data, "{'userId':'u%'}", 1000, "]}");
                enum status s = record_read(json, &r->arena, &record, &f->err);
                assert_int_equal(s, extra ? STATUS_LIMIT : STATUS_OK);
        }
        assert_int_equal(error_http(&f->err), 413);
        /* 100 users of its own a statement: each has its rows. */
        for (size_t n = 200; n <= 201; n++) {
                buf_reset(&text);
                buf_text(&text, "{'name':'n','statements':[");
                for (size_t i = 0; i < 2; i++) {
                        buf_text(&text, i ? ",{'roles':[" : "{'roles':[");
                        for (size_t k = 0; k < n / 2 + (i && n % 2); k++)
                                buf_printf(&text, "%s'r%zu'", k ? "," : "", k);
                        buf_text(&text, "],'resources':[{'resourceUri':'a'}],'users':[");
                        for (size_t k = 0; k < 100; k++)
                                buf_printf(&text, "%s{'userId':'u%zu'}", k ? "," : "", k);
                        buf_text(&text, "]}");
                }
                buf_text(&text, "]}");
                enum status s = record_read(rig_json(r, text.data), &r->arena, &record, &f->err);
                assert_int_equal(s, n == 200 ? STATUS_OK : STATUS_INVALID); /* roles: 100 each */
        }
        struct span large = many(
                r, "{'name':'n'," ST ",'x':[",
                "'and so on and on and on, for as long as it takes to fill a page %'", 1600, "]}");
        assert_int_equal(record_read(large, &r->arena, &record, &f->err), STATUS_LIMIT);
        assert_int_equal(error_http(&f->err), 413);
        assert_string_equal(f->err.slug, "record-too-large");
}

/* ---- who it speaks of ---- */

static void test_a_client_has_two_spellings(void **state)
{
        RIG(state);
        static const char id[] = "sc_0123456789abcdefghij";
        struct record_row row = rig_record(
                r, "{'name':'n','users':[{'userId':'Authress:ServiceClients/"
                   "sc_0123456789abcdefghij'}],'statements':[{'roles':['Authress:Owner'],"
                   "'resources':[{'resourceUri':'/users/7'}]}]}");
        assert_true(rig_is_allowed(r, id, "read", "users/7"));
        assert_true(rig_is_allowed(r, "Authress:ServiceClients/sc_0123456789abcdefghij", "read",
                                   "users/7"));
        OK(rig_try_update(r, &row,
                          "{'name':'n','users':[{'userId':'sc_0123456789abcdefghij'}],"
                          "'statements':[{'roles':['Authress:Owner'],"
                          "'resources':[{'resourceUri':'/users/7'}]}]}",
                          -1, NULL));
        assert_true(rig_is_allowed(r, "Authress:ServiceClients/sc_0123456789abcdefghij", "read",
                                   "users/7"));
        struct client_row client = {
                .id = span_of(id), .name = SPAN("x"), .created_by = SPAN("unix")};
        struct principal p;
        OK(client_principal(r->db, &client, &r->arena, &p, &f->err));
        assert_true(grants_allow(&p, "read", SPAN("users/7/x")));
}

static void test_records_count_for_users_and_their_keys(void **state)
{
        RIG(state);
        const char *bob = rig_user(r, "bob", NULL, 0);
        struct mint m = {.user = "bob", .role = "backend", .resource = "*"};
        struct minted key = rig_mint(r, &m);
        assert_true(rig_may(r, key.key, "documents:read", "documents/1"));
        CLEANUP(buf_fini) struct buf json;
        buf_init(&json, 4096);
        buf_printf(&json,
                   "{'name':'n','users':[{'userId':'%s'}],'statements':[{'roles':['operator'],"
                   "'resources':[{'resourceUri':'documents/7'}]}]}",
                   bob);
        struct record_row row = rig_record(r, json.data);
        struct principal p = rig_principal(r, bob);
        assert_true(grants_allow(&p, "documents:read", SPAN("documents/7")));
        /* The key is cut to what the user holds, from now on. */
        assert_true(rig_may(r, key.key, "documents:read", "documents/7"));
        assert_false(rig_may(r, key.key, "documents:read", "documents/1"));
        /* Taking the record away must not widen the key. */
        OK(rig_delete_record(r, row.id));
        assert_false(rig_may(r, key.key, "documents:read", "documents/7"));
        assert_false(rig_may(r, key.key, "documents:read", "documents/1"));
}

static void test_a_deactivated_or_deleted_user_holds_nothing(void **state)
{
        RIG(state);
        struct grant all = {.role = SPAN("admin"), .resource = SPAN("*")};
        (void)rig_user(r, "root", &all, 1); /* one must be there */
        const char *bob = rig_user(r, "bob", NULL, 0);
        CLEANUP(buf_fini) struct buf json;
        buf_init(&json, 4096);
        buf_printf(&json, "{'name':'n','users':[{'userId':'%s'}]," ST "}", bob);
        (void)rig_record(r, json.data);
        assert_true(rig_is_allowed(r, bob, "read", "a"));
        struct user_change *c;
        OK(user_change_new(r->domain, NULL, &c, &f->err));
        c->id = span_of(bob);
        c->is_active = 0;
        OK(rig_run(r, &c->base));
        domain_command_free(&c->base);
        assert_false(rig_is_allowed(r, bob, "read", "a"));
        struct user_delete *d;
        OK(user_delete_new(r->domain, NULL, &d, &f->err));
        d->id = span_of(bob);
        OK(rig_run(r, &d->base));
        domain_command_free(&d->base);
        assert_false(rig_is_allowed(r, bob, "read", "a"));
}

static void test_a_users_own_roles_and_its_records_do_not_touch_each_other(void **state)
{
        RIG(state);
        struct grant all = {.role = SPAN("admin"), .resource = SPAN("*")};
        (void)rig_user(r, "root", &all, 1); /* one must be there */
        struct grant own = {.role = SPAN("auditor"), .resource = SPAN("*")};
        const char *bob = rig_user(r, "bob", &own, 1);
        CLEANUP(buf_fini) struct buf json;
        buf_init(&json, 4096);
        buf_printf(&json, "{'name':'n','users':[{'userId':'%s'}]," ST "}", bob);
        (void)rig_record(r, json.data);
        struct user_change *c;
        OK(user_change_new(r->domain, NULL, &c, &f->err));
        c->id = span_of(bob);
        c->has_grants = true;
        OK(rig_run(r, &c->base));
        domain_command_free(&c->base);
        assert_false(rig_is_allowed(r, bob, "keys:read", "x"));
        assert_true(rig_is_allowed(r, bob, "read", "a"));
        CLEANUP(buf_fini) struct buf out;
        buf_init(&out, 4096);
        OK(grants_write(r->db, arena_printf(&r->arena, "users/%s", bob), &out, &f->err));
        assert_string_equal(out.data, "[]");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                RIG_TEST(test_a_record_gives_at_once_and_takes_away_at_once),
                RIG_TEST(test_a_record_is_given_back_as_it_was_given),
                RIG_TEST(test_an_update_replaces_all_of_it),
                RIG_TEST(test_the_lock_holds),
                RIG_TEST(test_an_id_is_given_once),
                RIG_TEST(test_each_change_has_its_event),
                RIG_TEST(test_what_is_wrong_is_named),
                RIG_TEST(test_every_bound_holds),
                RIG_TEST(test_a_client_has_two_spellings),
                RIG_TEST(test_records_count_for_users_and_their_keys),
                RIG_TEST(test_a_deactivated_or_deleted_user_holds_nothing),
                RIG_TEST(test_a_users_own_roles_and_its_records_do_not_touch_each_other),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
