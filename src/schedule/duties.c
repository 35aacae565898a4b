#include "schedule/duties.h"

#include <chatelaine/domain_access_requests.h>
#include <chatelaine/domain_apps.h>
#include <chatelaine/domain_invites.h>
#include <chatelaine/domain_keys.h>
#include <chatelaine/domain_sessions.h>
#include <chatelaine/domain_webhooks.h>

#include <stdio.h>

#define DUE_SLICE 250 /* the writer is held for a few milliseconds */
#define RETENTION_SLICE 500
#define SECOND_MS INT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)

static const struct config *config_of(const struct slice *s)
{
        return s->base.settings->config;
}

static enum status expire(struct ledger_tx *tx, struct slice *s, struct error *e)
{
        return keys_expire_in(tx, DUE_SLICE, &s->n, &s->is_more, e);
}

static enum status warn(struct ledger_tx *tx, struct slice *s, struct error *e)
{
        return keys_warn_in(tx, DUE_SLICE, &s->n, &s->is_more, e);
}

static enum status end_app_graces(struct ledger_tx *tx, struct slice *s, struct error *e)
{
        return apps_end_grace_in(tx, &s->n, e);
}

static enum status flush_refusals(struct ledger_tx *tx, struct slice *s, struct error *e)
{
        (void)s;
        return refusals_flush(tx, e);
}

static void settle_refusals(struct domain *d, enum status s)
{
        refusals_flushed(d, s == STATUS_OK);
}

static enum status checkpoint(struct ledger_tx *tx, struct slice *s, struct error *e)
{
        (void)s;
        return journal_checkpoint(tx->journal, tx->db, tx->now_ms, e);
}

static enum status purge_nonces(struct ledger_tx *tx, struct slice *s, struct error *e)
{
        return replays_purge_in(tx, RETENTION_SLICE, &s->n, &s->is_more, e);
}

static enum status purge_idempotency(struct ledger_tx *tx, struct slice *s, struct error *e)
{
        return idempotency_purge_in(tx, RETENTION_SLICE, &s->n, &s->is_more, e);
}

static enum status purge_sessions(struct ledger_tx *tx, struct slice *s, struct error *e)
{
        return sessions_purge_in(tx, tx->now_ms, RETENTION_SLICE, &s->n, &s->is_more, e);
}

static enum status purge_keys(struct ledger_tx *tx, struct slice *s, struct error *e)
{
        return keys_purge_in(tx, tx->now_ms - config_of(s)->retention.ended_keys_ms,
                             RETENTION_SLICE, &s->n, &s->is_more, e);
}

static enum status purge_invites(struct ledger_tx *tx, struct slice *s, struct error *e)
{
        return invites_purge_in(tx, tx->now_ms, RETENTION_SLICE, &s->n, &s->is_more, e);
}

static enum status purge_requests(struct ledger_tx *tx, struct slice *s, struct error *e)
{
        return access_requests_purge_in(tx, tx->now_ms - config_of(s)->retention.ended_keys_ms,
                                        RETENTION_SLICE, &s->n, &s->is_more, e);
}

static enum status purge_webhooks(struct ledger_tx *tx, struct slice *s, struct error *e)
{
        return webhooks_purge_in(tx, tx->now_ms - config_of(s)->retention.webhooks_ms,
                                 RETENTION_SLICE, &s->n, &s->is_more, e);
}

/* The oldest row that is kept; one past the head when none is. */
static enum status oldest_event(struct ledger_tx *tx, int64_t *ret, struct error *e)
{
        TRY(store_int_of(tx->db, "SELECT min(seq) FROM journal", ret, e, ""));
        if (*ret == 0)
                *ret = journal_head(tx->journal) + 1;
        return STATUS_OK;
}

static enum status purge_events(struct ledger_tx *tx, struct slice *s, struct error *e)
{
        int64_t first, now_first;
        TRY(oldest_event(tx, &first, e));
        TRY(journal_purge(tx->journal, tx->db, tx->now_ms - config_of(s)->retention.events_ms,
                          s->published, RETENTION_SLICE, &s->is_more, e));
        TRY(oldest_event(tx, &now_first, e));
        s->n = now_first - first; /* seq has no gaps */
        return STATUS_OK;
}

const struct duty duties[DUTIES] = {
        [DUTY_EXPIRY] = {"expiry", "key.expire", expire, keys_next_due, 0, NULL},
        [DUTY_WARNING] = {"warning", "key.warn", warn, keys_next_due, 0, NULL},
        [DUTY_APP_GRACE] = {"app-grace", "app.end_grace", end_app_graces, apps_next_due, 0, NULL},
        [DUTY_REFUSALS] = {"refusals", NULL, flush_refusals, NULL, MINUTE_MS, settle_refusals},
        [DUTY_CHECKPOINT] = {"checkpoint", NULL, checkpoint, NULL, 10 * MINUTE_MS, NULL},
        [DUTY_NONCES] = {"nonces", NULL, purge_nonces, NULL, 10 * SECOND_MS, NULL},
        [DUTY_IDEMPOTENCY] = {"idempotency", NULL, purge_idempotency, NULL, 10 * SECOND_MS, NULL},
        [DUTY_SESSIONS] = {"sessions", NULL, purge_sessions, NULL, 10 * SECOND_MS, NULL},
        [DUTY_INVITES] = {"invites", NULL, purge_invites, NULL, 10 * SECOND_MS, NULL},
        [DUTY_REQUESTS] = {"retention", "request.purge", purge_requests, NULL, 10 * SECOND_MS,
                           NULL},
        [DUTY_ENDED_KEYS] = {"retention", "key.purge", purge_keys, NULL, 10 * SECOND_MS, NULL},
        [DUTY_WEBHOOKS] = {"retention", "webhook.purge", purge_webhooks, NULL, 10 * SECOND_MS,
                           NULL},
        [DUTY_EVENTS] = {"retention", "journal.purge", purge_events, NULL, 10 * SECOND_MS, NULL},
};

static enum status slice_run(struct ledger_tx *tx, struct domain_command *base, struct error *e)
{
        struct slice *s = (struct slice *)base;
        TRY(s->duty->run(tx, s, e));
        if (s->n == 0)
                base->audit.action = NULL; /* nothing changed: nothing to tell */
        base->audit.count = s->n;
        return STATUS_OK;
}

enum status duty_run(const struct duty *j, struct domain *d, int64_t published, bool *ret_more,
                     struct error *e)
{
        struct slice *s;
        struct settings *settings = domain_settings(d);
        enum status status = domain_command_new(d, settings, sizeof *s, 0, &s, e);
        settings_unref(settings);
        TRY(status);
        s->base.run = slice_run;
        s->base.caller.kind = CALLER_JOB;
        snprintf(s->base.caller.id, sizeof s->base.caller.id, "%s", j->name);
        s->base.audit.action = j->action;
        s->base.base.rows = DUE_SLICE;
        s->duty = j;
        s->published = published;
        status = domain_run(&s->base, e);
        if (j->settle)
                j->settle(d, status);
        if (status == STATUS_OK)
                *ret_more = s->is_more;
        domain_command_free(&s->base);
        return status;
}
