/* One item that the set insert cannot decide: its key has a row, or a rule is for it. */
#include "domain/domain.h"
#include "domain/webhooks.h"

#include <chatelaine/domain_documents.h>
#include <chatelaine/domain_keys.h>

/* ---- rules ---- */

struct effect {
        struct effect *next;
        const struct rule *rule;
        struct span resource;
};
#define RESOURCE_BYTES_MAX 512

static enum status plan(const struct webhook_rights *rights, const struct rule *rule,
                        const struct rule_item *item, struct arena *a, struct effect **end,
                        const char **ret_text, struct error *e)
{
        CLEANUP(buf_fini) struct buf resource;
        buf_init(&resource, RESOURCE_BYTES_MAX);
        struct error why;
        const char *requires = rule_requires(rule);
        if (*requires && !app_scopes_have(rights->scopes, requires)) {
                *ret_text = arena_printf(a, "Rule \"%s\": missing scope %s.", rule_name(rule),
                                         requires);
                return *ret_text ? STATUS_OK : error_no_memory(e);
        }
        enum status s = rule_resource(rule, item, &resource, &why);
        if (s == STATUS_NO_MEMORY)
                return error_no_memory(e);
        if (s != STATUS_OK) {
                *ret_text = arena_dup(a, span_of(why.text));
                return *ret_text ? STATUS_OK : error_no_memory(e);
        }
        struct effect *effect = arena_alloc(a, sizeof *effect);
        if (!effect)
                return error_no_memory(e);
        effect->rule = rule;
        effect->resource = arena_span(a, buf_view(&resource));
        *end = effect;
        return effect->resource.p ? STATUS_OK : error_no_memory(e);
}

/* The document that is named, and nothing beneath it: `documents/D` or `inboxes/I/documents/D`. */
static struct span whole_document(struct span resource)
{
        struct span id = resource_document(resource);
        bool is_last = id.p && id.p + id.len == resource.p + resource.len;
        return is_last ? id : SPAN_NONE;
}

static enum status perform(struct ledger_tx *tx, const struct webhook_rights *rights,
                           const struct effect *effect, struct error *e)
{
        int64_t revoked;
        struct span document = whole_document(effect->resource);
        callers_forget(tx_domain(tx)); /* a batch alone is_caller_safe */
        if (document.p)
                return document_done_in(tx, document, rights->caller, KEY_REASON_DOCUMENT_DONE,
                                        rights->traceparent, &revoked, e);
        struct key_selector selector = {.resource = effect->resource};
        return keys_revoke_in(tx, &selector, "rule", rights->traceparent, &revoked, e);
}

enum status webhook_rules_run(struct ledger_tx *tx, const struct webhook_rights *rights,
                              const struct rule_item *item, struct arena *a, const char **ret_text,
                              struct error *e)
{
        struct effect *first = NULL, **end = &first;
        const struct rule *rule;
        size_t iter = 0;

        *ret_text = NULL;
        while ((rule = rules_match(rights->rules, item->type, item->app, &iter))) {
                TRY(plan(rights, rule, item, a, end, ret_text, e));
                if (*ret_text)
                        return STATUS_OK;
                end = &(*end)->next;
        }
        for (; first; first = first->next)
                TRY(perform(tx, rights, first, e));
        return STATUS_OK;
}

/* ---- rows ---- */

struct row {
        int64_t id, version, attempts;
        bool is_same; /* done with the same data */
};

/* An absent data is a null. */
static bool same_data(struct span a, struct span b)
{
        return json_scan_same(a.p ? a : SPAN("null"), b.p ? b : SPAN("null"));
}

static enum status find_row(struct ledger_tx *tx, const struct webhook_batch *b,
                            const struct webhook_item *item, struct row *ret, bool *ret_is_found,
                            struct error *e)
{
        struct store_stmt *st;
        *ret_is_found = false;
        if (!item->external_id.p)
                return STATUS_OK;
        TRY(store_query(tx->db,
                        "SELECT id, version, attempts, status, data FROM first_party_webhook_log"
                        " WHERE app_id = $1 AND external_id = $2 AND user_id = $3 AND type = $4",
                        &st, e, "itit", b->app_id, item->external_id, b->user_number, item->type));
        if (store_next(st)) {
                *ret_is_found = true;
                ret->id = store_int(st, 0);
                ret->version = store_int(st, 1);
                ret->attempts = store_int(st, 2);
                ret->is_same = store_int(st, 3) == WEBHOOK_DONE &&
                               same_data(store_text(st, 4), item->data);
        }
        return store_done(st, e);
}

static enum status insert_row(struct ledger_tx *tx, const struct webhook_batch *b,
                              const struct webhook_item *item, struct error *e)
{
        return store_exec(tx->db,
                          "INSERT INTO first_party_webhook_log (id, app_id, external_id, user_id,"
                          " type, status, processed, attempts, status_text, version, received_at,"
                          " updated_at, data)"
                          " VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8, 1, $9, $9, $10)",
                          NULL, e, "iititiisit", item->log_id, b->app_id, item->external_id,
                          b->user_number, item->type, (int64_t)item->status,
                          (int64_t)(item->status == WEBHOOK_DONE), item->status_text, tx->now_ms,
                          item->data);
}

static enum status update_row(struct ledger_tx *tx, const struct webhook_item *item,
                              struct error *e)
{
        return store_exec(tx->db,
                          "UPDATE first_party_webhook_log SET status = $2, processed = $3,"
                          " attempts = $4, status_text = $5, version = $6, updated_at = $7,"
                          " data = $8 WHERE id = $1",
                          NULL, e, "iiiisiit", item->log_id, (int64_t)item->status,
                          (int64_t)(item->status == WEBHOOK_DONE), item->attempts,
                          item->status_text, item->version, tx->now_ms, item->data);
}

/* One event an item, `received` or `updated`, with its final status; `done` and `failed` tell of
 * later runs of the rules. */
static enum status append_event(struct ledger_tx *tx, struct webhook_ingest *w,
                                const struct webhook_item *item, struct error *e)
{
        const struct domain_command *c = &w->b.base;
        bool with_data = c->settings->config->kafka.webhook_data;
        struct webhook_event_text text = webhook_item_text(w, item);
        struct webhook_event_row row = {
                .log_id = item->log_id,
                .version = item->version,
                .attempts = item->attempts,
                .status = item->status,
                .status_text = item->status_text,
                .data = item->data,
        };
        const char *type = item->outcome == WEBHOOK_CREATED ? "chatelaine.webhook.received.v1"
                                                            : "chatelaine.webhook.updated.v1";
        return webhook_event_append(tx, type, &text, &row, with_data, c->audit.traceparent,
                                    &w->event, e);
}

static enum status run_rules(struct ledger_tx *tx, struct webhook_ingest *w,
                             struct webhook_item *item, struct error *e)
{
        struct domain_command *c = &w->b.base;
        struct webhook_rights rights = {
                .rules = c->settings->rules,
                .scopes = w->b.scopes,
                .caller = &c->caller,
                .traceparent = c->audit.traceparent,
        };
        struct rule_item from = {
                .data = item->data,
                .external_id = item->external_id,
                .type = item->type,
                .app = w->b.app_slug,
                .user_number = w->b.user_number,
        };
        return webhook_rules_run(tx, &rights, &from, &c->arena, &item->status_text, e);
}

enum status webhook_settle(struct ledger_tx *tx, struct webhook_ingest *w,
                           struct webhook_item *item, int64_t *next_id, struct error *e)
{
        struct row row = {0};
        bool is_found;
        TRY(find_row(tx, &w->b, item, &row, &is_found, e));
        item->version = row.version;
        item->attempts = row.attempts;
        item->log_id = row.id;
        item->status = WEBHOOK_DONE;
        item->outcome = WEBHOOK_UNCHANGED;
        if (is_found && row.is_same)
                return STATUS_OK;

        if (item->has_rules)
                TRY(run_rules(tx, w, item, e));
        item->status = item->status_text ? WEBHOOK_ERROR : WEBHOOK_DONE;
        item->outcome = is_found ? WEBHOOK_UPDATED : WEBHOOK_CREATED;
        item->version++;
        item->attempts++;
        if (!is_found)
                item->log_id = (*next_id)++;
        TRY(is_found ? update_row(tx, item, e) : insert_row(tx, &w->b, item, e));
        return append_event(tx, w, item, e);
}
