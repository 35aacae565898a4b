/* Roles changed and deleted, and what becomes of who holds them. */
#include "unit/domain/unit.h"

#include "unit/domain/domain_rig.h"

#include <chatelaine/domain_roles.h>

/* One permission more or less in `o`; its base is the command's own. */
static enum status change(struct rig *r, const struct role_change *o)
{
        struct fixture *f = &r->base;
        struct role_change *c;
        OK(role_change_new(r->domain, NULL, &c, &f->err));
        c->id = o->id;
        c->name = o->name;
        c->description = o->description;
        c->has_description = o->has_description;
        c->permissions = o->permissions;
        c->n_permissions = o->n_permissions;
        c->has_permissions = o->has_permissions;
        c->is_unheld = o->is_unheld;
        enum status s = rig_run(r, &c->base);
        domain_command_free(&c->base);
        return s;
}

static enum status rename_to(struct rig *r, const char *id, const char *name)
{
        return change(r, &(struct role_change){.id = span_of(id), .name = span_of(name)});
}

static enum status permit(struct rig *r, const char *id, const char *permission, bool is_unheld)
{
        struct span permissions[] = {span_of(permission)};
        return change(r, &(struct role_change){.id = span_of(id),
                                               .permissions = permissions,
                                               .n_permissions = 1,
                                               .has_permissions = true,
                                               .is_unheld = is_unheld});
}

static enum status delete (struct rig *r, const char *id) {
        struct fixture *f = &r->base; struct role_delete * c;
        OK(role_delete_new(r->domain, NULL, &c, &f->err));
        c->id = span_of(id);
        enum status s = rig_run(r, &c->base);
        domain_command_free(&c->base);
        return s;
}

static const char *shown(struct rig *r, const char *id)
{
        struct fixture *f = &r->base;
        CLEANUP(buf_fini) struct buf out;
        buf_init(&out, 65536);
        OK(role_write(r->db, span_of(id), &out, &f->err));
        return arena_dup(&r->arena, buf_view(&out));
}

/* A user of the role, and a key of his that carries it. */
static struct minted holder(struct rig *r, const char *role)
{
        struct grant held[] = {{.role = span_of(role), .resource = SPAN("*")}};
        rig_user(r, "guest", held, 1);
        return rig_mint(r, &(struct mint){.role = role, .resource = "*"});
}

static void test_new_permissions_take_the_place_of_the_old_for_whoever_holds_the_role(void **state)
{
        RIG(state);
        OK(rig_role(r, "reader", "keys:read"));
        struct minted key = holder(r, "reader");
        assert_true(rig_may(r, key.key, "keys:read", "keys/k"));
        OK(permit(r, "reader", "documents:read", false));
        assert_false(rig_may(r, key.key, "keys:read", "keys/k"));
        assert_true(rig_may(r, key.key, "documents:read", "documents/d"));
        assert_non_null(strstr(rig_event(r, "chatelaine.audit.v1"), "\"role.change\""));
}

static void test_a_change_without_permissions_leaves_them(void **state)
{
        RIG(state);
        OK(rig_role(r, "reader", "keys:read"));
        struct minted key = holder(r, "reader");
        OK(rename_to(r, "reader", "looker"));
        OK(change(r, &(struct role_change){.id = SPAN("looker"),
                                           .description = SPAN("who looks"),
                                           .has_description = true}));
        assert_true(rig_may(r, key.key, "keys:read", "keys/k"));
        assert_non_null(strstr(shown(r, "looker"), "\"name\":\"looker\""));
        assert_non_null(strstr(shown(r, "looker"), "keys:read"));
}

static void test_a_name_is_one_role_s(void **state)
{
        RIG(state);
        OK(rig_role(r, "one", "keys:read"));
        OK(rig_role(r, "two", "keys:read"));
        assert_int_equal(rename_to(r, "one", "two"), STATUS_CONFLICT);
        assert_string_equal(f->err.slug, "role-exists");
        assert_int_equal(rename_to(r, "one", "operator"), STATUS_CONFLICT); /* a built-in one's */
        OK(rename_to(r, "one", "one"));
        assert_int_equal(rename_to(r, "one", ""), STATUS_INVALID);
        assert_int_equal(rename_to(r, "none", "three"), STATUS_NOT_FOUND);
}

static void test_a_permission_that_is_none_undoes_the_whole_change(void **state)
{
        RIG(state);
        OK(rig_role(r, "reader", "keys:read"));
        struct minted key = holder(r, "reader");
        struct span bad[] = {SPAN("documents:read"), SPAN("not a permission")};
        assert_int_equal(change(r, &(struct role_change){.id = SPAN("reader"),
                                                         .name = SPAN("other"),
                                                         .permissions = bad,
                                                         .n_permissions = 2,
                                                         .has_permissions = true}),
                         STATUS_INVALID);
        assert_true(rig_may(r, key.key, "keys:read", "keys/k"));
        assert_non_null(strstr(shown(r, "reader"), "\"name\":\"reader\""));
}

static void test_a_change_that_must_find_nobody_with_the_role_is_refused_when_it_does(void **state)
{
        RIG(state);
        OK(rig_role(r, "reader", "keys:read"));
        OK(permit(r, "reader", "keys:rotate", true));
        struct minted key = holder(r, "reader");
        assert_int_equal(permit(r, "reader", "keys:revoke", true), STATUS_RETRY);
        assert_string_equal(f->err.slug, "role-changed");
        assert_false(rig_may(r, key.key, "keys:revoke", "keys/k"));
}

static void test_built_in_roles_stay_as_they_are(void **state)
{
        RIG(state);
        static const char *const names[] = {"admin", "operator", "backend", "auditor"};
        for (size_t i = 0; i < LENGTH(names); i++) {
                assert_int_equal(rename_to(r, names[i], "mine"), STATUS_DENIED);
                assert_string_equal(f->err.slug, "role-built-in");
                assert_int_equal(permit(r, names[i], "*", false), STATUS_DENIED);
                assert_int_equal(delete (r, names[i]), STATUS_DENIED);
        }
        assert_non_null(strstr(rig_event(r, "chatelaine.audit.v1"), "\"role-built-in\""));
}

static void test_a_deleted_role_gives_nothing_and_its_name_brings_nothing_back(void **state)
{
        RIG(state);
        OK(rig_role(r, "reader", "keys:read"));
        struct minted key = holder(r, "reader");
        OK(delete (r, "reader"));
        assert_false(rig_may(r, key.key, "keys:read", "keys/k"));
        assert_int_equal(rig_int(r, "SELECT count(*) FROM role_permissions"), 0);
        assert_int_equal(delete (r, "reader"), STATUS_NOT_FOUND);
        OK(rig_role(r, "reader", "keys:read")); /* another one, by its id */
        assert_false(rig_may(r, key.key, "keys:read", "keys/k"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                RIG_TEST(test_new_permissions_take_the_place_of_the_old_for_whoever_holds_the_role),
                RIG_TEST(test_a_change_without_permissions_leaves_them),
                RIG_TEST(test_a_name_is_one_role_s),
                RIG_TEST(test_a_permission_that_is_none_undoes_the_whole_change),
                RIG_TEST(test_a_change_that_must_find_nobody_with_the_role_is_refused_when_it_does),
                RIG_TEST(test_built_in_roles_stay_as_they_are),
                RIG_TEST(test_a_deleted_role_gives_nothing_and_its_name_brings_nothing_back),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
