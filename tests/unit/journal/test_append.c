/* What is appended, how it is read, and what an event looks like. */
#include "journal_fixture.h"

#include <chatelaine/codec_json.h>
#include <chatelaine/codec_text.h>

static int setup(void **state)
{
        *state = calloc(1, sizeof(struct journal_fixture));
        journal_fixture_open(*state);
        return 0;
}

static int teardown(void **state)
{
        journal_fixture_close(*state);
        free(*state);
        return 0;
}

#define ALL 7u

/* The envelopes of what was read, one a line, and how many. */
struct lines {
        struct buf text;
        unsigned n, most;
        int64_t last;
};

static bool add_line(void *ctx, const struct journal_row *r)
{
        struct lines *l = ctx;

        journal_envelope(r, "node 1", &l->text);
        buf_char(&l->text, '\n');
        l->last = r->seq;
        return ++l->n != l->most;
}

static struct lines read_lines(struct journal_fixture *j, unsigned topics, int64_t from,
                               int64_t through, unsigned limit, unsigned most)
{
        struct fixture *f = &j->base;
        struct lines l = {.most = most};

        buf_init(&l.text, 1 << 20);
        OK(journal_read(f->db, topics, from, through, limit, add_line, &l, &f->err));
        return l;
}

static void test_a_row_becomes_a_cloudevent(void **state)
{
        struct journal_fixture *j = *state;
        struct fixture *f = &j->base;
        struct json *ev;

        assert_int_equal(append_webhook(j, "{\"log_id\":1.10}"), 1);
        struct lines l = read_lines(j, ALL, 1, INT64_MAX, 10, 0);
        assert_int_equal(l.n, 1);
        assert_null(memchr(l.text.data, '\n', l.text.len - 1));
        OK(json_parse(buf_view(&l.text), 8, &ev, &f->err));
        assert_true(span_is(json_get_text(ev, "specversion"), "1.0"));
        assert_int_equal(json_get_text(ev, "id").len, 36);
        assert_true(span_is(json_get_text(ev, "source"), "/chatelaine/node%201"));
        assert_true(span_is(json_get_text(ev, "type"), "chatelaine.webhook.received.v1"));
        assert_true(span_is(json_get_text(ev, "subject"), "webhooks/1"));
        assert_true(span_is(json_get_text(ev, "time"), "2026-11-21T20:52:10.123Z"));
        assert_true(span_is(json_get_text(ev, "datacontenttype"), "application/json"));
        assert_true(span_is(json_get_text(ev, "dataschema"),
                            "urn:chatelaine:schema:chatelaine.webhook.received.v1"));
        assert_true(span_is(json_get_text(ev, "sequence"), "1"));
        assert_true(span_is(json_get_text(ev, "partitionkey"), "acme/42"));
        assert_true(span_is(json_get_text(ev, "traceparent"),
                            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
        assert_non_null(strstr(l.text.data, "\"data\":{\"log_id\":1.10}}")); /* byte for byte */
        json_free(ev);
        buf_fini(&l.text);
}

static void test_absent_members_are_left_out(void **state)
{
        struct journal_fixture *j = *state;

        append_key(j);
        struct lines l = read_lines(j, ALL, 1, INT64_MAX, 10, 0);
        assert_null(strstr(l.text.data, "subject"));
        assert_null(strstr(l.text.data, "traceparent"));
        buf_fini(&l.text);
}

static void test_reading_takes_topics_bounds_and_limits(void **state)
{
        struct journal_fixture *j = *state;
        static const struct {
                unsigned topics;
                int64_t from, through;
                unsigned limit, most, want;
                int64_t want_last;
        } cases[] = {
                {ALL, 1, INT64_MAX, 100, 0, 12, 12}, {ALL, 5, INT64_MAX, 100, 0, 8, 12},
                {ALL, 5, 7, 100, 0, 3, 7},           {ALL, 1, INT64_MAX, 4, 0, 4, 4},
                {ALL, 1, INT64_MAX, 100, 2, 2, 2},   {ALL, 13, INT64_MAX, 100, 0, 0, 0},
                {1, 1, INT64_MAX, 100, 0, 4, 10},    {2, 1, INT64_MAX, 100, 0, 4, 11},
                {4, 1, INT64_MAX, 100, 0, 4, 12},    {6, 1, INT64_MAX, 100, 0, 8, 12},
                {6, 1, INT64_MAX, 3, 0, 3, 5},       {6, 4, 9, 100, 0, 4, 9},
                {5, 1, INT64_MAX, 100, 0, 8, 12},    {3, 1, INT64_MAX, 100, 0, 8, 11},
        };

        for (int i = 0; i < 4; i++) {
                append_webhook(j, "{}");
                append_key(j);
                append_audit(j, "{}");
        }
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                struct lines l = read_lines(j, cases[i].topics, cases[i].from, cases[i].through,
                                            cases[i].limit, cases[i].most);
                assert_int_equal(l.n, cases[i].want);
                assert_int_equal(l.last, cases[i].want_last);
                buf_fini(&l.text);
        }
}

/* Recomputed as interface.md says it, from what a reader sees. */
static bool check_link(void *ctx, const struct journal_row *r)
{
        struct buf text, data;
        char *previous = ctx, time[CLOCK_RFC3339_SIZE], hex[65];
        struct json *body;
        uint8_t hash[SHA256_SIZE];
        struct error err;

        assert_int_equal(json_parse(r->body, 8, &body, &err), STATUS_OK);
        assert_true(span_is(json_get_text(body, "previous"), previous));

        /* Data without hash: it is put in front. */
        buf_init(&text, 1 << 16);
        buf_init(&data, 1 << 16);
        assert_memory_equal(r->body.p, "{\"hash\":\"", 9);
        buf_char(&data, '{');
        buf_append(&data, r->body.p + 9 + 66, r->body.len - 9 - 66);
        clock_rfc3339(r->time_ms, time);
        buf_printf(&text, "%s\n%lld\n%.*s\n%s\n", previous, (long long)r->seq, (int)r->id.len,
                   r->id.p, time);
        assert_int_equal(json_canonical(buf_view(&data), &text, &err), STATUS_OK);
        sha256_of(buf_view(&text), hash);
        hex_write(hex, hash, sizeof hash);
        assert_true(span_is(json_get_text(body, "hash"), hex));
        memcpy(previous, hex, sizeof hex);
        json_free(body);
        buf_fini(&text);
        buf_fini(&data);
        return true;
}

static void test_audit_events_are_links_of_a_chain(void **state)
{
        struct journal_fixture *j = *state;
        struct fixture *f = &j->base;
        char previous[65];

        memset(previous, '0', 64);
        previous[64] = '\0';
        append_audit(j, "{\"outcome\":\"success\",\"action\":\"keys:create\",\"count\":1.0}");
        append_webhook(j, "{}");
        append_audit(j, " { } ");
        journal_fixture_reopen(j);
        append_audit(j, "{\"zebra\":1,\"actor\":{\"kind\":\"app\",\"id\":\"acme\"}}");
        OK(journal_read(f->db, 4, 1, INT64_MAX, 10, check_link, previous, &f->err));
}

static void test_audit_data_that_is_no_object_is_refused(void **state)
{
        struct journal_fixture *j = *state;
        struct fixture *f = &j->base;
        static const char *const bad[] = {"", "[]", "{", "{\"a\":}", "1"};

        for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
                struct event ev = {.topic = TOPIC_AUDIT,
                                   .type = "chatelaine.audit.v1",
                                   .key = SPAN("audit"),
                                   .data = span_of(bad[i])};
                assert_int_not_equal(journal_append(j->journal, f->db, &ev, NOW, NULL, &f->err),
                                     STATUS_OK);
        }
        assert_int_equal(journal_head(j->journal), 0);
}

static void test_an_event_that_no_message_holds_is_refused(void **state)
{
        struct journal_fixture *j = *state;
        struct fixture *f = &j->base;
        static char data[1000000];
        struct event ev = {.topic = TOPIC_WEBHOOKS,
                           .type = "chatelaine.webhook.received.v1",
                           .key = SPAN("k"),
                           .data = {data, sizeof data}};

        memset(data, ' ', sizeof data);
        assert_false(journal_event_fits(j->journal, &ev));
        assert_int_equal(journal_append(j->journal, f->db, &ev, NOW, NULL, &f->err), STATUS_LIMIT);
        assert_string_equal(f->err.slug, "event-too-large");
        assert_int_equal(journal_head(j->journal), 0);
        ev.data.len = 900000;
        assert_true(journal_event_fits(j->journal, &ev));
        OK(journal_append(j->journal, f->db, &ev, NOW, NULL, &f->err));
}

static void test_the_largest_event_makes_a_message_within_the_bound(void **state)
{
        struct journal_fixture *j = *state;
        struct fixture *f = &j->base;
        char key[255];
        static char data[1000000];
        struct event ev = {.topic = TOPIC_WEBHOOKS,
                           .type = "chatelaine.webhook.received.v1",
                           .key = {key, sizeof key},
                           .subject = {key, sizeof key}};

        memset(key, '\x1f', sizeof key); /* six bytes each in JSON */
        memset(data, ' ', sizeof data);
        ev.data = span_make(data, sizeof data);
        while (!journal_event_fits(j->journal, &ev))
                ev.data.len--;
        OK(journal_append(j->journal, f->db, &ev, NOW, NULL, &f->err));
        struct lines l = read_lines(j, ALL, 1, 1, 1, 0);
        assert_true(l.text.len + sizeof key + 200 < 1000000);
        buf_fini(&l.text);
}

static void test_what_is_undone_leaves_no_gap(void **state)
{
        struct journal_fixture *j = *state;
        struct fixture *f = &j->base;
        struct journal_mark mark;
        char previous[65];

        memset(previous, '0', 64);
        previous[64] = '\0';
        OK(store_begin(f->db, &f->err));
        append_audit(j, "{}");
        journal_mark(j->journal, &mark);
        OK(store_savepoint(f->db, &f->err));
        append_audit(j, "{\"undone\":1}");
        append_webhook(j, "{}");
        OK(store_rollback_to(f->db, &f->err));
        journal_reset_to(j->journal, &mark);
        assert_int_equal(append_audit(j, "{\"kept\":1}"), 2);
        OK(store_commit(f->db, &f->err));
        OK(journal_read(f->db, 4, 1, INT64_MAX, 10, check_link, previous, &f->err));
}

static void test_marks_are_kept_by_topic(void **state)
{
        struct journal_fixture *j = *state;
        struct fixture *f = &j->base;
        int64_t marks[TOPIC_COUNT] = {9, 9, 9};
        const int64_t want[TOPIC_COUNT] = {5, 6, 7};

        OK(journal_marks_load(f->db, marks, &f->err));
        assert_int_equal(marks[TOPIC_WEBHOOKS] + marks[TOPIC_KEYS] + marks[TOPIC_AUDIT], 0);
        OK(journal_marks_save(f->db, marks, &f->err));
        OK(journal_marks_save(f->db, want, &f->err));
        OK(journal_marks_load(f->db, marks, &f->err));
        assert_memory_equal(marks, want, sizeof want);
}

static void test_topics_are_known_with_and_without_prefix(void **state)
{
        struct journal_fixture *j = *state;
        struct fixture *f = &j->base;
        enum topic t = TOPIC_WEBHOOKS;

        OK(topic_parse(SPAN("chatelaine.audit"), "chatelaine.", &t, &f->err));
        assert_int_equal(t, TOPIC_AUDIT);
        OK(topic_parse(SPAN("keys"), "chatelaine.", &t, &f->err));
        assert_int_equal(t, TOPIC_KEYS);
        assert_int_equal(topic_parse(SPAN("chatelaine."), "chatelaine.", &t, &f->err),
                         STATUS_NOT_FOUND);
        assert_int_equal(topic_parse(SPAN("other"), "", &t, &f->err), STATUS_NOT_FOUND);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
                TEST(test_a_row_becomes_a_cloudevent),
                TEST(test_absent_members_are_left_out),
                TEST(test_reading_takes_topics_bounds_and_limits),
                TEST(test_audit_events_are_links_of_a_chain),
                TEST(test_audit_data_that_is_no_object_is_refused),
                TEST(test_an_event_that_no_message_holds_is_refused),
                TEST(test_the_largest_event_makes_a_message_within_the_bound),
                TEST(test_what_is_undone_leaves_no_gap),
                TEST(test_marks_are_kept_by_topic),
                TEST(test_topics_are_known_with_and_without_prefix),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
