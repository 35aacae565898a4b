/* What a loop keeps of those who call is never older than what was answered. */
#include "client_rig.h"
#include "unit/domain/record_rig.h"

#include "auth/client_rows.h"
#include "auth/state.h"

#include <pthread.h>

/* Twice: the second time by what was kept. */
#define LET_IN_TWICE(text)    \
        do {                  \
                LET_IN(text); \
                LET_IN(text); \
        } while (0)

static const char *lasting(struct auth_rig *r, const struct client *c)
{
        return token(r, c, "JWT", 0, 0, T0 / 1000.0 + 1e9);
}

static bool may(struct auth_rig *r, const char *text, const char *action, const char *resource)
{
        const struct principal *p = enter(r, text);
        assert_non_null(p);
        return grants_allow(p, action, span_of(resource));
}

static void suspend(struct auth_rig *r, const char *key_id, bool is_active)
{
        struct fixture *f = &r->base.base;
        struct key_suspend *c;
        OK(key_suspend_new(r->base.domain, NULL, &c, &f->err));
        c->id = span_of(key_id);
        c->is_active = is_active;
        OK(rig_run(&r->base, &c->base));
        domain_command_free(&c->base);
}

static const char *key_id_of(struct auth_rig *r, const char *text)
{
        return arena_dup(&r->base.arena, span_of(enter(r, text)->caller.key_id));
}

static void test_a_suspended_key_is_out_and_a_resumed_one_is_in(void **state)
{
        AUTH_RIG(state);
        struct client c = make_client(r);
        const char *held = lasting(r, &c), *id = key_id_of(r, held);
        for (int i = 0; i < 3; i++) {
                LET_IN_TWICE(held);
                LET_IN_TWICE(c.text);
                suspend(r, id, false);
                KEPT_OUT(held);
                KEPT_OUT(c.text);
                suspend(r, id, true);
        }
        pkey_free(c.key);
}

static void test_a_deleted_client_is_out(void **state)
{
        AUTH_RIG(state);
        struct client c = make_client(r);
        const char *held = lasting(r, &c);
        struct client_delete *gone;
        LET_IN_TWICE(held);
        OK(client_delete_new(r->base.domain, NULL, &gone, &f->err));
        gone->id = span_of(c.id);
        OK(rig_run(&r->base, &gone->base));
        domain_command_free(&gone->base);
        KEPT_OUT(held);
        KEPT_OUT(c.text);
        pkey_free(c.key);
}

/* Without any command: nothing but the clock has changed. */
static void test_a_key_expires_while_it_is_kept(void **state)
{
        AUTH_RIG(state);
        struct client c = make_client(r);
        const char *held = lasting(r, &c);
        int64_t left = rig_int(&r->base, "SELECT dies_at FROM keys") - rig_clock();
        LET_IN_TWICE(held);
        rig_advance(left - 1);
        LET_IN_TWICE(held);
        LET_IN_TWICE(c.text);
        rig_advance(1);
        KEPT_OUT(held);
        KEPT_OUT(c.text);
        rig_advance(-1); /* the clock was put back: as the row has it */
        LET_IN_TWICE(held);
        pkey_free(c.key);
}

static void set_options(struct auth_rig *r, const struct client *c, unsigned options)
{
        struct fixture *f = &r->base.base;
        struct client_change *change;
        OK(client_change_new(r->base.domain, NULL, &change, &f->err));
        change->id = span_of(c->id);
        change->profile.options = options;
        change->profile.has_options = CLIENT_OPTIONS_ALL;
        OK(rig_run(&r->base, &change->base));
        domain_command_free(&change->base);
}

static void test_options_of_the_client_are_those_of_now(void **state)
{
        AUTH_RIG(state);
        struct client c = make_client(r);
        const char *held = lasting(r, &c);
        for (int i = 0; i < 3; i++) {
                LET_IN_TWICE(held);
                assert_false(client_has_option(enter(r, held), CLIENT_ASKS_OF_USERS));
                set_options(r, &c, CLIENT_ASKS_OF_USERS);
                assert_true(client_has_option(enter(r, held), CLIENT_ASKS_OF_USERS));
                assert_true(client_has_option(enter(r, held), CLIENT_ASKS_OF_USERS));
                set_options(r, &c, 0);
        }
        pkey_free(c.key);
}

static const char *record_of(struct auth_rig *r, const char *members, const char *role,
                             const char *resource)
{
        return arena_printf(&r->base.arena,
                            "{'name':'n',%s,'statements':[{'roles':['%s'],'resources':"
                            "[{'resourceUri':'%s'}]}]}",
                            members, role, resource);
}

static void test_records_count_from_the_next_request_on(void **state)
{
        AUTH_RIG(state);
        struct client c = make_client(r);
        const char *held = lasting(r, &c);
        const char *users = arena_printf(&r->base.arena, "'users':[{'userId':'%s'}]", c.id);
        for (int i = 0; i < 3; i++) {
                assert_false(may(r, held, "keys:read", "a"));
                struct record_row row = rig_record(&r->base, record_of(r, users, "auditor", "a"));
                assert_true(may(r, held, "keys:read", "a"));
                assert_true(may(r, held, "keys:read", "a/b"));
                OK(rig_try_update(&r->base, &row, record_of(r, users, "auditor", "b"), -1, &row));
                assert_false(may(r, held, "keys:read", "a"));
                assert_true(may(r, held, "keys:read", "b"));
                OK(rig_delete_record(&r->base, row.id));
                assert_false(may(r, held, "keys:read", "b"));
        }
        pkey_free(c.key);
}

static void test_groups_count_from_the_next_request_on(void **state)
{
        AUTH_RIG(state);
        struct client c = make_client(r);
        const char *held = lasting(r, &c), *none = "{'groupId':'grp_a','name':'n','users':[]}";
        const char *with_it = arena_printf(
                &r->base.arena, "{'groupId':'grp_a','name':'n','users':[{'userId':'%s'}]}", c.id);
        struct group_row group = rig_group(&r->base, none);
        rig_record(&r->base, record_of(r, "'groups':[{'groupId':'grp_a'}]", "auditor", "a"));
        for (int i = 0; i < 3; i++) {
                assert_false(may(r, held, "keys:read", "a"));
                OK(rig_try_regroup(&r->base, &group, with_it, -1, &group));
                assert_true(may(r, held, "keys:read", "a"));
                OK(rig_try_regroup(&r->base, &group, none, -1, &group));
        }
        OK(rig_try_regroup(&r->base, &group, with_it, -1, &group));
        assert_true(may(r, held, "keys:read", "a"));
        OK(rig_delete_group(&r->base, SPAN("grp_a")));
        assert_false(may(r, held, "keys:read", "a"));
        pkey_free(c.key);
}

static void set_role(struct auth_rig *r, const char *action)
{
        struct fixture *f = &r->base.base;
        struct role_change *change;
        struct span actions[] = {span_of(action)};
        OK(role_change_new(r->base.domain, NULL, &change, &f->err));
        change->id = SPAN("mine");
        change->permissions = actions;
        change->n_permissions = 1;
        change->has_permissions = true;
        OK(rig_run(&r->base, &change->base));
        domain_command_free(&change->base);
}

static void test_a_changed_role_counts_from_the_next_request_on(void **state)
{
        AUTH_RIG(state);
        struct client c = make_client(r);
        const char *held = lasting(r, &c);
        const char *users = arena_printf(&r->base.arena, "'users':[{'userId':'%s'}]", c.id);
        static const struct rig_permission first[] = {{"x:read", ABILITY_ALLOW}};
        OK(rig_make_role(&r->base, "mine", first, 1));
        rig_record(&r->base, record_of(r, users, "mine", "a"));
        for (int i = 0; i < 3; i++) {
                assert_true(may(r, held, "x:read", "a"));
                assert_false(may(r, held, "x:write", "a"));
                set_role(r, "x:write");
                assert_false(may(r, held, "x:read", "a"));
                assert_true(may(r, held, "x:write", "a"));
                set_role(r, "x:read");
        }
        pkey_free(c.key);
}

/* ---- a change while the request is under way ---- */

static struct {
        struct auth_rig *rig;
        const struct client *client;
        pthread_t thread;
        int calls, at; /* the key is deleted when the test's thread asks the time that often; 0 =
                          never */
} meddling;

static int64_t meddling_clock(void)
{
        if (pthread_equal(pthread_self(), meddling.thread) && ++meddling.calls == meddling.at)
                delete_key(meddling.rig, meddling.client);
        return rig_clock();
}

/* One request in a snapshot, as a call makes it; how often it asked the time. */
static int request_meddled_with(struct auth_rig *r, const struct client *c, const char *held,
                                int at)
{
        meddling.rig = r;
        meddling.client = c;
        meddling.thread = pthread_self();
        meddling.calls = 0;
        meddling.at = at;
        clock_inject(meddling_clock, rig_mono);
        auth_snapshot_begin(r->loop);
        enter(r, held);
        auth_snapshot_end(r->loop);
        clock_inject(rig_clock, rig_mono);
        return meddling.calls;
}

/* Whoever was let in by rows of before is kept under the count of before. */
static void test_a_key_that_goes_during_a_request_is_out_at_the_next(void **state)
{
        AUTH_RIG(state);
        struct client undisturbed = make_client(r);
        int n = request_meddled_with(r, &undisturbed, lasting(r, &undisturbed), 0);
        assert_true(n > 2);
        for (int at = 1; at <= n; at++) {
                struct client c = make_client(r);
                const char *held = lasting(r, &c);
                request_meddled_with(r, &c, held, at);
                KEPT_OUT(held);
                pkey_free(c.key);
        }
        pkey_free(undisturbed.key);
}

static void test_what_an_older_snapshot_shows_is_kept_under_the_count_of_before(void **state)
{
        AUTH_RIG(state);
        struct client c = make_client(r);
        const char *held = lasting(r, &c);
        auth_snapshot_begin(r->loop);
        assert_int_equal(rig_int(&r->base, "SELECT count(*) FROM access_keys"), 1);
        delete_key(r, &c);
        LET_IN_TWICE(held); /* begun before */
        auth_snapshot_end(r->loop);
        KEPT_OUT(held);
        pkey_free(c.key);
}

/* ---- bounds ---- */

static void test_there_is_room_for_so_many(void **state)
{
        AUTH_RIG(state);
        struct client c = make_client(r), others[200];
        const struct principal *first = enter(r, c.text);
        for (size_t round = 0; round < 2; round++)
                for (size_t i = 0; i < LENGTH(others); i++) {
                        if (round == 0)
                                others[i] = make_client(r);
                        assert_string_equal(with(r, others[i].text, &others[i]), "");
                        if (round == 1)
                                pkey_free(others[i].key);
                }
        /* The request's own, whoever has its place now. */
        assert_true(span_is(first->client->id, c.id) && span_is(first->client->name, "a client"));
        LET_IN_TWICE(c.text);
        pkey_free(c.key);
}

static void test_what_is_too_large_is_not_kept(void **state)
{
        AUTH_RIG(state);
        struct client c = make_client(r);
        struct client_rows *rows;
        struct access_key key;
        struct principal p;
        OK(access_key_find(r->base.db, span_of(c.id), span_of(c.kid), rig_clock(), &r->base.arena,
                           &key, &f->err));
        OK(access_key_principal(r->base.db, &key, &r->base.arena, &p, &f->err));
        OK(client_rows_new(&rows, &f->err));
        client_rows_keep(rows, 7, &key, &p);
        assert_non_null(client_rows_recall(rows, c.id, c.kid, 7));
        assert_null(client_rows_recall(rows, c.id, c.kid, 8));
        assert_null(client_rows_recall(rows, "sc_0123456789abcdefghij", c.kid, 7));
        struct right rights[64];
        char resource[512];
        memset(resource, 'r', sizeof resource);
        for (size_t i = 0; i < LENGTH(rights); i++)
                rights[i] = (struct right){SPAN("x"), 1, span_make(resource, sizeof resource)};
        p.rights.list = rights;
        p.rights.n = LENGTH(rights);
        client_rows_keep(rows, 7, &key, &p);
        assert_null(client_rows_recall(rows, c.id, c.kid, 7));
        client_rows_free(rows);
        pkey_free(c.key);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                AUTH_TEST(test_a_suspended_key_is_out_and_a_resumed_one_is_in),
                AUTH_TEST(test_a_deleted_client_is_out),
                AUTH_TEST(test_a_key_expires_while_it_is_kept),
                AUTH_TEST(test_options_of_the_client_are_those_of_now),
                AUTH_TEST(test_records_count_from_the_next_request_on),
                AUTH_TEST(test_groups_count_from_the_next_request_on),
                AUTH_TEST(test_a_changed_role_counts_from_the_next_request_on),
                AUTH_TEST(test_a_key_that_goes_during_a_request_is_out_at_the_next),
                AUTH_TEST(test_what_an_older_snapshot_shows_is_kept_under_the_count_of_before),
                AUTH_TEST(test_there_is_room_for_so_many),
                AUTH_TEST(test_what_is_too_large_is_not_kept),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
