#include "auth/client_rows.h"

#include <stdio.h>
#include <stdlib.h>

#define SLOTS 128
#define BYTES_MAX 32768

struct slot {
        struct client_rows_entry entry; /* kid "" = free */
        struct arena memory;            /* what the principal points to */
};

struct client_rows {
        struct slot slots[SLOTS];
};

enum status client_rows_new(struct client_rows **ret, struct error *e)
{
        struct client_rows *r = calloc(1, sizeof *r);
        if (!r)
                return error_no_memory(e);
        *ret = r;
        return STATUS_OK;
}

void client_rows_free(struct client_rows *r)
{
        if (!r)
                return;
        for (size_t i = 0; i < SLOTS; i++)
                arena_fini(&r->slots[i].memory);
        free(r);
}

/* FNV-1a; the server makes kids by chance. */
static size_t slot_of(const char *kid)
{
        uint32_t h = 2166136261U;
        for (; *kid; kid++)
                h = (h ^ (unsigned char)*kid) * 16777619U;
        return h % SLOTS;
}

const struct client_rows_entry *client_rows_recall(const struct client_rows *r,
                                                   const char *client_id, const char *kid,
                                                   uint64_t generation)
{
        const struct client_rows_entry *e = &r->slots[slot_of(kid)].entry;
        bool is_it = e->kid[0] && e->generation == generation && strcmp(e->kid, kid) == 0 &&
                     strcmp(e->client_id, client_id) == 0;
        return is_it ? e : NULL;
}

void client_rows_keep(struct client_rows *r, uint64_t generation, const struct access_key *key,
                      const struct principal *p)
{
        struct slot *s = &r->slots[slot_of(key->kid)];
        struct client_rows_entry *e = &s->entry;
        arena_fini(&s->memory);
        arena_init(&s->memory, BYTES_MAX);
        *e = (struct client_rows_entry){.generation = generation, .dies_at = key->dies_at};
        if (!client_principal_copy(p, &s->memory, &e->principal))
                return;
        memcpy(e->public_key, key->public_key, sizeof e->public_key);
        memcpy(e->kid, key->kid, sizeof e->kid);
        snprintf(e->client_id, sizeof e->client_id, "%.*s", (int)key->client.id.len,
                 key->client.id.p);
}
