#include "schedule/alarm.h"
#include "schedule/duties.h"
#include "schedule/gauge.h"

#include <chatelaine/base_log.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define CHECKPOINT_ROWS 10000
#define RETRY_FIRST_MS 1000
#define RETRY_LAST_MS 60000

struct turn {                 /* of one job; the thread's */
        int64_t next_mono_ms; /* not before: its interval, or the wait after a failure */
        int64_t retry_ms;     /* how long it waited last; 0 = it went well */
};

struct scheduler {
        struct schedule_options options;
        pthread_t thread;
        struct store_conn *db; /* the thread's */
        struct alarm alarm;
        struct turn turns[DUTIES];
        _Atomic int64_t checkpoint_head; /* rows beyond it wait for a checkpoint */
        atomic_bool is_stopping;

        pthread_mutex_t lock; /* guards told_ms and armed_ms */
        int64_t told_ms;      /* the earliest that domain_due told since the store was asked */
        int64_t armed_ms; /* until when the thread sleeps; INT64_MIN = it is awake and will look */
};

/* ---- when ---- */

static bool by_date_is_due(struct scheduler *s, const struct duty *j)
{
        int64_t due;
        struct error e;
        if (j->next_due(s->db, &due, &e) == STATUS_OK)
                return due <= clock_now_ms();
        log_error(LOG_LEVEL_WARN, "schedule.unreadable", &e);
        return false;
}

static bool is_due(struct scheduler *s, enum duty_id id)
{
        if (id == DUTY_CHECKPOINT && !s->turns[id].retry_ms &&
            ledger_head(domain_ledger(s->options.domain)) >= s->checkpoint_head + CHECKPOINT_ROWS)
                return true;
        if (clock_mono_ms() < s->turns[id].next_mono_ms)
                return false;
        return !duties[id].next_due || by_date_is_due(s, &duties[id]);
}

/* The wall time of the next date in the store. */
static int64_t next_date(struct scheduler *s)
{
        int64_t next = INT64_MAX;
        for (enum duty_id id = 0; id < DUTIES; id++) {
                int64_t due;
                if (duties[id].next_due && !s->turns[id].retry_ms &&
                    duties[id].next_due(s->db, &due, NULL) == STATUS_OK && due < next)
                        next = due;
        }
        return next;
}

/* How long until an interval, or the wait after a failure, is over. */
static int64_t next_interval(const struct scheduler *s)
{
        int64_t next = INT64_MAX, now = clock_mono_ms();
        for (enum duty_id id = 0; id < DUTIES; id++)
                if ((!duties[id].next_due || s->turns[id].retry_ms) &&
                    s->turns[id].next_mono_ms < next)
                        next = s->turns[id].next_mono_ms;
        return next - now;
}

/* ---- what ---- */

static void after_failure(struct turn *t, const struct duty *j, const struct error *e)
{
        t->retry_ms = t->retry_ms == 0 ? RETRY_FIRST_MS : 2 * t->retry_ms;
        if (t->retry_ms > RETRY_LAST_MS)
                t->retry_ms = RETRY_LAST_MS;
        t->next_mono_ms = clock_mono_ms() + t->retry_ms;
        LOG_WARN("schedule.failed", LOG_S("job", j->name), LOG_S("slug", e->slug),
                 LOG_S("detail", e->text), LOG_I("retry_ms", t->retry_ms));
}

/* True when it has more to do. */
static bool take_turn(struct scheduler *s, enum duty_id id)
{
        const struct duty *j = &duties[id];
        struct turn *t = &s->turns[id];
        struct error e = {0};
        bool is_more = false;
        int64_t head = ledger_head(domain_ledger(s->options.domain));
        int64_t published = s->options.published_mark(s->options.ctx);
        if (duty_run(j, s->options.domain, published, &is_more, &e) != STATUS_OK) {
                after_failure(t, j, &e);
                return false;
        }
        if (id == DUTY_CHECKPOINT)
                s->checkpoint_head = head;
        t->retry_ms = 0;
        t->next_mono_ms = is_more ? 0 : clock_mono_ms() + j->every_ms;
        return is_more;
}

/* Each job that is due, one slice each, so that none waits for another's backlog. */
static bool go_round(struct scheduler *s)
{
        bool is_more = false;
        for (enum duty_id id = 0; id < DUTIES && !s->is_stopping; id++)
                if (is_due(s, id))
                        is_more |= take_turn(s, id);
        return is_more && !s->is_stopping;
}

/* ---- the thread ---- */

static void set_awake(struct scheduler *s)
{
        pthread_mutex_lock(&s->lock);
        s->told_ms = INT64_MAX;
        s->armed_ms = INT64_MIN;
        pthread_mutex_unlock(&s->lock);
}

/* What was told since set_awake may not have been in the store when it was asked. */
static int64_t set_armed(struct scheduler *s, int64_t next_ms)
{
        pthread_mutex_lock(&s->lock);
        s->armed_ms = s->told_ms < next_ms ? s->told_ms : next_ms;
        int64_t armed = s->armed_ms;
        pthread_mutex_unlock(&s->lock);
        return armed;
}

static void *run(void *arg)
{
        struct scheduler *s = arg;
        while (!s->is_stopping) {
                set_awake(s);
                while (go_round(s))
                        ;
                if (s->is_stopping)
                        break;
                int64_t until = set_armed(s, next_date(s));
                alarm_sleep(&s->alarm, until, next_interval(s));
        }
        take_turn(s, DUTY_REFUSALS);
        take_turn(s, DUTY_CHECKPOINT);
        return NULL;
}

static void told(void *ctx, int64_t due_ms)
{
        struct scheduler *s = ctx;
        pthread_mutex_lock(&s->lock);
        if (due_ms < s->told_ms)
                s->told_ms = due_ms;
        bool is_earlier = due_ms < s->armed_ms;
        pthread_mutex_unlock(&s->lock);
        if (is_earlier)
                alarm_ring(&s->alarm);
}

void schedule_committed(struct scheduler *s, int64_t head_seq)
{
        if (head_seq >= s->checkpoint_head + CHECKPOINT_ROWS)
                alarm_ring(&s->alarm);
}

/* ---- life ---- */

static void fini(struct scheduler *s)
{
        store_disconnect(s->db);
        alarm_fini(&s->alarm);
        pthread_mutex_destroy(&s->lock);
        free(s);
}

static enum status open_all(struct scheduler *s, struct error *e)
{
        TRY(alarm_init(&s->alarm, e));
        TRY(store_connect(domain_store(s->options.domain), STORE_READ, &s->db, e));
        TRY(gauge_open(domain_store(s->options.domain), e));
        s->checkpoint_head = ledger_head(domain_ledger(s->options.domain));
        if (pthread_create(&s->thread, NULL, run, s) == 0) {
                pthread_setname_np(s->thread, "scheduler");
                return STATUS_OK;
        }
        gauge_close();
        return error_set(e, STATUS_RETRY, "no-thread", NULL,
                         "The scheduler's thread cannot be started.");
}

enum status schedule_start(const struct schedule_options *o, struct scheduler **ret,
                           struct error *e)
{
        struct scheduler *s = calloc(1, sizeof *s);
        if (!s)
                return error_no_memory(e);
        s->options = *o;
        s->alarm.timer = s->alarm.bell = -1;
        s->told_ms = INT64_MAX;
        s->armed_ms = INT64_MIN;
        pthread_mutex_init(&s->lock, NULL);
        enum status status = open_all(s, e);
        if (status != STATUS_OK) {
                fini(s);
                return status;
        }
        domain_on_due(o->domain, told, s);
        *ret = s;
        return STATUS_OK;
}

void schedule_stop(struct scheduler *s)
{
        if (!s)
                return;
        domain_on_due(s->options.domain, NULL, NULL);
        s->is_stopping = true;
        alarm_ring(&s->alarm);
        pthread_join(s->thread, NULL);
        gauge_close();
        fini(s);
}
