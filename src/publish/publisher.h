/*
 * publisher: what the files of this room share.
 *
 *     publisher.c   life, marks, the thread's loop
 *     stream.c      rows to messages, delivery reports, failures
 *     lane.c        one topic's place in the journal
 *     topics.c      topics made at start, or again, where the brokers allow it
 *     again.c       publishing a range again
 *     producer.c    librdkafka's configuration
 *     embedded.c    a broker in this process
 *
 * The thread sleeps in poll() on one eventfd, which publish_wake, librdkafka's queues
 * and the ledger's completion of a save all write.
 */
#ifndef CHATELAINE_PUBLISH_PUBLISHER_H
#define CHATELAINE_PUBLISH_PUBLISHER_H

#include "publish/embedded.h"
#include "publish/lane.h"

#include <chatelaine/base_metrics.h>
#include <chatelaine/publish.h>
#include <pthread.h>
#include <stdatomic.h>

#define IN_FLIGHT_MAX 10000
#define IN_FLIGHT_BYTES_MAX (8u << 20)

/* publish_again: one at a time. */
struct again {
        bool is_asked; /* a caller waits for it */
        bool is_over;  /* the caller has not yet looked */
        int64_t next, through, confirmed;
        size_t outstanding, bytes; /* of this request, or of one that was given up */
        int64_t progress_mono_ms;
        enum status status;
        struct error error;
};

/* The marks on their way into the database. */
struct mark_save {
        struct command command;
        int64_t marks[TOPIC_COUNT];
        struct publisher *publisher;
};

enum topics_state { TOPICS_TO_ASK, TOPICS_ASKED, TOPICS_SETTLED };

struct publisher {
        struct store *store;
        struct ledger *ledger;
        char *node, *prefix, *servers; /* servers NULL: brokers = "none" */
        struct embedded *embedded;     /* NULL: brokers of somebody else's */
        int fd;                        /* the eventfd */
        pthread_t thread;

        /* The thread's alone. */
        rd_kafka_conf_t *conf;
        rd_kafka_t *rk; /* NULL: being rebuilt, or none */
        rd_kafka_queue_t *reports, *admin;
        rd_kafka_topic_t *topics[TOPIC_COUNT]; /* NULL until they are settled */
        struct lane lanes[TOPIC_COUNT];
        struct store_conn *db;
        struct buf envelope;
        bool is_fatal;
        bool is_topic_gone; /* deleted at the broker: once nothing is under way, a new producer
                               makes it again */
        int64_t rebuild_at_mono_ms, read_at_mono_ms; /* not before; after a fault */
        enum topics_state topics_state;
        int64_t topics_at_mono_ms;
        bool is_topics_broker_heard; /* it answered other things before it was asked */
        int64_t saved[TOPIC_COUNT];  /* marks as they lie in the database, or are on their way there
                                      */
        int64_t save_due_mono_ms;    /* 0 = nothing to save */

        /* The save on its way: the ledger's between submit and done. */
        struct mark_save save;
        atomic_bool is_told; /* of new rows, and has not looked yet */
        atomic_bool is_saving;
        atomic_bool has_save_failed;

        pthread_mutex_t mutex; /* guards what follows */
        pthread_cond_t over;   /* a request of publish_again has ended */
        struct again again;
        bool is_stopping;
        int64_t stop_by_mono_ms;

        atomic_llong mark;             /* the lowest */
        atomic_llong waiting_since_ms; /* time of the oldest row that is not confirmed; 0 = none */
        struct metric_cell *delivered[TOPIC_COUNT];
        struct metric_family *errors;
};

void publisher_count_error(struct publisher *p, rd_kafka_resp_err_t err);

/* stream.c */
enum status stream_open(struct publisher *p, struct error *e) MUST_CHECK; /* the producer, anew */
void stream_close(struct publisher *p);
void stream_delivered(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque);
void stream_error(rd_kafka_t *rk, int err, const char *why, void *opaque);
/* Read and produce what there is room for; true when there may be more. */
bool stream_pump(struct publisher *p, int64_t mono_ms);
/* Of lanes that cannot produce now: since when their oldest row waits. */
void stream_look(struct publisher *p);
size_t stream_outstanding(const struct publisher *p);
/* One message; is_again marks it as repeated. */
rd_kafka_resp_err_t stream_produce(struct publisher *p, const struct journal_row *r, bool is_again);

/* topics.c: true when the topics need no more asking. */
bool topics_settle(struct publisher *p, int64_t mono_ms);

/* again.c */
void again_pump(struct publisher *p, int64_t mono_ms);
void again_reported(struct publisher *p, rd_kafka_resp_err_t err, size_t bytes);
void again_abandon(struct publisher *p); /* all messages are gone with their producer */
void again_stop(struct publisher *p);    /* the daemon stops */
bool again_is_idle(struct publisher *p); /* no message of it is under way */
/* When to look again though nothing was reported; INT64_MAX = never. */
int64_t again_deadline(struct publisher *p);

/* Wake the thread; any thread, signal-safe. */
void publisher_poke(struct publisher *p);

#endif
