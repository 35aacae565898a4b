#include "auth/app_keys.h"

#include <stdlib.h>

#define SLOTS 128
#define SECRET_BYTES_MAX 4096
#define TOKEN_BYTES_MAX 1024 /* of one that is recalled */
#define ROW_BYTES_MAX 16384

struct app_token {
        struct buf text;
        struct json *claims;
};

struct opened {
        bool is_open;
        struct buf secret;
        struct hmac *hmac;
        struct pkey *pkey;
        struct app_token token;
};

struct slot {
        int64_t app_id; /* 0 = free */
        int64_t version;
        uint64_t used; /* tick of the last call */
        struct opened key, old;
        struct app_row row; /* in `memory`; slug absent = none is kept */
        uint64_t row_generation;
        struct arena memory;
};

struct app_keys {
        uint64_t tick;
        struct slot slots[SLOTS];
};

const struct json *app_token_recall(const struct app_token *t, struct span token)
{
        return t->text.len && crypto_equal_span(buf_view(&t->text), token) ? t->claims : NULL;
}

const struct json *app_token_keep(struct app_token *t, struct span token, struct json *take_claims)
{
        json_free(t->claims);
        t->claims = take_claims;
        buf_reset(&t->text);
        buf_span(&t->text, token);
        return take_claims;
}

static void opened_close(struct opened *o)
{
        if (!o->is_open)
                return;
        buf_fini_secret(&o->secret);
        hmac_free(o->hmac);
        pkey_free(o->pkey);
        buf_fini_secret(&o->token.text);
        json_free(o->token.claims);
        *o = (struct opened){0};
}

static void slot_clear(struct slot *s)
{
        opened_close(&s->key);
        opened_close(&s->old);
        arena_fini(&s->memory);
        *s = (struct slot){0};
}

enum status app_keys_new(struct app_keys **ret, struct error *e)
{
        struct app_keys *k = calloc(1, sizeof *k);
        if (!k)
                return error_no_memory(e);
        *ret = k;
        return STATUS_OK;
}

void app_keys_free(struct app_keys *k)
{
        if (!k)
                return;
        for (size_t i = 0; i < SLOTS; i++)
                slot_clear(&k->slots[i]);
        free(k);
}

/* The app's slot, empty when it held another app or another version. */
static struct slot *slot_of(struct app_keys *k, const struct app_row *app)
{
        struct slot *found = &k->slots[0];
        for (size_t i = 0; i < SLOTS && found->app_id != app->id; i++) {
                struct slot *s = &k->slots[i];
                if (s->app_id == app->id || s->used < found->used)
                        found = s;
        }
        if (found->app_id != app->id || found->version != app->version) {
                slot_clear(found);
                found->app_id = app->id;
                found->version = app->version;
        }
        found->used = ++k->tick;
        return found;
}

bool app_keys_recall_row(struct app_keys *k, struct span slug, uint64_t generation,
                         struct app_row *ret)
{
        for (size_t i = 0; i < SLOTS; i++) {
                const struct slot *s = &k->slots[i];
                if (s->row.slug.p && s->row_generation == generation &&
                    span_equal(s->row.slug, slug)) {
                        *ret = s->row;
                        return true;
                }
        }
        return false;
}

static void keep_key(struct arena *a, struct app_key *k)
{
        k->sealed = arena_span(a, k->sealed);
        k->public_pem = arena_span(a, k->public_pem);
}

static bool is_lost(struct span copy, struct span of)
{
        return of.p && !copy.p;
}

void app_keys_keep_row(struct app_keys *k, uint64_t generation, const struct app_row *row)
{
        struct slot *s = slot_of(k, row);
        struct app_row copy = *row;

        arena_fini(&s->memory);
        arena_init(&s->memory, ROW_BYTES_MAX);
        copy.slug = arena_span(&s->memory, row->slug);
        copy.name = arena_span(&s->memory, row->name);
        keep_key(&s->memory, &copy.key);
        keep_key(&s->memory, &copy.old);
        s->row = (struct app_row){0};
        if (is_lost(copy.slug, row->slug) || is_lost(copy.name, row->name) ||
            is_lost(copy.key.sealed, row->key.sealed) ||
            is_lost(copy.key.public_pem, row->key.public_pem) ||
            is_lost(copy.old.sealed, row->old.sealed) ||
            is_lost(copy.old.public_pem, row->old.public_pem))
                return;
        s->row = copy;
        s->row_generation = generation;
}

static enum status open_secret(struct opened *o, const struct secrets *secrets,
                               const struct app_row *app, const struct app_key *key,
                               struct error *e)
{
        bool is_256 = app->strategy == APP_STANDARD || key->algorithm == APP_HMAC_SHA256;
        TRY(app_open_secret(secrets, app->slug, key, &o->secret, e));
        TRY(buf_check(&o->secret, e));
        return hmac_new(is_256 ? HMAC_SHA256 : HMAC_SHA512, buf_view(&o->secret), &o->hmac, e);
}

/* A key that does not open is the keeper's fault, not the caller's. */
static enum status open_key(struct opened *o, const struct secrets *secrets,
                            const struct app_row *app, const struct app_key *key, struct error *e)
{
        if (o->is_open)
                return STATUS_OK;
        o->is_open = true;
        buf_init(&o->secret, SECRET_BYTES_MAX);
        buf_init(&o->token.text, TOKEN_BYTES_MAX);
        enum status s = key->algorithm == APP_ED25519 ? pkey_from_pem(key->public_pem, &o->pkey, e)
                                                      : open_secret(o, secrets, app, key, e);
        if (s == STATUS_OK)
                return s;
        opened_close(o);
        return s == STATUS_NO_MEMORY
                       ? s
                       : error_set(e, STATUS_INTERNAL, "app-key-unreadable", NULL,
                                   "The app's key does not open under the secret file.");
}

static struct app_live live_of(struct opened *o, const struct app_key *key)
{
        return (struct app_live){.algorithm = key->algorithm,
                                 .secret = buf_view(&o->secret),
                                 .hmac = o->hmac,
                                 .pkey = o->pkey,
                                 .token = &o->token};
}

enum status app_keys_live(struct app_keys *k, const struct secrets *secrets,
                          const struct app_row *app, int64_t now_ms,
                          struct app_live ret[APP_LIVE_MAX], size_t *ret_n, struct error *e)
{
        struct slot *s = slot_of(k, app);
        bool is_grace = app->has_old && now_ms < app->old_ends_at;

        TRY(open_key(&s->key, secrets, app, &app->key, e));
        if (is_grace)
                TRY(open_key(&s->old, secrets, app, &app->old, e));
        else
                opened_close(&s->old);
        ret[0] = live_of(&s->key, &app->key);
        if (is_grace)
                ret[1] = live_of(&s->old, &app->old);
        *ret_n = is_grace ? 2 : 1;
        return STATUS_OK;
}
