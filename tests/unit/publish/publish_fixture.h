/* A ledger, a publisher on the embedded broker, and a consumer of what it holds. */
#ifndef TESTS_PUBLISH_FIXTURE_H
#define TESTS_PUBLISH_FIXTURE_H

#include "unit/ledger/ledger_fixture.h"

#include "publish/publisher.h"

struct publish_fixture {
        struct ledger_fixture ledger; /* first: its commits wake the publisher through it */
        struct config config;
        struct publisher *publisher;
};

static inline void publish_fixture_start(struct publish_fixture *p)
{
        struct fixture *f = &p->ledger.base;

        OK(publish_start(&p->config, f->store, p->ledger.ledger, &p->publisher, &f->err));
}

static inline void publish_fixture_open(struct publish_fixture *p, char *brokers)
{
        ledger_fixture_open(&p->ledger);
        p->config = (struct config){
                .state_dir = p->ledger.base.dir,
                .node = (char *)"test",
                .kafka = {.brokers = brokers, .topic_prefix = (char *)"chatelaine."},
        };
}

static inline void publish_fixture_stop(struct publish_fixture *p)
{
        publish_stop(p->publisher, 60000);
        publish_free(p->publisher);
        p->publisher = NULL;
}

static inline void publish_fixture_close(struct publish_fixture *p)
{
        publish_stop(p->publisher, 0);
        publish_free(p->publisher);
        ledger_fixture_close(&p->ledger);
}

/* A command that appends one event to each topic it names, `count` times. */
struct burst {
        struct command command;
        unsigned topics;
        int count;
};

static inline enum status burst_apply(struct ledger_tx *tx, struct command *c, struct error *e)
{
        static const char *const types[TOPIC_COUNT] = {
                "chatelaine.webhook.received.v1",
                "chatelaine.key.created.v1",
                "chatelaine.audit.v1",
        };
        struct burst *b = (struct burst *)c;
        char key[32];

        for (int i = 0; i < b->count * TOPIC_COUNT; i++) {
                int t = i % TOPIC_COUNT;
                if (!(b->topics & 1u << t))
                        continue;
                snprintf(key, sizeof key, "key-%d", i % 7);
                struct event ev = {
                        .topic = t,
                        .type = types[t],
                        .key = t == TOPIC_AUDIT ? SPAN("audit") : span_of(key),
                        .data = SPAN("{\"a\":1}"),
                };
                TRY(journal_append(tx->journal, tx->db, &ev, tx->now_ms, NULL, e));
        }
        return STATUS_OK;
}

static inline void publish_fixture_append(struct publish_fixture *p, unsigned topics, int count)
{
        struct fixture *f = &p->ledger.base;
        struct burst b = {
                .command = {.apply = burst_apply, .rows = 1}, .topics = topics, .count = count};

        OK(ledger_run(p->ledger.ledger, &b.command, &f->err));
        if (p->publisher)
                publish_wake(p->publisher);
}

/* Until the lowest mark has come that far; the test's own time-out ends what never does. */
static inline void publish_fixture_wait(struct publish_fixture *p, int64_t seq)
{
        while (publish_mark(p->publisher) < seq)
                usleep(2000);
}

/* ---- a consumer ---- */

struct consumed {
        int64_t seqs[20000];
        char ids[20000][ID_UUID_SIZE];
        int n;
        char first[4096]; /* the first message, and whether all said what they are */
        bool has_media_type;
};

static inline int64_t member_of(const char *text, const char *name, char *out, size_t size)
{
        const char *at = strstr(text, name);

        assert_non_null(at);
        at += strlen(name);
        size_t n = strcspn(at, "\"");
        snprintf(out, size, "%.*s", (int)n, at);
        return atoll(out);
}

/* All that the one partition of a topic of the embedded broker holds. */
static inline void consume_topic(struct publish_fixture *p, const char *topic, struct consumed *c)
{
        char why[200], number[32];
        rd_kafka_conf_t *conf = rd_kafka_conf_new();
        rd_kafka_conf_set(conf, "bootstrap.servers", p->publisher->servers, why, sizeof why);
        rd_kafka_conf_set(conf, "enable.partition.eof", "true", why, sizeof why);
        rd_kafka_conf_set(conf, "group.id", "test", why, sizeof why);
        rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof why);
        assert_non_null(rk);
        rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
        rd_kafka_topic_partition_list_add(list, topic, 0)->offset = RD_KAFKA_OFFSET_BEGINNING;
        rd_kafka_assign(rk, list);
        rd_kafka_topic_partition_list_destroy(list);

        *c = (struct consumed){.has_media_type = true};
        for (bool is_over = false; !is_over;) {
                rd_kafka_message_t *m = rd_kafka_consumer_poll(rk, 1000);
                if (m == NULL)
                        continue;
                is_over = m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
                if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
                        char *text = strndup(m->payload, m->len);
                        rd_kafka_headers_t *headers;
                        const void *value;
                        size_t size;
                        if (c->n == 0)
                                snprintf(c->first, sizeof c->first, "%s", text);
                        c->seqs[c->n] = member_of(text, "\"sequence\":\"", number, sizeof number);
                        member_of(text, "\"id\":\"", c->ids[c->n], ID_UUID_SIZE);
                        c->n++;
                        if (rd_kafka_message_headers(m, &headers) ||
                            rd_kafka_header_get_last(headers, "content-type", &value, &size) ||
                            strcmp(value, "application/cloudevents+json") != 0)
                                c->has_media_type = false;
                        free(text);
                }
                rd_kafka_message_destroy(m);
        }
        rd_kafka_consumer_close(rk);
        rd_kafka_destroy(rk);
}

#endif
