#include "auth/remembered.h"

#include <chatelaine/base_clock.h>
#include <chatelaine/codec_crypto.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define LIFE_MS 60000
#define SLOTS 256

struct slot {
        char user_id[64]; /* "" = free */
        uint8_t mac[32];
        int64_t ends_mono_ms;
};

struct remembered {
        uint8_t key[32];      /* of this process */
        pthread_mutex_t lock; /* guards slots */
        struct slot slots[SLOTS];
};

enum status remembered_new(struct remembered **ret, struct error *e)
{
        struct remembered *r = calloc(1, sizeof *r);

        if (!r)
                return error_no_memory(e);
        random_bytes(r->key, sizeof r->key);
        pthread_mutex_init(&r->lock, NULL);
        *ret = r;
        return STATUS_OK;
}

void remembered_free(struct remembered *r)
{
        if (!r)
                return;
        pthread_mutex_destroy(&r->lock);
        wipe(r, sizeof *r);
        free(r);
}

/* HMAC of stored text and password; the stored text has no NUL. */
static bool mac_of(const struct remembered *r, struct span stored, struct span password,
                   uint8_t out[HMAC_SIZE_MAX])
{
        struct hmac *h;

        if (hmac_new(HMAC_SHA256, span_make(r->key, sizeof r->key), &h, NULL) != STATUS_OK)
                return false;
        hmac_begin(h);
        hmac_update(h, stored);
        hmac_update(h, span_make("", 1));
        hmac_update(h, password);
        hmac_final(h, out);
        hmac_free(h);
        return true;
}

/* The user's slot, or one to take: free, over, or the next to end. Lock held. */
static struct slot *slot_of(struct remembered *r, struct span user_id)
{
        struct slot *next = &r->slots[0];

        for (size_t i = 0; i < SLOTS; i++) {
                struct slot *s = &r->slots[i];
                if (span_is(user_id, s->user_id))
                        return s;
                if (s->ends_mono_ms < next->ends_mono_ms)
                        next = s;
        }
        return next;
}

bool remembered_has(struct remembered *r, struct span user_id, struct span stored,
                    struct span password)
{
        uint8_t mac[HMAC_SIZE_MAX];
        const struct slot *s;
        bool has;

        if (!mac_of(r, stored, password, mac))
                return false;
        pthread_mutex_lock(&r->lock);
        s = slot_of(r, user_id);
        has = span_is(user_id, s->user_id) && clock_mono_ms() < s->ends_mono_ms &&
              crypto_equal(s->mac, mac, sizeof s->mac);
        pthread_mutex_unlock(&r->lock);
        wipe(mac, sizeof mac);
        return has;
}

void remembered_add(struct remembered *r, struct span user_id, struct span stored,
                    struct span password)
{
        uint8_t mac[HMAC_SIZE_MAX];
        struct slot *s;

        if (user_id.len >= sizeof s->user_id || !mac_of(r, stored, password, mac))
                return;
        pthread_mutex_lock(&r->lock);
        s = slot_of(r, user_id);
        snprintf(s->user_id, sizeof s->user_id, "%.*s", (int)user_id.len, user_id.p);
        memcpy(s->mac, mac, sizeof s->mac);
        s->ends_mono_ms = clock_mono_ms() + LIFE_MS;
        pthread_mutex_unlock(&r->lock);
        wipe(mac, sizeof mac);
}

void remembered_forget(struct remembered *r, struct span user_id)
{
        pthread_mutex_lock(&r->lock);
        for (size_t i = 0; i < SLOTS; i++)
                if (span_is(user_id, r->slots[i].user_id))
                        wipe(&r->slots[i], sizeof r->slots[i]);
        pthread_mutex_unlock(&r->lock);
}
