/*
 * sinks: audit events to an HTTPS endpoint, one at a time and in order, signed as Standard
 * Webhooks: webhook-id is the event's id, so that whoever gets one twice can tell. The mark follows
 * behind: at least once.
 */
#include "outbound/backoff.h"
#include "outbound/loop.h"

#include <chatelaine/base_log.h>
#include <chatelaine/base_metrics.h>
#include <chatelaine/codec_crypto.h>
#include <chatelaine/codec_text.h>

#include <stdio.h>
#include <stdlib.h>

#define EVENT_BYTES_MAX ((size_t)2 << 20)
#define SAVE_EVERY_MS 200 /* marks; each is a commit */

struct sink {
        struct outbound *loop;
        const struct sink_target *target; /* of the loop's plan */
        int64_t taken;                    /* by the sink, up to here */
        int64_t saved, saving;            /* in the store; saving 0 = nothing is on its way */
        int64_t save_at;                  /* monotonic: not before */
        int64_t failures, resume_at;      /* resume_at monotonic */
        bool is_under_way;
        int64_t seq; /* of the event under way */
        struct buf event;
        struct request request;
        struct transfer transfer;
};

static struct metric_family *family;

void sinks_metrics(void)
{
        family = metric_family(METRIC_COUNTER, "chatelaine_audit_sink_events_total", "sink,outcome",
                               "Audit events posted to a sink.");
}

/* The least saved of all sinks: what the purge may not pass. */
static void publish_mark(struct outbound *o)
{
        int64_t least = INT64_MAX;
        for (size_t i = 0; o->sinks && i < o->plan->n_sinks; i++)
                if (o->sinks[i].saved < least)
                        least = o->sinks[i].saved;
        atomic_store(&o->mark, least);
}

/* ---- marks ---- */

/* The sink is found by its name: a reload may have put others in the place. */
static void on_saved(struct domain_command *c)
{
        struct outbound *o = c->context;
        const struct sink_mark *m = (const struct sink_mark *)c;
        o->n_commands--;
        for (size_t i = 0; i < o->plan->n_sinks; i++) {
                struct sink *s = &o->sinks[i];
                if (strcmp(s->target->name, m->sink) != 0)
                        continue;
                if (c->base.status == STATUS_OK && m->seq > s->saved)
                        s->saved = m->seq;
                s->saving = 0;
        }
        domain_command_free(c);
        publish_mark(o);
        loop_tick_in(o, SAVE_EVERY_MS);
        loop_check_end(o);
}

static void save(struct sink *s)
{
        struct sink_mark *c;
        struct outbound *o = s->loop;
        s->save_at = clock_mono_ms() + SAVE_EVERY_MS;
        if (sink_mark_new(o->domain, &c, NULL) != STATUS_OK)
                return;
        snprintf(c->sink, sizeof c->sink, "%s", s->target->name);
        c->seq = s->taken;
        c->base.context = o;
        c->base.reply = on_saved;
        if (domain_submit(&c->base, o->mailbox, NULL) != STATUS_OK) {
                domain_command_free(&c->base);
                return;
        }
        s->saving = s->taken;
        o->n_commands++;
}

/* ---- events ---- */

static void end_event(struct sink *s)
{
        transfer_fini(&s->transfer);
        request_fini(&s->request);
        buf_reset(&s->event);
        s->is_under_way = false;
}

static void on_answer(struct transfer *t)
{
        struct sink *s = t->ctx;
        bool is_taken = !t->failure && t->status >= 200 && t->status <= 299;
        char number[16];
        snprintf(number, sizeof number, "http-%u", t->status);
        const char *reason = t->failure ? t->failure : number;
        metric_add(METRIC_CELL(family, s->target->name, is_taken ? "delivered" : "failed"), 1);
        if (is_taken) {
                s->taken = s->seq;
                s->failures = 0;
        } else {
                int64_t wait = backoff_ms(s->failures++, t->retry_after_s);
                s->resume_at = clock_mono_ms() + wait;
                LOG_WARN("audit_sink.failed", LOG_S("sink", s->target->name),
                         LOG_S("reason", reason), LOG_I("retry_ms", wait));
        }
        end_event(s);
        loop_tick_in(s->loop, 0); /* the next one, or the mark */
}

/* https://www.standardwebhooks.com: HMAC-SHA-256 over id.timestamp.body. */
static enum status put_signature(struct sink *s, const char *id, struct error *e)
{
        CLEANUP(buf_fini) struct buf text, value;
        uint8_t mac[HMAC_SIZE_MAX];
        char at[24];
        buf_init(&text, EVENT_BYTES_MAX + 128);
        buf_init(&value, 256);
        snprintf(at, sizeof at, "%lld", (long long)(clock_now_ms() / 1000));
        request_header(&s->request, "webhook-id", span_of(id));
        request_header(&s->request, "webhook-timestamp", span_of(at));
        if (s->target->secret.len == 0)
                return STATUS_OK;
        buf_printf(&text, "%s.%s.", id, at);
        buf_span(&text, buf_view(&s->event));
        TRY(buf_check(&text, e));
        TRY(hmac_of(HMAC_SHA256, buf_view(&s->target->secret), buf_view(&text), mac, e));
        buf_text(&value, "v1,");
        base64_encode(&value, span_make(mac, hmac_size(HMAC_SHA256)));
        request_header(&s->request, "webhook-signature", buf_view(&value));
        return buf_check(&value, e);
}

static enum status post(struct sink *s, const char *id, struct error *e)
{
        request_init(&s->request, 0);
        buf_text(&s->request.url, s->target->url);
        request_header(&s->request, "Content-Type", SPAN("application/cloudevents+json"));
        TRY(put_signature(s, id, e));
        TRY(request_check(&s->request, e));
        s->transfer = (struct transfer){
                .method = "POST",
                .url = s->request.url.data,
                .headers = s->request.headers,
                .body = buf_view(&s->event),
                .ca_file = s->target->ca_file,
                .timeout_ms = s->target->timeout_ms,
                .done = on_answer,
                .ctx = s,
        };
        return multi_start(s->loop->multi, &s->transfer, e);
}

/* *ret_found is false when it has all. */
static enum status send_next(struct sink *s, bool *ret_found, struct error *e)
{
        char id[ID_UUID_SIZE];
        TRY(sink_next(s->loop->view, s->taken, s->loop->plan->node, &s->event, id, &s->seq, e));
        *ret_found = s->seq > 0;
        if (!*ret_found)
                return STATUS_OK;
        s->is_under_way = true;
        enum status status = post(s, id, e);
        if (status != STATUS_OK)
                end_event(s);
        return status;
}

static void soonest(int64_t ms, int64_t *next_ms)
{
        if (ms < *next_ms)
                *next_ms = ms > 0 ? ms : 0;
}

static void look_at(struct sink *s, int64_t *next_ms)
{
        int64_t now = clock_mono_ms();
        struct error e;
        bool is_found = false;
        if (!s->is_under_way && !s->loop->is_stopping && s->resume_at > now)
                soonest(s->resume_at - now, next_ms);
        else if (!s->is_under_way && !s->loop->is_stopping &&
                 send_next(s, &is_found, &e) != STATUS_OK) {
                log_error(LOG_LEVEL_WARN, "audit_sink.unreadable", &e);
                s->resume_at = now + BACKOFF_FIRST_MS;
                soonest(BACKOFF_FIRST_MS, next_ms);
        }
        if (s->taken == s->saved || s->saving)
                return;
        if (s->save_at <= now || s->loop->is_stopping)
                save(s);
        else
                soonest(s->save_at - now, next_ms);
}

void sinks_look(struct outbound *o, int64_t *next_ms)
{
        for (size_t i = 0; i < o->plan->n_sinks; i++)
                look_at(&o->sinks[i], next_ms);
}

bool sinks_are_idle(const struct outbound *o)
{
        for (size_t i = 0; o->sinks && i < o->plan->n_sinks; i++)
                if (o->sinks[i].is_under_way)
                        return false;
        return true;
}

void sinks_cut(struct outbound *o)
{
        for (size_t i = 0; o->sinks && i < o->plan->n_sinks; i++) {
                multi_cancel(o->multi, &o->sinks[i].transfer);
                end_event(&o->sinks[i]);
        }
}

void sinks_free(struct outbound *o)
{
        for (size_t i = 0; o->sinks && i < o->plan->n_sinks; i++)
                buf_fini(&o->sinks[i].event);
        free(o->sinks);
        o->sinks = NULL;
}

/* ---- a new plan ---- */

/* One of the same name goes on from where it is. */
static enum status take_mark(struct outbound *o, const struct plan *old, struct sink *s,
                             struct error *e)
{
        for (size_t i = 0; o->sinks && i < old->n_sinks; i++) {
                if (strcmp(o->sinks[i].target->name, s->target->name) != 0)
                        continue;
                s->taken = o->sinks[i].taken;
                s->saved = o->sinks[i].saved;
                return STATUS_OK;
        }
        TRY(sink_mark_load(o->view, s->target->name, &s->taken, e));
        s->saved = s->taken;
        return STATUS_OK;
}

enum status sinks_take(struct outbound *o, struct plan *next, struct error *e)
{
        struct sink *fresh = calloc(next->n_sinks + 1, sizeof *fresh);
        if (!fresh)
                return error_no_memory(e);
        for (size_t i = 0; i < next->n_sinks; i++) {
                fresh[i].loop = o;
                fresh[i].target = &next->sinks[i];
                buf_init(&fresh[i].event, EVENT_BYTES_MAX);
                request_init(&fresh[i].request, 0);
                enum status s = take_mark(o, o->plan, &fresh[i], e);
                if (s != STATUS_OK) {
                        free(fresh);
                        return s;
                }
        }
        if (o->sinks)
                sinks_cut(o);
        sinks_free(o);
        plan_unref(o->plan);
        o->plan = next;
        o->is_plan_new = true;
        o->sinks = fresh;
        publish_mark(o);
        return STATUS_OK;
}
