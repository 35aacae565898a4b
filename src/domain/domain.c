#include "domain/domain.h"
#include "domain/keys.h"
#include "domain/webhooks.h"

#include <stdlib.h>

enum status domain_new(const struct domain_options *o, struct domain **ret, struct error *e)
{
        struct domain *d = calloc(1, sizeof *d);
        if (!d || refusals_new(&d->refusals, NULL) != STATUS_OK) {
                free(d);
                settings_unref(o->take_settings);
                return error_no_memory(e);
        }
        pthread_mutex_init(&d->lock, NULL);
        pthread_mutex_init(&d->due_lock, NULL);
        pthread_mutex_init(&d->trust_lock, NULL);
        keys_metrics();
        webhooks_metrics();
        d->store = o->store;
        d->secrets = o->secrets;
        d->settings = o->take_settings;
        *ret = d;
        return STATUS_OK;
}

void domain_free(struct domain *d)
{
        if (!d)
                return;
        settings_unref(d->settings);
        refusals_free(d->refusals);
        trust_table_unref(d->trust);
        pthread_mutex_destroy(&d->trust_lock);
        pthread_mutex_destroy(&d->due_lock);
        pthread_mutex_destroy(&d->lock);
        free(d);
}

void domain_set_ledger(struct domain *d, struct ledger *l)
{
        d->ledger = l;
}

void domain_set_disk_low(struct domain *d, bool is_low)
{
        atomic_store_explicit(&d->is_disk_low, is_low, memory_order_relaxed);
}

bool domain_is_disk_low(const struct domain *d)
{
        return atomic_load_explicit(&d->is_disk_low, memory_order_relaxed);
}

struct ledger *domain_ledger(struct domain *d)
{
        return d->ledger;
}

struct store *domain_store(struct domain *d)
{
        return d->store;
}

const struct secrets *domain_secrets(const struct domain *d)
{
        return d->secrets;
}

enum status domain_reload_secrets(struct domain *d, const char *path, struct error *e)
{
        pthread_mutex_lock(&d->lock);
        enum status s = secrets_reload(d->secrets, path, e);
        pthread_mutex_unlock(&d->lock);
        return s;
}

struct settings *domain_settings(struct domain *d)
{
        pthread_mutex_lock(&d->lock);
        struct settings *s = settings_ref(d->settings);
        pthread_mutex_unlock(&d->lock);
        return s;
}

void domain_set_settings(struct domain *d, struct settings *take_s)
{
        pthread_mutex_lock(&d->lock);
        struct settings *old = d->settings;
        d->settings = take_s;
        pthread_mutex_unlock(&d->lock);
        settings_unref(old);
}

void domain_on_due(struct domain *d, void (*fn)(void *ctx, int64_t due_ms), void *ctx)
{
        pthread_mutex_lock(&d->due_lock);
        d->on_due = fn;
        d->on_due_ctx = ctx;
        pthread_mutex_unlock(&d->due_lock);
}

void domain_due(struct domain *d, int64_t due_ms)
{
        pthread_mutex_lock(&d->due_lock);
        if (d->on_due)
                d->on_due(d->on_due_ctx, due_ms);
        pthread_mutex_unlock(&d->due_lock);
}

uint64_t domain_generation(const struct domain *d)
{
        return atomic_load(&d->generation);
}

void domain_committed(const void *env)
{
        struct domain *d = (struct domain *)(uintptr_t)env;

        if (d->has_new_generation) {
                d->has_new_generation = false;
                atomic_fetch_add(&d->generation, 1);
        }
}
