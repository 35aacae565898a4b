/*
 * embedded: a Kafka broker in this process, librdkafka's mock cluster.
 *
 * On a handle of its own, so that a rebuilt producer finds it again. It keeps the
 * newest 5 MiB of each partition in memory and nothing on disk: for trying out. Its
 * address is written to state_dir/kafka.bootstrap and logged.
 */
#ifndef CHATELAINE_PUBLISH_EMBEDDED_H
#define CHATELAINE_PUBLISH_EMBEDDED_H

#include <chatelaine/base_config.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

struct embedded;
enum status embedded_start(const struct config *c, struct embedded **ret,
                           struct error *e) MUST_CHECK;
void embedded_stop(struct embedded *b);
const char *embedded_bootstrap(const struct embedded *b); /* "127.0.0.1:PORT" */
rd_kafka_mock_cluster_t *embedded_cluster(struct embedded *b);

#endif
