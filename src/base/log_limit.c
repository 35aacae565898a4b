#include "base/log_limit.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define PLACES 256 /* a power of two */
#define PROBES 8

struct place {
        char event[64]; /* "" = free */
        int64_t window_mono_ms;
        int64_t passed, suppressed;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards places */
static struct place places[PLACES];

static unsigned hash(const char *text)
{
        unsigned h = 2166136261u; /* FNV-1a: event names are our own constants */
        for (; *text; text++)
                h = (h ^ (unsigned char)*text) * 16777619u;
        return h;
}

static struct place *find(const char *event, int64_t now_mono_ms)
{
        unsigned h = hash(event);
        struct place *oldest = NULL;

        for (unsigned i = 0; i < PROBES; i++) {
                struct place *p = &places[(h + i) % PLACES];
                if (strncmp(p->event, event, sizeof p->event - 1) == 0)
                        return p;
                if (!oldest || (oldest->event[0] &&
                                (!p->event[0] || p->window_mono_ms < oldest->window_mono_ms)))
                        oldest = p;
        }
        *oldest = (struct place){.window_mono_ms = now_mono_ms};
        snprintf(oldest->event, sizeof oldest->event, "%s", event);
        return oldest;
}

bool log_limit_pass(const char *event, int64_t now_mono_ms, int64_t *ret_suppressed)
{
        pthread_mutex_lock(&lock);
        struct place *p = find(event, now_mono_ms);
        if (now_mono_ms - p->window_mono_ms >= 1000 || now_mono_ms < p->window_mono_ms) {
                p->window_mono_ms = now_mono_ms;
                p->passed = 0;
        }
        bool is_let_through = p->passed < LOG_LIMIT_PER_SECOND;
        if (is_let_through) {
                p->passed++;
                *ret_suppressed = p->suppressed;
                p->suppressed = 0;
        } else {
                p->suppressed++;
        }
        pthread_mutex_unlock(&lock);
        return is_let_through;
}
