/* Keys, inside: rows, scopes, the one place where a key's state changes. */
#ifndef DOMAIN_KEYS_H
#define DOMAIN_KEYS_H

#include "domain/users.h"

#include <chatelaine/domain_keys.h>

/* ---- rows ---- */

/* For key_row_read; keys k left joined with users u. */
#define KEY_COLUMNS                                                                           \
        "k.id, k.user_id, u.name, k.app, k.name, k.reason, k.predecessor_id, k.successor_id," \
        " k.minted_by, k.parent_key_id, k.state, k.created_at, k.updated_at, k.expires_at,"   \
        " k.dies_at, k.ended_at, CASE WHEN u.id IS NOT NULL THEN u.is_active"                 \
        " ELSE (SELECT 1 FROM clients c WHERE c.id = k.user_id) END"
#define KEY_FROM " FROM keys k LEFT JOIN users u ON u.id = k.user_id"

/* As of now_ms, copied into the arena. */
enum status key_row_read(struct store_stmt *st, int64_t now_ms, struct arena *a,
                         struct key_row *ret, struct error *e) MUST_CHECK;

/* ---- which keys ---- */

/*
 * The keys that a filter names, by whichever index serves it, in the order of their ids.
 * keys_scan finds candidates; a resource is matched by key_is_bound, key by key.
 */
#define KEY_STATE_ANY (-1)
#define KEY_STATE_LIVE (-2) /* active, rotating, suspended, as of now */
struct key_scope {
        struct span user_id, app; /* absent = any */
        struct span resource;     /* as resource_read gave it; absent = any */
        struct span after_id;     /* absent = from the first */
        int state;
        int64_t expires_before_ms; /* 0 = any */
        int64_t now_ms;
        int upstream_state; /* -1 = any */
        char low[520],
                high[520]; /* keys_scan's: bounds of the resource; live until the query is done */
};
/* Rows of KEY_COLUMNS. */
enum status keys_scan(struct store_conn *db, struct key_scope *s, struct store_stmt **ret,
                      struct error *e) MUST_CHECK;
/* A user as a filter names it, as the id that keys carry; absent stays absent. */
enum status key_scope_user(struct store_conn *db, struct span id_or_name, struct arena *a,
                           struct span *ret_id, struct error *e) MUST_CHECK;
/* Is the key bound to `resource` or to what lies beneath it, in any spelling? */
enum status key_is_bound(struct store_conn *db, struct span key_id, struct span resource, bool *ret,
                         struct error *e) MUST_CHECK;

/* ---- changes, on the ledger's thread ---- */

#define KEY_EVENT(name) "chatelaine.key." name ".v1"
/* The event of a key as its row now is: read back from the transaction. `type` is a literal. */
enum status key_event(struct ledger_tx *tx, const char *type, struct span key_id,
                      const char *traceparent, struct error *e) MUST_CHECK;
/* One key more in `to`, one less in `from`; KEY_STATES = none. */
enum status key_counted(struct ledger_tx *tx, enum key_state from, enum key_state to,
                        struct error *e) MUST_CHECK;
/* A live row to EXPIRED or REVOKED, with its event. *ret_ended is false when it was not live. */
enum status key_end(struct ledger_tx *tx, struct span key_id, enum key_state to, const char *reason,
                    const char *traceparent, bool *ret_ended, struct error *e) MUST_CHECK;
/* Revoke the live descendants of a key; adds to *count. */
enum status keys_revoke_children(struct ledger_tx *tx, struct span key_id, const char *traceparent,
                                 int64_t *count, struct error *e) MUST_CHECK;
/* When key.expiring is due; 0 = never: no more than warn_before is left, or that is 0. */
int64_t key_warn_at(const struct settings *s, int64_t dies_at, int64_t now_ms);
/* Insert a key's row, without its bindings and grants. */
struct key_new {
        const char *id;
        const uint8_t *hash; /* 32 bytes */
        uint32_t pepper;
        struct span user_id, app, name, minted_by, parent_key_id, predecessor_id;
        int64_t dies_at;
        const struct settings *settings; /* keys.warn_before */
};
enum status key_insert(struct ledger_tx *tx, const struct key_new *k, struct error *e) MUST_CHECK;
/*
 * Until when a key lives: `at`, or `in` milliseconds from now, as it is or refused; neither (0, 0):
 * `otherwise_ms` from now. Not past `parent`; there the default gives way, for nobody asked for it.
 * INVALID "expiry-in-past", "expiry-too-long", "expiry-over-parent".
 */
struct key_expiry {
        int64_t at, in_ms, otherwise_ms;
        int64_t parent; /* INT64_MAX = none */
};
enum status key_expiry_decide(const struct settings *s, const struct key_expiry *x, int64_t now_ms,
                              int64_t *ret, struct error *e) MUST_CHECK;
/* Bind `key_id` to what was asked for. CONFLICT "document-done", INVALID "invalid-resource". */
enum status key_bind_open(struct ledger_tx *tx, const char *key_id, struct span text, bool is_named,
                          struct error *e) MUST_CHECK;
/*
 * Insert `made` (its id, hash, pepper and settings; a name or the old one's) as the successor of
 * `old`: the same user, app, grants, bindings and place among the keys, never past its expiry. The
 * old one goes on until its grace (-1: the configuration's) ends; *ret_dies_at is when. With the
 * events. CONFLICT "key-ended", "key-rotated", "key-suspended".
 */
enum status key_succeed(struct ledger_tx *tx, const struct domain_command *by,
                        const struct key_new *made, const struct key_row *old, int64_t grace_ms,
                        int64_t *ret_dies_at, struct error *e) MUST_CHECK;
/* A binding of a key; being named outweighs coming from a grant. */
enum status key_bind(struct ledger_tx *tx, const char *key_id, struct span resource, bool is_named,
                     struct error *e) MUST_CHECK;
/* A command that makes a key; with the domain's settings when `s` is NULL. */
enum status key_command_new(struct domain *d, struct settings *s, size_t size, void *ret_command,
                            struct error *e) MUST_CHECK;
/* The key itself, its id and its hash; frees the command on failure. */
enum status key_command_make(struct domain_command *c, char key[KEY_SIZE], char id[ID_HEX24_SIZE],
                             uint8_t hash[32], uint32_t *pepper, struct error *e) MUST_CHECK;
/* The key that a command names, as of the transaction's time. NOT_FOUND "key-not-found". */
enum status key_target(struct ledger_tx *tx, struct domain_command *base, struct span id,
                       struct key_row *ret, struct error *e) MUST_CHECK;

/* Make the metrics of keys; before threads start. */
void keys_metrics(void);

#endif
