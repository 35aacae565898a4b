/* Sessions: what they may, when they die, and what dies with them. */
#include "domain_rig.h"

#include <chatelaine/domain_clients.h>
#include <chatelaine/domain_sessions.h>

struct opened {
        char id[ID_HEX24_SIZE];
        const char *token;
        int64_t expires_at;
        enum status status;
};

/* A session as `o` asks for it, by `caller` (NULL: the user itself). */
static struct opened open_as(struct rig *r, const struct session_create *o,
                             const struct caller *caller)
{
        struct fixture *f = &r->base;
        struct session_create *c;
        struct buf token;
        struct opened ret = {.token = ""};
        OK(session_create_new(r->domain, NULL, &c, &f->err));
        c->kind = o->kind;
        c->user = o->user;
        c->key_id = o->key_id;
        c->client_id = o->client_id;
        c->parent_id = o->parent_id;
        c->grants = o->grants;
        c->n_grants = o->n_grants;
        c->is_scoped = o->is_scoped;
        c->life_ms = o->life_ms;
        c->is_jwt = o->is_jwt;
        c->code_id = o->code_id;
        c->code_ends_at = o->code_ends_at;
        c->chosen_by = o->chosen_by;
        c->base.caller = *caller;
        ret.status = rig_run(r, &c->base);
        buf_init(&token, 8192);
        if (ret.status == STATUS_OK) {
                OK(session_token_write(c, &token, &f->err));
                ret.token = arena_dup(&r->arena, buf_view(&token));
                memcpy(ret.id, c->id, sizeof ret.id);
                ret.expires_at = c->ret_expires_at;
        }
        buf_fini_secret(&token);
        domain_command_free(&c->base);
        return ret;
}

static struct caller who(enum caller_kind kind, const char *id)
{
        struct caller c = {.kind = kind};
        snprintf(c.id, sizeof c.id, "%s", id);
        return c;
}

/* UNIX where nobody but the rig opens it. */
static struct opened password_session(struct rig *r, const char *user)
{
        struct caller u = who(CALLER_USER, user);
        return open_as(r, &(struct session_create){.kind = SESSION_PASSWORD, .user = span_of(user)},
                       &u);
}

static bool principal_of(struct rig *r, const char *token, struct principal *ret)
{
        struct session_row row;
        return session_find(r->domain, r->db, span_of(token), &r->arena, &row, &r->base.err) ==
                       STATUS_OK &&
               session_principal(r->db, &row, rig_clock(), &r->arena, ret, &r->base.err) ==
                       STATUS_OK;
}

static bool is_live(struct rig *r, const char *token)
{
        struct principal p;
        return principal_of(r, token, &p);
}

static bool may(struct rig *r, const char *token, const char *permission, const char *resource)
{
        struct principal p;
        return principal_of(r, token, &p) && grants_allow(&p, permission, span_of(resource));
}

static const char *client(struct rig *r, struct grant *grants, size_t n)
{
        struct fixture *f = &r->base;
        struct client_create *c;
        OK(client_create_new(r->domain, NULL, &c, &f->err));
        c->name = SPAN("a client");
        c->grants = grants;
        c->n_grants = n;
        OK(rig_run(r, &c->base));
        const char *id = arena_dup(&r->arena, span_of(c->id));
        domain_command_free(&c->base);
        return id;
}

static void change_user(struct rig *r, const char *id, const char *password, int is_active)
{
        struct fixture *f = &r->base;
        struct user_change *c;
        OK(user_change_new(r->domain, NULL, &c, &f->err));
        c->id = span_of(id);
        c->is_active = is_active;
        snprintf(c->password_hash, sizeof c->password_hash, "%s", password);
        OK(rig_run(r, &c->base));
        domain_command_free(&c->base);
}

static struct grant operator_grant[] = {
        {.role = {"operator", 8}, .permission = {NULL, 0}, .resource = {"*", 1}}};

/* ---- passwords ---- */

static void test_a_password_session_has_its_users_rights_for_eight_hours(void **state)
{
        RIG(state);
        const char *ann = rig_user(r, "ann", operator_grant, 1);
        struct opened s = password_session(r, ann);
        OK(s.status);
        assert_int_equal(s.expires_at, T0 + SESSION_PASSWORD_LIFE_MS);
        assert_true(may(r, s.token, "keys:read", "keys/1"));
        assert_false(may(r, s.token, "keys:create", "keys/1"));
        rig_advance(SESSION_PASSWORD_LIFE_MS - 1);
        assert_true(is_live(r, s.token));
        rig_advance(1);
        assert_false(is_live(r, s.token));
}

static void test_a_new_password_ends_the_sessions_of_the_old_one(void **state)
{
        RIG(state);
        const char *ann = rig_user(r, "ann", NULL, 0);
        struct opened s = password_session(r, ann);
        rig_advance(1);
        change_user(r, ann, "$scrypt$x", -1);
        assert_false(is_live(r, s.token));
        assert_int_equal(rig_int(r, "SELECT count(*) FROM sessions WHERE ended_at IS NOT NULL"
                                    " AND reason = 'password-changed'"),
                         1);
        assert_non_null(strstr(rig_event(r, "chatelaine.audit.v1"), "user.change"));
}

/* It was checked before, and waited in the queue behind the change. */
static void test_a_caller_whose_password_was_changed_meanwhile_opens_nothing(void **state)
{
        RIG(state);
        const char *ann = rig_user(r, "ann", NULL, 0);
        struct caller u = who(CALLER_USER, ann);
        struct session_create o = {.kind = SESSION_PASSWORD, .user = span_of(ann)};
        rig_advance(1);
        change_user(r, ann, "$scrypt$x", -1);
        u.password_at = rig_clock();
        OK(open_as(r, &o, &u).status);
        rig_advance(1);
        change_user(r, ann, "$scrypt$y", -1);
        assert_int_equal(open_as(r, &o, &u).status, STATUS_DENIED);
        assert_string_equal(f->err.slug, "credential-ended");
}

static void test_a_user_who_is_deactivated_or_deleted_has_no_session(void **state)
{
        RIG(state);
        const char *ann = rig_user(r, "ann", NULL, 0), *bob = rig_user(r, "bob", NULL, 0);
        struct opened a = password_session(r, ann), b = password_session(r, bob);
        change_user(r, ann, "", 0);
        assert_false(is_live(r, a.token));
        struct user_delete *c;
        OK(user_delete_new(r->domain, NULL, &c, &f->err));
        c->id = span_of(bob);
        OK(rig_run(r, &c->base));
        domain_command_free(&c->base);
        assert_false(is_live(r, b.token));
        assert_int_equal(rig_int(r, "SELECT count(*) FROM sessions WHERE reason = 'user-ended'"),
                         2);
}

/* ---- keys ---- */

static struct opened key_session(struct rig *r, const char *key_id)
{
        struct caller k = who(CALLER_KEY, key_id);
        return open_as(r, &(struct session_create){.kind = SESSION_KEY, .key_id = span_of(key_id)},
                       &k);
}

static void test_a_key_session_never_outlives_its_key(void **state)
{
        RIG(state);
        rig_user(r, "guest", NULL, 0);
        struct minted lasting = rig_mint(r, &(struct mint){.resource = "documents/d"});
        struct minted brief =
                rig_mint(r, &(struct mint){.resource = "documents/d", .expires_in_ms = 5 * MINUTE});
        struct opened a = key_session(r, lasting.id), b = key_session(r, brief.id);
        assert_int_equal(a.expires_at, T0 + SESSION_KEY_LIFE_MS);
        assert_int_equal(b.expires_at, T0 + 5 * MINUTE);
        rig_advance(5 * MINUTE);
        assert_true(is_live(r, a.token));
        assert_false(is_live(r, b.token)); /* before the scheduler has run */
}

static void test_a_key_that_is_revoked_suspended_or_done_refuses_its_sessions(void **state)
{
        RIG(state);
        rig_user(r, "guest", NULL, 0);
        struct minted a = rig_mint(r, &(struct mint){.resource = "documents/a"});
        struct minted b = rig_mint(r, &(struct mint){.resource = "documents/b"});
        struct minted c = rig_mint(r, &(struct mint){.resource = "documents/c"});
        struct opened as = key_session(r, a.id), bs = key_session(r, b.id),
                      cs = key_session(r, c.id);
        OK(rig_suspend(r, a.id, false));
        assert_false(is_live(r, as.token));
        assert_int_equal(rig_revoke_id(r, b.id), 1);
        assert_false(is_live(r, bs.token));
        assert_int_equal(rig_done(r, "c", false), 1);
        assert_false(is_live(r, cs.token));
        assert_int_equal(rig_int(r, "SELECT count(*) FROM sessions WHERE reason = 'key-ended'"), 2);
        assert_int_equal(key_session(r, b.id).status, STATUS_DENIED);
}

static void test_what_a_key_session_mints_is_the_keys_child(void **state)
{
        RIG(state);
        rig_user(r, "guest", NULL, 0);
        struct minted key = rig_mint(r, &(struct mint){.resource = "documents/d"}), child;
        struct opened s = key_session(r, key.id);
        struct principal p;
        assert_true(principal_of(r, s.token, &p));
        OK(rig_try_mint(r, &(struct mint){.caller = &p.caller}, &child));
        assert_true(span_is(rig_get(r, child.id).parent_key_id, key.id));
        assert_int_equal(rig_revoke_id(r, key.id), 2);
        assert_int_equal(rig_try_mint(r, &(struct mint){.caller = &p.caller}, NULL), STATUS_DENIED);
        assert_string_equal(f->err.slug, "credential-ended");
}

/* ---- on behalf of another ---- */

static void test_a_session_on_behalf_is_cut_to_its_statements_and_names_both(void **state)
{
        RIG(state);
        const char *admin = rig_user(r, "boss", operator_grant, 1);
        const char *ann = rig_user(r, "ann", operator_grant, 1);
        struct grant only[] = {{.permission = SPAN("keys:read"), .resource = SPAN("keys/1")}};
        struct caller by = who(CALLER_USER, admin);
        struct opened s = open_as(r,
                                  &(struct session_create){.kind = SESSION_BEHALF,
                                                           .user = span_of(ann),
                                                           .grants = only,
                                                           .n_grants = 1,
                                                           .is_scoped = true},
                                  &by);
        struct principal p;
        OK(s.status);
        assert_true(may(r, s.token, "keys:read", "keys/1"));
        assert_false(may(r, s.token, "keys:read", "keys/2"));
        assert_false(may(r, s.token, "events:read", "events"));
        assert_true(principal_of(r, s.token, &p));
        assert_string_equal(p.caller.on_behalf_of, ann);
        const char *event = rig_event(r, "chatelaine.audit.v1");
        assert_non_null(strstr(event, admin));
        assert_non_null(strstr(event, ann));
        change_user(r, admin, "", 0); /* who acts is gone: so is what it opened */
        assert_false(is_live(r, s.token));
}

/* ---- clients ---- */

static void test_a_clients_sessions_and_keys_go_with_it(void **state)
{
        RIG(state);
        rig_user(r, "guest", NULL, 0);
        struct grant g[] = {{.permission = SPAN("keys:read"), .resource = SPAN("*")}};
        const char *id = client(r, g, 1);
        struct caller by = who(CALLER_CLIENT, id);
        struct opened s = open_as(
                r, &(struct session_create){.kind = SESSION_CLIENT, .client_id = span_of(id)}, &by);
        OK(s.status);
        assert_true(may(r, s.token, "keys:read", "keys/1"));
        struct minted key = rig_mint(r, &(struct mint){.caller = &by});
        struct client_delete *c;
        OK(client_delete_new(r->domain, NULL, &c, &f->err));
        c->id = span_of(id);
        OK(rig_run(r, &c->base));
        assert_int_equal(c->revoked, 1);
        domain_command_free(&c->base);
        assert_false(is_live(r, s.token));
        assert_false(rig_is_valid(r, key.key));
        assert_true(span_is(rig_get(r, key.id).reason, "client-deleted"));
        assert_int_equal(rig_int(r, "SELECT count(*) FROM statements"), 0);
        assert_int_equal(rig_try_mint(r, &(struct mint){.caller = &by}, NULL), STATUS_DENIED);
}

static void test_a_new_secret_ends_the_old_one_and_its_sessions(void **state)
{
        RIG(state);
        const char *id = client(r, NULL, 0);
        struct caller by = who(CALLER_CLIENT, id);
        struct client_row row;
        struct opened s = open_as(
                r, &(struct session_create){.kind = SESSION_CLIENT, .client_id = span_of(id)}, &by);
        struct client_key *c;
        char old[KEY_SIZE] = "";
        for (int i = 0; i < 2; i++) {
                OK(client_key_new(r->domain, NULL, &c, &f->err));
                c->id = span_of(id);
                OK(rig_run(r, &c->base));
                OK(client_check_secret(r->domain, r->db, span_of(id), span_of(c->secret), &r->arena,
                                       &row, &f->err));
                if (old[0])
                        assert_int_equal(client_check_secret(r->domain, r->db, span_of(id),
                                                             span_of(old), &r->arena, &row,
                                                             &f->err),
                                         STATUS_DENIED);
                memcpy(old, c->secret, sizeof old);
                domain_command_free(&c->base);
        }
        assert_false(is_live(r, s.token));
}

/* ---- impersonation ---- */

static struct opened impersonate(struct rig *r, const char *client_id, const char *user)
{
        struct caller by = who(CALLER_CLIENT, client_id);
        return open_as(r,
                       &(struct session_create){.kind = SESSION_IMPERSONATION,
                                                .client_id = span_of(client_id),
                                                .user = span_of(user)},
                       &by);
}

static void test_impersonation_is_the_users_rights_cut_to_the_clients(void **state)
{
        RIG(state);
        struct grant users[] = {{.permission = SPAN("keys:read"), .resource = SPAN("*")},
                                {.permission = SPAN("events:read"), .resource = SPAN("*")}};
        const char *ann = rig_user(r, "ann", users, 2), *bob = rig_user(r, "bob", NULL, 0);
        struct grant clients[] = {{.permission = SPAN("impersonate"), .resource = SPAN("users/*")},
                                  {.permission = SPAN("keys:read"), .resource = SPAN("*")},
                                  {.permission = SPAN("webhooks:read"), .resource = SPAN("*")}};
        const char *id = client(r, clients, 3);
        struct opened s = impersonate(r, id, ann);
        OK(s.status);
        assert_true(may(r, s.token, "keys:read", "keys/1"));
        assert_false(may(r, s.token, "events:read", "events"));     /* the client has it not */
        assert_false(may(r, s.token, "webhooks:read", "webhooks")); /* the user has it not */
        const char *event = rig_event(r, "chatelaine.audit.v1");
        assert_non_null(strstr(event, "\"kind\":\"client\""));
        assert_non_null(strstr(event, ann));
        OK(impersonate(r, id, bob).status);
        const char *other = client(r, clients + 1, 2);
        assert_int_equal(impersonate(r, other, ann).status, STATUS_DENIED);
}

static void test_nobody_powerful_is_impersonated_by_a_pattern(void **state)
{
        RIG(state);
        static const char *const powers[] = {"impersonate", "keys:*", "users:*", "*"};
        struct grant any[] = {{.permission = SPAN("impersonate"), .resource = SPAN("users/*")}};
        const char *pattern = client(r, any, 1);
        for (size_t i = 0; i < sizeof powers / sizeof *powers; i++) {
                struct grant g[] = {{.permission = span_of(powers[i]), .resource = SPAN("*")}};
                const char *user = rig_user(r, arena_printf(&r->arena, "user %zu", i), g, 1);
                assert_int_equal(impersonate(r, pattern, user).status, STATUS_DENIED);
                struct grant exact[] = {
                        {.permission = SPAN("impersonate"),
                         .resource = span_of(arena_printf(&r->arena, "users/%s", user))}};
                OK(impersonate(r, client(r, exact, 1), user).status);
        }
}

/* ---- exchanges ---- */

static void test_an_exchange_hangs_from_its_subject_and_is_cut_again(void **state)
{
        RIG(state);
        struct grant users[] = {{.permission = SPAN("keys:read"), .resource = SPAN("*")},
                                {.permission = SPAN("events:read"), .resource = SPAN("*")}};
        const char *ann = rig_user(r, "ann", users, 2);
        struct grant clients[] = {{.permission = SPAN("keys:read"), .resource = SPAN("keys/1")}};
        const char *id = client(r, clients, 1);
        struct caller by = who(CALLER_CLIENT, id);
        struct opened parent = password_session(r, ann), last = parent, first;
        for (int i = 0; i < SESSION_DEPTH_MAX; i++) {
                last = open_as(r,
                               &(struct session_create){.kind = SESSION_EXCHANGE,
                                                        .client_id = span_of(id),
                                                        .parent_id = span_of(last.id),
                                                        .is_jwt = i % 2 == 1},
                               &by);
                OK(last.status);
                if (i == 0)
                        first = last;
        }
        assert_true(may(r, last.token, "keys:read", "keys/1"));
        assert_false(may(r, last.token, "keys:read", "keys/2"));
        assert_false(may(r, last.token, "events:read", "events"));
        assert_int_equal(open_as(r,
                                 &(struct session_create){.kind = SESSION_EXCHANGE,
                                                          .client_id = span_of(id),
                                                          .parent_id = span_of(last.id)},
                                 &by)
                                 .status,
                         STATUS_INVALID);
        struct session_end *c;
        OK(session_end_new(r->domain, NULL, &c, &f->err));
        c->id = span_of(first.id);
        OK(rig_run(r, &c->base));
        assert_int_equal(c->ended, SESSION_DEPTH_MAX);
        domain_command_free(&c->base);
        assert_true(is_live(r, parent.token));
        assert_false(is_live(r, last.token));
}

/* ---- tokens ---- */

static void test_a_signed_token_is_looked_up_like_any_other(void **state)
{
        RIG(state);
        const char *id = client(r, NULL, 0);
        struct caller by = who(CALLER_CLIENT, id);
        struct opened s =
                open_as(r,
                        &(struct session_create){
                                .kind = SESSION_CLIENT, .client_id = span_of(id), .is_jwt = true},
                        &by);
        assert_true(is_live(r, s.token));
        char *forged = arena_dup(&r->arena, span_of(s.token));
        forged[strlen(forged) - 2] ^= 1;
        assert_false(is_live(r, forged));
        struct session_selector sel = {.id = span_of(s.id)};
        struct session_end *c;
        OK(session_end_new(r->domain, NULL, &c, &f->err));
        c->id = sel.id;
        OK(rig_run(r, &c->base));
        domain_command_free(&c->base);
        assert_false(is_live(r, s.token));
}

static void test_a_code_is_redeemed_once(void **state)
{
        RIG(state);
        const char *id = client(r, NULL, 0);
        struct caller by = who(CALLER_CLIENT, id);
        struct session_create o = {.kind = SESSION_CLIENT,
                                   .client_id = span_of(id),
                                   .code_id = SPAN("abc"),
                                   .code_ends_at = T0 + MINUTE};
        OK(open_as(r, &o, &by).status);
        assert_int_equal(open_as(r, &o, &by).status, STATUS_CONFLICT);
        assert_string_equal(f->err.slug, "code-used");
}

/* One that waited in the queue until its row could have been purged. */
static void test_a_code_that_is_over_opens_nothing(void **state)
{
        RIG(state);
        const char *id = client(r, NULL, 0);
        struct caller by = who(CALLER_CLIENT, id);
        struct session_create o = {.kind = SESSION_CLIENT,
                                   .client_id = span_of(id),
                                   .code_id = SPAN("abc"),
                                   .code_ends_at = T0};
        assert_int_equal(open_as(r, &o, &by).status, STATUS_INVALID);
        assert_string_equal(f->err.slug, "invalid-grant");
}

static void test_a_burnt_code_opens_nothing(void **state)
{
        RIG(state);
        const char *id = client(r, NULL, 0);
        struct caller by = who(CALLER_CLIENT, id);
        struct code_burn *c;
        OK(code_burn_new(r->domain, NULL, &c, &f->err));
        c->code_id = SPAN("abc");
        c->code_ends_at = T0 + MINUTE;
        c->base.caller = by;
        OK(rig_run(r, &c->base));
        domain_command_free(&c->base);
        struct session_create o = {.kind = SESSION_CLIENT,
                                   .client_id = span_of(id),
                                   .code_id = SPAN("abc"),
                                   .code_ends_at = T0 + MINUTE};
        assert_int_equal(open_as(r, &o, &by).status, STATUS_CONFLICT);
        o.code_id = SPAN("abd");
        OK(open_as(r, &o, &by).status);
}

static void test_who_chose_the_user_is_named_and_takes_the_session_along(void **state)
{
        RIG(state);
        const char *ann = rig_user(r, "ann", NULL, 0), *ben = rig_user(r, "ben", NULL, 0);
        struct grant may_all[] = {{.permission = SPAN("impersonate"), .resource = SPAN("users/*")}};
        const char *id = client(r, may_all, 1);
        struct caller by = who(CALLER_CLIENT, id);
        char chooser[64];
        snprintf(chooser, sizeof chooser, "users/%s", ben);
        struct session_create o = {.kind = SESSION_IMPERSONATION,
                                   .client_id = span_of(id),
                                   .user = span_of(ann),
                                   .chosen_by = span_of(chooser)};
        struct opened chosen = open_as(r, &o, &by);
        OK(chosen.status);
        assert_non_null(strstr(rig_event(r, "chatelaine.audit.v1"), chooser));
        o.chosen_by = SPAN_NONE;
        struct opened alone = open_as(r, &o, &by);
        OK(alone.status);
        assert_null(strstr(rig_event(r, "chatelaine.audit.v1"), "chosen_by"));
        struct user_delete *c;
        OK(user_delete_new(r->domain, NULL, &c, &f->err));
        c->id = span_of(ben);
        OK(rig_run(r, &c->base));
        domain_command_free(&c->base);
        assert_false(is_live(r, chosen.token));
        assert_true(is_live(r, alone.token));
        assert_int_equal(rig_int(r, "SELECT count(*) FROM sessions WHERE ended_at IS NOT NULL"), 1);
}

static enum status purge(struct ledger_tx *tx, unsigned limit, int64_t *n, bool *more,
                         struct error *e)
{
        return sessions_purge_in(tx, tx->now_ms, limit, n, more, e);
}

static void test_what_is_over_is_purged_with_its_statements(void **state)
{
        RIG(state);
        const char *ann = rig_user(r, "ann", NULL, 0);
        struct caller by = who(CALLER_USER, ann);
        struct grant only[] = {{.permission = SPAN("keys:read"), .resource = SPAN("*")}};
        struct opened s = open_as(r,
                                  &(struct session_create){.kind = SESSION_PASSWORD,
                                                           .user = span_of(ann),
                                                           .grants = only,
                                                           .n_grants = 1,
                                                           .is_scoped = true,
                                                           .life_ms = MINUTE},
                                  &by);
        OK(s.status);
        assert_int_equal(rig_job(r, purge, 10, NULL), 0);
        rig_advance(MINUTE);
        assert_int_equal(rig_job(r, purge, 10, NULL), 1);
        assert_int_equal(rig_int(r, "SELECT count(*) FROM statements"), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                RIG_TEST(test_a_burnt_code_opens_nothing),
                RIG_TEST(test_who_chose_the_user_is_named_and_takes_the_session_along),
                RIG_TEST(test_a_password_session_has_its_users_rights_for_eight_hours),
                RIG_TEST(test_a_new_password_ends_the_sessions_of_the_old_one),
                RIG_TEST(test_a_caller_whose_password_was_changed_meanwhile_opens_nothing),
                RIG_TEST(test_a_user_who_is_deactivated_or_deleted_has_no_session),
                RIG_TEST(test_a_key_session_never_outlives_its_key),
                RIG_TEST(test_a_key_that_is_revoked_suspended_or_done_refuses_its_sessions),
                RIG_TEST(test_what_a_key_session_mints_is_the_keys_child),
                RIG_TEST(test_a_session_on_behalf_is_cut_to_its_statements_and_names_both),
                RIG_TEST(test_a_clients_sessions_and_keys_go_with_it),
                RIG_TEST(test_a_new_secret_ends_the_old_one_and_its_sessions),
                RIG_TEST(test_impersonation_is_the_users_rights_cut_to_the_clients),
                RIG_TEST(test_nobody_powerful_is_impersonated_by_a_pattern),
                RIG_TEST(test_an_exchange_hangs_from_its_subject_and_is_cut_again),
                RIG_TEST(test_a_signed_token_is_looked_up_like_any_other),
                RIG_TEST(test_a_code_is_redeemed_once),
                RIG_TEST(test_a_code_that_is_over_opens_nothing),
                RIG_TEST(test_what_is_over_is_purged_with_its_statements),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
