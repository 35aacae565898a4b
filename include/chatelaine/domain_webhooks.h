/*
 * domain_webhooks: batches in, FirstPartyWebhookLog rows out.
 *
 *     body bytes ─ json_scan ─▶ items (spans into the body) ─ rules matched ─▶ webhook_batch
 * command │ apply: upsert by │ (app, external_id, user, type), │ rule effects, events ▼ verdict an
 * item
 *
 * Outcome of an item: created | updated | unchanged | rejected. Strict (default): one bad item and
 * nothing is stored, and every item is rejected, the bad ones with their error. Lenient: the good
 * ones are stored.
 *
 * What the interface leaves open:
 *   - Items of one batch with the same key collapse: the last is stored, all have its verdict.
 *   - A CloudEvent has specversion "1.0", id and type as strings; data_base64 is invalid-data.
 *   - An item whose rule cannot run (a placeholder is missing or no name, the app lacks the scope
 *     that the rule requires) is stored as ERROR with a status_text and revokes nothing; it gives
 *     `received` or `updated` with that status and `failed` behind it. Several rules: all or none.
 *   - data that was not given counts as null when it is compared.
 *   - A request of which nothing is stored does not use up its nonce.
 */
#ifndef CHATELAINE_DOMAIN_WEBHOOKS_H
#define CHATELAINE_DOMAIN_WEBHOOKS_H

#include <chatelaine/codec_json_scan.h>
#include <chatelaine/domain_apps.h>
#include <chatelaine/domain_grants.h>

enum webhook_status { WEBHOOK_PENDING, WEBHOOK_DONE, WEBHOOK_ERROR };
enum webhook_outcome { WEBHOOK_REJECTED, WEBHOOK_CREATED, WEBHOOK_UPDATED, WEBHOOK_UNCHANGED };
enum webhook_form {
        WEBHOOK_FORM_JSON,
        WEBHOOK_FORM_CLOUDEVENT,
        WEBHOOK_FORM_CLOUDEVENT_BATCH,
        WEBHOOK_FORM_NDJSON
};

struct webhook_item {
        struct span external_id; /* absent = none; decoded */
        struct span type;        /* decoded; "unknown" when not given */
        struct span data;        /* raw bytes; absent when not given */
        const char *slug; /* why it is rejected ("invalid-id", "invalid-type", "invalid-data",
                             "invalid-item", "forbidden-scope"); NULL = good */
        const char *detail;
        int64_t duplicate_of; /* the last item of this batch has the same key: its index, and its
                                 verdict; -1 = none */
        bool has_rules;
        size_t event_at, event_len, key_len; /* of its event's text */
        /* results */
        enum webhook_outcome outcome;
        enum webhook_status status;
        int64_t log_id, version, attempts;
        const char *status_text; /* NULL = none */
};
struct webhook_batch {
        struct domain_command base;
        int64_t app_id, user_number;
        struct span app_slug;
        struct webhook_item *items;
        size_t n_items, n_bad;
        bool is_lenient;
        uint8_t replay_digest[16];
        bool has_replay_digest;
        int64_t replay_ends_at; /* Signature: CONFLICT->401 "replayed-request" */
        struct span webhook_id;
        int64_t webhook_id_ends_at; /* Standard Webhooks: seen: is_repeat, no effect */
        bool is_repeat;
        int64_t counts[4];               /* by outcome, of all items */
        const struct app_scopes *scopes; /* borrowed: rules' `requires` for agreement apps */
};
/*
 * Scan `body` (borrowed until the command is done: the request lives that long) into items.
 * `scopes` decide forbidden-scope item by item and the rules' `requires`.
 * INVALID "invalid-json" with pointer and offset, "too-deep"; LIMIT "too-many-items" (413).
 */
enum status webhook_batch_new(struct domain *d, struct settings *s, const struct app_row *app,
                              const struct app_scopes *scopes, int64_t user_number,
                              struct span body, enum webhook_form form, struct webhook_batch **ret,
                              struct error *e) MUST_CHECK;
/* Strict and n_bad: do not submit (it is INVALID "invalid-items"); answer 400 with these verdicts.
 * {"items":[{index,id,log_id,outcome,version,status,error?}]} */
void webhook_verdicts_write(const struct webhook_batch *b, struct buf *out);
/* The array alone, for answers that have other members too. */
void webhook_verdicts_items(const struct webhook_batch *b, struct buf *out);

struct webhook_filter {
        struct span app, type, external_id;
        int64_t user_id;
        bool has_user, has_status;
        enum webhook_status status;
        int64_t since_ms, until_ms;
};
enum status webhook_list(struct store_conn *db, const struct webhook_filter *f,
                         const struct page *p, const struct principal *visible, struct buf *out,
                         struct error *e) MUST_CHECK; /* slow: on the pool */
enum status webhook_write(struct store_conn *db, int64_t log_id, struct span *ret_app,
                          struct arena *a, struct buf *out,
                          struct error *e) MUST_CHECK; /* NOT_FOUND "webhook-not-found" */

struct webhook_replay {
        struct domain_command base;
        int64_t log_id;
};
enum status webhook_replay_new(struct domain *d, struct settings *s, struct webhook_replay **ret,
                               struct error *e) MUST_CHECK; /* runs the rules again: attempts + 1 */

/* The scheduler's. */
enum status webhooks_purge_in(struct ledger_tx *tx, int64_t before_ms, unsigned limit,
                              int64_t *ret_n, bool *ret_more, struct error *e) MUST_CHECK;

#endif
