/* Who calls is looked at again; what was refused is on record; cursors are ours alone. */
#include "domain_rig.h"

#include <chatelaine/codec_json.h>
#include <chatelaine/codec_text.h>

/* ---- callers ---- */

struct probe {
        struct domain_command base;
};

static enum status nothing(struct ledger_tx *tx, struct domain_command *c, struct error *e)
{
        (void)tx;
        (void)c;
        (void)e;
        return STATUS_OK;
}

static enum status call_as(struct rig *r, enum caller_kind kind, const char *id,
                           const char *on_behalf_of)
{
        struct fixture *f = &r->base;
        struct probe *p;
        OK(domain_command_new(r->domain, NULL, sizeof *p, 0, &p, &f->err));
        p->base.run = nothing;
        p->base.caller.kind = kind;
        snprintf(p->base.caller.id, sizeof p->base.caller.id, "%s", id);
        snprintf(p->base.caller.on_behalf_of, sizeof p->base.caller.on_behalf_of, "%s",
                 on_behalf_of);
        p->base.caller.app_id = 1;
        p->base.caller.app_version = 7;
        enum status s = domain_run(&p->base, &f->err);
        domain_command_free(&p->base);
        return s;
}

static void deactivate(struct rig *r, const char *id)
{
        struct fixture *f = &r->base;
        struct user_change *c;
        OK(user_change_new(r->domain, NULL, &c, &f->err));
        c->id = span_of(id);
        c->is_active = 0;
        OK(rig_run(r, &c->base));
        domain_command_free(&c->base);
}

static void test_only_callers_who_live_change_anything(void **state)
{
        RIG(state);
        const char *user = rig_user(r, "guest", NULL, 0), *other = rig_user(r, "other", NULL, 0);
        struct minted k = rig_mint(r, &(struct mint){.expires_in_ms = HOUR});
        struct minted resting = rig_mint(r, &(struct mint){0});
        OK(rig_suspend(r, resting.id, false));
        assert_int_equal(call_as(r, CALLER_UNIX, "0", ""), STATUS_OK);
        assert_int_equal(call_as(r, CALLER_JOB, "expiry", ""), STATUS_OK);
        assert_int_equal(call_as(r, CALLER_USER, user, ""), STATUS_OK);
        assert_int_equal(call_as(r, CALLER_USER, user, other), STATUS_OK);
        assert_int_equal(call_as(r, CALLER_KEY, k.id, ""), STATUS_OK);

        static const enum caller_kind never[] = {CALLER_NOBODY, CALLER_CLIENT, CALLER_SESSION,
                                                 CALLER_APP};
        for (size_t i = 0; i < 4; i++) {
                assert_int_equal(call_as(r, never[i], user, ""), STATUS_DENIED);
                assert_string_equal(f->err.slug, "credential-ended");
                assert_int_equal(error_http(&f->err), 401);
        }
        assert_int_equal(call_as(r, CALLER_KEY, resting.id, ""), STATUS_DENIED);
        assert_int_equal(call_as(r, CALLER_KEY, "unknown", ""), STATUS_DENIED);
        deactivate(r, other);
        assert_int_equal(call_as(r, CALLER_USER, user, other), STATUS_DENIED);
        rig_advance(HOUR);
        assert_int_equal(call_as(r, CALLER_KEY, k.id, ""), STATUS_DENIED);
        deactivate(r, user);
        assert_int_equal(call_as(r, CALLER_USER, user, ""), STATUS_DENIED);
}

static void test_names_of_callers(void **state)
{
        (void)state;
        char name[CALLER_NAME_SIZE];
        caller_name(&(struct caller){.kind = CALLER_KEY, .id = "k"}, name);
        assert_string_equal(name, "keys/k");
        caller_name(&(struct caller){.kind = CALLER_UNIX, .id = "0"}, name);
        assert_string_equal(name, "unix");
        caller_name(&(struct caller){.kind = CALLER_APP, .id = "slug"}, name);
        assert_string_equal(name, "apps/slug");
}

/* ---- the record ---- */

static void test_a_failed_command_is_on_record(void **state)
{
        RIG(state);
        struct key_mint *c;
        OK(key_mint_new(r->domain, NULL, &c, &f->err));
        c->user = SPAN("nobody");
        c->base.caller = rig_unix();
        c->base.audit.has_request = true;
        strcpy(c->base.audit.request_id, "req-1");
        strcpy(c->base.audit.user_agent, "a\"b\xff");
        assert_int_equal(domain_run(&c->base, &f->err), STATUS_NOT_FOUND);
        domain_command_free(&c->base);
        const char *audit = rig_event(r, "chatelaine.audit.v1");
        assert_non_null(strstr(audit, "\"outcome\":\"failed\""));
        assert_non_null(strstr(audit, "\"reason\":\"user-not-found\""));
        assert_non_null(strstr(audit, "\"actor\":{\"id\":\"0\",\"kind\":\"unix\"}"));
        assert_non_null(strstr(audit, "\"user_agent\":\"a\\\"b\xef\xbf\xbd\""));
        assert_int_equal(rig_int(r, "SELECT count(*) FROM keys"), 0);
}

/* The writer's order is trusted, not sorted again. */
static void test_the_record_is_in_canonical_form(void **state)
{
        RIG(state);
        struct user_change *c;
        OK(user_change_new(r->domain, NULL, &c, &f->err));
        c->id = SPAN("nobody");
        c->base.caller = rig_unix();
        strcpy(c->base.caller.on_behalf_of, rig_user(r, "other", NULL, 0));
        c->base.audit.has_request = true;
        c->base.audit.count = 12;
        strcpy(c->base.audit.user_agent, "\x7f\t\xe2\x80\xa8/\\\x01");
        assert_int_equal(domain_run(&c->base, &f->err), STATUS_NOT_FOUND);
        domain_command_free(&c->base);
        const char *audit = rig_event(r, "chatelaine.audit.v1");
        CLEANUP(buf_fini) struct buf sorted;
        buf_init(&sorted, 4096);
        OK(json_canonical(span_of(audit), &sorted, &f->err));
        assert_string_equal(audit, sorted.data);
        assert_non_null(strstr(audit, "\"count\":12,\"outcome\":\"failed\",\"previous\":\""));
}

static struct error why(enum status s, const char *slug)
{
        struct error e;
        (void)error_set(&e, s, slug, NULL, "No.");
        return e;
}

static void test_somebody_s_refusal_is_an_event_of_its_own(void **state)
{
        RIG(state);
        struct error denied = why(STATUS_DENIED, "forbidden");
        struct audit a = {.action = "key.revoke", .target_kind = "key", .count = -1};
        struct caller who = {.kind = CALLER_USER, .id = "gone"}; /* also when it has ended */
        refusal_note(r->domain, &who, &a, &denied);
        rig_await(r, "chatelaine.audit.v1", 1);
        const char *audit = rig_event(r, "chatelaine.audit.v1");
        assert_non_null(strstr(audit, "\"outcome\":\"denied\""));
        assert_non_null(strstr(audit, "\"reason\":\"forbidden\""));
        assert_non_null(strstr(audit, "\"id\":\"gone\""));
}

static enum status flush(struct ledger_tx *tx, unsigned limit, int64_t *n, bool *more,
                         struct error *e)
{
        *n = limit;
        *more = false;
        return refusals_flush(tx, e);
}

static enum status flush_in_vain(struct ledger_tx *tx, unsigned limit, int64_t *n, bool *more,
                                 struct error *e)
{
        TRY(flush(tx, limit, n, more, e));
        return error_set(e, STATUS_RETRY, "test", NULL, "Undone.");
}

static void note(struct rig *r, const char *ip, const char *slug)
{
        struct error denied = why(STATUS_DENIED, slug);
        struct audit a = {.action = "key.mint", .count = -1};
        snprintf(a.ip, sizeof a.ip, "%s", ip);
        refusal_note(r->domain, &(struct caller){.kind = CALLER_NOBODY}, &a, &denied);
}

static int64_t gathered(struct rig *r, const char *block, const char *slug)
{
        struct fixture *f = &r->base;
        int64_t n = 0;
        enum status s = store_int_of(
                r->db,
                "SELECT json_extract(body, '$.count') FROM journal WHERE"
                " json_extract(body, '$.actor.id') = $1 AND json_extract(body, '$.reason') = $2"
                " AND json_extract(body, '$.action') = 'request.refused'",
                &n, &f->err, "ss", block, slug);
        return s == STATUS_OK ? n : 0;
}

static void test_nobody_s_refusals_are_gathered_by_reason_and_block(void **state)
{
        RIG(state);
        note(r, "192.0.2.7", "no-credentials");
        note(r, "192.0.2.200", "no-credentials");
        note(r, "::ffff:192.0.2.1", "no-credentials");
        note(r, "192.0.2.7", "invalid-credentials");
        note(r, "198.51.100.1", "no-credentials");
        note(r, "2001:db8:1:2::1", "no-credentials");
        note(r, "2001:db8:1:3::1", "no-credentials");
        note(r, "", "no-credentials");
        assert_int_equal(rig_events(r, "chatelaine.audit.v1"), 0); /* not a write each */

        struct rig_job *j; /* what was not committed is counted again */
        OK(domain_command_new(r->domain, NULL, sizeof *j, 0, &j, &f->err));
        j->base.run = rig_job_run;
        j->base.caller = rig_unix();
        j->job = flush_in_vain;
        assert_int_equal(domain_run(&j->base, &f->err), STATUS_RETRY);
        domain_command_free(&j->base);
        refusals_flushed(r->domain, false);
        note(r, "192.0.2.8", "no-credentials");

        rig_job(r, flush, 0, NULL);
        refusals_flushed(r->domain, true);
        assert_int_equal(gathered(r, "192.0.2.0/24", "no-credentials"), 4);
        assert_int_equal(gathered(r, "192.0.2.0/24", "invalid-credentials"), 1);
        assert_int_equal(gathered(r, "198.51.100.0/24", "no-credentials"), 1);
        assert_int_equal(gathered(r, "2001:db8:1::/48", "no-credentials"), 2);
        assert_int_equal(gathered(r, "unknown", "no-credentials"), 1);
        int64_t n = rig_events(r, "chatelaine.audit.v1");
        rig_job(r, flush, 0, NULL);
        assert_int_equal(rig_events(r, "chatelaine.audit.v1"), n);
}

static void test_blocks_beyond_the_bound_are_counted_as_other(void **state)
{
        RIG(state);
        for (int i = 0; i < 1500; i++) {
                char ip[32];
                snprintf(ip, sizeof ip, "10.%d.%d.1", i / 256, i % 256);
                note(r, ip, "no-credentials");
        }
        rig_job(r, flush, 0, NULL);
        refusals_flushed(r->domain, true);
        assert_int_equal(rig_events(r, "chatelaine.audit.v1"), 1025);
        assert_int_equal(gathered(r, "other", "no-credentials"), 1500 - 1024);
}

/* ---- cursors ---- */

static void test_cursors_come_back_as_they_were(void **state)
{
        RIG(state);
        struct buf b;
        int64_t n;
        const char *text;
        buf_init(&b, 4096);
        cursor_write_int(&b, INT64_MAX);
        OK(cursor_read_int(buf_view(&b), &n, &f->err));
        assert_true(n == INT64_MAX);
        assert_int_equal(cursor_read_text(buf_view(&b), &r->arena, &text, &f->err),
                         STATUS_INVALID); /* another list's */
        buf_reset(&b);
        cursor_write_text(&b, SPAN("\xc3\xa9/x"));
        OK(cursor_read_text(buf_view(&b), &r->arena, &text, &f->err));
        assert_string_equal(text, "\xc3\xa9/x");
        OK(cursor_read_int(SPAN_NONE, &n, &f->err));
        assert_int_equal(n, 0);
        OK(cursor_read_text(SPAN_NONE, &r->arena, &text, &f->err));
        assert_string_equal(text, "");

        static const char *const bad[] = {"", "!", "aQ", "aXg", "dA==", "dP8"};
        for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
                assert_int_equal(cursor_read_int(span_of(bad[i]), &n, &f->err), STATUS_INVALID);
                assert_string_equal(f->err.slug, "invalid-cursor");
        }
        assert_int_equal(cursor_read_text(SPAN("dP8"), &r->arena, &text, &f->err), STATUS_INVALID);
        assert_int_equal(cursor_read_text(SPAN("dAA"), &r->arena, &text, &f->err), STATUS_INVALID);
        buf_fini(&b);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                RIG_TEST(test_only_callers_who_live_change_anything),
                cmocka_unit_test(test_names_of_callers),
                RIG_TEST(test_a_failed_command_is_on_record),
                RIG_TEST(test_the_record_is_in_canonical_form),
                RIG_TEST(test_somebody_s_refusal_is_an_event_of_its_own),
                RIG_TEST(test_nobody_s_refusals_are_gathered_by_reason_and_block),
                RIG_TEST(test_blocks_beyond_the_bound_are_counted_as_other),
                RIG_TEST(test_cursors_come_back_as_they_were),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
