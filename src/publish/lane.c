/* One topic's way through the journal. */
#include "publish/lane.h"

#include <assert.h>
#include <stdlib.h>

#define BACKOFF_MIN_MS 250
#define BACKOFF_MAX_MS 30000

void lane_init(struct lane *l, enum topic topic, int64_t mark)
{
        *l = (struct lane){.topic = topic, .next = mark + 1};
}

void lane_fini(struct lane *l)
{
        free(l->ring);
        l->ring = NULL;
}

static struct in_flight *at(const struct lane *l, size_t i)
{
        return &l->ring[(l->first + i) & (l->cap - 1)];
}

int64_t lane_mark(const struct lane *l)
{
        return (l->n > 0 ? at(l, 0)->seq : l->next) - 1;
}

bool lane_is_open(const struct lane *l, int64_t mono_ms)
{
        if (l->is_draining || mono_ms < l->retry_at_mono_ms)
                return false;
        return !l->is_trying || l->outstanding == 0;
}

/* ---- producing ---- */

enum status lane_reserve(struct lane *l, struct error *e)
{
        if (l->n < l->cap)
                return STATUS_OK;
        size_t cap = l->cap ? 2 * l->cap : 64;
        struct in_flight *bigger = calloc(cap, sizeof *bigger);
        if (bigger == NULL)
                return error_no_memory(e);
        for (size_t i = 0; i < l->n; i++)
                bigger[i] = *at(l, i);
        free(l->ring);
        l->ring = bigger;
        l->cap = cap;
        l->first = 0;
        return STATUS_OK;
}

void lane_produced(struct lane *l, int64_t seq, int64_t time_ms, uint32_t bytes)
{
        assert(l->n < l->cap && seq >= l->next);
        l->n++;
        *at(l, l->n - 1) = (struct in_flight){.seq = seq, .time_ms = time_ms, .bytes = bytes};
        l->bytes += bytes;
        l->outstanding++;
        l->next = seq + 1;
        if (l->waiting_since_ms == 0)
                l->waiting_since_ms = time_ms;
}

void lane_read_through(struct lane *l, int64_t seq)
{
        if (seq >= l->next)
                l->next = seq + 1;
        if (l->n == 0)
                l->waiting_since_ms = 0;
}

/* ---- reports ---- */

/* Back to the first row that is not confirmed, once every message has been reported. */
static void resume_when_drained(struct lane *l)
{
        if (!l->is_draining || l->outstanding > 0)
                return;
        l->next = lane_mark(l) + 1;
        l->first = l->n = l->bytes = 0;
        l->is_draining = false;
}

static struct in_flight *find(struct lane *l, int64_t seq)
{
        size_t low = 0, high = l->n;

        while (low < high) {
                size_t middle = low + (high - low) / 2;
                if (at(l, middle)->seq < seq)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low < l->n && at(l, low)->seq == seq ? at(l, low) : NULL;
}

void lane_confirmed(struct lane *l, int64_t seq)
{
        struct in_flight *m = find(l, seq);

        assert(l->outstanding > 0 && m && !m->is_confirmed);
        l->outstanding--;
        m->is_confirmed = true;
        l->bytes -= m->bytes;
        while (l->n > 0 && at(l, 0)->is_confirmed) {
                l->first++;
                l->n--;
        }
        l->waiting_since_ms = l->n > 0 ? at(l, 0)->time_ms : 0;
        if (!l->is_draining) {
                l->is_trying = false;
                l->backoff_ms = 0;
        }
        resume_when_drained(l);
}

static void back_off(struct lane *l, int64_t mono_ms)
{
        l->backoff_ms = l->backoff_ms ? 2 * l->backoff_ms : BACKOFF_MIN_MS;
        if (l->backoff_ms > BACKOFF_MAX_MS)
                l->backoff_ms = BACKOFF_MAX_MS;
        l->retry_at_mono_ms = mono_ms + l->backoff_ms;
        l->is_trying = true;
}

bool lane_failed(struct lane *l, bool is_purged, int64_t mono_ms)
{
        bool begins = !l->is_draining;

        assert(l->outstanding > 0);
        l->outstanding--;
        l->is_draining = true;
        if (begins && !is_purged)
                back_off(l, mono_ms);
        resume_when_drained(l);
        return begins;
}

void lane_refused(struct lane *l, int64_t mono_ms)
{
        back_off(l, mono_ms);
        l->is_draining = true;
        resume_when_drained(l);
}

void lane_abandon(struct lane *l)
{
        l->outstanding = 0;
        l->is_draining = true;
        resume_when_drained(l);
}
