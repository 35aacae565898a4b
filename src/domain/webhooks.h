/*
 * webhooks, inside: from the bytes of a body to rows, events and verdicts.
 *
 *   webhooks_scan.c      body ─▶ items, each good or with the reason why not       submitter
 *   webhooks_columns.c   good items ─▶ columns of the set insert, event texts       submitter
 *   webhooks_store.c     the command: the set insert, then what it did not take     ledger
 *   webhooks_settle.c    one item that a row or a rule stands for                   ledger
 *   webhooks_events.c    an item's event, spliced                                   ledger
 *   webhooks_verdicts.c  what the sender is told; counters                          submitter
 *   webhooks_replay.c    rules run again for a row that is there                    ledger
 *   webhooks_query.c     lists, one row, the purge
 */
#ifndef DOMAIN_WEBHOOKS_H
#define DOMAIN_WEBHOOKS_H

#include <chatelaine/domain_rules.h>
#include <chatelaine/domain_webhooks.h>

#define STATUS_TEXT_SIZE 256

/* Items that no rule looks at go in as one set: row k is items[index[k]]. */
struct webhook_columns {
        size_t n;
        size_t *index;
        int64_t *ids, *apps, *users, *times;
        struct span *external_ids, *types, *datas;
        bool *is_new; /* result */
};

struct webhook_ingest {
        struct webhook_batch b;
        struct webhook_columns columns;
        struct buf events; /* event texts of all items, one behind the other */
        struct buf event;  /* scratch: the one that is being written */
        bool is_prepared, has_run;
};

/* ---- webhooks_scan.c ---- */
enum status webhooks_scan(struct webhook_batch *b, struct span body, enum webhook_form form,
                          struct error *e) MUST_CHECK;

/* ---- webhooks_columns.c ---- */
/* domain_command.prepare of a batch. */
enum status webhooks_prepare(struct domain_command *c, struct error *e) MUST_CHECK;

/* ---- webhooks_store.c ---- */
enum status webhooks_run(struct ledger_tx *tx, struct domain_command *c,
                         struct error *e) MUST_CHECK;

/* ---- webhooks_events.c ---- */

/* What of an event is known before its row: `key` absent = the row's id. */
struct webhook_event_text {
        struct span key, members; /* members: `"app":...,"data_sha256":...` */
};
struct webhook_event_row {
        int64_t log_id, version, attempts;
        enum webhook_status status;
        const char *status_text;
        struct span data;
};
/* Append the message key `app/external_id` and the members to `out`; *ret_key_len is where the one
 * ends. */
void webhook_event_prepare(struct span app, int64_t user_number, struct span external_id,
                           struct span type, struct span data, struct buf *out,
                           size_t *ret_key_len);
/*
 * One event. `with_data`: data goes along when it fits, else data_omitted says that it does not.
 * `scratch` is a buffer of at least the journal's largest event.
 */
enum status webhook_event_append(struct ledger_tx *tx, const char *type,
                                 const struct webhook_event_text *text,
                                 const struct webhook_event_row *row, bool with_data,
                                 const char *traceparent, struct buf *scratch,
                                 struct error *e) MUST_CHECK;

/* ---- webhooks_settle.c ---- */

/* Whose rules run, with whose rights. */
struct webhook_rights {
        const struct rules *rules;
        const struct app_scopes *scopes;
        const struct caller *caller;
        const char *traceparent;
};
/*
 * Run the rules that match: all effects or none. *ret_text is NULL (done) or says why it is an
 * error, in the arena. Not OK: a fault of the store.
 */
enum status webhook_rules_run(struct ledger_tx *tx, const struct webhook_rights *rights,
                              const struct rule_item *item, struct arena *a, const char **ret_text,
                              struct error *e) MUST_CHECK;
/* An item with rules, or with a row already: compare, run rules, write row and event. *next_id: the
 * next free row id. */
enum status webhook_settle(struct ledger_tx *tx, struct webhook_ingest *w,
                           struct webhook_item *item, int64_t *next_id, struct error *e) MUST_CHECK;
/* The event texts of an item. */
struct webhook_event_text webhook_item_text(const struct webhook_ingest *w,
                                            const struct webhook_item *item);

/* ---- webhooks_verdicts.c ---- */
const char *webhook_outcome_name(enum webhook_outcome o);
const char *webhook_status_name(enum webhook_status s);
/* Count what became of the items; once for a batch. */
void webhooks_metrics(void); /* once, at start: makes the family */
void webhooks_count(const struct webhook_batch *b);

#endif
