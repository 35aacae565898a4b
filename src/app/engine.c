#include "app/engine.h"

#include <stdio.h>

#define GATHER_US 500
#define GROUP_ROWS_MAX 4096

/* The database with this program's schema; an error names the database. */
static enum status open_store(const struct config *c, struct engine *g, struct error *e)
{
        enum status s = store_open(c->store, true, &g->store, e);

        if (s == STATUS_OK)
                s = store_migrate(g->store, e);
        if (s != STATUS_OK && !e->where[0])
                snprintf(e->where, sizeof e->where, "%s", c->store);
        return s;
}

static enum status start(const struct engine_options *o, struct engine *g, struct error *e)
{
        const struct config *c = g->settings->config;
        struct domain_options domain = {0};
        struct ledger_options ledger = {0};

        TRY(secrets_load(c->secret_file, &g->secrets, e));
        TRY(open_store(c, g, e));
        domain = (struct domain_options){.store = g->store,
                                         .secrets = g->secrets,
                                         .take_settings = settings_ref(g->settings)};
        TRY(domain_new(&domain, &g->domain, e));
        ledger = (struct ledger_options){
                .store = g->store,
                .secrets = g->secrets,
                .event_bytes_max = o->event_bytes_max,
                .queue_max = (unsigned)c->limits.queue,
                .group_rows_max = GROUP_ROWS_MAX,
                .gather_us = GATHER_US,
                .env = g->domain,
                .committed = domain_committed,
                .durable = o->durable,
                .durable_ctx = o->durable_ctx,
        };
        TRY(ledger_start(&ledger, &g->ledger, e));
        domain_set_ledger(g->domain, g->ledger);
        return STATUS_OK;
}

enum status engine_open(const struct engine_options *o, struct engine *ret, struct error *e)
{
        struct engine g = {0};
        enum status s = settings_new(o->take_config, &g.settings, e);

        if (s == STATUS_OK)
                s = start(o, &g, e);
        if (s != STATUS_OK) {
                engine_close(&g);
                return s;
        }
        *ret = g;
        return STATUS_OK;
}

void engine_stop_ledger(struct engine *g)
{
        if (g->ledger)
                ledger_stop(g->ledger);
}

void engine_close(struct engine *g)
{
        engine_stop_ledger(g);
        ledger_free(g->ledger);
        domain_free(g->domain);
        settings_unref(g->settings);
        secrets_free(g->secrets);
        store_close(g->store);
        *g = (struct engine){0};
}
