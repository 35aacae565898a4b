#include "auth/verified.h"

#include <chatelaine/codec_crypto.h>

#include <stdlib.h>

#define SLOTS 1024

struct slot {
        uint8_t mac[32];
        struct settings *settings; /* counted, so that no other gets its address; NULL = free */
        struct verified_entry entry;
};

struct verified {
        struct hmac *hmac;
        struct slot slots[SLOTS];
};

enum status verified_new(struct verified **ret, struct error *e)
{
        uint8_t key[32];
        struct verified *v = calloc(1, sizeof *v);

        if (!v)
                return error_no_memory(e);
        random_bytes(key, sizeof key);
        enum status s = hmac_new(HMAC_SHA256, span_make(key, sizeof key), &v->hmac, e);
        wipe(key, sizeof key);
        if (s != STATUS_OK) {
                free(v);
                return s;
        }
        *ret = v;
        return STATUS_OK;
}

void verified_free(struct verified *v)
{
        if (!v)
                return;
        for (size_t i = 0; i < SLOTS; i++)
                settings_unref(v->slots[i].settings);
        hmac_free(v->hmac);
        free(v);
}

static struct slot *slot_of(struct verified *v, struct span text, uint8_t mac[HMAC_SIZE_MAX])
{
        hmac_begin(v->hmac);
        hmac_update(v->hmac, text);
        hmac_final(v->hmac, mac);
        return &v->slots[(mac[0] | mac[1] << 8) % SLOTS];
}

const struct verified_entry *verified_find(struct verified *v, struct span text,
                                           const struct settings *now)
{
        uint8_t mac[HMAC_SIZE_MAX];
        const struct slot *s = slot_of(v, text, mac);

        return s->settings == now && crypto_equal(s->mac, mac, sizeof s->mac) ? &s->entry : NULL;
}

void verified_add(struct verified *v, struct span text, struct settings *now,
                  const struct verified_entry *entry)
{
        uint8_t mac[HMAC_SIZE_MAX];
        struct slot *s = slot_of(v, text, mac);

        settings_unref(s->settings);
        s->settings = settings_ref(now);
        memcpy(s->mac, mac, sizeof s->mac);
        s->entry = *entry;
}
