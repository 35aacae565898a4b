/* The publisher's life: its thread's loop, the marks and their saving. */
#include "publish/publisher.h"
#include "publish/producer.h"

#include <chatelaine/base_log.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define SAVE_MS 200         /* marks are saved at most that often */
#define SAVE_NONE_MS 10000  /* where nothing is published they only follow the head */
#define FAULT_PAUSE_MS 1000 /* before what failed is tried again */
#define ENVELOPE_MAX                                                                          \
        (1u << 30) /* rows were bounded when they were written; message.max.bytes bounds them \
                      again */

void publisher_poke(struct publisher *p)
{
        const uint64_t one = 1;
        ssize_t n = write(p->fd, &one, sizeof one);

        (void)n; /* EAGAIN: it is awake as it can be */
}

/* Told once, the thread looks by itself: it forgets that it was told before it reads the head. */
void publish_wake(struct publisher *p)
{
        if (!atomic_exchange(&p->is_told, true))
                publisher_poke(p);
}

/* Where nothing is published nothing waits. */
int64_t publish_mark(const struct publisher *p)
{
        return p->servers ? atomic_load(&p->mark) : ledger_head(p->ledger);
}

/* ---- metrics ---- */

static pthread_mutex_t shown_lock = PTHREAD_MUTEX_INITIALIZER; /* guards shown */
static struct publisher *shown;                                /* whose outbox the gauges tell of */
static struct metric_cell *outbox_rows, *outbox_oldest;

static void collect(void *ctx)
{
        (void)ctx;
        pthread_mutex_lock(&shown_lock);
        if (shown) {
                int64_t since_ms = atomic_load(&shown->waiting_since_ms),
                        age_ms = clock_now_ms() - since_ms;
                metric_set(outbox_rows, ledger_head(shown->ledger) - publish_mark(shown));
                metric_set_us(outbox_oldest, since_ms > 0 && age_ms > 0 ? age_ms * 1000 : 0);
        }
        pthread_mutex_unlock(&shown_lock);
}

static void register_gauges(void)
{
        outbox_rows =
                metric_only(metric_family(METRIC_GAUGE, "chatelaine_outbox_rows", "",
                                          "Journal rows behind the lowest mark of the publisher."));
        outbox_oldest =
                metric_only(metric_family(METRIC_GAUGE, "chatelaine_outbox_oldest_seconds", "",
                                          "Age of the oldest event that Kafka has not confirmed."));
        metric_collect(collect, NULL);
}

static void show(struct publisher *p)
{
        static pthread_once_t once = PTHREAD_ONCE_INIT;

        pthread_once(&once, register_gauges);
        pthread_mutex_lock(&shown_lock);
        shown = p;
        pthread_mutex_unlock(&shown_lock);
}

static void init_metrics(struct publisher *p)
{
        struct metric_family *f = metric_family(METRIC_COUNTER, "chatelaine_kafka_delivered_total",
                                                "topic", "Messages that Kafka has confirmed.");

        for (int t = 0; t < TOPIC_COUNT; t++)
                p->delivered[t] = METRIC_CELL(f, topic_name(t));
        p->errors =
                metric_family(METRIC_COUNTER, "chatelaine_kafka_errors_total", "reason",
                              "What librdkafka reported, and messages that were not delivered.");
}

void publisher_count_error(struct publisher *p, rd_kafka_resp_err_t err)
{
        metric_add(METRIC_CELL(p->errors, rd_kafka_err2name(err)), 1);
}

/* ---- marks ---- */

static void read_marks(const struct publisher *p, int64_t marks[TOPIC_COUNT])
{
        for (int t = 0; t < TOPIC_COUNT; t++)
                marks[t] = lane_mark(&p->lanes[t]);
}

static void show_marks(struct publisher *p)
{
        int64_t lowest = INT64_MAX, since_ms = 0;

        for (int t = 0; t < TOPIC_COUNT; t++) {
                const struct lane *l = &p->lanes[t];
                if (lane_mark(l) < lowest)
                        lowest = lane_mark(l);
                if (l->waiting_since_ms > 0 && (since_ms == 0 || l->waiting_since_ms < since_ms))
                        since_ms = l->waiting_since_ms;
        }
        atomic_store(&p->mark, lowest);
        atomic_store(&p->waiting_since_ms, since_ms);
}

static enum status save_apply(struct ledger_tx *tx, struct command *c, struct error *e)
{
        const int64_t *marks = ((struct mark_save *)c)->marks;

        return journal_marks_save(tx->db, marks, e);
}

/* On the ledger's thread. */
static void save_done(struct command *c)
{
        struct publisher *p = ((struct mark_save *)c)->publisher;

        if (c->status != STATUS_OK)
                atomic_store(&p->has_save_failed, true);
        atomic_store(&p->is_saving, false);
        publisher_poke(p);
}

static bool is_saved(const struct publisher *p)
{
        int64_t marks[TOPIC_COUNT];

        read_marks(p, marks);
        return memcmp(marks, p->saved, sizeof marks) == 0;
}

static void submit_save(struct publisher *p, int64_t mono_ms)
{
        p->save = (struct mark_save){
                .command = {.apply = save_apply, .done = save_done, .rows = TOPIC_COUNT},
                .publisher = p,
        };
        read_marks(p, p->save.marks);
        atomic_store(&p->is_saving, true);
        if (ledger_submit(p->ledger, &p->save.command, NULL) == STATUS_OK) {
                memcpy(p->saved, p->save.marks, sizeof p->saved);
                p->save_due_mono_ms = 0;
        } else {
                atomic_store(&p->is_saving, false);
                p->save_due_mono_ms = mono_ms + FAULT_PAUSE_MS;
        }
}

/* With the ledger's next commit, but not so often that the marks make the commits. */
static void keep_marks(struct publisher *p, int64_t mono_ms)
{
        show_marks(p);
        if (atomic_exchange(&p->has_save_failed, false)) {
                memset(p->saved, 0xff, sizeof p->saved);
                p->save_due_mono_ms = mono_ms + FAULT_PAUSE_MS;
        }
        if (is_saved(p))
                p->save_due_mono_ms = 0;
        else if (p->save_due_mono_ms == 0)
                p->save_due_mono_ms = mono_ms + (p->servers ? SAVE_MS : SAVE_NONE_MS);
        else if (mono_ms >= p->save_due_mono_ms && !atomic_load(&p->is_saving))
                submit_save(p, mono_ms);
}

/* ---- the loop ---- */

/* It has had a fatal error, or could not be made anew. */
static bool is_broken(const struct publisher *p)
{
        return p->rk == NULL || p->is_fatal;
}

/* A topic that is gone waits for what the other topics have under way: none of it is repeated. */
static bool needs_rebuild(struct publisher *p)
{
        return is_broken(p) || (p->is_topic_gone && stream_outstanding(p) == 0 && again_is_idle(p));
}

/* Not more often than each FAULT_PAUSE_MS. */
static void rebuild(struct publisher *p, int64_t mono_ms)
{
        struct error e;

        p->rebuild_at_mono_ms = mono_ms + FAULT_PAUSE_MS;
        if (p->is_topic_gone && p->embedded == NULL)
                p->topics_state = TOPICS_TO_ASK;
        stream_close(p);
        if (stream_open(p, &e) == STATUS_OK) {
                LOG_INFO("kafka.rebuilt", LOG_I("mark", atomic_load(&p->mark)));
                return;
        }
        log_error(LOG_LEVEL_ERROR, "kafka.rebuild_failed", &e);
}

/* Publish what can be; true when there is more to do at once. Without brokers the next look is when
 * the marks are saved: a commit need not tell of itself before. */
static bool turn(struct publisher *p, int64_t mono_ms)
{
        if (p->servers || p->save_due_mono_ms == 0)
                atomic_store(&p->is_told, false);
        if (p->servers == NULL) {
                for (int t = 0; t < TOPIC_COUNT; t++)
                        lane_read_through(&p->lanes[t], ledger_head(p->ledger));
                return false;
        }
        if (p->rk)
                rd_kafka_poll(p->rk, 0);
        if (needs_rebuild(p) && mono_ms >= p->rebuild_at_mono_ms)
                rebuild(p, mono_ms);
        if (is_broken(p) || p->is_topic_gone || !topics_settle(p, mono_ms))
                return false;
        return stream_pump(p, mono_ms);
}

static int64_t earlier(int64_t a, int64_t b)
{
        return a < b ? a : b;
}

static int64_t next_due(struct publisher *p, int64_t mono_ms)
{
        int64_t due = p->servers ? again_deadline(p) : INT64_MAX;

        if (p->save_due_mono_ms > 0 && !atomic_load(&p->is_saving))
                due = earlier(due, p->save_due_mono_ms);
        if (p->servers && needs_rebuild(p))
                due = earlier(due, p->rebuild_at_mono_ms);
        if (!is_broken(p) && p->topics_state == TOPICS_TO_ASK)
                due = earlier(due, p->topics_at_mono_ms);
        if (p->read_at_mono_ms > mono_ms)
                due = earlier(due, p->read_at_mono_ms);
        for (int t = 0; t < TOPIC_COUNT; t++)
                if (p->lanes[t].retry_at_mono_ms > mono_ms)
                        due = earlier(due, p->lanes[t].retry_at_mono_ms);
        return due;
}

static void sleep_until(struct publisher *p, int64_t due_mono_ms)
{
        struct pollfd fd = {.fd = p->fd, .events = POLLIN};
        int64_t ms = due_mono_ms == INT64_MAX ? -1 : due_mono_ms - clock_mono_ms();
        uint64_t pokes;

        if (ms < 0 && due_mono_ms != INT64_MAX)
                ms = 0;
        if (poll(&fd, 1, (int)earlier(ms, 3600000)) == 1 && read(p->fd, &pokes, sizeof pokes) < 0 &&
            errno != EAGAIN)
                LOG_ERROR("publish.eventfd", LOG_I("errno", errno));
}

/* Everything that is in the journal is confirmed. */
static bool is_drained(const struct publisher *p)
{
        int64_t head = ledger_head(p->ledger);

        for (int t = 0; t < TOPIC_COUNT; t++)
                if (lane_mark(&p->lanes[t]) < head)
                        return false;
        return true;
}

/* INT64_MAX: not stopping. */
static int64_t stop_deadline(struct publisher *p)
{
        pthread_mutex_lock(&p->mutex);
        int64_t at = p->is_stopping ? p->stop_by_mono_ms : INT64_MAX;
        pthread_mutex_unlock(&p->mutex);
        return at;
}

/* The ledger may have ended before us: then the last marks are lost, and a few events will be
 * repeated. */
static void save_last(struct publisher *p)
{
        struct mark_save last = {.command = {.apply = save_apply, .rows = TOPIC_COUNT}};
        struct error e;

        while (atomic_load(&p->is_saving))
                sleep_until(p, clock_mono_ms() + FAULT_PAUSE_MS);
        if (is_saved(p) && !atomic_load(&p->has_save_failed))
                return;
        read_marks(p, last.marks);
        if (ledger_run(p->ledger, &last.command, &e) != STATUS_OK)
                log_error(LOG_LEVEL_WARN, "publish.marks_not_saved", &e);
}

static void *run(void *arg)
{
        struct publisher *p = arg;

        for (;;) {
                int64_t now = clock_mono_ms(), stop_by = stop_deadline(p);
                bool has_more = turn(p, now);
                if (p->servers)
                        stream_look(p);
                again_pump(p, now);
                keep_marks(p, now);
                if (stop_by != INT64_MAX && (now >= stop_by || is_drained(p)))
                        break;
                sleep_until(p, has_more ? 0 : earlier(stop_by, next_due(p, now)));
        }
        save_last(p);
        return NULL;
}

/* ---- life ---- */

static enum status choose_servers(struct publisher *p, const struct config *c, struct error *e)
{
        const char *servers = c->kafka.brokers;

        if (strcmp(servers, "none") == 0)
                return STATUS_OK;
        if (strcmp(servers, "embedded") == 0) {
                TRY(embedded_start(c, &p->embedded, e));
                servers = embedded_bootstrap(p->embedded);
        }
        p->servers = strdup(servers);
        return p->servers ? STATUS_OK : error_no_memory(e);
}

static enum status load_lanes(struct publisher *p, struct error *e)
{
        TRY(store_connect(p->store, STORE_READ, &p->db, e));
        TRY(journal_marks_load(p->db, p->saved, e));
        for (int t = 0; t < TOPIC_COUNT; t++)
                lane_init(&p->lanes[t], t, p->saved[t]);
        show_marks(p);
        return STATUS_OK;
}

static enum status start(struct publisher *p, const struct config *c, struct error *e)
{
        p->node = strdup(c->node);
        p->prefix = strdup(c->kafka.topic_prefix);
        if (p->node == NULL || p->prefix == NULL)
                return error_no_memory(e);
        p->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (p->fd < 0)
                return error_set(e, STATUS_RETRY, "no-eventfd", NULL,
                                 "the publisher cannot be woken: %m");
        TRY(producer_conf(c, &p->conf, e));
        rd_kafka_conf_set_opaque(p->conf, p);
        rd_kafka_conf_set_dr_msg_cb(p->conf, stream_delivered);
        rd_kafka_conf_set_error_cb(p->conf, stream_error);
        TRY(load_lanes(p, e));
        TRY(choose_servers(p, c, e));
        p->topics_state = p->servers && p->embedded == NULL ? TOPICS_TO_ASK : TOPICS_SETTLED;
        return p->servers ? stream_open(p, e) : STATUS_OK;
}

void publish_free(struct publisher *p)
{
        if (p == NULL)
                return;
        stream_close(p);
        embedded_stop(p->embedded);
        if (p->conf)
                rd_kafka_conf_destroy(p->conf);
        store_disconnect(p->db);
        for (int t = 0; t < TOPIC_COUNT; t++)
                lane_fini(&p->lanes[t]);
        buf_fini(&p->envelope);
        if (p->fd >= 0)
                close(p->fd);
        pthread_cond_destroy(&p->over);
        pthread_mutex_destroy(&p->mutex);
        free(p->servers);
        free(p->prefix);
        free(p->node);
        free(p);
}

enum status publish_start(const struct config *c, struct store *s, struct ledger *l,
                          struct publisher **ret, struct error *e)
{
        struct publisher *p = calloc(1, sizeof *p);
        if (p == NULL)
                return error_no_memory(e);
        p->store = s;
        p->ledger = l;
        p->fd = -1;
        buf_init(&p->envelope, ENVELOPE_MAX);
        pthread_mutex_init(&p->mutex, NULL);
        pthread_cond_init(&p->over, NULL);
        init_metrics(p);

        enum status status = start(p, c, e);
        if (status == STATUS_OK && pthread_create(&p->thread, NULL, run, p) != 0)
                status = error_set(e, STATUS_RETRY, "no-thread", NULL,
                                   "the publisher's thread cannot be started");
        if (status != STATUS_OK) {
                publish_free(p);
                return status;
        }
        pthread_setname_np(p->thread, "publisher");
        show(p);
        *ret = p;
        return STATUS_OK;
}

void publish_stop(struct publisher *p, int ms)
{
        if (p == NULL)
                return;
        pthread_mutex_lock(&p->mutex);
        p->is_stopping = true;
        p->stop_by_mono_ms = clock_mono_ms() + ms;
        pthread_mutex_unlock(&p->mutex);
        publisher_poke(p);
        pthread_join(p->thread, NULL);
        again_stop(p);
        show(NULL);
}
