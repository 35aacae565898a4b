/* Rules run again for a row that is there: POST /v1/webhooks/{log_id}/replay. */
#include "domain/names.h"
#include "domain/webhooks.h"

#define ARENA_BYTES_MAX ((size_t)8 << 20)

struct logged { /* in the command's arena */
        int64_t app_id, user_number, version, attempts;
        struct span app, external_id, type, data;
};

static enum status copy(struct arena *a, struct span from, struct span *ret, struct error *e)
{
        *ret = arena_span(a, from);
        return !from.p || ret->p ? STATUS_OK : error_no_memory(e);
}

static enum status copy_row(struct store_stmt *st, struct arena *a, struct logged *ret,
                            struct error *e)
{
        ret->app_id = store_int(st, 0);
        ret->user_number = store_int(st, 1);
        ret->version = store_int(st, 2);
        ret->attempts = store_int(st, 3);
        TRY(copy(a, store_text(st, 4), &ret->app, e));
        TRY(copy(a, store_text(st, 5), &ret->external_id, e));
        TRY(copy(a, store_text(st, 6), &ret->type, e));
        return copy(a, store_text(st, 7), &ret->data, e);
}

static enum status find_logged(struct ledger_tx *tx, int64_t log_id, struct arena *a,
                               struct logged *ret, struct error *e)
{
        struct store_stmt *st;
        TRY(store_query(tx->db,
                        "SELECT w.app_id, w.user_id, w.version, w.attempts, p.slug, w.external_id,"
                        " w.type, w.data FROM first_party_webhook_log w"
                        " JOIN apps p ON p.id = w.app_id WHERE w.id = $1",
                        &st, e, "i", log_id));
        bool is_found = store_next(st);
        enum status s = is_found ? copy_row(st, a, ret, e) : STATUS_OK;
        enum status done = store_done(st, s == STATUS_OK ? e : NULL);
        TRY(s);
        TRY(done);
        if (!is_found)
                return error_set(e, STATUS_NOT_FOUND, "webhook-not-found", NULL,
                                 "There is no webhook with this id.");
        return STATUS_OK;
}

/* What the app may do now. One that is gone, or whose user has taken back the agreement, has no
 * scope. */
static enum status load_scopes(struct ledger_tx *tx, const struct logged *row, struct arena *a,
                               struct app_scopes *ret, struct error *e)
{
        struct app_row app;
        struct error why;
        enum app_scope_mode mode;
        enum status s = app_find(tx->db, row->app, a, &app, &why);
        if (s == STATUS_OK && app.id == row->app_id) {
                mode = app.strategy == APP_JWT ? APP_SCOPE_LINK : APP_SCOPE_SIGNATURE;
                s = app_scopes_of(tx->db, &app, mode, row->user_number != 0, row->user_number, a,
                                  ret, &why);
        } else if (s == STATUS_OK) {
                s = STATUS_NOT_FOUND;
        }
        if (s == STATUS_NOT_FOUND || s == STATUS_DENIED) {
                *ret = (struct app_scopes){0};
                return STATUS_OK;
        }
        if (s != STATUS_OK && e)
                *e = why;
        return s;
}

static enum status run_rules(struct ledger_tx *tx, struct domain_command *c,
                             const struct logged *row, const char **ret_text, struct error *e)
{
        struct app_scopes scopes = {0};
        TRY(load_scopes(tx, row, &c->arena, &scopes, e));
        struct webhook_rights rights = {
                .rules = c->settings->rules,
                .scopes = &scopes,
                .caller = &c->caller,
                .traceparent = c->audit.traceparent,
        };
        struct rule_item item = {
                .data = row->data,
                .external_id = row->external_id,
                .type = row->type,
                .app = row->app,
                .user_number = row->user_number,
        };
        return webhook_rules_run(tx, &rights, &item, &c->arena, ret_text, e);
}

static enum status append_event(struct ledger_tx *tx, const struct domain_command *c,
                                const struct logged *row, const struct webhook_event_row *event,
                                struct error *e)
{
        CLEANUP(buf_fini) struct buf text;
        CLEANUP(buf_fini) struct buf scratch;
        size_t key_len;
        buf_init(&text, ARENA_BYTES_MAX);
        buf_init(&scratch, ARENA_BYTES_MAX);
        webhook_event_prepare(row->app, row->user_number, row->external_id, row->type, row->data,
                              &text, &key_len);
        TRY(buf_check(&text, e));
        struct webhook_event_text parts = {
                .key = span_make(text.data, key_len),
                .members = span_make(text.data + key_len, text.len - key_len),
        };
        return webhook_event_append(tx,
                                    event->status == WEBHOOK_DONE ? "chatelaine.webhook.done.v1"
                                                                  : "chatelaine.webhook.failed.v1",
                                    &parts, event, c->settings->config->kafka.webhook_data,
                                    c->audit.traceparent, &scratch, e);
}

static enum status replay_run(struct ledger_tx *tx, struct domain_command *base, struct error *e)
{
        struct webhook_replay *c = (struct webhook_replay *)base;
        struct logged row = {0};
        const char *text = NULL;
        TRY(find_logged(tx, c->log_id, &base->arena, &row, e));
        TRY(run_rules(tx, base, &row, &text, e));
        struct webhook_event_row event = {
                .log_id = c->log_id,
                .version = row.version,
                .attempts = row.attempts + 1,
                .status = text ? WEBHOOK_ERROR : WEBHOOK_DONE,
                .status_text = text,
                .data = row.data,
        };
        TRY(store_exec(tx->db,
                       "UPDATE first_party_webhook_log SET status = $2, processed = $3,"
                       " attempts = $4, status_text = $5, updated_at = $6 WHERE id = $1",
                       NULL, e, "iiiisi", c->log_id, (int64_t)event.status,
                       (int64_t)(event.status == WEBHOOK_DONE), event.attempts, text, tx->now_ms));
        return append_event(tx, base, &row, &event, e);
}

static enum status replay_prepare(struct domain_command *base, struct error *e)
{
        char id[24];
        (void)e;
        int n = snprintf(id, sizeof id, "%lld", (long long)((struct webhook_replay *)base)->log_id);
        domain_target(base, "webhook", span_make(id, (size_t)n));
        return STATUS_OK;
}

enum status webhook_replay_new(struct domain *d, struct settings *s, struct webhook_replay **ret,
                               struct error *e)
{
        struct webhook_replay *c;
        TRY(domain_command_new(d, s, sizeof *c,
                               ARENA_BYTES_MAX + (size_t)s->config->limits.body_bytes, &c, e));
        c->base.audit.action = "webhook.replay";
        c->base.prepare = replay_prepare;
        c->base.run = replay_run;
        *ret = c;
        return STATUS_OK;
}
