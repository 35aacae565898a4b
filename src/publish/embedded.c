/* librdkafka's mock cluster as the broker of somebody who tries the daemon out. */
#include "publish/embedded.h"
#include "publish/producer.h"

#include <chatelaine/base_log.h>
#include <chatelaine/journal.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct embedded {
        rd_kafka_t *rk;
        rd_kafka_mock_cluster_t *cluster;
        char *file; /* state_dir/kafka.bootstrap */
};

static enum status start_cluster(struct embedded *b, struct error *e)
{
        char why[200];
        rd_kafka_conf_t *conf = rd_kafka_conf_new();

        rd_kafka_conf_set_log_cb(conf, producer_log);
        if (rd_kafka_conf_set(conf, "socket.nagle.disable", "true", why, sizeof why) ==
            RD_KAFKA_CONF_OK)
                b->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
        if (b->rk == NULL) {
                rd_kafka_conf_destroy(conf);
                return error_set(e, STATUS_INTERNAL, "kafka-embedded", NULL, "%s", why);
        }
        b->cluster = rd_kafka_mock_cluster_new(b->rk, 1);
        if (b->cluster == NULL)
                return error_set(e, STATUS_INTERNAL, "kafka-embedded", NULL,
                                 "the embedded broker cannot be started");
        return STATUS_OK;
}

/* One partition each: the order that kcat shows is the journal's. */
static enum status create_topics(struct embedded *b, const char *prefix, struct error *e)
{
        char name[256];

        for (int t = 0; t < TOPIC_COUNT; t++) {
                snprintf(name, sizeof name, "%s%s", prefix, topic_name(t));
                rd_kafka_resp_err_t err = rd_kafka_mock_topic_create(b->cluster, name, 1, 1);
                if (err)
                        return error_set(e, STATUS_INVALID, "kafka-embedded", "kafka.topic_prefix",
                                         "%s: %s", name, rd_kafka_err2str(err));
        }
        return STATUS_OK;
}

static enum status write_address(const struct embedded *b, struct error *e)
{
        const char *address = embedded_bootstrap(b);
        int fd = open(b->file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        bool is_written = fd >= 0 && dprintf(fd, "%s\n", address) > 0;

        if (!is_written)
                (void)error_set(e, STATUS_INTERNAL, "kafka-embedded", b->file,
                                "the address cannot be written: %m");
        if (fd >= 0)
                close(fd);
        return is_written ? STATUS_OK : STATUS_INTERNAL;
}

static enum status start(struct embedded *b, const struct config *c, struct error *e)
{
        if (asprintf(&b->file, "%s/kafka.bootstrap", c->state_dir) < 0) {
                b->file = NULL;
                return error_no_memory(e);
        }
        TRY(start_cluster(b, e));
        TRY(create_topics(b, c->kafka.topic_prefix, e));
        return write_address(b, e);
}

enum status embedded_start(const struct config *c, struct embedded **ret, struct error *e)
{
        struct embedded *b = calloc(1, sizeof *b);
        if (b == NULL)
                return error_no_memory(e);

        enum status s = start(b, c, e);
        if (s != STATUS_OK) {
                embedded_stop(b);
                return s;
        }
        LOG_INFO("kafka.embedded", LOG_S("bootstrap", embedded_bootstrap(b)),
                 LOG_S("note", "in memory, the newest 5 MiB a partition: for trying out only"));
        *ret = b;
        return STATUS_OK;
}

void embedded_stop(struct embedded *b)
{
        if (b == NULL)
                return;
        if (b->file && b->cluster)
                (void)unlink(b->file);
        if (b->cluster)
                rd_kafka_mock_cluster_destroy(b->cluster);
        if (b->rk)
                rd_kafka_destroy(b->rk);
        free(b->file);
        free(b);
}

const char *embedded_bootstrap(const struct embedded *b)
{
        return rd_kafka_mock_cluster_bootstraps(b->cluster);
}

rd_kafka_mock_cluster_t *embedded_cluster(struct embedded *b)
{
        return b->cluster;
}
