/*
 * strays: revocations at upstreams that the configuration does not name (any more). There is nobody
 * to ask: they are stuck and say why, until it names them again.
 */
#include "outbound/loop.h"

#include <chatelaine/base_log.h>

#include <stdio.h>

#define AT_ONCE 64
#define AGAIN_MS 1000

struct strays {
        struct outbound *o;
        bool has_failed; /* the ledger took something not */
};

static const struct upstream *find(const struct outbound *o, const char *name)
{
        for (size_t i = 0; i < o->plan->n_upstreams; i++)
                if (strcmp(o->plan->upstreams[i].name, name) == 0)
                        return &o->plan->upstreams[i];
        return NULL;
}

static void on_done(struct domain_command *c)
{
        struct outbound *o = c->context;
        if (c->base.status != STATUS_OK)
                o->is_plan_new = true;
        domain_command_free(c);
        o->n_commands--;
        o->n_strays--;
        loop_tick_in(o, o->is_plan_new ? AGAIN_MS : 0);
        loop_check_end(o);
}

/* Takes `c` over. */
static void submit(struct strays *s, struct domain_command *c)
{
        struct error e;
        c->context = s->o;
        c->reply = on_done;
        if (domain_submit(c, s->o->mailbox, &e) != STATUS_OK) {
                log_error(LOG_LEVEL_WARN, "upstream.unsettled", &e);
                domain_command_free(c);
                s->has_failed = true;
                return;
        }
        s->o->n_commands++;
        s->o->n_strays++;
}

static bool strand(void *ctx, const struct upstream_due *due)
{
        struct strays *s = ctx;
        struct upstream_settle *c;
        if (revocation_is_under_way(s->o, due->key_id))
                return true; /* asked while it was configured: that answer comes */
        if (upstream_settle_new(s->o->domain, &c, NULL) != STATUS_OK)
                return false;
        snprintf(c->key_id, sizeof c->key_id, "%.*s", (int)due->key_id.len, due->key_id.p);
        snprintf(c->reason, sizeof c->reason, "%s", UPSTREAM_REASON_UNCONFIGURED);
        c->to = UPSTREAM_STUCK;
        submit(s, &c->base);
        return !s->has_failed;
}

static void resume(struct strays *s, const char *upstream)
{
        struct upstream_resume *c;
        if (upstream_resume_new(s->o->domain, &c, NULL) != STATUS_OK) {
                s->has_failed = true;
                return;
        }
        snprintf(c->upstream, sizeof c->upstream, "%s", upstream);
        submit(s, &c->base);
}

static void look_at(void *ctx, const char *upstream, enum upstream_state state, int64_t n)
{
        struct strays *s = ctx;
        bool is_known = find(s->o, upstream);
        int64_t next;
        if (n <= 0)
                return;
        if (is_known && state == UPSTREAM_STUCK && s->o->is_plan_new)
                resume(s, upstream);
        else if (!is_known && state == UPSTREAM_PENDING &&
                 upstream_due(s->o->view, upstream, INT64_MAX, AT_ONCE, strand, s, &next, NULL) !=
                         STATUS_OK)
                s->has_failed = true;
}

void strays_look(struct outbound *o, int64_t *next_ms)
{
        struct strays s = {.o = o};
        struct error e;
        if (o->is_stopping || o->n_strays > 0)
                return; /* whoever is back looks again */
        if (upstream_counts(o->view, look_at, &s, &e) != STATUS_OK) {
                log_error(LOG_LEVEL_WARN, "upstream.unreadable", &e);
                s.has_failed = true;
        }
        o->is_plan_new = o->is_plan_new && s.has_failed;
        if (s.has_failed && *next_ms > AGAIN_MS)
                *next_ms = AGAIN_MS;
}
