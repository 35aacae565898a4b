/* The keys of other issuers, as they were last fetched: immutable, swapped whole. */
#include "domain/trust.h"

#include <stdlib.h>

/* As many as a set may have, and as many again in their overlap. */
#define KEYS_MAX 128

struct trust_key {
        struct jwt_key key; /* kid and pkey are owned */
        int64_t ends_at;    /* INT64_MAX: the issuer lists it */
};

struct trust_keys {
        struct trust_source source; /* owned */
        struct trust_key keys[KEYS_MAX];
        size_t n;
        int64_t fetched_at;
        int refs;              /* atomic */
        atomic_bool is_wanted; /* set once: a kid was asked for that is not here */
};

struct trust_table {
        struct trust_keys **list; /* counted */
        size_t n;
        int refs; /* atomic */
};

/* ---- sources ---- */

bool trust_source_equal(const struct trust_source *a, const struct trust_source *b)
{
        return strcmp(a->issuer, b->issuer) == 0 && strcmp(a->jwks, b->jwks) == 0 &&
               strcmp(a->ca_file, b->ca_file) == 0;
}

static enum status copy_source(const struct trust_source *from, struct trust_source *to,
                               struct error *e)
{
        to->issuer = strdup(from->issuer);
        to->jwks = strdup(from->jwks);
        to->ca_file = strdup(from->ca_file);
        return to->issuer && to->jwks && to->ca_file ? STATUS_OK : error_no_memory(e);
}

/* ---- keys ---- */

static void keys_free(struct trust_keys *k)
{
        for (size_t i = 0; i < k->n; i++) {
                pkey_free((struct pkey *)k->keys[i].key.pkey);
                free((char *)k->keys[i].key.kid);
        }
        free((char *)k->source.issuer);
        free((char *)k->source.jwks);
        free((char *)k->source.ca_file);
        free(k);
}

static bool is_same_kid(const char *a, const char *b)
{
        return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool has_key(const struct trust_keys *k, const struct jwt_key *key)
{
        for (size_t i = 0; i < k->n; i++)
                if (is_same_kid(k->keys[i].key.kid, key->kid) &&
                    pkey_equal(k->keys[i].key.pkey, key->pkey))
                        return true;
        return false;
}

static enum status add_key(struct trust_keys *k, const struct jwt_key *key, int64_t ends_at,
                           struct error *e)
{
        char *kid = key->kid ? strdup(key->kid) : NULL;
        if (key->kid && !kid)
                return error_no_memory(e);
        k->keys[k->n++] = (struct trust_key){
                .key = {.algorithm = key->algorithm, .pkey = pkey_ref(key->pkey), .kid = kid},
                .ends_at = ends_at,
        };
        return STATUS_OK;
}

static enum status add_listed(struct trust_keys *k, const struct jwks *set, struct error *e)
{
        size_t n;
        const struct jwt_key *list = jwks_keys(set, &n);
        for (size_t i = 0; i < n && k->n < KEYS_MAX; i++)
                TRY(add_key(k, &list[i], INT64_MAX, e));
        return STATUS_OK;
}

/* Those of before that are not listed any more; the overlap begins when they are first missed. */
static enum status add_retired(struct trust_keys *k, const struct trust_keys *before,
                               int64_t now_ms, struct error *e)
{
        for (size_t i = 0; before && i < before->n && k->n < KEYS_MAX; i++) {
                const struct trust_key *old = &before->keys[i];
                int64_t ends_at = now_ms + TRUST_OVERLAP_MS;
                if (old->ends_at < ends_at)
                        ends_at = old->ends_at;
                if (now_ms < ends_at && !has_key(k, &old->key))
                        TRY(add_key(k, &old->key, ends_at, e));
        }
        return STATUS_OK;
}

enum status trust_keys_new(const struct trust_source *s, const struct jwks *set,
                           const struct trust_keys *before, int64_t now_ms, struct trust_keys **ret,
                           struct error *e)
{
        struct trust_keys *k = calloc(1, sizeof *k);
        if (!k)
                return error_no_memory(e);
        k->refs = 1;
        k->fetched_at = now_ms;
        enum status status = copy_source(s, &k->source, e);
        if (status == STATUS_OK)
                status = add_listed(k, set, e);
        if (status == STATUS_OK)
                status = add_retired(k, before, now_ms, e);
        if (status != STATUS_OK) {
                keys_free(k);
                return status;
        }
        *ret = k;
        return STATUS_OK;
}

static struct trust_keys *keys_ref(struct trust_keys *k)
{
        __atomic_add_fetch(&k->refs, 1, __ATOMIC_RELAXED);
        return k;
}

void trust_keys_unref(struct trust_keys *k)
{
        if (k && __atomic_sub_fetch(&k->refs, 1, __ATOMIC_ACQ_REL) == 0)
                keys_free(k);
}

static bool is_usable(const struct trust_keys *k, size_t i, int64_t now_ms)
{
        return now_ms < k->fetched_at + TRUST_KEEP_MS && now_ms < k->keys[i].ends_at;
}

size_t trust_keys_usable(const struct trust_keys *k, int64_t now_ms)
{
        size_t n = 0;
        for (size_t i = 0; i < k->n; i++)
                n += is_usable(k, i, now_ms);
        return n;
}

bool trust_keys_wanted(const struct trust_keys *k)
{
        return atomic_load(&k->is_wanted);
}

size_t trust_keys_fit(const struct trust_keys *k, const struct json *header, int64_t now_ms,
                      struct jwt_key ret[TRUST_TRIES_MAX], bool *ret_is_known)
{
        struct span kid = json_get_text(header, "kid"), alg = json_get_text(header, "alg");
        size_t n = 0;
        *ret_is_known = false;
        for (size_t i = 0; i < k->n && n < TRUST_TRIES_MAX; i++) {
                const struct jwt_key *key = &k->keys[i].key;
                bool is_named = kid.p && key->kid && span_is(kid, key->kid);
                if (!is_usable(k, i, now_ms) || (kid.p && key->kid && !is_named))
                        continue;
                *ret_is_known |= is_named;
                if (span_is(alg, jwt_algorithm_name(key->algorithm)))
                        ret[n++] = *key;
        }
        return n;
}

/* ---- the table ---- */

void trust_table_unref(struct trust_table *t)
{
        if (!t || __atomic_sub_fetch(&t->refs, 1, __ATOMIC_ACQ_REL) > 0)
                return;
        for (size_t i = 0; i < t->n; i++)
                trust_keys_unref(t->list[i]);
        free(t->list);
        free(t);
}

enum status trust_set_keys(struct domain *d, struct trust_keys *const *list, size_t n,
                           struct error *e)
{
        struct trust_table *t = calloc(1, sizeof *t), *old;
        if (t)
                t->list = calloc(n + 1, sizeof(struct trust_keys *));
        if (!t || !t->list) {
                free(t);
                return error_no_memory(e);
        }
        t->refs = 1;
        for (; t->n < n; t->n++)
                t->list[t->n] = keys_ref(list[t->n]);
        pthread_mutex_lock(&d->trust_lock);
        old = d->trust;
        d->trust = t;
        pthread_mutex_unlock(&d->trust_lock);
        trust_table_unref(old);
        return STATUS_OK;
}

struct trust_keys *trust_keys_of(struct domain *d, const struct trust_source *s)
{
        struct trust_keys *found = NULL;
        pthread_mutex_lock(&d->trust_lock);
        for (size_t i = 0; d->trust && i < d->trust->n && !found; i++)
                if (trust_source_equal(&d->trust->list[i]->source, s))
                        found = keys_ref(d->trust->list[i]);
        pthread_mutex_unlock(&d->trust_lock);
        return found;
}

/* ---- wanted ---- */

void trust_on_wanted(struct domain *d, void (*fn)(void *ctx), void *ctx)
{
        pthread_mutex_lock(&d->trust_lock);
        d->on_wanted = fn;
        d->on_wanted_ctx = ctx;
        pthread_mutex_unlock(&d->trust_lock);
}

/* A storm of unknown kids wakes outbound once; when it looks is its own to say. */
void trust_keys_want(struct domain *d, struct trust_keys *k)
{
        if (atomic_exchange(&k->is_wanted, true))
                return;
        pthread_mutex_lock(&d->trust_lock);
        if (d->on_wanted)
                d->on_wanted(d->on_wanted_ctx);
        pthread_mutex_unlock(&d->trust_lock);
}
