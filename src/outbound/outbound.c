#include "outbound/loop.h"

#include <chatelaine/base_clock.h>
#include <chatelaine/base_log.h>
#include <chatelaine/base_mailbox.h>
#include <chatelaine/domain_trust.h>
#include <curl/curl.h>
#include <event2/event.h>
#include <stdlib.h>

#define GATHER_MS 10       /* wake-ups in a burst of commits are one */
#define LONGEST_MS 5000    /* a stepped clock is noticed by then */
#define STOP_GRACE_MS 2000 /* for requests under way */

/* ---- the tick ---- */

void loop_tick_in(struct outbound *o, int64_t ms)
{
        int64_t at = clock_mono_ms() + ms;
        struct timeval after = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
        if (at >= o->tick_at)
                return;
        o->tick_at = at;
        evtimer_add(o->tick_event, &after);
}

static void on_tick(evutil_socket_t fd, short what, void *ctx)
{
        struct outbound *o = ctx;
        int64_t next_ms = LONGEST_MS;
        (void)fd;
        (void)what;
        o->tick_at = INT64_MAX;
        int told = WAKE_TOLD; /* one that lies in the mailbox still is told of later */
        atomic_compare_exchange_strong(&o->awake, &told, WAKE_NONE);
        strays_look(o, &next_ms);
        revocations_look(o, &next_ms);
        sinks_look(o, &next_ms);
        trusts_look(o, &next_ms);
        loop_tick_in(o, next_ms);
        loop_check_end(o);
}

void loop_check_end(struct outbound *o)
{
        bool is_idle = o->n_jobs == 0 && o->n_commands == 0 && sinks_are_idle(o);
        if (o->is_stopping && is_idle)
                event_base_loopbreak(o->base);
}

/* ---- mail ---- */

static void on_mail(evutil_socket_t fd, short what, void *ctx)
{
        struct outbound *o = ctx;
        (void)fd;
        (void)what;
        mailbox_drain(o->mailbox);
}

static void on_wake(struct mail *m)
{
        struct outbound *o = (struct outbound *)((char *)m - offsetof(struct outbound, wake));
        atomic_store(&o->awake, WAKE_TOLD);
        loop_tick_in(o, GATHER_MS);
}

void outbound_wake(struct outbound *o)
{
        int none = WAKE_NONE;
        if (atomic_compare_exchange_strong(&o->awake, &none, WAKE_POSTED))
                mailbox_post(o->mailbox, &o->wake);
}

static void on_wanted(void *ctx)
{
        outbound_wake(ctx);
}

int64_t outbound_mark(struct outbound *o)
{
        return atomic_load(&o->mark);
}

/* ---- reload ---- */

struct new_plan {
        struct mail mail;
        struct outbound *loop;
        struct plan *plan;
};

static void on_plan(struct mail *m)
{
        struct new_plan *n = (struct new_plan *)m; /* its first member */
        struct error e;
        if (sinks_take(n->loop, n->plan, &e) != STATUS_OK) {
                log_error(LOG_LEVEL_ERROR, "outbound.reload_failed", &e);
                plan_unref(n->plan);
        } else if (trusts_take(n->loop, n->plan, &e) != STATUS_OK) {
                log_error(LOG_LEVEL_ERROR, "outbound.reload_failed", &e);
        }
        loop_tick_in(n->loop, 0);
        free(n);
}

enum status outbound_reload(struct outbound *o, const struct config *c, struct error *e)
{
        struct new_plan *n = calloc(1, sizeof *n);
        if (!n)
                return error_no_memory(e);
        enum status s = plan_new(c, &n->plan, e);
        if (s != STATUS_OK) {
                free(n);
                return s;
        }
        n->mail.deliver = on_plan;
        n->loop = o;
        mailbox_post(o->mailbox, &n->mail);
        return STATUS_OK;
}

/* ---- stop ---- */

static void on_cut(evutil_socket_t fd, short what, void *ctx)
{
        struct outbound *o = ctx;
        (void)fd;
        (void)what;
        revocations_cut(o);
        sinks_cut(o);
        loop_check_end(o);
}

static void on_stop(struct mail *m)
{
        struct outbound *o = (struct outbound *)((char *)m - offsetof(struct outbound, stop));
        struct timeval grace = {.tv_sec = STOP_GRACE_MS / 1000};
        o->is_stopping = true;
        trusts_free(o);
        evtimer_add(o->stop_event, &grace);
        loop_tick_in(o, 0);
}

/* ---- life ---- */

static void *run(void *ctx)
{
        struct outbound *o = ctx;
        pthread_setname_np(pthread_self(), "outbound");
        loop_tick_in(o, 0);
        event_base_dispatch(o->base);
        return NULL;
}

static void outbound_free(struct outbound *o)
{
        upstream_gauge_close();
        sinks_free(o);
        trusts_free(o);
        plan_unref(o->plan);
        upstream_view_close(o->view);
        multi_free(o->multi);
        if (o->mail_event)
                event_free(o->mail_event);
        if (o->tick_event)
                event_free(o->tick_event);
        if (o->stop_event)
                event_free(o->stop_event);
        if (o->base)
                event_base_free(o->base);
        mailbox_free(o->mailbox);
        free(o);
}

static enum status make_loop(struct outbound *o, struct error *e)
{
        TRY(mailbox_new(&o->mailbox, e));
        o->base = event_base_new();
        if (!o->base)
                return error_no_memory(e);
        o->mail_event =
                event_new(o->base, mailbox_fd(o->mailbox), EV_READ | EV_PERSIST, on_mail, o);
        o->tick_event = evtimer_new(o->base, on_tick, o);
        o->stop_event = evtimer_new(o->base, on_cut, o);
        if (!o->mail_event || !o->tick_event || !o->stop_event ||
            event_add(o->mail_event, NULL) != 0)
                return error_no_memory(e);
        return multi_new(o->base, &o->multi, e);
}

static enum status make(struct outbound *o, struct plan *take_plan, struct error *e)
{
        enum status s = make_loop(o, e);
        if (s == STATUS_OK)
                s = upstream_view_open(o->domain, &o->view, e);
        if (s == STATUS_OK)
                s = sinks_take(o, take_plan, e);
        if (s != STATUS_OK) {
                plan_unref(take_plan);
                return s;
        }
        TRY(trusts_take(o, o->plan, e));
        TRY(upstream_gauge_open(o->domain, e));
        if (pthread_create(&o->thread, NULL, run, o) != 0)
                return error_set(e, STATUS_INTERNAL, "no-thread", NULL, "No thread for outbound.");
        return STATUS_OK;
}

enum status outbound_start(struct domain *d, struct outbound **ret, struct error *e)
{
        struct outbound *o = calloc(1, sizeof *o);
        struct settings *settings = domain_settings(d);
        struct plan *plan = NULL;
        enum status s = o ? plan_new(settings->config, &plan, e) : error_no_memory(e);
        settings_unref(settings);
        if (s != STATUS_OK) {
                free(o);
                return s;
        }
        curl_global_init(CURL_GLOBAL_DEFAULT);
        sinks_metrics();
        trusts_metrics();
        o->domain = d;
        o->tick_at = INT64_MAX;
        o->wake.deliver = on_wake;
        o->stop.deliver = on_stop;
        s = make(o, plan, e);
        if (s != STATUS_OK) {
                outbound_free(o);
                return s;
        }
        trust_on_wanted(d, on_wanted, o);
        *ret = o;
        return STATUS_OK;
}

void outbound_stop(struct outbound *o)
{
        if (!o)
                return;
        trust_on_wanted(o->domain, NULL, NULL);
        mailbox_post(o->mailbox, &o->stop);
        pthread_join(o->thread, NULL);
        mailbox_drain(o->mailbox); /* a wake-up that came too late */
        outbound_free(o);
}
