/* Access keys: a service client's, with the life of a key. */
#include "domain_rig.h"

#include <chatelaine/domain_access_keys.h>
#include <chatelaine/domain_sessions.h>

struct made {
        const char *id, *kid; /* of keys; of the key */
        int64_t expires_at;
};

static const char *client_with(struct rig *r, const char *role, const char *resource)
{
        struct fixture *f = &r->base;
        struct client_create *c;
        struct grant grant = {.role = span_of(role), .resource = span_of(resource)};
        OK(client_create_new(r->domain, NULL, &c, &f->err));
        c->name = SPAN("a client");
        c->grants = &grant;
        c->n_grants = role ? 1 : 0;
        OK(rig_run(r, &c->base));
        const char *id = arena_dup(&r->arena, span_of(c->id));
        domain_command_free(&c->base);
        return id;
}

static const char *client(struct rig *r)
{
        return client_with(r, NULL, NULL);
}

/* `as` says what is asked for besides the client. */
static enum status try_key(struct rig *r, const char *client_id, const struct access_key_create *as,
                           struct made *ret)
{
        struct fixture *f = &r->base;
        struct access_key_create *c;
        OK(access_key_create_new(r->domain, NULL, &c, &f->err));
        c->client_id = span_of(client_id);
        if (as) {
                c->public_key = as->public_key;
                c->resources = as->resources;
                c->n_resources = as->n_resources;
                c->expires_at = as->expires_at;
                c->expires_in_ms = as->expires_in_ms;
                c->replaces = as->replaces;
                c->grace_ms = as->replaces.p ? as->grace_ms : -1;
        }
        enum status s = rig_run(r, &c->base);
        if (s == STATUS_OK && ret)
                *ret = (struct made){arena_dup(&r->arena, span_of(c->id)),
                                     arena_dup(&r->arena, span_of(c->kid)), c->ret_expires_at};
        domain_command_free(&c->base);
        return s;
}

static struct made key_of(struct rig *r, const char *client_id)
{
        struct fixture *f = &r->base;
        struct made m;
        OK(try_key(r, client_id, NULL, &m));
        return m;
}

static bool is_live(struct rig *r, const char *client_id, const char *kid)
{
        struct access_key k;
        return access_key_find(r->db, span_of(client_id), span_of(kid), rig_clock(), &r->arena, &k,
                               NULL) == STATUS_OK;
}

static enum status delete_key(struct rig *r, const char *client_id, const char *kid)
{
        struct fixture *f = &r->base;
        struct access_key_delete *c;
        OK(access_key_delete_new(r->domain, NULL, &c, &f->err));
        c->client_id = span_of(client_id);
        c->kid = span_of(kid);
        enum status s = rig_run(r, &c->base);
        domain_command_free(&c->base);
        return s;
}

#define REFUSED(status, slug_)                           \
        do {                                             \
                assert_int_not_equal(status, STATUS_OK); \
                assert_string_equal(f->err.slug, slug_); \
        } while (0)

/* ---- life ---- */

static void test_only_the_public_half_is_stored(void **state)
{
        RIG(state);
        struct access_key_create *c;
        struct access_key_text text;
        struct access_key key;
        struct buf shown;
        struct pkey *pair;
        uint8_t public[32];
        const char *id = client(r);
        OK(access_key_create_new(r->domain, NULL, &c, &f->err));
        c->client_id = span_of(id);
        OK(rig_run(r, &c->base));
        buf_init(&shown, ACCESS_KEY_TEXT_MAX);
        access_key_create_text(c, &shown);
        assert_true(access_key_read(buf_view(&shown), &text));
        assert_true(span_is(text.client_id, id) && span_is(text.kid, c->kid));
        OK(pkey_from_seed(text.seed, &pair, &f->err));
        OK(pkey_public(pair, public, &f->err));
        OK(access_key_find(r->db, text.client_id, text.kid, rig_clock(), &r->arena, &key, &f->err));
        assert_memory_equal(key.public_key, public, 32);
        assert_string_equal(key.id, c->id);
        assert_null(strstr(rig_event(r, "chatelaine.key.created.v1"), "MC4CAQ"));
        assert_null(strstr(rig_event(r, "chatelaine.audit.v1"), "MC4CAQ"));
        pkey_free(pair);
        buf_fini_secret(&shown);
        domain_command_free(&c->base);
}

static void test_a_key_lives_as_long_as_is_allowed_or_asked(void **state)
{
        RIG(state);
        const char *id = client(r);
        struct made longest = key_of(r, id), brief;
        assert_int_equal(longest.expires_at, T0 + 366 * DAY);
        OK(try_key(r, id, &(struct access_key_create){.expires_in_ms = MINUTE}, &brief));
        assert_int_equal(brief.expires_at, T0 + MINUTE);
        REFUSED(try_key(r, id, &(struct access_key_create){.expires_in_ms = 367 * DAY}, NULL),
                "expiry-too-long");
        REFUSED(try_key(r, id, &(struct access_key_create){.expires_at = T0}, NULL),
                "expiry-in-past");
        rig_advance(MINUTE - 1);
        assert_true(is_live(r, id, brief.kid));
        rig_advance(1);
        assert_false(is_live(r, id, brief.kid)); /* before the scheduler has run */
        assert_true(is_live(r, id, longest.kid));
        assert_int_equal(rig_job(r, keys_expire_in, 10, NULL), 1);
        assert_non_null(strstr(rig_event(r, "chatelaine.key.expired.v1"), id));
        rig_check_counts(r);
}

static void test_a_client_has_five_active_keys_at_most(void **state)
{
        RIG(state);
        const char *id = client(r);
        struct made first = key_of(r, id), heir;
        OK(rig_suspend(r, first.id, false)); /* still counts: it could be resumed */
        for (int i = 1; i < ACCESS_KEYS_MAX; i++)
                (void)key_of(r, id);
        REFUSED(try_key(r, id, NULL, NULL), "access-key-limit");
        assert_int_equal(error_http(&f->err), 422);
        OK(rig_suspend(r, first.id, true));
        /* One that follows another takes its place. */
        OK(try_key(r, id,
                   &(struct access_key_create){.replaces = span_of(first.kid), .grace_ms = MINUTE},
                   &heir));
        assert_true(is_live(r, id, first.kid) && is_live(r, id, heir.kid));
        REFUSED(try_key(r, id, NULL, NULL), "access-key-limit");
        OK(delete_key(r, id, heir.kid));
        (void)key_of(r, id);
        (void)key_of(r, client(r)); /* another client's own five */
        rig_check_counts(r);
}

static void test_a_successor_has_the_bindings_and_never_a_longer_life(void **state)
{
        RIG(state);
        const char *id = client(r);
        struct span resources[] = {SPAN("documents/d")};
        struct made old, new;
        OK(try_key(r, id,
                   &(struct access_key_create){
                           .expires_in_ms = HOUR, .resources = resources, .n_resources = 1},
                   &old));
        struct access_key_create follow = {.replaces = span_of(old.kid), .grace_ms = MINUTE};
        OK(try_key(r, id, &follow, &new));
        assert_int_equal(new.expires_at, T0 + HOUR);
        REFUSED(try_key(r, id, &follow, NULL), "key-rotated");
        rig_advance(MINUTE);
        assert_false(is_live(r, id, old.kid));
        assert_true(is_live(r, id, new.kid));
        assert_int_equal(rig_done(r, "d", false), 1);
        assert_false(is_live(r, id, new.kid));
        struct key_rotate *c;
        OK(key_rotate_new(r->domain, NULL, &c, &f->err));
        c->id = span_of(new.id);
        REFUSED(rig_run(r, &c->base), "access-key"); /* not into an API key */
        domain_command_free(&c->base);
}

static void test_what_has_ended_is_not_there_to_be_deleted(void **state)
{
        RIG(state);
        const char *id = client(r), *other = client(r);
        struct made k = key_of(r, id);
        REFUSED(delete_key(r, other, k.kid), "access-key-not-found");
        assert_true(is_live(r, id, k.kid));
        OK(delete_key(r, id, k.kid));
        assert_false(is_live(r, id, k.kid));
        REFUSED(delete_key(r, id, k.kid), "access-key-not-found");
        assert_int_equal(rig_events(r, "chatelaine.key.revoked.v1"), 1);
}

static enum status purge_all(struct ledger_tx *tx, unsigned limit, int64_t *n, bool *more,
                             struct error *e)
{
        return keys_purge_in(tx, tx->now_ms, limit, n, more, e);
}

static void test_a_client_that_goes_takes_its_keys_along(void **state)
{
        RIG(state);
        const char *id = client(r);
        struct made k = key_of(r, id);
        struct client_delete *c;
        OK(client_delete_new(r->domain, NULL, &c, &f->err));
        c->id = span_of(id);
        OK(rig_run(r, &c->base));
        assert_int_equal(c->revoked, 1);
        domain_command_free(&c->base);
        assert_false(is_live(r, id, k.kid));
        struct key_row row = rig_get(r, k.id);
        assert_true(span_is(row.reason, KEY_REASON_CLIENT_DELETED));
        REFUSED(try_key(r, id, NULL, NULL), "client-not-found");
        rig_advance(100 * DAY);
        assert_int_equal(rig_job(r, purge_all, 10, NULL), 1);
        assert_int_equal(rig_int(r, "SELECT count(*) FROM access_keys"), 0);
        assert_int_equal(rig_int(r, "SELECT count(*) FROM keys"), 0);
        rig_check_counts(r);
}

/* ---- documents ---- */

static void test_documents_bind_by_resource_and_by_what_the_client_holds(void **state)
{
        RIG(state);
        const char *by_right = client_with(r, "operator", "inboxes/i/documents/a"),
                   *by_name = client(r), *free = client_with(r, "operator", "inboxes/i");
        struct span resources[] = {SPAN("documents/a")};
        struct made right = key_of(r, by_right), name, none = key_of(r, free);
        OK(try_key(r, by_name,
                   &(struct access_key_create){.resources = resources, .n_resources = 1}, &name));
        assert_int_equal(rig_done(r, "b", false), 0);
        assert_int_equal(rig_done(r, "a", false), 2);
        assert_false(is_live(r, by_right, right.kid) || is_live(r, by_name, name.kid));
        assert_true(is_live(r, free, none.kid));
        REFUSED(try_key(r, by_name,
                        &(struct access_key_create){.resources = resources, .n_resources = 1},
                        NULL),
                "document-done");
}

struct add_grant {
        struct domain_command base;
        const char *subject;
        struct grant grant;
};

static enum status add_grant_run(struct ledger_tx *tx, struct domain_command *base, struct error *e)
{
        struct add_grant *c = (struct add_grant *)base;
        return grants_add(tx, c->subject, &c->grant, 1, e);
}

static void give(struct rig *r, const char *client_id, const char *resource)
{
        struct fixture *f = &r->base;
        struct add_grant *c;
        char subject[64];
        snprintf(subject, sizeof subject, "clients/%s", client_id);
        OK(domain_command_new(r->domain, NULL, sizeof *c, 4096, &c, &f->err));
        c->base.run = add_grant_run;
        c->subject = subject;
        c->grant = (struct grant){.role = SPAN("operator"), .resource = span_of(resource)};
        OK(rig_run(r, &c->base));
        domain_command_free(&c->base);
}

static void test_what_a_client_gets_later_binds_its_live_keys(void **state)
{
        RIG(state);
        const char *id = client(r);
        struct made k = key_of(r, id), other = key_of(r, client(r));
        give(r, id, "documents/a");
        assert_int_equal(rig_done(r, "a", false), 1);
        assert_false(is_live(r, id, k.kid));
        (void)other;
}

static void test_a_client_of_many_documents_is_bound_to_none(void **state)
{
        RIG(state);
        const char *id = client(r);
        for (int i = 0; i <= ACCESS_KEY_DOCUMENTS_MAX; i++) {
                char resource[64];
                snprintf(resource, sizeof resource, "documents/d%d", i);
                give(r, id, resource);
        }
        struct made k = key_of(r, id);
        assert_int_equal(rig_done(r, "d1", false), 0);
        assert_true(is_live(r, id, k.kid));
}

/* ---- who uses them ---- */

static void test_a_dead_key_changes_nothing_any_more(void **state)
{
        RIG(state);
        const char *id = client_with(r, "admin", "*");
        struct made k = key_of(r, id);
        struct access_key row;
        struct principal p;
        struct client_create *c;
        OK(access_key_find(r->db, span_of(id), span_of(k.kid), rig_clock(), &r->arena, &row,
                           &f->err));
        OK(access_key_principal(r->db, &row, &r->arena, &p, &f->err));
        assert_int_equal(p.caller.kind, CALLER_CLIENT);
        OK(delete_key(r, id, k.kid));
        OK(client_create_new(r->domain, NULL, &c, &f->err));
        c->name = SPAN("late");
        c->base.caller = p.caller; /* authorised before, applied behind the deletion */
        REFUSED(rig_run(r, &c->base), "credential-ended");
        domain_command_free(&c->base);
        OK(client_create_new(r->domain, NULL, &c, &f->err));
        c->name = SPAN("by its secret");
        c->base.caller = p.caller;
        c->base.caller.key_id[0] = '\0';
        OK(rig_run(r, &c->base));
        domain_command_free(&c->base);
}

static void test_what_an_access_key_opened_ends_with_it(void **state)
{
        RIG(state);
        const char *id = client_with(r, "admin", "*");
        struct made k = key_of(r, id);
        struct session_create *c;
        struct session_row row;
        struct principal p;
        OK(session_create_new(r->domain, NULL, &c, &f->err));
        c->kind = SESSION_CLIENT;
        c->client_id = span_of(id);
        c->base.caller = (struct caller){.kind = CALLER_CLIENT};
        snprintf(c->base.caller.id, sizeof c->base.caller.id, "%s", id);
        snprintf(c->base.caller.key_id, sizeof c->base.caller.key_id, "%s", k.id);
        OK(rig_run(r, &c->base));
        OK(session_get(r->db, span_of(c->id), &r->arena, &row, &f->err));
        assert_true(span_is(row.access_key_id, k.id));
        OK(session_principal(r->db, &row, rig_clock(), &r->arena, &p, &f->err));
        assert_non_null(p.client);
        /* A suspended key's sessions rest with it, though their rows are as they were. */
        OK(rig_suspend(r, k.id, false));
        assert_int_equal(session_principal(r->db, &row, rig_clock(), &r->arena, &p, &f->err),
                         STATUS_DENIED);
        OK(rig_suspend(r, k.id, true));
        OK(session_principal(r->db, &row, rig_clock(), &r->arena, &p, &f->err));
        OK(delete_key(r, id, k.kid));
        assert_int_equal(rig_int(r, "SELECT count(*) FROM sessions WHERE reason = 'key-ended'"), 1);
        domain_command_free(&c->base);
}

static void test_what_a_client_mints_is_not_its_access_keys_child(void **state)
{
        RIG(state);
        const char *id = client_with(r, "admin", "*");
        struct made k = key_of(r, id);
        struct caller caller = {.kind = CALLER_CLIENT};
        snprintf(caller.id, sizeof caller.id, "%s", id);
        snprintf(caller.key_id, sizeof caller.key_id, "%s", k.id);
        rig_user(r, "guest", NULL, 0);
        struct minted m = rig_mint(r, &(struct mint){.caller = &caller});
        OK(delete_key(r, id, k.kid)); /* as services do when they change their access key */
        assert_true(rig_is_valid(r, m.key));
}

/* ---- who may ---- */

static struct principal holds(struct rig *r, const char *action, const char *resource)
{
        struct right *right = arena_alloc(&r->arena, sizeof *right);
        *right = (struct right){span_of(action), ABILITY_ALLOW, span_of(resource)};
        return (struct principal){.db = r->db, .rights = {.list = right, .n = 1}};
}

static void test_who_may_do_what_to_a_client(void **state)
{
        RIG(state);
        const char *id = client(r);
        char own[128], keys[160], native[128];
        snprintf(own, sizeof own, "Authress:ServiceClients/%s", id);
        snprintf(keys, sizeof keys, "%s/access-keys", own);
        snprintf(native, sizeof native, "clients/%s", id);
        const struct {
                const char *action, *resource;
                unsigned acts; /* bits of those allowed */
        } cases[] = {
                {"clients:read", native, 1 << CLIENT_READ},
                {"clients:write", "clients",
                 1 << CLIENT_CREATE | 1 << CLIENT_UPDATE | 1 << CLIENT_DELETE |
                         1 << CLIENT_ACCESS_KEYS},
                {"create", "Authress:ServiceClients", 1 << CLIENT_CREATE},
                {"create", "Authress:ServiceClients/*", 1 << CLIENT_CREATE},
                {"read", own, 1 << CLIENT_READ},
                {"update", own, 1 << CLIENT_UPDATE | 1 << CLIENT_ACCESS_KEYS},
                {"update", keys, 1 << CLIENT_ACCESS_KEYS},
                {"delete", "Authress:ServiceClients/*", 1 << CLIENT_DELETE},
                {"*", "Authress:ServiceClients/*", 0x1f},
                {"*", "*", 0x1f},
                {"*", "Authress:ServiceClients/sc_00000000000000000000", 0},
                {"*", "users/x", 0},
                {"update", "clients", 0},
        };
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                struct principal p = holds(r, cases[i].action, cases[i].resource);
                for (unsigned act = CLIENT_CREATE; act <= CLIENT_ACCESS_KEYS; act++) {
                        enum status s = client_may(&p, act, span_of(id), &f->err);
                        if ((s == STATUS_OK) != (cases[i].acts >> act & 1))
                                fail_msg("%s on %s: act %u", cases[i].action, cases[i].resource,
                                         act);
                }
        }
        struct principal reader = holds(r, "read", own), nobody = holds(r, "read", "x");
        REFUSED(client_may(&reader, CLIENT_DELETE, span_of(id), &f->err), "forbidden");
        REFUSED(client_may(&nobody, CLIENT_DELETE, span_of(id), &f->err), "client-not-found");
        REFUSED(client_may(&reader, CLIENT_READ, SPAN("../x"), &f->err), "client-not-found");
}

static void test_nobody_holds_a_clients_key_who_could_not_give_its_rights(void **state)
{
        RIG(state);
        const char *id = client_with(r, "operator", "inboxes/i");
        struct client_row row;
        OK(client_get(r->db, span_of(id), &r->arena, &row, &f->err));
        struct principal all = holds(r, "*", "*"), some = holds(r, "documents:read", "inboxes/i"),
                         elsewhere = holds(r, "*", "inboxes/j"), itself;
        OK(client_may_hold(r->db, &all, &row, &f->err));
        REFUSED(client_may_hold(r->db, &some, &row, &f->err), "may-not-give");
        REFUSED(client_may_hold(r->db, &elsewhere, &row, &f->err), "may-not-give");
        OK(client_principal(r->db, &row, &r->arena, &itself, &f->err));
        OK(client_may_hold(r->db, &itself, &row, &f->err));
        /* A session of it that is narrowed is not itself. */
        struct cut none = {.rights = {.list = NULL}};
        itself.cuts = &none;
        REFUSED(client_may_hold(r->db, &itself, &row, &f->err), "may-not-give");
}

static void test_options_are_looked_at_of_whom_they_belong_to(void **state)
{
        RIG(state);
        struct client_row able = {.id = SPAN("sc_a"), .options = CLIENT_ASKS_OF_USERS};
        struct principal p = {.db = r->db, .client = &able};
        struct cut none = {.rights = {.list = NULL}};
        assert_true(client_has_option(&p, CLIENT_ASKS_OF_USERS));
        assert_false(client_has_option(&p, CLIENT_ACTS_AS_USERS));
        OK(client_may_give_options(&p, CLIENT_ASKS_OF_USERS, &f->err));
        REFUSED(client_may_give_options(&p, CLIENT_OPTIONS_ALL, &f->err), "may-not-give");
        p.cuts = &none;
        assert_false(client_has_option(&p, CLIENT_ASKS_OF_USERS));
        REFUSED(client_may_give_options(&p, CLIENT_ASKS_OF_USERS, &f->err), "may-not-give");
        struct principal reader = holds(r, "read", "Authress:UserPermissions"),
                         one = holds(r, "read", "Authress:UserPermissions/u"),
                         actor = holds(r, "impersonate", "users/*");
        OK(client_may_give_options(&reader, CLIENT_ASKS_OF_USERS, &f->err));
        REFUSED(client_may_give_options(&one, CLIENT_ASKS_OF_USERS, &f->err), "may-not-give");
        OK(client_may_give_options(&actor, CLIENT_ACTS_AS_USERS, &f->err));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                RIG_TEST(test_only_the_public_half_is_stored),
                RIG_TEST(test_a_key_lives_as_long_as_is_allowed_or_asked),
                RIG_TEST(test_a_client_has_five_active_keys_at_most),
                RIG_TEST(test_a_successor_has_the_bindings_and_never_a_longer_life),
                RIG_TEST(test_what_has_ended_is_not_there_to_be_deleted),
                RIG_TEST(test_a_client_that_goes_takes_its_keys_along),
                RIG_TEST(test_documents_bind_by_resource_and_by_what_the_client_holds),
                RIG_TEST(test_what_a_client_gets_later_binds_its_live_keys),
                RIG_TEST(test_a_client_of_many_documents_is_bound_to_none),
                RIG_TEST(test_a_dead_key_changes_nothing_any_more),
                RIG_TEST(test_what_an_access_key_opened_ends_with_it),
                RIG_TEST(test_what_a_client_mints_is_not_its_access_keys_child),
                RIG_TEST(test_who_may_do_what_to_a_client),
                RIG_TEST(test_nobody_holds_a_clients_key_who_could_not_give_its_rights),
                RIG_TEST(test_options_are_looked_at_of_whom_they_belong_to),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
