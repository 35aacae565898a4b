/* librdkafka's configuration, and handles made from it. */
#include "publish/producer.h"

#include <chatelaine/base_log.h>
#include <chatelaine/publish.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <strings.h>
#include <threads.h>
#include <time.h>

#define MESSAGE_BYTES_DEFAULT 1000000
#define MESSAGE_BYTES_MIN 65536
#define SECOND_NS INT64_C(1000000000)

static const char *const ours[][2] = {
        {"client.id", "chatelaine"},
        {"enable.idempotence", "true"},
        /* Without it what is queued behind a refused batch goes out before we hear of it. */
        {"enable.gapless.guarantee", "true"},
        /*
         * One request at a time. A broker that knows nothing of this producer in a partition (a new
         * topic, a state that has expired) takes whatever sequence number comes first: of two
         * batches under way it may refuse the first, not yet being the leader, and take the
         * second; librdkafka then calls the first delivered too, which Kafka lacks.
         */
        {"max.in.flight", "1"},
        {"acks", "all"},
        {"message.timeout.ms", "0"},
        {"linger.ms", "5"},
        {"socket.nagle.disable", "true"},
        {"log.connection.close", "false"},
};

/* With their reasons: the operator who sets one deserves to know. */
static const char *const refused[][2] = {
        {"enable.idempotence", "a repeat inside the client would double an event"},
        {"enable.gapless.guarantee", "events of a topic arrive in their order"},
        {"max.in.flight", "with two batches under way the first can be lost"},
        {"max.in.flight.requests.per.connection",
         "with two batches under way the first can be lost"},
        {"acks", "an event counts as delivered when all replicas have it"},
        {"request.required.acks", "an event counts as delivered when all replicas have it"},
        {"message.timeout.ms", "an event is never given up"},
        {"delivery.timeout.ms", "an event is never given up"},
        {"delivery.report.only.error", "the reports move the marks"},
        {"transactional.id", "the marks are kept in the database"},
        {"bootstrap.servers", "that is kafka.brokers"},
        {"metadata.broker.list", "that is kafka.brokers"},
        {"log.queue", "its log lines are the daemon's"},
        {"test.mock.num.brokers", "that is kafka.brokers = \"embedded\""},
};

static enum status invalid(const char *name, const char *why, struct error *e)
{
        char where[128];

        snprintf(where, sizeof where, "kafka.property \"%s\"", name);
        return error_set(e, STATUS_INVALID, "kafka-property", where, "%s", why);
}

static enum status check_name(const char *name, struct error *e)
{
        for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
                if (strcmp(name, refused[i][0]) == 0)
                        return invalid(name, refused[i][1], e);
        return STATUS_OK;
}

/* librdkafka's own words repeat the value: not where it may be a secret. */
static bool is_secret(const char *name)
{
        static const char *const parts[] = {"password", "secret", "sasl.", "ssl.key"};

        for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
                if (strstr(name, parts[i]))
                        return true;
        return false;
}

static enum status set(rd_kafka_conf_t *conf, const char *name, const char *value, struct error *e)
{
        char why[200];

        switch (rd_kafka_conf_set(conf, name, value, why, sizeof why)) {
        case RD_KAFKA_CONF_OK: return STATUS_OK;
        case RD_KAFKA_CONF_UNKNOWN: return invalid(name, "librdkafka does not know it", e);
        default:
                return invalid(name, is_secret(name) ? "librdkafka does not take its value" : why,
                               e);
        }
}

/* The place is file:line where there is a file; the text then names the property. */
static enum status say_line(const struct config *c, const struct config_property *p, enum status s,
                            struct error *e)
{
        char why[sizeof e->text], where[sizeof e->where];

        if (!e || !c->path || !p->line)
                return s;
        snprintf(why, sizeof why, "%s", e->text);
        snprintf(where, sizeof where, "%s:%u", c->path, p->line);
        return error_set(e, s, "kafka-property", where, "kafka.property \"%s\": %s", p->name, why);
}

static enum status set_all(rd_kafka_conf_t *conf, const struct config *c, struct error *e)
{
        for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
                TRY(set(conf, ours[i][0], ours[i][1], e));
        for (size_t i = 0; i < c->kafka.n_properties; i++) {
                const struct config_property *p = &c->kafka.properties[i];
                enum status s = check_name(p->name, e);
                if (s == STATUS_OK)
                        s = set(conf, p->name, p->value, e);
                if (s != STATUS_OK)
                        return say_line(c, p, s, e);
        }
        return STATUS_OK;
}

enum status producer_conf(const struct config *c, rd_kafka_conf_t **ret, struct error *e)
{
        rd_kafka_conf_t *conf = rd_kafka_conf_new();
        enum status s = set_all(conf, c, e);

        if (s != STATUS_OK) {
                rd_kafka_conf_destroy(conf);
                return s;
        }
        rd_kafka_conf_set_log_cb(conf, producer_log);
        *ret = conf;
        return STATUS_OK;
}

enum status producer_new(const rd_kafka_conf_t *conf, const char *servers, rd_kafka_t **ret,
                         struct error *e)
{
        char why[200];
        rd_kafka_conf_t *copy = rd_kafka_conf_dup(conf);

        enum status s = set(copy, "bootstrap.servers", servers, e);
        rd_kafka_t *rk =
                s == STATUS_OK ? rd_kafka_new(RD_KAFKA_PRODUCER, copy, why, sizeof why) : NULL;
        if (rk == NULL) {
                rd_kafka_conf_destroy(copy);
                return s != STATUS_OK
                               ? s
                               : error_set(e, STATUS_INVALID, "kafka-config", "kafka", "%s", why);
        }
        *ret = rk;
        return STATUS_OK;
}

/* Syslog levels; what librdkafka calls informational is for debugging, as is that our settings are
 * what they are. */
void producer_log(const rd_kafka_t *rk, int level, const char *facility, const char *line)
{
        (void)rk;
        if (strcmp(facility, "CONFWARN") == 0 && strstr(line, "enable.gapless.guarantee"))
                level = 7;
        if (level <= 3)
                LOG_ERROR("kafka.client", LOG_S("facility", facility), LOG_S("line", line));
        else if (level == 4)
                LOG_WARN("kafka.client", LOG_S("facility", facility), LOG_S("line", line));
        else
                LOG_DEBUG("kafka.client", LOG_S("facility", facility), LOG_S("line", line));
}

enum status publish_event_bytes_max(const struct config *c, size_t *ret, struct error *e)
{
        rd_kafka_conf_t *conf;
        char text[32];
        size_t len = sizeof text;
        int64_t bytes = MESSAGE_BYTES_DEFAULT;

        TRY(producer_conf(c, &conf, e));
        bool is_known =
                rd_kafka_conf_get(conf, "message.max.bytes", text, &len) == RD_KAFKA_CONF_OK;
        rd_kafka_conf_destroy(conf);
        if (is_known)
                TRY(span_int64(span_of(text), &bytes, e));
        if (bytes < MESSAGE_BYTES_MIN)
                return invalid("message.max.bytes", "no event would fit: at least 65536", e);
        *ret = (size_t)bytes;
        return STATUS_OK;
}

/* ---- a replaced function ---- */

#ifndef __SANITIZE_THREAD__ /* there tests/sanitize/c11_threads.c has it */
/*
 * librdkafka's threads wait for moments of the wall clock (C11 knows no other): when that is set
 * back by a day, they sleep for a day. The dynamic linker lets them find this one, which waits as
 * long on the monotonic clock. In glibc both interfaces have the same objects beneath.
 */
static int64_t nanoseconds(const struct timespec *t)
{
        return t->tv_sec * SECOND_NS + t->tv_nsec;
}

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): libc's are reserved */
int cnd_timedwait(cnd_t *c, mtx_t *m, const struct timespec *until)
{
        struct timespec now, t;
        clock_gettime(CLOCK_REALTIME, &now);
        clock_gettime(CLOCK_MONOTONIC, &t);
        int64_t left = nanoseconds(until) - nanoseconds(&now);
        int64_t at = nanoseconds(&t) + (left > 0 ? left : 0);
        t = (struct timespec){.tv_sec = at / SECOND_NS, .tv_nsec = at % SECOND_NS};

        int err = pthread_cond_clockwait((pthread_cond_t *)(void *)c, (pthread_mutex_t *)(void *)m,
                                         CLOCK_MONOTONIC, &t);
        return err == 0 ? thrd_success : err == ETIMEDOUT ? thrd_timedout : thrd_error;
}
#endif

const char *publish_library(void)
{
        return rd_kafka_version_str();
}
