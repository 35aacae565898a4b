/* Who may have to do with records, groups and roles: nobody gives what is not theirs to give. */
#include "record_rig.h"

#define OWNER_OF(where)                                                 \
        {                                                               \
                .role = SPAN("Authress:Owner"), .resource = SPAN(where) \
        }

static enum status may_give(struct rig *r, const struct principal *p, const char *json,
                            const struct record_row *was)
{
        struct fixture *f = &r->base;
        struct record record;
        OK(record_read(rig_json(r, json), &r->arena, &record, &f->err));
        return record_may_give(p, &record, was, &f->err);
}

static enum status may_open(struct rig *r, const struct principal *p, enum record_act act,
                            struct span id)
{
        struct record_row row;
        return record_open(p, act, id, &r->arena, &row, &r->base.err);
}

static const char *for_user(struct rig *r, const char *user, const char *role, const char *resource)
{
        return arena_printf(&r->arena,
                            "{'name':'n','users':[{'userId':'%s'}],'statements':[{'roles':['%s'],"
                            "'resources':[{'resourceUri':'%s'}]}]}",
                            user, role, resource);
}

/* ---- giving ---- */

static void test_only_what_may_be_given_on_is_given(void **state)
{
        RIG(state);
        static const struct rig_permission allow[] = {{"docs:read", ABILITY_ALLOW}},
                                           grant[] = {{"docs:read", ABILITY_GRANT}},
                                           delegate[] = {{"docs:read", ABILITY_DELEGATE}};
        OK(rig_make_role(r, "Allow", allow, 1));
        OK(rig_make_role(r, "Grant", grant, 1));
        OK(rig_make_role(r, "Delegate", delegate, 1));
        static const char *const roles[] = {"Allow", "Grant", "Delegate"};
        static const bool want[3][3] = {/* who has ... may give ... */
                                        {false, false, false},
                                        {true, false, false},
                                        {true, true, true}};
        for (size_t held = 0; held < 3; held++) {
                struct grant own = {.role = span_of(roles[held]), .resource = SPAN("a/b")};
                const char *user = rig_user(r, roles[held], &own, 1);
                struct principal p = rig_principal(r, user);
                for (size_t given = 0; given < 3; given++) {
                        enum status s =
                                may_give(r, &p, for_user(r, "x", roles[given], "/a/b/c"), NULL);
                        if ((s == STATUS_OK) != want[held][given])
                                fail_msg("%s gives %s", roles[held], roles[given]);
                        assert_int_equal(may_give(r, &p, for_user(r, "x", roles[given], "a"), NULL),
                                         STATUS_DENIED);
                        assert_string_equal(f->err.slug, "may-not-give");
                        assert_string_equal(f->err.where, "/statements/0/roles");
                }
        }
}

static void test_an_owner_gives_its_own_and_nothing_beside(void **state)
{
        RIG(state);
        struct grant own = OWNER_OF("users/7");
        struct principal p = rig_principal(r, rig_user(r, "owner", &own, 1));
        OK(may_give(r, &p, for_user(r, "sc_x", "Authress:Owner", "/users/7"), NULL));
        OK(may_give(r, &p, for_user(r, "sc_x", "backend", "/users/7/keys"), NULL));
        assert_int_equal(may_give(r, &p, for_user(r, "x", "Authress:Owner", "users/8"), NULL),
                         STATUS_DENIED);
        assert_int_equal(may_give(r, &p, for_user(r, "x", "Authress:Owner", "*"), NULL),
                         STATUS_DENIED);
        assert_int_equal(may_give(r, &p, for_user(r, "x", "Authress:Owner", "users/*"), NULL),
                         STATUS_DENIED);
        assert_int_equal(may_give(r, &p, for_user(r, "x", "no-such-role", "users/7"), NULL),
                         STATUS_INVALID);
        assert_string_equal(f->err.slug, "role-not-found");
}

static void test_an_update_is_judged_by_what_is_new(void **state)
{
        RIG(state);
        const char *nobody = rig_user(r, "nobody", NULL, 0);
        struct principal p = rig_principal(r, nobody);
        struct record_row was = rig_record(
                r, "{'name':'n','users':[{'userId':'ann'},{'userId':'bob'}],'statements':["
                   "{'roles':['auditor'],'resources':[{'resourceUri':'a'},{'resourceUri':'b'}]}]}");
        static const struct {
                const char *json;
                enum status want;
        } cases[] = {
                /* another name, somebody less, a resource less, the same in two statements */
                {"{'name':'m','users':[{'userId':'bob'},{'userId':'ann'}],'statements':[{'roles':"
                 "['auditor'],'resources':[{'resourceUri':'/a/'},{'resourceUri':'b'}]}]}",
                 STATUS_OK},
                {"{'name':'n','users':[{'userId':'ann'}],'statements':[{'roles':['auditor'],"
                 "'resources':[{'resourceUri':'b'}]}]}",
                 STATUS_OK},
                {"{'name':'n','statements':[{'roles':['auditor'],'resources':[{'resourceUri':'b'}],"
                 "'users':[{'userId':'ann'}]},{'roles':['auditor'],'resources':["
                 "{'resourceUri':'a'}],'users':[{'userId':'bob'}]}]}",
                 STATUS_OK},
                {"{'name':'n','statements':[{'roles':['auditor'],'resources':["
                 "{'resourceUri':'z'}]}]}",
                 STATUS_OK}, /* for nobody */
                /* somebody, a resource, a role more */
                {"{'name':'n','users':[{'userId':'ann'},{'userId':'eve'}],'statements':[{'roles':"
                 "['auditor'],'resources':[{'resourceUri':'a'}]}]}",
                 STATUS_DENIED},
                {"{'name':'n','users':[{'userId':'ann'}],'statements':[{'roles':['auditor'],"
                 "'resources':[{'resourceUri':'a/b'}]}]}",
                 STATUS_DENIED},
                {"{'name':'n','users':[{'userId':'ann'}],'statements':[{'roles':['auditor',"
                 "'operator'],'resources':[{'resourceUri':'a'}]}]}",
                 STATUS_DENIED},
                {"{'name':'n','groups':[{'groupId':'grp_1'}],'statements':[{'roles':['auditor'],"
                 "'resources':[{'resourceUri':'a'}]}]}",
                 STATUS_DENIED},
        };
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
                if (may_give(r, &p, cases[i].json, &was) != cases[i].want)
                        fail_msg("%zu: %s", i, cases[i].json);
}

/* ---- managing ---- */

static void test_admins_and_those_with_the_right_manage_a_record(void **state)
{
        RIG(state);
        static const struct rig_permission read[] = {{"read", 1}}, update[] = {{"update", 1}},
                                           delete[] = {{"delete", 1}};
        OK(rig_make_role(r, "R", read, 1));
        OK(rig_make_role(r, "U", update, 1));
        OK(rig_make_role(r, "D", delete, 1));
        static const struct {
                const char *role, *resource;
                bool may[3]; /* read, update, delete */
        } cases[] = {
                {"R", "Authress:AccessRecords/r1", {true, false, false}},
                {"U", "Authress:AccessRecords/r1", {false, true, true}},
                {"D", "Authress:AccessRecords/r1", {false, false, true}},
                {"R", "Authress:AccessRecords", {true, false, false}},
                {"U", "Authress:AccessRecords/r", {false, false, false}},
                {"Authress:Owner", "Authress:AccessRecords/r2", {false, false, false}},
                {"admin", "*", {true, true, true}},
                {"operator", "*", {false, false, false}},
        };
        const char *ann = rig_user(r, "ann", NULL, 0), *eve = rig_user(r, "eve", NULL, 0);
        struct caller caller = rig_caller(ann);
        struct record_row row;
        OK(rig_try_record(r, &caller,
                          "{'recordId':'r1','name':'n','users':[{'userId':'x'}],'statements':["
                          "{'roles':['auditor'],'resources':[{'resourceUri':'a'}]}]}",
                          &row));
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                struct grant own = {.role = span_of(cases[i].role),
                                    .resource = span_of(cases[i].resource)};
                char name[8];
                snprintf(name, sizeof name, "u%zu", i);
                struct principal p = rig_principal(r, rig_user(r, name, &own, 1));
                for (int act = RECORD_READ; act <= RECORD_DELETE; act++)
                        if ((may_open(r, &p, act, row.id) == STATUS_OK) != cases[i].may[act])
                                fail_msg("%s on %s: %d", cases[i].role, cases[i].resource, act);
        }
        struct principal creator = rig_principal(r, ann), other = rig_principal(r, eve);
        OK(may_open(r, &creator, RECORD_READ, row.id));
        OK(may_open(r, &creator, RECORD_UPDATE, row.id));
        OK(may_open(r, &creator, RECORD_DELETE, row.id));
        assert_int_equal(may_open(r, &other, RECORD_READ, row.id), STATUS_DENIED);
        /* Whoever may not know does not learn whether there is one. */
        assert_int_equal(may_open(r, &other, RECORD_READ, SPAN("none")), STATUS_DENIED);
        struct principal unix_socket = {.db = r->db, .is_all = true};
        assert_int_equal(may_open(r, &unix_socket, RECORD_READ, SPAN("none")), STATUS_NOT_FOUND);
        assert_int_equal(may_open(r, &unix_socket, RECORD_READ, SPAN("a/b")), STATUS_NOT_FOUND);
        OK(rig_delete_record(r, row.id));
        OK(may_open(r, &creator, RECORD_READ, row.id));
        assert_int_equal(may_open(r, &creator, RECORD_UPDATE, row.id), STATUS_NOT_FOUND);
}

static void test_admins_that_are_named_stand_for_the_creator(void **state)
{
        RIG(state);
        const char *ann = rig_user(r, "ann", NULL, 0), *eve = rig_user(r, "eve", NULL, 0);
        struct caller caller = rig_caller(ann);
        struct record_row row;
        OK(rig_try_record(r, &caller,
                          arena_printf(&r->arena,
                                       "{'name':'n','admins':[{'userId':'%s'}],'statements':[{"
                                       "'roles':['auditor'],'resources':[{'resourceUri':'a'}]}]}",
                                       eve),
                          &row));
        struct principal creator = rig_principal(r, ann), named = rig_principal(r, eve);
        assert_int_equal(may_open(r, &creator, RECORD_UPDATE, row.id), STATUS_DENIED);
        OK(may_open(r, &named, RECORD_UPDATE, row.id));
}

static void test_an_admins_key_is_no_admin(void **state)
{
        RIG(state);
        struct grant own = OWNER_OF("*");
        const char *ann = rig_user(r, "ann", &own, 1);
        struct caller caller = rig_caller(ann);
        struct record_row row;
        OK(rig_try_record(r, &caller, for_user(r, "x", "auditor", "a"), &row));
        struct mint m = {.user = "ann", .role = "auditor", .resource = "*"};
        struct minted minted = rig_mint(r, &m);
        struct key_row key = rig_find(r, minted.key);
        struct principal p;
        OK(key_principal(r->db, &key, &r->arena, &p, &f->err));
        assert_int_equal(may_open(r, &p, RECORD_READ, row.id), STATUS_DENIED);
        assert_int_equal(may_open(r, &p, RECORD_UPDATE, row.id), STATUS_DENIED);
}

/* ---- listing ---- */

struct listed {
        char ids[1024];
        size_t n;
};

static bool list_row(void *ctx, const struct record_row *row)
{
        struct listed *l = ctx;
        size_t at = strlen(l->ids);
        snprintf(l->ids + at, sizeof l->ids - at, "%.*s ", (int)row->id.len, row->id.p);
        l->n++;
        return true;
}

static const char *list(struct rig *r, const struct principal *p,
                        const struct record_filter *filter, unsigned limit, size_t *ret_pages)
{
        struct fixture *f = &r->base;
        struct listed *l = arena_alloc(&r->arena, sizeof *l);
        struct page page = {.limit = limit};
        struct span next;
        *ret_pages = 0;
        do {
                size_t before = l->n;
                OK(record_list(p, &page, filter, list_row, l, &r->arena, &next, &f->err));
                assert_true(l->n - before <= limit);
                page.cursor = next;
                ++*ret_pages;
        } while (next.p);
        return l->ids;
}

static void test_everybody_lists_what_they_may_read(void **state)
{
        RIG(state);
        static const struct rig_permission read[] = {{"read", 1}};
        OK(rig_make_role(r, "R", read, 1));
        const char *ann = rig_user(r, "ann", NULL, 0);
        struct caller caller = rig_caller(ann);
        for (int i = 0; i < 7; i++)
                OK(rig_try_record(r, i % 3 == 0 ? &caller : NULL,
                                  arena_printf(&r->arena,
                                               "{'recordId':'r%d','name':'Name %d','statements':[{"
                                               "'roles':['auditor'],'resources':["
                                               "{'resourceUri':'Place/%d'}]}]}",
                                               i, i, i),
                                  NULL));
        OK(rig_delete_record(r, SPAN("r2")));
        struct principal unix_socket = {.db = r->db, .is_all = true};
        struct principal creator = rig_principal(r, ann);
        struct record_filter all = {.text = SPAN_NONE};
        size_t pages;
        assert_string_equal(list(r, &unix_socket, &all, 100, &pages), "r0 r1 r3 r4 r5 r6 ");
        assert_int_equal(pages, 1);
        assert_string_equal(list(r, &unix_socket, &all, 2, &pages), "r0 r1 r3 r4 r5 r6 ");
        assert_int_equal(pages, 3);
        assert_string_equal(list(r, &creator, &all, 2, &pages), "r0 r3 r6 ");
        assert_int_equal(pages, 2);
        /* One that a statement names, one that a group's does, one that is beneath nothing. */
        rig_group(r, arena_printf(&r->arena,
                                  "{'groupId':'grp_g','name':'g','users':[{'userId':'%s'}]}", ann));
        rig_record(r, arena_printf(&r->arena,
                                   "{'recordId':'x','name':'n','users':[{'userId':'%s'}],"
                                   "'statements':[{'roles':['R'],'resources':[{'resourceUri':"
                                   "'Authress:AccessRecords/r4'},{'resourceUri':"
                                   "'Authress:AccessRecords/r4x'}]}]}",
                                   ann));
        rig_record(r, "{'recordId':'y','name':'n','groups':[{'groupId':'grp_g'}],'statements':[{"
                      "'roles':['R'],'resources':[{'resourceUri':'Authress:AccessRecords/r5'}]}]}");
        creator = rig_principal(r, ann);
        assert_string_equal(list(r, &creator, &all, 2, &pages), "r0 r3 r4 r5 r6 ");
        struct record_filter deleted = {.is_deleted = true}, any = {.has_any_state = true};
        assert_string_equal(list(r, &unix_socket, &deleted, 9, &pages), "r2 ");
        assert_string_equal(list(r, &unix_socket, &any, 3, &pages), "r0 r1 r2 r3 r4 r5 r6 x y ");
        struct record_filter text = {.text = SPAN("name 4")}, place = {.text = SPAN("place/5")},
                             id = {.text = SPAN("R6")}, member = {.text = SPAN("resourceUri")};
        assert_string_equal(list(r, &unix_socket, &text, 9, &pages), "r4 ");
        assert_string_equal(list(r, &unix_socket, &place, 9, &pages), "r5 ");
        assert_string_equal(list(r, &unix_socket, &id, 9, &pages), "r6 ");
        assert_string_equal(list(r, &unix_socket, &member, 9, &pages), ""); /* no text of theirs */
        struct page bad = {.limit = 1, .cursor = SPAN("!")};
        struct span next;
        assert_int_equal(
                record_list(&unix_socket, &bad, &all, list_row, NULL, &r->arena, &next, &f->err),
                STATUS_INVALID);
}

/* ---- asking ---- */

static void test_whoever_asks_must_have_the_right_or_ask_about_itself(void **state)
{
        RIG(state);
        static const struct rig_permission read[] = {{"read", 1}};
        OK(rig_make_role(r, "R", read, 1));
        struct grant one = {.role = SPAN("R"), .resource = SPAN("Authress:UserPermissions/bob")},
                     all = {.role = SPAN("R"), .resource = SPAN("Authress:UserPermissions")};
        const char *ann = rig_user(r, "ann", NULL, 0);
        struct principal self = rig_principal(r, ann),
                         of_bob = rig_principal(r, rig_user(r, "one", &one, 1)),
                         of_all = rig_principal(r, rig_user(r, "all", &all, 1));
        OK(access_may_ask(&self, span_of(ann), &f->err));
        assert_int_equal(access_may_ask(&self, SPAN("bob"), &f->err), STATUS_DENIED);
        OK(access_may_ask(&of_bob, SPAN("bob"), &f->err));
        assert_int_equal(access_may_ask(&of_bob, SPAN("bobby"), &f->err), STATUS_DENIED);
        OK(access_may_ask(&of_all, SPAN("a/b c|d"), &f->err));
        assert_int_equal(access_may_ask(&of_all, SPAN("a%"), &f->err), STATUS_INVALID);
        struct principal client = {
                .db = r->db, .caller = {.kind = CALLER_CLIENT, .id = "sc_0123456789abcdefghij"}};
        OK(access_may_ask(&client, SPAN("sc_0123456789abcdefghij"), &f->err));
        OK(access_may_ask(&client, SPAN("Authress:ServiceClients/sc_0123456789abcdefghij"),
                          &f->err));
        struct principal app = {.db = r->db, .caller = {.kind = CALLER_APP, .id = "x"}};
        assert_int_equal(access_may_ask(&app, SPAN("x"), &f->err), STATUS_DENIED);
}

/* ---- roles ---- */

static void test_a_role_that_is_held_grows_only_by_what_may_be_given(void **state)
{
        RIG(state);
        static const struct rig_permission had[] = {{"docs:*", 3}};
        OK(rig_make_role(r, "H", had, 1));
        struct grant nearly = OWNER_OF("a"), owner = OWNER_OF("*");
        struct principal some = rig_principal(r, rig_user(r, "some", &nearly, 1)),
                         every = rig_principal(r, rig_user(r, "every", &owner, 1));
        struct role role;
        bool is_unheld;
        struct right less = {.action = SPAN("Docs:Read"), .abilities = 1},
                     more = {.action = SPAN("docs"), .abilities = 4},
                     other = {.action = SPAN("x"), .abilities = 1};
        OK(role_get(r->db, SPAN("H"), &r->arena, &role, &f->err));
        OK(role_may_give(&some, &role, &other, 1, &is_unheld, &f->err));
        assert_true(is_unheld);
        rig_record(r, for_user(r, "eve", "H", "a/b"));
        OK(role_may_give(&some, &role, &less, 1, &is_unheld, &f->err));
        assert_false(is_unheld);
        assert_int_equal(role_may_give(&some, &role, &more, 1, &is_unheld, &f->err), STATUS_DENIED);
        assert_int_equal(role_may_give(&some, &role, &other, 1, &is_unheld, &f->err),
                         STATUS_DENIED);
        OK(role_may_give(&every, &role, &more, 1, &is_unheld, &f->err));

        struct role_change *c;
        struct span action = SPAN("x");
        OK(role_change_new(r->domain, NULL, &c, &f->err));
        c->id = SPAN("H");
        c->permissions = &action;
        c->n_permissions = 1;
        c->has_permissions = c->is_unheld = true;
        assert_int_equal(rig_run(r, &c->base), STATUS_RETRY); /* somebody holds it by now */
        domain_command_free(&c->base);
}

static void test_roles_are_managed_in_either_sides_words(void **state)
{
        RIG(state);
        static const struct rig_permission all[] = {{"read", 1},
                                                    {"create", 1},
                                                    {"update", 1},
                                                    {"delete", 1}},
                                           native[] = {{"roles:read", 1}};
        OK(rig_make_role(r, "A", all, 4));
        OK(rig_make_role(r, "N", native, 1));
        struct grant own = {.role = SPAN("A"), .resource = SPAN("Authress:Roles/one")},
                     reader = {.role = SPAN("N"), .resource = SPAN("roles")};
        struct principal of_one = rig_principal(r, rig_user(r, "one", &own, 1)),
                         reads = rig_principal(r, rig_user(r, "reads", &reader, 1));
        OK(role_may(&of_one, ROLE_UPDATE, SPAN("one"), &f->err));
        OK(role_may(&of_one, ROLE_DELETE, SPAN("one"), &f->err));
        assert_int_equal(role_may(&of_one, ROLE_READ, SPAN("two"), &f->err), STATUS_DENIED);
        assert_int_equal(role_may(&of_one, ROLE_CREATE, SPAN_NONE, &f->err), STATUS_DENIED);
        OK(role_may(&reads, ROLE_READ, SPAN("two"), &f->err));
        OK(role_may(&reads, ROLE_READ, SPAN_NONE, &f->err));
        assert_int_equal(role_may(&reads, ROLE_UPDATE, SPAN("two"), &f->err), STATUS_DENIED);
}

static void test_roles_keep_abilities_and_description(void **state)
{
        RIG(state);
        struct role_create *c;
        struct span actions[] = {SPAN("Docs:READ"), SPAN("docs:read"), SPAN("x")};
        unsigned abilities[] = {ABILITY_ALLOW, ABILITY_GRANT, ABILITY_DELEGATE};
        OK(role_create_new(r->domain, NULL, &c, &f->err));
        c->id = SPAN("reader");
        c->name = SPAN("A reader");
        c->description = SPAN("Reads.");
        c->permissions = actions;
        c->abilities = abilities;
        c->n_permissions = 3;
        OK(rig_run(r, &c->base));
        domain_command_free(&c->base);
        struct role role;
        OK(role_get(r->db, SPAN("reader"), &r->arena, &role, &f->err));
        assert_true(span_is(role.description, "Reads.") && span_is(role.name, "A reader"));
        assert_int_equal(role.n_permissions, 2);
        assert_true(span_is(role.permissions[0].action, "docs:read"));
        assert_int_equal(role.permissions[0].abilities, ABILITY_ALLOW | ABILITY_GRANT);
        assert_int_equal(role.permissions[1].abilities, ABILITY_DELEGATE);

        struct role_change *change;
        OK(role_change_new(r->domain, NULL, &change, &f->err));
        change->id = SPAN("reader");
        change->has_description = true;
        OK(rig_run(r, &change->base));
        domain_command_free(&change->base);
        OK(role_get(r->db, SPAN("reader"), &r->arena, &role, &f->err));
        assert_true(!role.description.p && role.n_permissions == 2);

        abilities[2] = 0;
        OK(role_create_new(r->domain, NULL, &c, &f->err));
        c->id = c->name = SPAN("none");
        c->permissions = actions;
        c->abilities = abilities;
        c->n_permissions = 3;
        assert_int_equal(rig_run(r, &c->base), STATUS_INVALID);
        domain_command_free(&c->base);
        OK(role_get(r->db, SPAN("Authress:Owner"), &r->arena, &role, &f->err));
        assert_true(role.is_built_in && role.permissions[0].abilities == 7);

        struct page page = {.limit = 4};
        struct role *list;
        size_t n;
        struct span next;
        OK(role_page(r->db, &page, &r->arena, &list, &n, &next, &f->err));
        assert_int_equal(n, 4);
        page.cursor = next;
        OK(role_page(r->db, &page, &r->arena, &list, &n, &next, &f->err));
        assert_int_equal(n, 2);
        assert_true(span_is(list[0].id, "Authress:Owner") && span_is(list[1].id, "reader"));
        assert_null(next.p);
}

/* ---- the last administrator ---- */

static void test_the_last_administrator_stays(void **state)
{
        RIG(state);
        const char *ann = rig_user(r, "ann", NULL, 0);
        static const char none[] = "{'groupId':'grp_g','name':'g'}";
        const char *some = arena_printf(
                &r->arena, "{'groupId':'grp_g','name':'g','users':[{'userId':'%s'}]}", ann);
        struct group_row g = rig_group(r, some);
        struct record_row auditors = rig_record(r, for_user(r, ann, "auditor", "*"));
        OK(rig_delete_record(r, auditors.id)); /* nobody is one yet */
        struct record_row row = rig_record(r, for_user(r, ann, "admin", "*"));
        assert_int_equal(rig_delete_record(r, row.id), STATUS_CONFLICT);
        assert_string_equal(f->err.slug, "last-administrator");
        assert_int_equal(rig_try_update(r, &row, for_user(r, ann, "admin", "a"), -1, NULL),
                         STATUS_CONFLICT);
        assert_true(rig_is_allowed(r, ann, "x", "y"));
        struct record_row second = rig_record(
                r, "{'name':'n','groups':[{'groupId':'grp_g'}],'statements':[{'roles':['admin'],"
                   "'resources':[{'resourceUri':'*'}]}]}");
        OK(rig_delete_record(r, row.id));
        assert_int_equal(rig_try_regroup(r, &g, none, -1, NULL), STATUS_CONFLICT);
        assert_int_equal(rig_delete_group(r, g.id), STATUS_CONFLICT);
        assert_int_equal(rig_delete_record(r, second.id), STATUS_CONFLICT);
        struct grant all = {.role = SPAN("admin"), .resource = SPAN("*")};
        (void)rig_user(r, "root", &all, 1);
        OK(rig_try_regroup(r, &g, none, -1, &g));
        OK(rig_delete_group(r, g.id));
        OK(rig_delete_record(r, second.id));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                RIG_TEST(test_only_what_may_be_given_on_is_given),
                RIG_TEST(test_an_owner_gives_its_own_and_nothing_beside),
                RIG_TEST(test_an_update_is_judged_by_what_is_new),
                RIG_TEST(test_admins_and_those_with_the_right_manage_a_record),
                RIG_TEST(test_admins_that_are_named_stand_for_the_creator),
                RIG_TEST(test_an_admins_key_is_no_admin),
                RIG_TEST(test_everybody_lists_what_they_may_read),
                RIG_TEST(test_whoever_asks_must_have_the_right_or_ask_about_itself),
                RIG_TEST(test_a_role_that_is_held_grows_only_by_what_may_be_given),
                RIG_TEST(test_roles_are_managed_in_either_sides_words),
                RIG_TEST(test_roles_keep_abilities_and_description),
                RIG_TEST(test_the_last_administrator_stays),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
