/*
 * Kafka's faults, as librdkafka's mock makes them: nothing is lost, and the order holds.
 *
 * The mock keeps no producer's state: after a batch that it has refused it takes the next, whatever
 * its sequence number, as a broker does in a partition where it knows nothing of the producer.
 */
#include "publish_fixture.h"

#define API_PRODUCE 0
#define TOPIC "chatelaine.webhooks"

static int setup(void **state)
{
        struct publish_fixture *p = calloc(1, sizeof *p);

        publish_fixture_open(p, (char *)"embedded");
        publish_fixture_start(p);
        *state = p;
        return 0;
}

static int teardown(void **state)
{
        publish_fixture_close(*state);
        free(*state);
        return 0;
}

static rd_kafka_mock_cluster_t *cluster(struct publish_fixture *p)
{
        return embedded_cluster(p->publisher->embedded);
}

/* Each seq of 1..n is there, and first came after all before it; returns how many came again. */
static int check_order(struct publish_fixture *p, int64_t n)
{
        static struct consumed c;
        int64_t next = 1;
        int repeats = 0;

        consume_topic(p, TOPIC, &c);
        for (int i = 0; i < c.n; i++) {
                assert_true(c.seqs[i] <= next);
                if (c.seqs[i] == next)
                        next++;
                else
                        repeats++;
        }
        assert_int_equal(next, n + 1);
        return repeats;
}

static void test_passing_errors_are_nobodys_business(void **state)
{
        struct publish_fixture *p = *state;

        rd_kafka_mock_push_request_errors(
                cluster(p), API_PRODUCE, 5, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
                RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
                RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE);
        publish_fixture_append(p, 1, 500);
        publish_fixture_wait(p, 500);
        assert_int_equal(check_order(p, 500), 0); /* idempotence */
}

/* Batches of one, so that a second would be under way while the first is refused: librdkafka has up
 * to 5 messages of a partition in more than one request. */
static void test_a_batch_that_is_refused_first_is_not_taken_for_delivered(void **state)
{
        static struct config_property small = {.name = (char *)"batch.num.messages",
                                               .value = (char *)"1"};
        struct publish_fixture *p = *state;

        publish_fixture_stop(p);
        p->config.kafka.properties = &small;
        p->config.kafka.n_properties = 1;
        publish_fixture_start(p);
        rd_kafka_mock_broker_set_rtt(cluster(p), 1, 20);
        rd_kafka_mock_push_request_errors(cluster(p), API_PRODUCE, 1,
                                          RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION);
        publish_fixture_append(p, 1, 100);
        publish_fixture_wait(p, 100);
        assert_int_equal(check_order(p, 100), 0);
}

/* The mock has not taken it, and says that it had it already; the client believes that. */
static void test_what_has_no_offset_is_not_taken_for_delivered(void **state)
{
        struct publish_fixture *p = *state;

        rd_kafka_mock_push_request_errors(cluster(p), API_PRODUCE, 1,
                                          RD_KAFKA_RESP_ERR_DUPLICATE_SEQUENCE_NUMBER);
        /* Alone: librdkafka believes this answer, and would send a next batch on top of it. */
        publish_fixture_append(p, 1, 1);
        publish_fixture_wait(p, 1);
        publish_fixture_append(p, 1, 99);
        publish_fixture_wait(p, 100);
        check_order(p, 100);
}

static void test_after_a_refused_batch_the_order_holds(void **state)
{
        struct publish_fixture *p = *state;

        rd_kafka_mock_push_request_errors(cluster(p), API_PRODUCE, 3,
                                          RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
                                          RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
                                          RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
        for (int i = 0; i < 20; i++)
                publish_fixture_append(p, 1, 50);
        publish_fixture_wait(p, 1000);
        check_order(p, 1000);
}

static void test_a_refusal_in_full_flow_loses_nothing(void **state)
{
        struct publish_fixture *p = *state;

        for (int i = 0; i < 40; i++) {
                publish_fixture_append(p, 1, 100);
                if (i % 10 == 5)
                        rd_kafka_mock_push_request_errors(cluster(p), API_PRODUCE, 1,
                                                          RD_KAFKA_RESP_ERR_INVALID_MSG);
        }
        publish_fixture_wait(p, 4000);
        check_order(p, 4000);
}

static void test_a_fatal_error_makes_a_new_producer(void **state)
{
        struct publish_fixture *p = *state;

        for (int round = 1; round <= 4; round++) { /* no sequence number that the broker expects */
                rd_kafka_mock_push_request_errors(cluster(p), API_PRODUCE, 1,
                                                  RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
                for (int i = 0; i < 5; i++)
                        publish_fixture_append(p, 1, 50);
                publish_fixture_wait(p, round * 250);
        }
        check_order(p, 1000);
}

static void test_a_broker_that_is_away_is_waited_for(void **state)
{
        struct publish_fixture *p = *state;

        publish_fixture_append(p, 1, 100);
        publish_fixture_wait(p, 100);
        rd_kafka_mock_broker_set_down(cluster(p), 1);
        publish_fixture_append(p, 1, 100);
        usleep(300000);
        assert_int_equal(publish_mark(p->publisher), 100);
        rd_kafka_mock_broker_set_up(cluster(p), 1);
        publish_fixture_wait(p, 200);
        assert_int_equal(check_order(p, 200), 0);
}

static void test_a_topic_that_is_refused_does_not_stop_the_others(void **state)
{
        struct publish_fixture *p = *state;
        struct fixture *f = &p->ledger.base;
        static struct consumed c;
        struct embedded *foreign;

        /* A cluster of somebody else's, where the topic is refused from the beginning. */
        publish_fixture_stop(p);
        OK(embedded_start(&p->config, &foreign, &f->err));
        rd_kafka_mock_topic_set_error(embedded_cluster(foreign), "chatelaine.keys",
                                      RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
        p->config.kafka.brokers = (char *)(uintptr_t)embedded_bootstrap(foreign);
        publish_fixture_start(p);
        publish_fixture_append(p, 7, 100);
        do
                consume_topic(p, "chatelaine.audit", &c);
        while (c.n < 100);
        assert_true(publish_mark(p->publisher) < 2); /* and the purge waits for it */
        rd_kafka_mock_topic_set_error(embedded_cluster(foreign), "chatelaine.keys",
                                      RD_KAFKA_RESP_ERR_NO_ERROR);
        publish_fixture_wait(p, 300);
        consume_topic(p, "chatelaine.keys", &c);
        assert_int_equal(c.n, 100);
        for (int i = 0; i < 100; i++)
                assert_int_equal(c.seqs[i], 3 * i + 2);
        publish_fixture_stop(p);
        embedded_stop(foreign);
}

static void test_what_is_published_again_says_when_kafka_refuses_it(void **state)
{
        struct publish_fixture *p = *state;
        struct fixture *f = &p->ledger.base;
        int64_t count;

        publish_fixture_append(p, 1, 100);
        publish_fixture_wait(p, 100);
        rd_kafka_mock_push_request_errors(cluster(p), API_PRODUCE, 1,
                                          RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
        assert_int_equal(publish_again(p->publisher, 1, 100, &count, &f->err), STATUS_RETRY);
        assert_string_equal(f->err.slug, "kafka-not-delivered");
        while (publish_again(p->publisher, 1, 100, &count, &f->err) != STATUS_OK)
                assert_int_equal(f->err.status, STATUS_RETRY);
        assert_int_equal(count, 100);
        publish_fixture_append(p, 1, 10);
        publish_fixture_wait(p, 110);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
                TEST(test_passing_errors_are_nobodys_business),
                TEST(test_a_batch_that_is_refused_first_is_not_taken_for_delivered),
                TEST(test_what_has_no_offset_is_not_taken_for_delivered),
                TEST(test_after_a_refused_batch_the_order_holds),
                TEST(test_a_refusal_in_full_flow_loses_nothing),
                TEST(test_a_fatal_error_makes_a_new_producer),
                TEST(test_a_broker_that_is_away_is_waited_for),
                TEST(test_a_topic_that_is_refused_does_not_stop_the_others),
                TEST(test_what_is_published_again_says_when_kafka_refuses_it),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
