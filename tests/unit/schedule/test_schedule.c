/* Due work comes to be on record, by the clock and by being told. */
#include "unit/domain/domain_rig.h"

#include <chatelaine/base_metrics.h>
#include <chatelaine/schedule.h>

static int64_t no_mark(void *ctx)
{
        (void)ctx;
        return INT64_MAX;
}

static struct scheduler *start(struct rig *r)
{
        struct fixture *f = &r->base;
        struct scheduler *s;
        struct schedule_options o = {.domain = r->domain, .published_mark = no_mark};
        OK(schedule_start(&o, &s, &f->err));
        return s;
}

/* The injected clock has moved: look. */
static void look(struct rig *r)
{
        domain_due(r->domain, 0);
}

static void test_a_key_expires_at_its_date(void **state)
{
        RIG(state);
        atomic_store(&rig_is_real, true); /* this is about the timer */
        struct scheduler *s = start(r);
        rig_user(r, "guest", NULL, 0);
        int64_t begun = clock_now_ms();
        rig_mint(r, &(struct mint){.expires_in_ms = 700});
        rig_await(r, "chatelaine.key.expired.v1", 1);
        assert_true(clock_now_ms() - begun >= 700);
        assert_true(clock_now_ms() - begun < 4000); /* sooner than the tick that bounds a sleep */
        schedule_stop(s);
        rig_check_counts(r);
}

static void test_what_was_due_while_it_was_down_is_done_at_its_start(void **state)
{
        RIG(state);
        rig_user(r, "guest", NULL, 0);
        struct minted k[600];
        for (int i = 0; i < 600; i++) /* more than two slices */
                k[i] = rig_mint(r, &(struct mint){.expires_in_ms = 1000 + i});
        struct minted old = rig_mint(r, &(struct mint){0});
        OK(rig_rotate(r, old.id, 1000, NULL));
        rig_advance(2000);
        struct scheduler *s = start(r);
        rig_await(r, "chatelaine.key.expired.v1", 600);
        rig_await(r, "chatelaine.key.revoked.v1", 1);
        assert_false(rig_is_valid(r, k[0].key));
        schedule_stop(s);
        assert_int_equal(rig_events(r, "chatelaine.key.expired.v1"), 600);
        assert_non_null(strstr(rig_event(r, "chatelaine.key.revoked.v1"), "\"rotated\""));
        rig_check_counts(r);
}

static void test_slices_are_audited_with_their_count(void **state)
{
        RIG(state);
        rig_user(r, "guest", NULL, 0);
        rig_mint(r, &(struct mint){.expires_in_ms = 1000});
        rig_mint(r, &(struct mint){.expires_in_ms = 1000});
        rig_advance(1000);
        int64_t before = rig_events(r, "chatelaine.audit.v1");
        struct scheduler *s = start(r);
        rig_await(r, "chatelaine.audit.v1", before + 1);
        schedule_stop(s);
        assert_int_equal(rig_events(r, "chatelaine.audit.v1"), before + 1);
        const char *audit = rig_event(r, "chatelaine.audit.v1");
        assert_non_null(strstr(audit, "\"actor\":{\"id\":\"expiry\",\"kind\":\"job\"}"));
        assert_non_null(strstr(audit, "\"action\":\"key.expire\""));
        assert_non_null(strstr(audit, "\"count\":2"));
}

static void test_an_earlier_date_wakes_it(void **state)
{
        RIG(state);
        atomic_store(&rig_is_real, true);
        rig_user(r, "guest", NULL, 0);
        rig_mint(r, &(struct mint){.expires_in_ms = DAY});
        struct scheduler *s = start(r);
        struct minted later = rig_mint(r, &(struct mint){.expires_in_ms = HOUR});
        OK(rig_rotate(r, later.id, 300, NULL));
        rig_await(r, "chatelaine.key.revoked.v1", 1);
        schedule_stop(s);
}

static void test_a_step_back_expires_nothing_early(void **state)
{
        RIG(state);
        rig_user(r, "guest", NULL, 0);
        rig_mint(r, &(struct mint){.expires_in_ms = HOUR});
        struct scheduler *s = start(r);
        rig_advance(-DAY);
        look(r);
        rig_mint(r, &(struct mint){.expires_in_ms = 1000}); /* a key of the earlier time */
        rig_advance(1000);
        look(r);
        rig_await(r, "chatelaine.key.expired.v1", 1);
        rig_advance(DAY);
        schedule_stop(s); /* what was due meanwhile is the next start's */
        assert_int_equal(rig_events(r, "chatelaine.key.expired.v1"), 1);
}

static void test_warnings_go_out(void **state)
{
        RIG(state);
        rig_user(r, "guest", NULL, 0);
        rig_mint(r, &(struct mint){.expires_in_ms = 3 * HOUR});
        struct scheduler *s = start(r);
        rig_advance(2 * HOUR);
        look(r);
        rig_await(r, "chatelaine.key.expiring.v1", 1);
        rig_advance(HOUR);
        look(r);
        rig_await(r, "chatelaine.key.expired.v1", 1);
        schedule_stop(s);
        assert_int_equal(rig_events(r, "chatelaine.key.expiring.v1"), 1);
}

static void test_the_end_writes_refusals_and_a_checkpoint(void **state)
{
        RIG(state);
        struct error why;
        struct caller nobody = {.kind = CALLER_NOBODY};
        struct audit a = {.action = "key.mint", .ip = "192.0.2.7", .count = -1};
        (void)error_set(&why, STATUS_DENIED, "no-credentials", NULL, "Who are you?");
        struct scheduler *s = start(r);
        look(r);
        for (int i = 0; i < 3; i++)
                refusal_note(r->domain, &nobody, &a, &why);
        schedule_stop(s);
        assert_int_equal(rig_events(r, "chatelaine.checkpoint.v1"), 1);
        assert_int_equal(rig_int(r, "SELECT count(*) FROM journal WHERE instr(body,"
                                    " '\"reason\":\"no-credentials\"') > 0"),
                         1);
}

static void test_intervals_follow_the_monotonic_clock(void **state)
{
        RIG(state);
        rig_user(r, "guest", NULL, 0);
        struct minted k = rig_mint(r, &(struct mint){0});
        rig_revoke_id(r, k.id);
        struct scheduler *s = start(r);
        rig_await(r, "chatelaine.checkpoint.v1", 1); /* at its start */
        rig_advance(91 * DAY);
        atomic_fetch_add(&rig_mono_skip, 11 * MINUTE);
        look(r);
        while (rig_int(r, "SELECT count(*) FROM keys") > 0) /* past its retention */
                sem_wait(&r->durable);
        assert_non_null(strstr(rig_event(r, "chatelaine.audit.v1"), "\"action\":\"key.purge\""));
        schedule_stop(s);
        assert_true(rig_events(r, "chatelaine.checkpoint.v1") >= 2);
        rig_check_counts(r);
}

static void test_keys_are_counted_when_metrics_are_asked_for(void **state)
{
        RIG(state);
        CLEANUP(buf_fini) struct buf text;
        buf_init(&text, 1 << 20);
        struct scheduler *s = start(r);
        rig_user(r, "guest", NULL, 0);
        rig_mint(r, &(struct mint){0});
        metrics_write(&text);
        assert_non_null(strstr(text.data, "chatelaine_keys{state=\"active\"} 1\n"));
        assert_non_null(strstr(text.data, "chatelaine_key_expiry_lateness_seconds_count"));
        schedule_stop(s);
        buf_reset(&text);
        metrics_write(&text); /* without a scheduler it stays what it was */
}

static void test_it_stops_when_the_ledger_takes_nothing_more(void **state)
{
        RIG(state);
        struct scheduler *s = start(r);
        ledger_stop(r->ledger);
        look(r);
        schedule_stop(s);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                RIG_TEST(test_a_key_expires_at_its_date),
                RIG_TEST(test_what_was_due_while_it_was_down_is_done_at_its_start),
                RIG_TEST(test_slices_are_audited_with_their_count),
                RIG_TEST(test_an_earlier_date_wakes_it),
                RIG_TEST(test_a_step_back_expires_nothing_early),
                RIG_TEST(test_warnings_go_out),
                RIG_TEST(test_the_end_writes_refusals_and_a_checkpoint),
                RIG_TEST(test_intervals_follow_the_monotonic_clock),
                RIG_TEST(test_keys_are_counted_when_metrics_are_asked_for),
                RIG_TEST(test_it_stops_when_the_ledger_takes_nothing_more),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
