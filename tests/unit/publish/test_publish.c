/* From the journal to the embedded broker, when all is well. */
#include "publish_fixture.h"

static int setup_with(void **state, char *brokers)
{
        struct publish_fixture *p = calloc(1, sizeof *p);

        publish_fixture_open(p, brokers);
        publish_fixture_start(p);
        *state = p;
        return 0;
}

static int setup(void **state)
{
        return setup_with(state, (char *)"embedded");
}

static int setup_none(void **state)
{
        return setup_with(state, (char *)"none");
}

static int setup_nowhere(void **state)
{
        return setup_with(state, (char *)"127.0.0.1:1");
}

static int teardown(void **state)
{
        publish_fixture_close(*state);
        free(*state);
        return 0;
}

static int64_t saved_mark(struct publish_fixture *p)
{
        return ledger_fixture_int(&p->ledger, "SELECT coalesce(min(seq), 0) FROM marks");
}

static void test_events_arrive_in_the_order_of_the_journal(void **state)
{
        struct publish_fixture *p = *state;
        static struct consumed c;

        publish_fixture_append(p, 7, 700);
        publish_fixture_wait(p, 2100);
        static const char *const topics[] = {"chatelaine.webhooks", "chatelaine.keys",
                                             "chatelaine.audit"};
        for (int t = 0; t < 3; t++) {
                consume_topic(p, topics[t], &c);
                assert_int_equal(c.n, 700);
                assert_true(c.has_media_type);
                for (int i = 0; i < c.n; i++)
                        assert_int_equal(c.seqs[i], i * 3 + t + 1);
                assert_non_null(strstr(c.first, "\"source\":\"/chatelaine/test\""));
                assert_non_null(strstr(c.first, "\"data\":{"));
        }
}

static void test_marks_are_saved_and_nothing_is_repeated_after_a_restart(void **state)
{
        struct publish_fixture *p = *state;
        static struct consumed c;

        publish_fixture_append(p, 1, 50);
        publish_fixture_stop(p);
        assert_int_equal(saved_mark(p), 50);
        publish_fixture_start(p);
        assert_int_equal(publish_mark(p->publisher), 50);
        publish_fixture_append(p, 1, 10);
        publish_fixture_wait(p, 60);
        consume_topic(p, "chatelaine.webhooks", &c); /* a new broker: it holds the new ones */
        assert_int_equal(c.n, 10);
        assert_int_equal(c.seqs[0], 51);
}

static void test_marks_are_saved_while_it_runs_but_not_with_each_event(void **state)
{
        struct publish_fixture *p = *state;

        for (int i = 1; i <= 30; i++) {
                publish_fixture_append(p, 2, 1);
                publish_fixture_wait(p, i);
        }
        while (saved_mark(p) < 30)
                usleep(10000);
        int64_t marks[TOPIC_COUNT];
        struct fixture *f = &p->ledger.base;
        OK(journal_marks_load(p->ledger.reader, marks, &f->err));
        assert_int_equal(marks[TOPIC_WEBHOOKS], 30); /* a topic without events follows */
        assert_int_equal(marks[TOPIC_KEYS], 30);
}

static void test_the_address_of_the_embedded_broker_is_written(void **state)
{
        struct publish_fixture *p = *state;
        char path[128], line[64] = "";

        snprintf(path, sizeof path, "%s/kafka.bootstrap", p->ledger.base.dir);
        FILE *file = fopen(path, "r");
        assert_non_null(file);
        assert_non_null(fgets(line, sizeof line, file));
        fclose(file);
        line[strcspn(line, "\n")] = '\0';
        assert_string_equal(line, embedded_bootstrap(p->publisher->embedded));
        publish_fixture_stop(p);
        assert_int_not_equal(access(path, F_OK), 0);
}

static void test_without_kafka_the_marks_follow_the_head(void **state)
{
        struct publish_fixture *p = *state;
        struct fixture *f = &p->ledger.base;
        int64_t count;

        publish_fixture_append(p, 7, 10);
        publish_fixture_wait(p, 30);
        assert_int_equal(publish_again(p->publisher, 1, 10, &count, &f->err), STATUS_CONFLICT);
        assert_string_equal(f->err.slug, "kafka-none");
        publish_fixture_stop(p);
        assert_int_equal(saved_mark(p), 30);
}

static void test_a_range_is_published_again_under_its_ids(void **state)
{
        struct publish_fixture *p = *state;
        struct fixture *f = &p->ledger.base;
        static struct consumed c;
        int64_t count = 0;

        publish_fixture_append(p, 1, 3000);
        publish_fixture_wait(p, 3000);
        OK(publish_again(p->publisher, 1001, 2500, &count, &f->err));
        assert_int_equal(count, 1500);
        assert_int_equal(publish_mark(p->publisher), 3000);
        consume_topic(p, "chatelaine.webhooks", &c);
        assert_int_equal(c.n, 4500);
        for (int i = 0; i < 1500; i++) {
                assert_int_equal(c.seqs[3000 + i], 1001 + i);
                assert_string_equal(c.ids[3000 + i], c.ids[1000 + i]);
        }
        OK(publish_again(p->publisher, 2999, 9999, &count, &f->err)); /* up to the head */
        assert_int_equal(count, 2);
        OK(publish_again(p->publisher, 9999, 99999, &count, &f->err));
        assert_int_equal(count, 0);
}

static void test_a_kafka_that_is_not_there_holds_nobody_up(void **state)
{
        struct publish_fixture *p = *state;
        int64_t began = clock_mono_ms();

        publish_fixture_append(p, 7, 10);
        assert_int_equal(publish_mark(p->publisher), 0);
        publish_stop(p->publisher, 200);
        publish_free(p->publisher);
        p->publisher = NULL;
        assert_true(clock_mono_ms() - began < 20000);
        assert_int_equal(saved_mark(p), 0);
}

/* ---- properties ---- */

static enum status start_with(struct publish_fixture *p, const char *name, const char *value)
{
        struct fixture *f = &p->ledger.base;
        struct config_property property = {.name = (char *)(uintptr_t)name,
                                           .value = (char *)(uintptr_t)value};
        struct config c = p->config;
        struct publisher *second;

        c.kafka.properties = &property;
        c.kafka.n_properties = 1;
        return publish_start(&c, f->store, p->ledger.ledger, &second, &f->err);
}

static void test_properties_that_the_guarantees_need_are_refused(void **state)
{
        struct publish_fixture *p = *state;
        struct fixture *f = &p->ledger.base;
        static const char *const bad[][2] = {
                {"enable.idempotence", "false"}, {"acks", "1"},
                {"request.required.acks", "1"},  {"message.timeout.ms", "1000"},
                {"transactional.id", "x"},       {"delivery.report.only.error", "true"},
                {"bootstrap.servers", "x"},      {"no.such.property", "1"},
                {"compression.type", "rot13"},   {"message.max.bytes", "-1"},
                {"max.in.flight", "2"},          {"max.in.flight.requests.per.connection", "5"},
        };

        for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
                assert_int_equal(start_with(p, bad[i][0], bad[i][1]), STATUS_INVALID);
                assert_string_equal(f->err.slug, "kafka-property");
                assert_non_null(strstr(f->err.where, bad[i][0]));
        }
        assert_int_equal(start_with(p, "retries", "0"), STATUS_INVALID);
        assert_string_equal(f->err.slug, "kafka-config"); /* it does not go with idempotence */
}

static void test_no_secret_is_in_an_error(void **state)
{
        struct publish_fixture *p = *state;
        struct fixture *f = &p->ledger.base;

        assert_int_equal(start_with(p, "sasl.oauthbearer.method", "hunter2"), STATUS_INVALID);
        assert_null(strstr(f->err.text, "hunter2"));
}

static void test_the_largest_event_is_what_the_client_sends(void **state)
{
        struct publish_fixture *p = *state;
        struct fixture *f = &p->ledger.base;
        struct config_property property = {.name = (char *)"message.max.bytes",
                                           .value = (char *)"2000000"};
        struct config c = p->config;
        size_t bytes = 0;

        OK(publish_event_bytes_max(&c, &bytes, &f->err));
        assert_int_equal(bytes, 1000000);
        c.kafka.properties = &property;
        c.kafka.n_properties = 1;
        OK(publish_event_bytes_max(&c, &bytes, &f->err));
        assert_int_equal(bytes, 2000000);
        property.value = (char *)"2000";
        assert_int_equal(publish_event_bytes_max(&c, &bytes, &f->err), STATUS_INVALID);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
#define TEST(name, begin) cmocka_unit_test_setup_teardown(name, begin, teardown)
                TEST(test_events_arrive_in_the_order_of_the_journal, setup),
                TEST(test_marks_are_saved_and_nothing_is_repeated_after_a_restart, setup),
                TEST(test_marks_are_saved_while_it_runs_but_not_with_each_event, setup),
                TEST(test_the_address_of_the_embedded_broker_is_written, setup),
                TEST(test_without_kafka_the_marks_follow_the_head, setup_none),
                TEST(test_a_range_is_published_again_under_its_ids, setup),
                TEST(test_a_kafka_that_is_not_there_holds_nobody_up, setup_nowhere),
                TEST(test_properties_that_the_guarantees_need_are_refused, setup_nowhere),
                TEST(test_no_secret_is_in_an_error, setup_nowhere),
                TEST(test_the_largest_event_is_what_the_client_sends, setup_none),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
