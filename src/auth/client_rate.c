#include "auth/client_rate.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* Limited clients at the same time; beyond, the one idle longest is forgotten. */
#define SLOTS 1024

struct slot {
        char client_id[CLIENT_ID_SIZE]; /* "" = free */
        int64_t window_ms, index;       /* of the clock's windows of that length */
        int64_t before, count;          /* let in, in the window before and in this one */
        int64_t used_mono_ms;
};

struct client_rates {
        pthread_mutex_t lock; /* guards slots */
        struct slot slots[SLOTS];
};

enum status client_rates_new(struct client_rates **ret, struct error *e)
{
        struct client_rates *r = calloc(1, sizeof *r);

        if (!r)
                return error_no_memory(e);
        pthread_mutex_init(&r->lock, NULL);
        *ret = r;
        return STATUS_OK;
}

void client_rates_free(struct client_rates *r)
{
        if (!r)
                return;
        pthread_mutex_destroy(&r->lock);
        free(r);
}

/* The client's slot as of now. Lock held. */
static struct slot *slot_of(struct client_rates *r, const struct client_row *c, int64_t now)
{
        struct slot *s = NULL, *idle = &r->slots[0];
        int64_t index = now / c->rate_window_ms;

        for (size_t i = 0; i < SLOTS && !s; i++) {
                if (span_is(c->id, r->slots[i].client_id))
                        s = &r->slots[i];
                if (r->slots[i].used_mono_ms < idle->used_mono_ms)
                        idle = &r->slots[i];
        }
        if (!s || s->window_ms != c->rate_window_ms) {
                s = s ? s : idle;
                *s = (struct slot){.window_ms = c->rate_window_ms, .index = index};
                snprintf(s->client_id, sizeof s->client_id, "%.*s", (int)c->id.len, c->id.p);
        }
        if (s->index != index) {
                s->before = index == s->index + 1 ? s->count : 0;
                s->count = 0;
                s->index = index;
        }
        s->used_mono_ms = now;
        return s;
}

/* Milliseconds until a request would be let in; 0 = now. */
static int64_t wait_ms(const struct slot *s, int64_t quota, int64_t now)
{
        int64_t passed = now % s->window_ms;
        double still = 1 - (double)passed / (double)s->window_ms;
        if ((double)s->before * still + (double)s->count < (double)quota)
                return 0;
        if (s->count >= quota)
                return s->window_ms - passed + 1;
        /* before * (1 - t / window) < quota - count */
        double free_at =
                (1 - (double)(quota - s->count) / (double)s->before) * (double)s->window_ms;
        return free_at > (double)passed ? (int64_t)(free_at - (double)passed) + 1 : 1;
}

enum status client_rates_take(struct client_rates *r, const struct client_row *c, struct error *e)
{
        if (!c->rate_window_ms || !c->rate_quota)
                return STATUS_OK;
        int64_t now = clock_mono_ms();
        pthread_mutex_lock(&r->lock);
        struct slot *s = slot_of(r, c, now);
        int64_t wait = wait_ms(s, c->rate_quota, now);
        if (!wait)
                s->count++;
        pthread_mutex_unlock(&r->lock);
        if (!wait)
                return STATUS_OK;
        error_set(e, STATUS_LIMIT, "client-rate", NULL,
                  "The service client has sent as many requests as it may: wait.");
        if (e)
                e->retry_after_ms = (uint32_t)(wait < UINT32_MAX ? wait : UINT32_MAX);
        return STATUS_LIMIT;
}
