/*
 * Topics, made at start, and again when one is gone, where the brokers allow it.
 *
 * Nothing is produced before: a broker that makes topics by itself would give the
 * audit topic as many partitions as it likes. While no broker answers, it is asked
 * again; one that refuses is believed, and one that does not know the request: it says
 * nothing, though it answered before it was asked and does so afterwards.
 */
#include "publish/publisher.h"

#include <chatelaine/base_log.h>
#include <stdio.h>
#include <stdlib.h>

#define ASK_TIMEOUT_MS 5000
#define ASK_PAUSE_MS 2000
#define METADATA_TIMEOUT_MS 1000

static const int partitions[TOPIC_COUNT] = {
        [TOPIC_WEBHOOKS] = 3, [TOPIC_KEYS] = 3, [TOPIC_AUDIT] = 1};

/* "webhooks" with its prefix; the caller's to free. */
static char *full_name(const struct publisher *p, enum topic t)
{
        char *name;

        return asprintf(&name, "%s%s", p->prefix, topic_name(t)) < 0 ? NULL : name;
}

static rd_kafka_NewTopic_t *new_topic(const struct publisher *p, enum topic t)
{
        char why[128];
        char *name = full_name(p, t);
        rd_kafka_NewTopic_t *topic =
                name ? rd_kafka_NewTopic_new(name, partitions[t], -1, why, sizeof why) : NULL;

        if (name && topic == NULL)
                LOG_WARN("kafka.topic_name", LOG_S("topic", name), LOG_SPAN("text", span_of(why)));
        /* The event says its time. A broker that takes the producer's too refuses it when our clock
         * is an hour ahead (message.timestamp.after.max.ms), and nothing would be published. */
        if (topic)
                (void)rd_kafka_NewTopic_set_config(topic, "message.timestamp.type",
                                                   "LogAppendTime");
        free(name);
        return topic;
}

static void ask(struct publisher *p)
{
        rd_kafka_NewTopic_t *wanted[TOPIC_COUNT];
        size_t n = 0;
        char why[128];

        for (int t = 0; t < TOPIC_COUNT; t++) {
                wanted[n] = new_topic(p, t);
                n += wanted[n] != NULL;
        }
        rd_kafka_AdminOptions_t *o =
                rd_kafka_AdminOptions_new(p->rk, RD_KAFKA_ADMIN_OP_CREATETOPICS);
        if (o && rd_kafka_AdminOptions_set_request_timeout(o, ASK_TIMEOUT_MS, why, sizeof why) ==
                         RD_KAFKA_RESP_ERR_NO_ERROR)
                rd_kafka_CreateTopics(p->rk, wanted, n, o, p->admin);
        p->topics_state = o ? TOPICS_ASKED : TOPICS_SETTLED;
        if (o)
                rd_kafka_AdminOptions_destroy(o);
        rd_kafka_NewTopic_destroy_array(wanted, n);
}

static void report(const struct publisher *p, const rd_kafka_topic_result_t *r)
{
        rd_kafka_resp_err_t err = rd_kafka_topic_result_error(r);

        (void)p;
        if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
                LOG_INFO("kafka.topic_created", LOG_S("topic", rd_kafka_topic_result_name(r)));
        else if (err != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
                LOG_WARN("kafka.topic_not_created", LOG_S("topic", rd_kafka_topic_result_name(r)),
                         LOG_S("reason", rd_kafka_err2name(err)));
}

/* Does any broker answer at all? */
static bool answers(const struct publisher *p)
{
        const struct rd_kafka_metadata *cluster;

        if (rd_kafka_metadata(p->rk, 0, NULL, &cluster, METADATA_TIMEOUT_MS) !=
            RD_KAFKA_RESP_ERR_NO_ERROR)
                return false;
        rd_kafka_metadata_destroy(cluster);
        return true;
}

static void take_answer(struct publisher *p, rd_kafka_event_t *event, int64_t mono_ms)
{
        rd_kafka_resp_err_t err = rd_kafka_event_error(event);
        bool is_silent = err == RD_KAFKA_RESP_ERR__TIMED_OUT;
        bool is_heard = is_silent && answers(p);
        const rd_kafka_CreateTopics_result_t *result = rd_kafka_event_CreateTopics_result(event);

        if (err)
                publisher_count_error(p, err);
        if (is_silent && !(is_heard && p->is_topics_broker_heard)) {
                p->is_topics_broker_heard = is_heard; /* perhaps it has only just come */
                p->topics_state = TOPICS_TO_ASK;
                p->topics_at_mono_ms = mono_ms + (is_heard ? 0 : ASK_PAUSE_MS);
                return;
        }
        if (err)
                LOG_WARN("kafka.topics_not_created", LOG_S("reason", rd_kafka_err2name(err)));
        size_t n = 0;
        const rd_kafka_topic_result_t **topics =
                result ? rd_kafka_CreateTopics_result_topics(result, &n) : NULL;
        for (size_t i = 0; i < n; i++)
                report(p, topics[i]);
        p->topics_state = TOPICS_SETTLED;
}

/* Handles whose opaque is the lane; rd_kafka_topic_new fails only for want of memory or for a name
 * that is none. */
static bool open_topics(struct publisher *p)
{
        for (int t = 0; t < TOPIC_COUNT; t++) {
                if (p->topics[t])
                        continue;
                char *name = full_name(p, t);
                rd_kafka_topic_conf_t *conf = rd_kafka_default_topic_conf_dup(p->rk);
                rd_kafka_topic_conf_set_opaque(conf, &p->lanes[t]);
                p->topics[t] = name ? rd_kafka_topic_new(p->rk, name, conf) : NULL;
                free(name);
                if (p->topics[t] == NULL) {
                        rd_kafka_topic_conf_destroy(conf);
                        return false;
                }
        }
        return true;
}

bool topics_settle(struct publisher *p, int64_t mono_ms)
{
        if (p->topics[TOPIC_COUNT - 1])
                return true;
        if (p->topics_state == TOPICS_TO_ASK && mono_ms >= p->topics_at_mono_ms)
                ask(p);
        for (rd_kafka_event_t *event; (event = rd_kafka_queue_poll(p->admin, 0));) {
                if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_CREATETOPICS_RESULT)
                        take_answer(p, event, mono_ms);
                rd_kafka_event_destroy(event);
        }
        return p->topics_state == TOPICS_SETTLED && open_topics(p);
}
