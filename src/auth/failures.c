#include "auth/failures.h"

#include <chatelaine/base_clock.h>
#include <chatelaine/codec_crypto.h>

#include <pthread.h>
#include <stdlib.h>

#define WINDOW_MS 60000
#define NAME_MAX_FAILURES 10
#define ADDRESS_MAX_FAILURES 30
#define SETS 1024
#define WAYS 4

struct slot {
        uint64_t tag; /* of SHA-256(salt, kind, text): nobody can aim at a slot */
        int64_t begun_mono_ms;
        unsigned count; /* 0 = free */
};

struct failures {
        uint8_t salt[16];
        pthread_mutex_t lock; /* guards slots */
        struct slot slots[SETS][WAYS];
};

enum status failures_new(struct failures **ret, struct error *e)
{
        struct failures *f = calloc(1, sizeof *f);

        if (!f)
                return error_no_memory(e);
        random_bytes(f->salt, sizeof f->salt);
        pthread_mutex_init(&f->lock, NULL);
        *ret = f;
        return STATUS_OK;
}

void failures_free(struct failures *f)
{
        if (!f)
                return;
        pthread_mutex_destroy(&f->lock);
        free(f);
}

static uint64_t tag_of(const struct failures *f, char kind, struct span text)
{
        struct sha256 h;
        uint8_t digest[SHA256_SIZE];
        uint64_t tag;

        sha256_init(&h);
        sha256_update(&h, span_make(f->salt, sizeof f->salt));
        sha256_update(&h, span_make(&kind, 1));
        sha256_update(&h, text);
        sha256_final(&h, digest);
        memcpy(&tag, digest, sizeof tag);
        return tag;
}

/* The live slot of a tag; or, for `make`, one that it may take. NULL = none. Lock held. */
static struct slot *slot_of(struct failures *f, uint64_t tag, int64_t now, bool make)
{
        struct slot *set = f->slots[tag % SETS], *oldest = set;

        for (size_t i = 0; i < WAYS; i++) {
                struct slot *s = &set[i];
                if (s->count && now - s->begun_mono_ms >= WINDOW_MS)
                        s->count = 0;
                if (s->count && s->tag == tag)
                        return s;
                if (!s->count || (oldest->count && s->begun_mono_ms < oldest->begun_mono_ms))
                        oldest = s;
        }
        if (!make)
                return NULL;
        *oldest = (struct slot){.tag = tag, .begun_mono_ms = now};
        return oldest;
}

/* How long until the count of this tag is under its bound; 0 = it is. */
static int64_t wait_ms(struct failures *f, uint64_t tag, unsigned bound, int64_t now)
{
        const struct slot *s = slot_of(f, tag, now, false);

        return s && s->count >= bound ? s->begun_mono_ms + WINDOW_MS - now : 0;
}

enum status failures_allow(struct failures *f, struct span name, const char *ip, struct error *e)
{
        uint64_t of_name = tag_of(f, 'n', name), of_address = tag_of(f, 'a', span_of(ip));
        int64_t now = clock_mono_ms(), wait, wait_address;

        pthread_mutex_lock(&f->lock);
        wait = wait_ms(f, of_name, NAME_MAX_FAILURES, now);
        wait_address = wait_ms(f, of_address, ADDRESS_MAX_FAILURES, now);
        pthread_mutex_unlock(&f->lock);
        if (wait_address > wait)
                wait = wait_address;
        if (!wait)
                return STATUS_OK;
        error_set(e, STATUS_LIMIT, "too-many-failures", "Authorization",
                  "too many wrong passwords for this user or from this address: wait");
        if (e)
                e->retry_after_ms = (uint32_t)wait;
        return STATUS_LIMIT;
}

void failures_count(struct failures *f, struct span name, const char *ip)
{
        uint64_t tags[] = {tag_of(f, 'n', name), tag_of(f, 'a', span_of(ip))};
        int64_t now = clock_mono_ms();

        pthread_mutex_lock(&f->lock);
        for (size_t i = 0; i < 2; i++)
                slot_of(f, tags[i], now, true)->count++;
        pthread_mutex_unlock(&f->lock);
}

void failures_forgive(struct failures *f, struct span name, const char *ip)
{
        uint64_t tags[] = {tag_of(f, 'n', name), tag_of(f, 'a', span_of(ip))};
        int64_t now = clock_mono_ms();

        pthread_mutex_lock(&f->lock);
        for (size_t i = 0; i < 2; i++) {
                struct slot *s = slot_of(f, tags[i], now, false);
                if (s)
                        s->count = 0;
        }
        pthread_mutex_unlock(&f->lock);
}
