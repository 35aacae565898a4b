/*
 * The hot path. Items that no rule looks at are inserted as one set, done before they begin:
 *
 *     set insert ──went in──▶ created, its event
 *          └──key is taken──▶ webhook_settle: unchanged, or updated and its event
 *
 * Ids are given here, from the highest on: the database need not return them (store_set_new).
 */
#include "domain/apps.h"
#include "domain/domain.h"
#include "domain/webhooks.h"

static const char insert_set[] =
        "INSERT INTO first_party_webhook_log (id, app_id, external_id, user_id, type, status,"
        " processed, attempts, status_text, version, received_at, updated_at, data)"
        " VALUES ($1, $2, $3, $4, $5, 1, 1, 1, NULL, 1, $6, $6, $7)"
        " ON CONFLICT (app_id, external_id, user_id, type) DO NOTHING";

/* *ret_is_repeat: a webhook-id that was stored already; the sender is told that all is well. */
static enum status use_nonce(struct ledger_tx *tx, const struct webhook_batch *b,
                             bool *ret_is_repeat, struct error *e)
{
        bool is_fresh = true;
        *ret_is_repeat = false;
        if (b->n_items && b->n_bad == b->n_items)
                return STATUS_OK; /* nothing is stored */
        if (b->has_replay_digest) {
                TRY(replay_use_in(tx, b->app_id, b->replay_digest, b->replay_ends_at, &is_fresh,
                                  e));
                if (!is_fresh)
                        return error_set_http(e, STATUS_CONFLICT, 401, "replayed-request", NULL,
                                              "This request was stored already.");
        }
        if (b->webhook_id.p)
                TRY(webhook_id_use_in(tx, b->app_id, b->webhook_id, b->webhook_id_ends_at,
                                      &is_fresh, e));
        *ret_is_repeat = !is_fresh;
        return STATUS_OK;
}

/* Asked of the database once: only this thread gives ids, and what is rolled back leaves a gap. */
static enum status find_next_id(struct ledger_tx *tx, int64_t *ret, struct error *e)
{
        if (*ret)
                return STATUS_OK;
        enum status s = store_int_of(
                tx->db, "SELECT id FROM first_party_webhook_log ORDER BY id DESC LIMIT 1", ret, e,
                "");
        if (s == STATUS_NOT_FOUND) {
                *ret = 1;
                return STATUS_OK;
        }
        *ret += s == STATUS_OK;
        return s;
}

static enum status insert_columns(struct ledger_tx *tx, struct webhook_columns *c, int64_t *next_id,
                                  struct error *e)
{
        const struct store_column cols[] = {
                {.ints = c->ids},    {.ints = c->apps},   {.texts = c->external_ids},
                {.ints = c->users},  {.texts = c->types}, {.ints = c->times},
                {.texts = c->datas},
        };
        for (size_t k = 0; k < c->n; k++) {
                c->ids[k] = (*next_id)++;
                c->times[k] = tx->now_ms;
        }
        return store_set_new(tx->db, insert_set, cols, sizeof cols / sizeof cols[0], c->n,
                             c->is_new, e);
}

static enum status created(struct ledger_tx *tx, struct webhook_ingest *w,
                           struct webhook_item *item, int64_t log_id, struct error *e)
{
        const struct domain_command *c = &w->b.base;
        struct webhook_event_text text = webhook_item_text(w, item);
        struct webhook_event_row row = {
                .log_id = log_id,
                .version = 1,
                .attempts = 1,
                .status = WEBHOOK_DONE,
                .data = item->data,
        };
        item->outcome = WEBHOOK_CREATED;
        item->status = WEBHOOK_DONE;
        item->log_id = log_id;
        item->version = item->attempts = 1;
        return webhook_event_append(tx, "chatelaine.webhook.received.v1", &text, &row,
                                    c->settings->config->kafka.webhook_data, c->audit.traceparent,
                                    &w->event, e);
}

/* In the order of the batch, so that its events are in order. */
static enum status finish_items(struct ledger_tx *tx, struct webhook_ingest *w, int64_t *next_id,
                                struct error *e)
{
        struct webhook_columns *c = &w->columns;
        for (size_t i = 0, k = 0; i < w->b.n_items; i++) {
                struct webhook_item *item = &w->b.items[i];
                bool is_column = k < c->n && c->index[k] == i;
                if (item->slug || item->duplicate_of >= 0)
                        continue;
                if (is_column && c->is_new[k])
                        TRY(created(tx, w, item, c->ids[k], e));
                else
                        TRY(webhook_settle(tx, w, item, next_id, e));
                k += is_column;
        }
        return STATUS_OK;
}

/* Losers of a key have the winner's verdict. */
static void share_verdicts(struct webhook_batch *b)
{
        for (size_t i = 0; i < b->n_items; i++) {
                struct webhook_item *item = &b->items[i];
                if (!item->slug && item->duplicate_of >= 0) {
                        const struct webhook_item *winner = &b->items[item->duplicate_of];
                        item->outcome = winner->outcome;
                        item->status = winner->status;
                        item->log_id = winner->log_id;
                        item->version = winner->version;
                        item->attempts = winner->attempts;
                        item->status_text = winner->status_text;
                }
                b->counts[item->outcome]++;
        }
}

static void all_unchanged(struct webhook_batch *b)
{
        for (size_t i = 0; i < b->n_items; i++)
                b->items[i].outcome = b->items[i].slug ? WEBHOOK_REJECTED : WEBHOOK_UNCHANGED;
}

/* What an undone run has left (command.is_repeatable). */
static void clear_results(struct webhook_ingest *w)
{
        memset(w->b.counts, 0, sizeof w->b.counts);
        for (size_t i = 0; i < w->b.n_items; i++)
                w->b.items[i].status_text = NULL;
        w->b.base.audit.count = 0;
        w->b.base.due_ms = INT64_MAX;
}

enum status webhooks_run(struct ledger_tx *tx, struct domain_command *c, struct error *e)
{
        struct webhook_ingest *w = (struct webhook_ingest *)c;
        struct webhook_batch *b = &w->b;
        int64_t *next_id = &c->domain->webhooks_next_id;

        clear_results(w);
        TRY(use_nonce(tx, b, &b->is_repeat, e));
        if (b->is_repeat) {
                all_unchanged(b);
        } else {
                TRY(find_next_id(tx, next_id, e));
                TRY(insert_columns(tx, &w->columns, next_id, e));
                TRY(finish_items(tx, w, next_id, e));
        }
        share_verdicts(b);
        c->audit.count = (int64_t)(b->n_items - b->n_bad);
        if (b->is_repeat)
                c->audit.count = 0;
        w->has_run = true;
        return STATUS_OK;
}
