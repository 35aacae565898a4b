/*
 * Publishing a range again: beside the lanes, whose marks it does not touch.
 *
 * In order and under the old ids. The first failure ends it: the caller is told how
 * far it came by asking for the rest again.
 */
#include "publish/publisher.h"

#define SLICE_ROWS 200
#define OUTSTANDING_MAX 1000
#define BYTES_MAX (2u << 20)
#define PATIENCE_MS 30000 /* without any report */

/* ---- the caller's side ---- */

static enum status begin_locked(struct publisher *p, int64_t from, int64_t through, struct error *e)
{
        if (p->servers == NULL)
                return error_set(e, STATUS_CONFLICT, "kafka-none", "kafka.brokers",
                                 "this daemon publishes nothing");
        if (p->is_stopping)
                return error_set_http(e, STATUS_LIMIT, 503, "draining", NULL,
                                      "the daemon is stopping");
        if (p->again.is_asked || p->again.outstanding > 0)
                return error_set(e, STATUS_RETRY, "republish-running", NULL,
                                 "events are being published again already");
        p->again = (struct again){
                .is_asked = true,
                .next = from,
                .through = through,
                .progress_mono_ms = clock_mono_ms(),
        };
        return STATUS_OK;
}

enum status publish_again(struct publisher *p, int64_t from, int64_t through, int64_t *ret_count,
                          struct error *e)
{
        int64_t head = ledger_head(p->ledger);

        pthread_mutex_lock(&p->mutex);
        enum status s = begin_locked(p, from, through < head ? through : head, e);
        if (s == STATUS_OK) {
                publisher_poke(p);
                while (!p->again.is_over)
                        pthread_cond_wait(&p->over, &p->mutex);
                s = p->again.status;
                if (s == STATUS_OK)
                        *ret_count = p->again.confirmed;
                else if (e)
                        *e = p->again.error;
                p->again.is_asked = p->again.is_over = false;
                pthread_cond_broadcast(&p->over);
        }
        pthread_mutex_unlock(&p->mutex);
        return s;
}

/* ---- the publisher's side; the mutex is held ---- */

static void end_locked(struct publisher *p, enum status s)
{
        if (!p->again.is_asked || p->again.is_over)
                return;
        p->again.status = s;
        p->again.is_over = true;
        pthread_cond_broadcast(&p->over);
}

static void fail_locked(struct publisher *p, rd_kafka_resp_err_t err)
{
        if (p->again.is_asked && !p->again.is_over)
                end_locked(p, error_set(&p->again.error, STATUS_RETRY, "kafka-not-delivered", NULL,
                                        "%lld events were published again, then Kafka refused: %s",
                                        (long long)p->again.confirmed, rd_kafka_err2name(err)));
}

struct slice {
        struct publisher *p;
        unsigned n;
        bool is_stopped; /* a row was not taken */
};

static bool take_row(void *ctx, const struct journal_row *r)
{
        struct slice *s = ctx;
        struct publisher *p = s->p;
        struct again *a = &p->again;

        s->is_stopped = true;
        if (a->outstanding >= OUTSTANDING_MAX || a->bytes >= BYTES_MAX)
                return false;
        rd_kafka_resp_err_t err = stream_produce(p, r, true);
        if (err == RD_KAFKA_RESP_ERR__QUEUE_FULL) /* the next report makes room */
                return false;
        if (err) {
                publisher_count_error(p, err);
                fail_locked(p, err);
                return false;
        }
        a->outstanding++;
        a->bytes += p->envelope.len;
        a->next = r->seq + 1;
        s->n++;
        s->is_stopped = false;
        return true;
}

static void produce_locked(struct publisher *p)
{
        struct again *a = &p->again;
        struct slice s;

        do {
                s = (struct slice){.p = p};
                enum status status = journal_read(p->db, (1u << TOPIC_COUNT) - 1, a->next,
                                                  a->through, SLICE_ROWS, take_row, &s, &a->error);
                if (status != STATUS_OK)
                        end_locked(p, status);
                else if (!s.is_stopped && s.n < SLICE_ROWS)
                        a->next = a->through + 1;
        } while (!a->is_over && !s.is_stopped && a->next <= a->through);
}

void again_pump(struct publisher *p, int64_t mono_ms)
{
        struct again *a = &p->again;

        pthread_mutex_lock(&p->mutex);
        if (a->is_asked && !a->is_over) {
                if (p->topics[TOPIC_COUNT - 1] && a->next <= a->through)
                        produce_locked(p);
                if (a->next > a->through && a->outstanding == 0)
                        end_locked(p, STATUS_OK);
                else if (mono_ms - a->progress_mono_ms >= PATIENCE_MS && !a->is_over)
                        end_locked(
                                p,
                                error_set(
                                        &a->error, STATUS_RETRY, "kafka-unreachable", NULL,
                                        "%lld events were published again, then Kafka did not answer",
                                        (long long)a->confirmed));
        }
        pthread_mutex_unlock(&p->mutex);
}

void again_reported(struct publisher *p, rd_kafka_resp_err_t err, size_t bytes)
{
        struct again *a = &p->again;

        pthread_mutex_lock(&p->mutex);
        a->outstanding--;
        a->bytes -= bytes;
        a->progress_mono_ms = clock_mono_ms();
        if (err)
                fail_locked(p, err);
        else
                a->confirmed++;
        pthread_mutex_unlock(&p->mutex);
}

void again_abandon(struct publisher *p)
{
        pthread_mutex_lock(&p->mutex);
        if (p->again.outstanding > 0)
                fail_locked(p, RD_KAFKA_RESP_ERR__DESTROY);
        p->again.outstanding = p->again.bytes = 0;
        pthread_mutex_unlock(&p->mutex);
}

void again_stop(struct publisher *p)
{
        pthread_mutex_lock(&p->mutex);
        if (p->again.is_asked && !p->again.is_over)
                end_locked(p, error_set_http(&p->again.error, STATUS_LIMIT, 503, "draining", NULL,
                                             "the daemon is stopping"));
        while (p->again.is_asked) /* the caller still has to look */
                pthread_cond_wait(&p->over, &p->mutex);
        pthread_mutex_unlock(&p->mutex);
}

bool again_is_idle(struct publisher *p)
{
        pthread_mutex_lock(&p->mutex);
        bool is_idle = p->again.outstanding == 0;
        pthread_mutex_unlock(&p->mutex);
        return is_idle;
}

int64_t again_deadline(struct publisher *p)
{
        pthread_mutex_lock(&p->mutex);
        bool is_running = p->again.is_asked && !p->again.is_over;
        int64_t at = is_running ? p->again.progress_mono_ms + PATIENCE_MS : INT64_MAX;
        pthread_mutex_unlock(&p->mutex);
        return at;
}
