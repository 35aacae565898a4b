/* Tokens elsewhere that end with a key: from mint to settled, and the sinks' part of the journal.
 */
#include "unit/domain/unit.h"

#include "unit/domain/domain_rig.h"
#include "unit/store/faulty_vfs.h"

#include <chatelaine/domain_upstreams.h>

#define TOKEN "tok/en+at=acme"

static int setup(void **state)
{
        rig_setup(state);
        struct rig *r = *state;
        domain_set_settings(r->domain, rig_settings(r, "upstream \"acme\" { kind = contract_fit"
                                                       " url = \"https://acme.example.com\" }\n"
                                                       "upstream \"other\" { kind = airisk"
                                                       " url = \"https://other.example.com\" }\n"));
        rig_user(r, "guest", NULL, 0);
        return 0;
}

static enum status try_mint(struct rig *r, const char *upstream, const char *token, char id[25])
{
        struct fixture *f = &r->base;
        struct key_mint *c;
        OK(key_mint_new(r->domain, NULL, &c, &f->err));
        c->user = SPAN("guest");
        c->upstream = span_of(upstream);
        c->upstream_token = span_of(token);
        c->expires_in_ms = HOUR;
        enum status s = rig_run(r, &c->base);
        if (s == STATUS_OK)
                memcpy(id, c->id, sizeof c->id);
        domain_command_free(&c->base);
        return s;
}

static enum status settle(struct rig *r, const char *id, enum upstream_state to, const char *reason,
                          int64_t next_at)
{
        struct fixture *f = &r->base;
        struct upstream_settle *c;
        OK(upstream_settle_new(r->domain, &c, &f->err));
        snprintf(c->key_id, sizeof c->key_id, "%s", id);
        snprintf(c->reason, sizeof c->reason, "%s", reason);
        c->to = to;
        c->next_at = next_at;
        enum status s = rig_run(r, &c->base);
        domain_command_free(&c->base);
        return s;
}

static enum status retry(struct rig *r, const char *id)
{
        struct fixture *f = &r->base;
        struct key_retry *c;
        OK(key_retry_new(r->domain, NULL, &c, &f->err));
        c->id = span_of(id);
        enum status s = rig_run(r, &c->base);
        domain_command_free(&c->base);
        return s;
}

struct seen {
        struct rig *r;
        int n;
        char id[25];
        char token[64];
        int64_t attempts;
};

static bool see(void *ctx, const struct upstream_due *due)
{
        struct seen *s = ctx;
        struct rig *r = s->r;
        struct fixture *f = &r->base;
        CLEANUP(buf_fini_secret) struct buf token;
        buf_init(&token, 4096);
        OK(upstream_token(r->domain, due, &token, &f->err));
        snprintf(s->token, sizeof s->token, "%s", token.data);
        snprintf(s->id, sizeof s->id, "%.*s", (int)due->key_id.len, due->key_id.p);
        s->attempts = due->attempts;
        s->n++;
        return true;
}

static struct seen look(struct rig *r, const char *upstream, int64_t *ret_next)
{
        struct fixture *f = &r->base;
        struct upstream_view *v;
        struct seen s = {.r = r};
        OK(upstream_view_open(r->domain, &v, &f->err));
        OK(upstream_due(v, upstream, clock_now_ms(), 10, see, &s, ret_next, &f->err));
        upstream_view_close(v);
        return s;
}

static const char *shown(struct rig *r, const char *id)
{
        struct fixture *f = &r->base;
        struct key_row k;
        struct buf out;
        buf_init(&out, 65536);
        OK(key_get(r->db, span_of(id), clock_now_ms(), &r->arena, &k, &f->err));
        OK(key_write(r->db, &k, &out, &f->err));
        const char *text = arena_dup(&r->arena, buf_view(&out));
        buf_fini(&out);
        return text;
}

static void assert_has(const char *text, const char *part)
{
        if (!strstr(text, part))
                fail_msg("%s is not in %s", part, text);
}

/* ---- tests ---- */

static void test_the_key_that_ends_makes_its_token_due_at_once(void **state)
{
        RIG(state);
        char id[25];
        int64_t next;
        OK(try_mint(r, "acme", TOKEN, id));
        assert_int_equal(look(r, "acme", &next).n, 0);
        assert_has(shown(r, id), "\"upstream\":{\"name\":\"acme\",\"state\":\"none\"");
        rig_revoke_id(r, id);
        struct seen s = look(r, "acme", &next);
        assert_int_equal(s.n, 1);
        assert_string_equal(s.id, id);
        assert_string_equal(s.token, TOKEN);
        assert_int_equal(look(r, "other", &next).n, 0);
        assert_has(shown(r, id), "\"state\":\"pending\"");
}

static void test_expiry_makes_it_due_too(void **state)
{
        RIG(state);
        char id[25];
        int64_t next;
        OK(try_mint(r, "acme", TOKEN, id));
        rig_advance(HOUR + 1);
        assert_int_equal(rig_job(r, keys_expire_in, 100, NULL), 1);
        assert_int_equal(look(r, "acme", &next).n, 1);
}

static void test_the_token_is_stored_sealed_and_shown_nowhere(void **state)
{
        RIG(state);
        char id[25];
        OK(try_mint(r, "acme", TOKEN, id));
        rig_revoke_id(r, id);
        OK(settle(r, id, UPSTREAM_STUCK, "http-403", 0));
        assert_null(strstr(shown(r, id), TOKEN));
        assert_int_equal(rig_int(r, "SELECT count(*) FROM upstream_keys WHERE"
                                    " instr(token, cast('" TOKEN "' as blob)) > 0"),
                         0);
        assert_int_equal(
                rig_int(r, "SELECT count(*) FROM journal WHERE instr(body, '" TOKEN "') > 0"), 0);
}

static void test_unknown_upstreams_and_tokens_that_are_none_are_refused(void **state)
{
        RIG(state);
        char id[25];
        assert_int_equal(try_mint(r, "nobody", TOKEN, id), STATUS_INVALID);
        assert_string_equal(f->err.slug, "unknown-upstream");
        static const char *const bad[] = {"", "a b", "a\r\nX: y", "\xc3\xa9"};
        for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
                assert_int_equal(try_mint(r, "acme", bad[i], id), STATUS_INVALID);
                assert_string_equal(f->err.slug, "invalid-upstream-token");
        }
        assert_int_equal(rig_int(r, "SELECT count(*) FROM keys"), 0);
}

static void test_what_is_revoked_is_told_and_its_token_forgotten(void **state)
{
        RIG(state);
        char id[25];
        int64_t next;
        OK(try_mint(r, "acme", TOKEN, id));
        rig_revoke_id(r, id);
        OK(settle(r, id, UPSTREAM_REVOKED, "", 0));
        assert_int_equal(look(r, "acme", &next).n, 0);
        assert_has(rig_event(r, "chatelaine.key.upstream_revoked.v1"),
                   "\"upstream\":{\"name\":\"acme\",\"state\":\"revoked\",\"reason\":null}");
        assert_int_equal(rig_int(r, "SELECT count(*) FROM upstream_keys WHERE token IS NULL"), 1);
        /* What comes in late changes nothing. */
        OK(settle(r, id, UPSTREAM_STUCK, "late", 0));
        assert_int_equal(rig_events(r, "chatelaine.key.upstream_failed.v1"), 0);
        assert_int_equal(rig_int(r, "SELECT state FROM upstream_keys"), UPSTREAM_REVOKED);
}

static void test_a_failure_is_told_once_for_each_reason(void **state)
{
        RIG(state);
        char id[25];
        int64_t next, later = T0 + MINUTE;
        OK(try_mint(r, "acme", TOKEN, id));
        rig_revoke_id(r, id);
        OK(settle(r, id, UPSTREAM_PENDING, "http-500", later));
        OK(settle(r, id, UPSTREAM_PENDING, "http-500", later));
        assert_int_equal(rig_events(r, "chatelaine.key.upstream_failed.v1"), 1);
        OK(settle(r, id, UPSTREAM_PENDING, "timeout", later));
        assert_int_equal(rig_events(r, "chatelaine.key.upstream_failed.v1"), 2);
        assert_int_equal(look(r, "acme", &next).n, 0);
        assert_int_equal(next, later);
        rig_advance(MINUTE);
        assert_int_equal(look(r, "acme", &next).attempts, 3);
}

static void test_stuck_waits_for_a_person(void **state)
{
        RIG(state);
        char id[25];
        int64_t next;
        OK(try_mint(r, "acme", TOKEN, id));
        assert_int_equal(retry(r, id), STATUS_CONFLICT);
        assert_string_equal(f->err.slug, "key-live");
        rig_revoke_id(r, id);
        OK(settle(r, id, UPSTREAM_STUCK, "http-403", 0));
        rig_advance(DAY);
        assert_int_equal(look(r, "acme", &next).n, 0);
        OK(retry(r, id));
        assert_int_equal(look(r, "acme", &next).n, 1);
        OK(settle(r, id, UPSTREAM_ALREADY_GONE, "", 0));
        assert_int_equal(retry(r, id), STATUS_CONFLICT);
        assert_string_equal(f->err.slug, "upstream-settled");
        assert_int_equal(retry(r, "000000000000000000000000"), STATUS_NOT_FOUND);
}

static void test_a_rotation_hands_the_token_on(void **state)
{
        RIG(state);
        char id[25], heir[25];
        int64_t next;
        struct minted successor;
        OK(try_mint(r, "acme", TOKEN, id));
        OK(rig_rotate(r, id, -1, &successor));
        memcpy(heir, successor.id, sizeof heir);
        rig_revoke_id(r, id);
        assert_int_equal(look(r, "acme", &next).n, 0);
        rig_revoke_id(r, heir);
        struct seen s = look(r, "acme", &next);
        assert_string_equal(s.id, heir);
        assert_string_equal(s.token, TOKEN);
}

static enum status purge(struct ledger_tx *tx, unsigned limit, int64_t *n, bool *more,
                         struct error *e)
{
        return keys_purge_in(tx, tx->now_ms - HOUR, limit, n, more, e);
}

static void test_the_purge_keeps_what_is_not_settled(void **state)
{
        RIG(state);
        char pending[25], stuck[25], done[25];
        OK(try_mint(r, "acme", TOKEN, pending));
        OK(try_mint(r, "acme", TOKEN, stuck));
        OK(try_mint(r, "acme", TOKEN, done));
        rig_revoke_id(r, pending);
        rig_revoke_id(r, stuck);
        rig_revoke_id(r, done);
        OK(settle(r, stuck, UPSTREAM_STUCK, "http-403", 0));
        OK(settle(r, done, UPSTREAM_REVOKED, "", 0));
        rig_advance(DAY);
        assert_int_equal(rig_job(r, purge, 100, NULL), 1);
        assert_int_equal(rig_int(r, "SELECT count(*) FROM keys"), 2);
        assert_int_equal(rig_int(r, "SELECT count(*) FROM upstream_keys"), 2);
        assert_int_equal(rig_int(r, "SELECT sum(n) FROM upstream_counts"), 2);
}

static void test_keys_are_listed_by_their_state_upstream(void **state)
{
        RIG(state);
        char one[25], two[25];
        struct buf out;
        struct key_filter filter = {.has_upstream_state = true, .upstream_state = UPSTREAM_STUCK};
        struct page page = {.limit = 10};
        OK(try_mint(r, "acme", TOKEN, one));
        OK(try_mint(r, "acme", TOKEN, two));
        rig_revoke_id(r, one);
        rig_revoke_id(r, two);
        OK(settle(r, two, UPSTREAM_STUCK, "http-403", 0));
        buf_init(&out, 65536);
        OK(key_list(r->db, &filter, &page, clock_now_ms(), NULL, &out, &f->err));
        assert_has(out.data, two);
        assert_null(strstr(out.data, one));
        buf_fini(&out);
}

struct count {
        int64_t n[UPSTREAM_STATES];
};

static void take_count(void *ctx, const char *upstream, enum upstream_state s, int64_t n)
{
        assert_string_equal(upstream, "acme");
        ((struct count *)ctx)->n[s] = n;
}

static void test_states_are_counted(void **state)
{
        RIG(state);
        char id[25];
        struct count c = {{0}};
        struct upstream_view *v;
        OK(try_mint(r, "acme", TOKEN, id));
        OK(try_mint(r, "acme", TOKEN, id));
        rig_revoke_id(r, id);
        OK(settle(r, id, UPSTREAM_STUCK, "http-403", 0));
        OK(upstream_view_open(r->domain, &v, &f->err));
        OK(upstream_counts(v, take_count, &c, &f->err));
        upstream_view_close(v);
        assert_int_equal(c.n[UPSTREAM_NONE], 1);
        assert_int_equal(c.n[UPSTREAM_PENDING], 0);
        assert_int_equal(c.n[UPSTREAM_STUCK], 1);
}

static void test_a_sink_reads_the_audit_events_in_order_from_its_mark(void **state)
{
        RIG(state);
        char id[25], event[ID_UUID_SIZE];
        struct upstream_view *v;
        struct sink_mark *m;
        int64_t mark = 0, seq, rows = 0, before = 0;
        OK(try_mint(r, "acme", TOKEN, id));
        OK(upstream_view_open(r->domain, &v, &f->err));
        OK(sink_mark_load(v, "siem", &mark, &f->err));
        assert_int_equal(mark, 0);
        for (;;) {
                CLEANUP(buf_fini) struct buf out;
                buf_init(&out, 65536);
                OK(sink_next(v, mark, "n1", &out, event, &seq, &f->err));
                if (!seq)
                        break;
                assert_true(seq > before);
                assert_has(out.data, event);
                assert_has(out.data, "\"type\":\"chatelaine.audit.v1\"");
                before = mark = seq;
                rows++;
        }
        assert_int_equal(rows, rig_events(r, "chatelaine.audit.v1"));
        OK(sink_mark_new(r->domain, &m, &f->err));
        snprintf(m->sink, sizeof m->sink, "siem");
        m->seq = mark;
        OK(rig_run(r, &m->base));
        domain_command_free(&m->base);
        OK(sink_mark_load(v, "siem", &seq, &f->err));
        assert_int_equal(seq, mark);
        /* To keep a mark is nothing to tell of: it would have to be told in turn. */
        assert_int_equal(rows, rig_events(r, "chatelaine.audit.v1"));
        upstream_view_close(v);
}

static int64_t next_of(struct rig *r, struct upstream_view *v, int64_t mark)
{
        struct fixture *f = &r->base;
        char event[ID_UUID_SIZE];
        int64_t seq = 0;
        CLEANUP(buf_fini) struct buf out;
        buf_init(&out, 65536);
        OK(sink_next(v, mark, "n1", &out, event, &seq, &f->err));
        return seq;
}

/* After a power cut another event may bear its number. */
static void test_a_sink_gets_no_event_before_it_is_durable(void **state)
{
        RIG(state);
        struct upstream_view *v;
        struct user_create *c;
        int64_t mark = rig_int(r, "SELECT max(seq) FROM journal");
        OK(upstream_view_open(r->domain, &v, &f->err));
        OK(user_create_new(r->domain, NULL, &c, &f->err));
        c->name = SPAN("soon");
        c->base.caller = rig_unix();
        atomic_store(&faulty_holds_wal, true);
        OK(domain_submit(&c->base, NULL, &f->err)); /* which frees it */
        sem_wait(&faulty_held);
        int64_t committed = rig_int(r, "SELECT max(seq) FROM journal"), shown = next_of(r, v, mark);
        sem_post(&faulty_go_on); /* before anything may fail */
        assert_true(committed > mark);
        assert_int_equal(shown, 0);
        rig_user(r, "later", NULL, 0);
        assert_int_equal(next_of(r, v, mark), mark + 1);
        upstream_view_close(v);
}

#define UPSTREAM_TEST(name) cmocka_unit_test_setup_teardown(name, setup, rig_teardown)

static void test_what_was_not_configured_is_resumed_and_nothing_else(void **state)
{
        RIG(state);
        char ids[3][25];
        struct upstream_resume *c;
        for (int i = 0; i < 3; i++) {
                OK(try_mint(r, i == 2 ? "other" : "acme", TOKEN, ids[i]));
                rig_revoke_id(r, ids[i]);
        }
        OK(settle(r, ids[0], UPSTREAM_STUCK, UPSTREAM_REASON_UNCONFIGURED, 0));
        OK(settle(r, ids[1], UPSTREAM_STUCK, "forbidden", 0));
        OK(settle(r, ids[2], UPSTREAM_STUCK, UPSTREAM_REASON_UNCONFIGURED, 0));
        for (int again = 0; again < 2; again++) {
                int64_t events = rig_events(r, "chatelaine.audit.v1");
                OK(upstream_resume_new(r->domain, &c, &f->err));
                snprintf(c->upstream, sizeof c->upstream, "acme");
                OK(rig_run(r, &c->base));
                domain_command_free(&c->base);
                /* Nothing to resume, nothing to tell. */
                assert_int_equal(rig_events(r, "chatelaine.audit.v1") - events, again ? 0 : 1);
        }
        int64_t next;
        struct seen due = look(r, "acme", &next);
        assert_int_equal(due.n, 1);
        assert_string_equal(due.id, ids[0]);
        assert_int_equal(due.attempts, 0);
        assert_int_equal(look(r, "other", &next).n, 0);
        assert_int_equal(rig_int(r, "SELECT count(*) FROM upstream_counts c WHERE n <>"
                                    " (SELECT count(*) FROM upstream_keys k WHERE"
                                    " k.upstream = c.upstream AND k.state = c.state)"),
                         0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                UPSTREAM_TEST(test_the_key_that_ends_makes_its_token_due_at_once),
                UPSTREAM_TEST(test_expiry_makes_it_due_too),
                UPSTREAM_TEST(test_the_token_is_stored_sealed_and_shown_nowhere),
                UPSTREAM_TEST(test_unknown_upstreams_and_tokens_that_are_none_are_refused),
                UPSTREAM_TEST(test_what_is_revoked_is_told_and_its_token_forgotten),
                UPSTREAM_TEST(test_a_failure_is_told_once_for_each_reason),
                UPSTREAM_TEST(test_stuck_waits_for_a_person),
                UPSTREAM_TEST(test_what_was_not_configured_is_resumed_and_nothing_else),
                UPSTREAM_TEST(test_a_rotation_hands_the_token_on),
                UPSTREAM_TEST(test_the_purge_keeps_what_is_not_settled),
                UPSTREAM_TEST(test_keys_are_listed_by_their_state_upstream),
                UPSTREAM_TEST(test_states_are_counted),
                UPSTREAM_TEST(test_a_sink_reads_the_audit_events_in_order_from_its_mark),
                UPSTREAM_TEST(test_a_sink_gets_no_event_before_it_is_durable),
        };

        faulty_register();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
