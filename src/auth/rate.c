#include "auth/rate.h"
#include "auth/state.h"

#include <pthread.h>
#include <stdlib.h>

#define SLOTS                                                                              \
        1024 /* apps that send at the same time; beyond, the one idle longest is forgotten \
              */

struct slot {
        int64_t app_id; /* 0 = free */
        int64_t refilled_mono_us;
        double requests, items; /* tokens */
};

struct rates {
        pthread_mutex_t lock; /* guards slots */
        struct slot slots[SLOTS];
};

enum status rates_new(struct rates **ret, struct error *e)
{
        struct rates *r = calloc(1, sizeof *r);

        if (!r)
                return error_no_memory(e);
        pthread_mutex_init(&r->lock, NULL);
        *ret = r;
        return STATUS_OK;
}

void rates_free(struct rates *r)
{
        if (!r)
                return;
        pthread_mutex_destroy(&r->lock);
        free(r);
}

static double refill(double tokens, int64_t rate, int64_t passed_us)
{
        tokens += (double)rate * (double)passed_us / 1e6;
        return tokens > (double)rate ? (double)rate : tokens;
}

/* The app's slot, filled up to now. Lock held. */
static struct slot *slot_of(struct rates *r, int64_t app_id, int64_t requests, int64_t items,
                            int64_t now)
{
        struct slot *idle = &r->slots[0];

        for (size_t i = 0; i < SLOTS; i++) {
                struct slot *s = &r->slots[i];
                if (s->app_id == app_id) {
                        int64_t passed = now - s->refilled_mono_us;
                        s->requests = refill(s->requests, requests, passed);
                        s->items = refill(s->items, items, passed);
                        s->refilled_mono_us = now;
                        return s;
                }
                if (s->refilled_mono_us < idle->refilled_mono_us)
                        idle = s;
        }
        *idle = (struct slot){.app_id = app_id,
                              .refilled_mono_us = now,
                              .requests = (double)requests,
                              .items = (double)items};
        return idle;
}

/* Milliseconds until a bucket is above zero; 0 = it is, or there is no limit. */
static uint32_t wait_ms(double tokens, int64_t rate)
{
        if (!rate || tokens > 0)
                return 0;
        return (uint32_t)(-tokens * 1000 / (double)rate) + 1;
}

enum status auth_app_rate(struct auth *a, const struct auth_app *app, size_t items, struct error *e)
{
        struct settings *settings = domain_settings(a->domain);
        int64_t per_request = settings->config->limits.app_requests_per_second;
        int64_t per_item = settings->config->limits.app_items_per_second;
        uint32_t wait = 0, wait_items = 0;
        struct slot *s;

        settings_unref(settings);
        if (!per_request && !per_item)
                return STATUS_OK;
        pthread_mutex_lock(&a->rates->lock);
        s = slot_of(a->rates, app->app.id, per_request, per_item, clock_mono_us());
        wait = wait_ms(s->requests, per_request);
        wait_items = items ? wait_ms(s->items, per_item) : 0;
        if (!wait && !wait_items) {
                /* What has no limit owes nothing: a reload may set one. */
                if (per_request)
                        s->requests -= 1;
                if (per_item)
                        s->items -= (double)items;
        }
        pthread_mutex_unlock(&a->rates->lock);
        if (wait_items > wait)
                wait = wait_items;
        if (!wait)
                return STATUS_OK;
        error_set(e, STATUS_LIMIT, "app-rate", NULL,
                  "the app sends more than it may a second: wait");
        if (e)
                e->retry_after_ms = wait;
        return STATUS_LIMIT;
}
