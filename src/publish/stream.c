/*
 * Rows to messages, and their reports back.
 *
 * A message's opaque is its seq, doubled, plus one when it is a repeat of
 * publish_again; its topic's opaque is the lane.
 */
#include "publish/producer.h"
#include "publish/publisher.h"

#include <chatelaine/base_log.h>
#include <stdlib.h>

#define SLICE_ROWS 500
#define FAULT_PAUSE_MS 1000
#define CLOSE_FLUSH_MS 5000

/* ---- the producer ---- */

static void listen_on(struct publisher *p, rd_kafka_queue_t *q)
{
        static const uint64_t one = 1;

        rd_kafka_queue_io_event_enable(q, p->fd, &one, sizeof one);
}

enum status stream_open(struct publisher *p, struct error *e)
{
        TRY(producer_new(p->conf, p->servers, &p->rk, e));
        p->reports = rd_kafka_queue_get_main(p->rk);
        p->admin = rd_kafka_queue_new(p->rk);
        listen_on(p, p->reports);
        listen_on(p, p->admin);
        if (p->topics_state == TOPICS_ASKED) /* the answer went with the handle before */
                p->topics_state = TOPICS_TO_ASK;
        p->is_fatal = p->is_topic_gone = false;
        return STATUS_OK;
}

void stream_close(struct publisher *p)
{
        if (p->rk == NULL)
                return;
        rd_kafka_purge(p->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        (void)rd_kafka_flush(p->rk, CLOSE_FLUSH_MS); /* serves the purged messages' reports */
        for (int t = 0; t < TOPIC_COUNT; t++) {
                if (p->topics[t])
                        rd_kafka_topic_destroy(p->topics[t]);
                p->topics[t] = NULL;
                lane_abandon(&p->lanes[t]);
        }
        again_abandon(p);
        rd_kafka_queue_destroy(p->admin);
        rd_kafka_queue_destroy(p->reports);
        rd_kafka_destroy(p->rk);
        p->rk = NULL;
}

size_t stream_outstanding(const struct publisher *p)
{
        size_t n = 0;

        for (int t = 0; t < TOPIC_COUNT; t++)
                n += p->lanes[t].outstanding;
        return n;
}

static size_t bytes_in_flight(const struct publisher *p)
{
        size_t n = 0;

        for (int t = 0; t < TOPIC_COUNT; t++)
                n += p->lanes[t].bytes;
        return n;
}

/* ---- reports ---- */

static bool is_purge(rd_kafka_resp_err_t err)
{
        return err == RD_KAFKA_RESP_ERR__PURGE_QUEUE || err == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT;
}

/* What librdkafka says of a topic that the broker no longer has; it does not ask again by itself.
 */
static void see_gone(struct publisher *p, rd_kafka_resp_err_t err)
{
        if (err == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
            err == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION ||
            err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
                p->is_topic_gone = true;
}

/* The rest of the lane's messages must not overtake the one that failed. */
static void drain(struct publisher *p, struct lane *l)
{
        if (l->outstanding > 0)
                rd_kafka_purge(p->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT |
                                              RD_KAFKA_PURGE_F_NON_BLOCKING);
}

/*
 * Delivered is what has an offset. Without one librdkafka concludes that the broker must have it,
 * which is no proof: it is published again under its old id.
 */
static rd_kafka_resp_err_t outcome(const rd_kafka_message_t *m)
{
        if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR && m->offset < 0)
                return RD_KAFKA_RESP_ERR__INCONSISTENT;
        return m->err;
}

void stream_delivered(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
        struct publisher *p = opaque;
        struct lane *l = rd_kafka_topic_opaque(m->rkt);
        uint64_t tag = (uint64_t)(uintptr_t)m->_private;
        rd_kafka_resp_err_t err = outcome(m);

        (void)rk;
        if (err && !is_purge(err))
                publisher_count_error(p, err);
        see_gone(p, err);
        if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
                metric_add(p->delivered[l->topic], 1);
        if (tag & 1) {
                again_reported(p, err, m->len);
                return;
        }
        if (err == RD_KAFKA_RESP_ERR_NO_ERROR) {
                lane_confirmed(l, (int64_t)(tag >> 1));
                return;
        }
        if (!lane_failed(l, is_purge(err), clock_mono_ms()) || is_purge(err))
                return;
        LOG_WARN("kafka.not_delivered", LOG_S("topic", topic_name(l->topic)),
                 LOG_I("sequence", tag >> 1), LOG_S("reason", rd_kafka_err2name(err)),
                 LOG_I("retry_ms", l->backoff_ms));
        drain(p, l);
}

void stream_error(rd_kafka_t *rk, int err, const char *why, void *opaque)
{
        struct publisher *p = opaque;
        char fatal[256];

        publisher_count_error(p, err);
        if (err == RD_KAFKA_RESP_ERR__FATAL) {
                rd_kafka_resp_err_t cause = rd_kafka_fatal_error(rk, fatal, sizeof fatal);
                LOG_ERROR("kafka.fatal", LOG_S("reason", rd_kafka_err2name(cause)),
                          LOG_SPAN("text", span_of(fatal)));
                p->is_fatal = true;
                return;
        }
        LOG_WARN("kafka.error", LOG_S("reason", rd_kafka_err2name(err)), LOG_S("text", why));
}

/* ---- producing ---- */

/* Ours to free when the message is not taken: headers given one by one librdkafka 2.0.2 frees twice
 * then. */
static rd_kafka_headers_t *content_type(void)
{
        static const char media[] = "application/cloudevents+json";
        rd_kafka_headers_t *headers = rd_kafka_headers_new(1);

        if (headers)
                (void)rd_kafka_header_add(headers, "content-type", -1, media, sizeof media - 1);
        return headers;
}

rd_kafka_resp_err_t stream_produce(struct publisher *p, const struct journal_row *r, bool is_again)
{
        buf_reset(&p->envelope);
        journal_envelope(r, p->node, &p->envelope);
        if (p->envelope.status != STATUS_OK)
                return RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE;
        uint64_t tag = (uint64_t)r->seq << 1 | is_again;
        rd_kafka_headers_t *headers = content_type();
        if (headers == NULL)
                return RD_KAFKA_RESP_ERR__QUEUE_FULL;
        const rd_kafka_vu_t fields[] = {
                {.vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = p->topics[r->topic]},
                {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
                {.vtype = RD_KAFKA_VTYPE_KEY,
                 .u.mem = {.ptr = (void *)(uintptr_t)r->key.p, .size = r->key.len}},
                {.vtype = RD_KAFKA_VTYPE_VALUE,
                 .u.mem = {.ptr = p->envelope.data, .size = p->envelope.len}},
                {.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers},
                {.vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = (void *)(uintptr_t)tag},
        };
        rd_kafka_error_t *failed =
                rd_kafka_produceva(p->rk, fields, sizeof fields / sizeof fields[0]);
        if (failed == NULL)
                return RD_KAFKA_RESP_ERR_NO_ERROR;
        rd_kafka_resp_err_t err = rd_kafka_error_code(failed);
        rd_kafka_error_destroy(failed);
        rd_kafka_headers_destroy(headers);
        return err;
}

struct slice {
        struct publisher *p;
        struct lane *lane;
        int64_t mono_ms;
        bool is_stopped; /* a row was not taken: there is more */
};

static void refused(struct publisher *p, struct lane *l, rd_kafka_resp_err_t err, int64_t mono_ms)
{
        publisher_count_error(p, err);
        see_gone(p, err);
        lane_refused(l, mono_ms);
        LOG_WARN("kafka.not_taken", LOG_S("topic", topic_name(l->topic)),
                 LOG_S("reason", rd_kafka_err2name(err)), LOG_I("retry_ms", l->backoff_ms));
        drain(p, l);
}

static bool has_room(const struct publisher *p, const struct lane *l, int64_t mono_ms)
{
        return lane_is_open(l, mono_ms) && stream_outstanding(p) < IN_FLIGHT_MAX &&
               bytes_in_flight(p) < IN_FLIGHT_BYTES_MAX;
}

static bool take_row(void *ctx, const struct journal_row *r)
{
        struct slice *s = ctx;
        struct publisher *p = s->p;

        s->is_stopped = true;
        if (!has_room(p, s->lane, s->mono_ms) || lane_reserve(s->lane, NULL) != STATUS_OK)
                return false;
        rd_kafka_resp_err_t err = stream_produce(p, r, false);
        if (err == RD_KAFKA_RESP_ERR__QUEUE_FULL) /* the next report makes room */
                return false;
        if (err == RD_KAFKA_RESP_ERR__FATAL)
                p->is_fatal = true;
        if (err) {
                refused(p, s->lane, err, s->mono_ms);
                return false;
        }
        lane_produced(s->lane, r->seq, r->time_ms, (uint32_t)p->envelope.len);
        s->is_stopped = false;
        return true;
}

/* True when the lane could go on at once. */
static bool pump_lane(struct publisher *p, struct lane *l, int64_t head, int64_t mono_ms)
{
        struct slice s = {.p = p, .lane = l, .mono_ms = mono_ms};
        struct error e;
        int64_t from = l->next;
        size_t before = l->outstanding;

        if (from > head || !has_room(p, l, mono_ms))
                return false;
        if (journal_read(p->db, 1u << l->topic, from, head, SLICE_ROWS, take_row, &s, &e) !=
            STATUS_OK) {
                log_error(LOG_LEVEL_ERROR, "publish.read_failed", &e);
                p->read_at_mono_ms = mono_ms + FAULT_PAUSE_MS;
                return false;
        }
        if (s.is_stopped)
                return false;
        if (l->outstanding - before < SLICE_ROWS) {
                lane_read_through(l, head);
                return false;
        }
        return true;
}

/* ---- what waits ---- */

static bool see_time(void *ctx, const struct journal_row *r)
{
        *(int64_t *)ctx = r->time_ms;
        return false;
}

void stream_look(struct publisher *p)
{
        int64_t head = ledger_head(p->ledger);

        for (int t = 0; t < TOPIC_COUNT; t++) {
                struct lane *l = &p->lanes[t];
                int64_t time_ms = 0;
                if (l->waiting_since_ms > 0 || l->next > head)
                        continue;
                if (journal_read(p->db, 1u << t, l->next, head, 1, see_time, &time_ms, NULL) !=
                    STATUS_OK)
                        continue; /* the next turn looks again */
                if (time_ms > 0)
                        l->waiting_since_ms = time_ms;
                else
                        lane_read_through(l, head);
        }
}

bool stream_pump(struct publisher *p, int64_t mono_ms)
{
        int64_t head = ledger_head(p->ledger);
        bool has_more = false;

        if (mono_ms < p->read_at_mono_ms)
                return false;
        for (int t = 0; t < TOPIC_COUNT; t++)
                has_more |= pump_lane(p, &p->lanes[t], head, mono_ms);
        return has_more;
}
