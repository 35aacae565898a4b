/*
 * domain_documents: inboxes and documents as rows that keys are scoped to, and
 * the tombstones that "done" leaves. No file is stored. A document need not have a row.
 */
#ifndef CHATELAINE_DOMAIN_DOCUMENTS_H
#define CHATELAINE_DOMAIN_DOCUMENTS_H

#include <chatelaine/domain_grants.h>

enum status inbox_find(struct store_conn *db, struct span id_or_name, struct arena *a,
                       struct span *ret_id, struct span *ret_name,
                       struct error *e) MUST_CHECK; /* NOT_FOUND "inbox-not-found" */
/* {id, name, created_at}; `visible` (NULL = all): documents:read row by row, on inboxes/I. */
enum status inbox_list(struct store_conn *db, const struct page *p, const struct principal *visible,
                       struct buf *out, struct error *e) MUST_CHECK;
enum status document_list(struct store_conn *db, struct span inbox, const struct page *p,
                          const struct principal *visible, struct buf *out,
                          struct error *e) MUST_CHECK;
/* {id, inbox, name, status: open|done, done_at, created_at, updated_at}; NOT_FOUND
 * "document-not-found" (no row and no tombstone). */
enum status document_write(struct store_conn *db, struct span id, struct buf *out,
                           struct error *e) MUST_CHECK;
/* The inbox of a document's row; absent span when there is no row. */
enum status document_inbox(struct store_conn *db, struct span id, struct arena *a,
                           struct span *ret_inbox, struct error *e) MUST_CHECK;

/* The label of another system's project; absent when it has none. */
enum status inbox_project(struct store_conn *db, struct span id, struct arena *a,
                          struct span *ret_project, struct error *e) MUST_CHECK;

struct inbox_create {
        struct domain_command base;
        struct span name, project; /* project may be absent */
        char id[ID_HEX24_SIZE];
        int64_t ret_created_at;
};
enum status inbox_create_new(struct domain *d, struct settings *s, struct inbox_create **ret,
                             struct error *e) MUST_CHECK; /* run: CONFLICT "inbox-exists" */
struct inbox_change {
        struct domain_command base;
        struct span id;            /* or name */
        struct span name, project; /* absent = leave */
};
enum status inbox_change_new(struct domain *d, struct settings *s, struct inbox_change **ret,
                             struct error *e) MUST_CHECK; /* run: NOT_FOUND, CONFLICT
                                                             "inbox-exists" */
struct inbox_delete {
        struct domain_command base;
        struct span id; /* or name */
        int64_t revoked;
};
/* With its documents' rows; the keys bound to any of them are revoked in the same transaction. */
enum status inbox_delete_new(struct domain *d, struct settings *s, struct inbox_delete **ret,
                             struct error *e) MUST_CHECK;
struct document_create {
        struct domain_command base;
        struct span inbox;    /* id or name */
        struct span name, id; /* id absent: made */
        char new_id[129];
};
enum status document_create_new(struct domain *d, struct settings *s, struct document_create **ret,
                                struct error *e)
        MUST_CHECK; /* run: NOT_FOUND "inbox-not-found", CONFLICT "document-exists" */
struct document_done {
        struct domain_command base;
        struct span id;
        bool is_reopen;
        int64_t revoked;
};
enum status document_done_new(struct domain *d, struct settings *s, struct document_done **ret,
                              struct error *e) MUST_CHECK; /* done again: revoked 0 */

/*
 * What reviewers say of a document that has a row: `lock` (one holder; others neither take it nor,
 * without may_release, release it) and whatever else a facade names. Who and since when are the
 * command's own. run: NOT_FOUND "document-not-found", CONFLICT "document-locked", DENIED
 * "lock-held".
 */
struct document_state {
        const char *name; /* literal */
        int64_t value;
};
struct document_state_set {
        struct domain_command base;
        struct span id;
        struct document_state *states;
        size_t n_states;
        bool may_release;
};
enum status document_state_set_new(struct domain *d, struct settings *s,
                                   struct document_state_set **ret, struct error *e) MUST_CHECK;
struct document_state_row {
        struct span name, set_by;
        int64_t value, set_at;
};
enum status document_states(struct store_conn *db, struct span id, struct arena *a,
                            struct document_state_row **ret, size_t *ret_n,
                            struct error *e) MUST_CHECK;

/* Inside a transaction (webhook rules, facades): tombstone and revocations. `id` matches
 * [A-Za-z0-9._~-]{1,128}. */
enum status document_done_in(struct ledger_tx *tx, struct span id, const struct caller *by,
                             const char *reason, const char *traceparent, int64_t *ret_revoked,
                             struct error *e) MUST_CHECK;
enum status document_is_done(struct store_conn *db, struct span id, bool *ret,
                             struct error *e) MUST_CHECK;
/* 1 to 128 letters, digits and ._~-, and no API key: that is a secret, put where an id was meant.
 */
bool document_id_is_valid(struct span id);

#endif
