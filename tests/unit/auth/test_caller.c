/* Who calls: a key, a user by Basic, the unix socket; and what is refused. */
#include "auth_rig.h"

#include <chatelaine/base_mailbox.h>
#include <chatelaine/codec_text.h>
#include <poll.h>
#include <semaphore.h>

#define INVALID "invalid-credentials"
#define AMBIGUOUS "ambiguous-credentials"

/* A request and its answer; `http` of the view points to it. */
struct asked {
        struct request q; /* first: the view's header functions take it */
        bool is_done, is_unix;
        struct principal *p;
        struct error e;
};

static struct mailbox *mailbox;
static char hash[PASSWORD_HASH_SIZE]; /* of "pa:ss" */

static int setup(void **state)
{
        rig_mono_at = 5000000;
        int status = auth_setup(state);
        if (status != 0 || mailbox_new(&mailbox, NULL) != STATUS_OK)
                return -1;
        rig_user(&((struct auth_rig *)*state)->base, "guest", NULL, 0); /* whose keys are minted */
        return 0;
}

static int teardown(void **state)
{
        int status = auth_teardown(state);
        mailbox_free(mailbox);
        return status;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static void on_answer(void *http, struct principal *p, const struct error *e)
{
        struct asked *a = http;
        assert_false(a->is_done);
        a->is_done = true;
        a->p = p;
        a->e = *e;
        assert_int_equal(p == NULL, e->status != STATUS_OK);
}

/* Asks, and does not wait. */
static void begin(struct auth_rig *r, struct asked *a)
{
        struct request_view view = view_of(r, &a->q);
        view.http = a;
        view.mailbox = mailbox;
        view.is_unix = a->is_unix;
        view.unix_uid = 1000;
        auth_caller(r->auth, r->loop, &view, on_answer);
}

static const char *end(struct asked *a)
{
        struct pollfd wait = {.fd = mailbox_fd(mailbox), .events = POLLIN};
        while (!a->is_done) {
                assert_int_equal(poll(&wait, 1, 60000), 1);
                mailbox_drain(mailbox);
        }
        return a->e.status == STATUS_OK ? "" : a->e.slug;
}

static const char *call(struct auth_rig *r, struct asked *a)
{
        begin(r, a);
        assert_true(a->is_done); /* all but a password is answered at once */
        return end(a);
}

static struct asked with(const char *name, const char *value)
{
        return (struct asked){.q.headers = {{name, value}}};
}

static const char *call_with(struct auth_rig *r, const char *name, const char *value)
{
        struct asked a = with(name, value);
        return call(r, &a);
}

static const char *join(struct auth_rig *r, const char *a, const char *b)
{
        return arena_printf(&r->base.arena, "%s%s", a, b);
}

/* ---- keys and the socket ---- */

static struct minted mint(struct auth_rig *r)
{
        return rig_mint(&r->base, &(struct mint){.resource = "documents/D", .role = "operator"});
}

static void test_no_credentials(void **state)
{
        AUTH_RIG(state);
        struct asked a = with("Accept", "*/*");
        assert_string_equal(call(r, &a), "no-credentials");
        assert_int_equal(error_http(&a.e), 401);
}

static void test_the_unix_socket_may_everything(void **state)
{
        AUTH_RIG(state);
        struct asked a = {.is_unix = true};
        assert_string_equal(call(r, &a), "");
        assert_int_equal(a.p->caller.kind, CALLER_UNIX);
        assert_string_equal(a.p->caller.id, "1000");
        assert_true(grants_allow(a.p, "users:write", SPAN("users/U")));
}

static void test_a_key_in_either_place(void **state)
{
        AUTH_RIG(state);
        struct minted k = mint(r);
        struct asked a = with("x-api-key", k.key);
        assert_string_equal(call(r, &a), "");
        assert_int_equal(a.p->caller.kind, CALLER_KEY);
        assert_string_equal(a.p->caller.id, k.id);
        assert_true(grants_allow(a.p, "documents:done", SPAN("documents/D")));
        assert_false(grants_allow(a.p, "documents:done", SPAN("documents/E")));
        assert_string_equal(call_with(r, "Authorization", join(r, "Bearer ", k.key)), "");
        assert_string_equal(call_with(r, "Authorization", join(r, "bearer  ", k.key)), "");
        struct asked both = with("X-API-Key", k.key);
        add_pair(both.q.headers, "Authorization", join(r, "Bearer ", k.key));
        assert_string_equal(call(r, &both), "");
        struct asked on_socket = with("X-API-Key", k.key);
        on_socket.is_unix = true; /* who brings a key is that key */
        assert_string_equal(call(r, &on_socket), "");
        assert_int_equal(on_socket.p->caller.kind, CALLER_KEY);
}

static void test_a_key_that_is_no_longer_valid(void **state)
{
        AUTH_RIG(state);
        struct minted revoked = mint(r), suspended = mint(r);
        struct minted expired = rig_mint(&r->base, &(struct mint){.expires_in_ms = MINUTE});
        rig_revoke_id(&r->base, revoked.id);
        OK(rig_suspend(&r->base, suspended.id, false));
        assert_string_equal(call_with(r, "X-API-Key", revoked.key), INVALID);
        assert_string_equal(call_with(r, "X-API-Key", suspended.key), INVALID);
        assert_string_equal(call_with(r, "X-API-Key", expired.key), "");
        rig_advance(MINUTE);
        assert_string_equal(call_with(r, "X-API-Key", expired.key), INVALID);
}

static void test_every_cause_of_a_refusal_looks_the_same(void **state)
{
        AUTH_RIG(state);
        struct minted k = mint(r);
        k.key[10] = k.key[10] == 'a' ? 'b' : 'a';
        const char *values[] = {"", "ctl_", "abc", k.key,
                                "ctl_000000000000000000000000000000000000"};
        for (size_t i = 0; i < LENGTH(values); i++) {
                struct asked a = with("X-API-Key", values[i]);
                assert_string_equal(call(r, &a), INVALID);
                assert_int_equal(error_http(&a.e), 401);
                assert_string_equal(a.e.text,
                                    "the credentials are unknown, wrong, or no longer valid");
                assert_string_equal(a.e.where, "");
        }
        assert_string_equal(call_with(r, "Authorization", "Bearer x"), INVALID);
        assert_string_equal(call_with(r, "Authorization", "Digest x"), INVALID);
        assert_string_equal(call_with(r, "Authorization", ""), INVALID);
        assert_string_equal(call_with(r, "Authorization", LINK_GOOD), INVALID);
}

static void test_more_than_one_credential(void **state)
{
        AUTH_RIG(state);
        struct minted k = mint(r), other = mint(r);
        const char *bearer = join(r, "Bearer ", k.key);
        const struct pair pairs[][2] = {
                {{"X-API-Key", k.key}, {"X-API-Key", other.key}},
                {{"X-API-Key", other.key}, {"Authorization", bearer}},
                {{"X-API-Key", k.key}, {"Authorization", "Basic YTpi"}},
                {{"X-API-Key", k.key}, {"Authorization", "Digest x"}},
                {{"Authorization", bearer}, {"Authorization", bearer}},
                {{"Authorization", "Basic YTpi"}, {"Authorization", bearer}},
        };
        for (size_t i = 0; i < LENGTH(pairs); i++) {
                struct asked a = {0};
                memcpy(a.q.headers, pairs[i], sizeof pairs[i]);
                assert_string_equal(call(r, &a), AMBIGUOUS);
                assert_int_equal(error_http(&a.e), 400);
        }
}

/* ---- Basic ---- */

/* A user with the password "pa:ss" (or none) who is an auditor; its id. */
static const char *make_user(struct auth_rig *r, const char *name, bool has_password)
{
        struct fixture *f = &r->base.base;
        struct user_create *c;
        struct grant grants[] = {{.role = SPAN("auditor"), .resource = SPAN("*")}};
        if (!*hash)
                OK(password_hash(SPAN("pa:ss"), hash, &f->err));
        OK(user_create_new(r->base.domain, NULL, &c, &f->err));
        c->name = span_of(name);
        c->grants = grants;
        c->n_grants = 1;
        if (has_password)
                memcpy(c->password_hash, hash, sizeof hash);
        OK(rig_run(&r->base, &c->base));
        const char *id = arena_dup(&r->base.arena, span_of(c->id));
        domain_command_free(&c->base);
        return id;
}

static void change_user(struct auth_rig *r, const char *id, const char *new_hash, int is_active)
{
        struct fixture *f = &r->base.base;
        struct user_change *c;
        OK(user_change_new(r->base.domain, NULL, &c, &f->err));
        c->id = span_of(id);
        c->is_active = is_active;
        if (new_hash)
                snprintf(c->password_hash, sizeof c->password_hash, "%s", new_hash);
        OK(rig_run(&r->base, &c->base));
        domain_command_free(&c->base);
}

static struct asked basic_bytes(struct auth_rig *r, struct span bytes)
{
        struct buf text;
        buf_init(&text, 8192);
        buf_text(&text, "Basic ");
        base64_encode(&text, bytes);
        const char *value = arena_dup(&r->base.arena, buf_view(&text));
        buf_fini(&text);
        return with("Authorization", value);
}

static struct asked basic(struct auth_rig *r, const char *name_and_password)
{
        return basic_bytes(r, span_of(name_and_password));
}

/* The answer to a password that must be worked for. */
static const char *work(struct auth_rig *r, const char *name_and_password)
{
        struct asked a = basic(r, name_and_password);
        begin(r, &a);
        assert_false(a.is_done);
        return end(&a);
}

static void test_a_right_password_is_the_user(void **state)
{
        AUTH_RIG(state);
        const char *id = make_user(r, "ann", true);
        struct asked a = basic(r, "ann:pa:ss"), by_id = basic(r, join(r, id, ":pa:ss"));
        begin(r, &a);
        assert_false(a.is_done); /* scrypt is the pool's */
        assert_string_equal(end(&a), "");
        assert_int_equal(a.p->caller.kind, CALLER_USER);
        assert_string_equal(a.p->caller.id, id);
        assert_string_equal(a.p->caller.user_id, id);
        assert_true(a.p->has_user_number);
        assert_true(grants_allow(a.p, "events:read", SPAN_NONE));
        assert_false(grants_allow(a.p, "keys:create", SPAN_NONE));
        begin(r, &by_id);
        assert_string_equal(end(&by_id), "");
}

static void test_a_success_is_remembered_for_60_seconds(void **state)
{
        AUTH_RIG(state);
        make_user(r, "ann", true);
        assert_string_equal(work(r, "ann:pa:ss"), "");
        struct asked a = basic(r, "ann:pa:ss");
        assert_string_equal(call(r, &a), "");
        assert_string_equal(work(r, "ann:pa:sS"), INVALID);
        rig_mono_at += 60000;
        assert_string_equal(work(r, "ann:pa:ss"), "");
}

static void test_a_wrong_one_takes_as_long_whoever_it_is(void **state)
{
        AUTH_RIG(state);
        make_user(r, "ann", true);
        make_user(r, "none", false);
        change_user(r, make_user(r, "gone", true), NULL, 0);
        const char *values[] = {"ann:wrong", "ann:",       "nobody:pa:ss",
                                "none:",     "none:pa:ss", "gone:pa:ss"};
        for (size_t i = 0; i < LENGTH(values); i++) {
                struct asked a = basic(r, values[i]);
                begin(r, &a);
                assert_false(a.is_done);
                assert_string_equal(end(&a), INVALID);
                assert_int_equal(error_http(&a.e), 401);
        }
}

static void test_what_is_no_name_and_password(void **state)
{
        AUTH_RIG(state);
        char long_text[3000];
        static const struct span bytes[] = {
                SPAN(""),          SPAN("ann"),         SPAN(":pa:ss"),
                SPAN("ann:pa\n"),  SPAN("ann\0:pa:ss"), SPAN("ann\x7f:x"),
                SPAN("\xff\xfe:x")};
        make_user(r, "ann", true);
        for (size_t i = 0; i < LENGTH(bytes); i++) {
                struct asked a = basic_bytes(r, bytes[i]);
                assert_string_equal(call(r, &a), INVALID);
        }
        memset(long_text, 'x', sizeof long_text);
        long_text[10] = ':';
        struct asked a = basic_bytes(r, span_make(long_text, sizeof long_text));
        assert_string_equal(call(r, &a), INVALID);
        assert_string_equal(call_with(r, "Authorization", "Basic ann:pa:ss"), INVALID);
}

static void test_a_changed_password_ends_what_was_remembered(void **state)
{
        AUTH_RIG(state);
        char other[PASSWORD_HASH_SIZE];
        const char *id = make_user(r, "ann", true);
        OK(password_hash(SPAN("new"), other, &f->err));
        assert_string_equal(work(r, "ann:pa:ss"), "");
        change_user(r, id, other, -1);
        assert_string_equal(work(r, "ann:pa:ss"), INVALID);
        assert_string_equal(work(r, "ann:new"), "");
}

static void test_a_deactivated_user_is_out_at_once(void **state)
{
        AUTH_RIG(state);
        const char *id = make_user(r, "ann", true);
        assert_string_equal(work(r, "ann:pa:ss"), "");
        change_user(r, id, NULL, 0);
        assert_string_equal(work(r, "ann:pa:ss"), INVALID);
        change_user(r, id, NULL, 1);
        auth_forget_user(r->auth, span_of(id));
        assert_string_equal(work(r, "ann:pa:ss"), "");
}

/* What the pool found is of the password that was stored when it began. */
static void test_a_password_changed_while_it_is_checked(void **state)
{
        AUTH_RIG(state);
        char other[PASSWORD_HASH_SIZE];
        const char *id = make_user(r, "ann", true);
        OK(password_hash(SPAN("new"), other, &f->err));
        struct asked a = basic(r, "ann:pa:ss");
        begin(r, &a);
        change_user(r, id, other, -1);
        assert_string_equal(end(&a), INVALID);
        const char *ben = make_user(r, "ben", true);
        struct asked b = basic(r, "ben:pa:ss");
        begin(r, &b);
        change_user(r, ben, NULL, 0);
        assert_string_equal(end(&b), INVALID);
}

static void test_10_failures_close_the_name_for_a_minute(void **state)
{
        AUTH_RIG(state);
        make_user(r, "ann", true);
        make_user(r, "ben", true);
        for (int i = 0; i < 9; i++)
                assert_string_equal(work(r, "ann:wrong"), INVALID);
        assert_string_equal(work(r, "ann:pa:ss"), ""); /* forgives the nine */
        for (int i = 0; i < 10; i++)
                assert_string_equal(work(r, "ann:wrong"), INVALID);
        struct asked wrong = basic(r, "ann:wrong"), right = basic(r, "ann:pa:ss");
        assert_string_equal(call(r, &wrong), "too-many-failures");
        assert_int_equal(error_http(&wrong.e), 429);
        assert_in_range(wrong.e.retry_after_ms, 1, 60000);
        assert_string_equal(call(r, &right), ""); /* remembered: who is in stays in */
        assert_string_equal(work(r, "ben:pa:ss"), "");
        rig_mono_at += 60000;
        assert_string_equal(work(r, "ann:pa:ss"), "");
}

/* ---- the pool ---- */

struct blocker {
        struct job job;
        sem_t *go;
        bool is_delivered, has_db;
};

static void block(struct job *j, void *thread_state)
{
        struct blocker *b = (struct blocker *)j;
        int64_t n;
        b->has_db = store_int_of(auth_pool_db(thread_state), "SELECT count(*) FROM users", &n, NULL,
                                 "") == STATUS_OK;
        while (sem_wait(b->go) < 0)
                ;
}

static void blocker_delivered(struct mail *m)
{
        ((struct blocker *)m)->is_delivered = true;
}

static void test_a_full_pool_is_busy(void **state)
{
        AUTH_RIG(state);
        static struct blocker blockers[66]; /* 2 run, 64 wait */
        sem_t go;
        make_user(r, "ann", true);
        sem_init(&go, 0, 0);
        for (size_t i = 0; i < LENGTH(blockers); i++) {
                blockers[i] = (struct blocker){.job = {.mail.deliver = blocker_delivered,
                                                       .reply_to = mailbox,
                                                       .run = block},
                                               .go = &go};
                OK(pool_submit(auth_pool(r->auth), &blockers[i].job, &f->err));
        }
        struct asked a = basic(r, "ann:pa:ss");
        assert_string_equal(call(r, &a), "too-busy");
        assert_int_equal(error_http(&a.e), 503);
        for (size_t i = 0; i < LENGTH(blockers); i++)
                sem_post(&go);
        for (size_t i = 0; i < LENGTH(blockers); i++) {
                struct pollfd wait = {.fd = mailbox_fd(mailbox), .events = POLLIN};
                while (!blockers[i].is_delivered) {
                        assert_int_equal(poll(&wait, 1, 60000), 1);
                        mailbox_drain(mailbox);
                }
                assert_true(blockers[i].has_db);
        }
        assert_string_equal(work(r, "ann:pa:ss"), "");
        sem_destroy(&go);
}

static void test_a_loop_knows_whose_it_is(void **state)
{
        AUTH_RIG(state);
        assert_ptr_equal(auth_loop_auth(r->loop), r->auth);
        assert_ptr_equal(auth_loop_db(r->loop), r->base.db);
        assert_ptr_equal(auth_loop_domain(r->loop), r->base.domain);
        auth_loop_free(NULL);
        auth_free(NULL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(test_no_credentials),
                TEST(test_the_unix_socket_may_everything),
                TEST(test_a_key_in_either_place),
                TEST(test_a_key_that_is_no_longer_valid),
                TEST(test_every_cause_of_a_refusal_looks_the_same),
                TEST(test_more_than_one_credential),
                TEST(test_a_right_password_is_the_user),
                TEST(test_a_success_is_remembered_for_60_seconds),
                TEST(test_a_wrong_one_takes_as_long_whoever_it_is),
                TEST(test_what_is_no_name_and_password),
                TEST(test_a_changed_password_ends_what_was_remembered),
                TEST(test_a_deactivated_user_is_out_at_once),
                TEST(test_a_password_changed_while_it_is_checked),
                TEST(test_10_failures_close_the_name_for_a_minute),
                TEST(test_a_full_pool_is_busy),
                TEST(test_a_loop_knows_whose_it_is),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
