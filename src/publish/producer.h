/*
 * producer: librdkafka's configuration, from kafka.property of ours.
 *
 * What the guarantees rest on (idempotence, acknowledgement by all, no time-out,
 * every report) is not the operator's to change: INVALID names the property.
 */
#ifndef CHATELAINE_PUBLISH_PRODUCER_H
#define CHATELAINE_PUBLISH_PRODUCER_H

#include <chatelaine/base_config.h>
#include <librdkafka/rdkafka.h>

/* `*ret` is the caller's (rd_kafka_conf_destroy); the bootstrap servers are not in it yet. */
enum status producer_conf(const struct config *c, rd_kafka_conf_t **ret,
                          struct error *e) MUST_CHECK;
/* A handle from a copy of `conf`, talking to `servers`. */
enum status producer_new(const rd_kafka_conf_t *conf, const char *servers, rd_kafka_t **ret,
                         struct error *e) MUST_CHECK;
/* librdkafka's log lines as ours. */
void producer_log(const rd_kafka_t *rk, int level, const char *facility, const char *line);

#endif
