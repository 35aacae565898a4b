/*
 * domain_keys: API keys, from mint to purge.
 *
 *      mint ─▶ active ──rotate──▶ rotating ──grace ends──▶ revoked (reason rotated)
 *                │ ▲                 │
 *         suspend│ │resume           │
 *                ▼ │                 ▼
 *             suspended ─────▶ expired | revoked        (any live state)
 *
 * Valid = state active or rotating and now < dies_at, and its user active, or its service client
 * there: an access key (domain_access_keys.h) is a key whose user is its client. Decided at the
 * moment of use from the row and the clock; the scheduler only tidies up.
 *
 * Only HMAC-SHA-256(pepper.N, key) is stored. The public id (24 hex) is no credential.
 *
 * What the outside sees as a key's `expires_at` is dies_at: until when it works. A key that a key
 * minted is its child: it does not outlive its parent's expiry, and is revoked with it. At the end
 * of a rotation's grace the children pass to the successor.
 *
 * Events (topic keys) carry {id, user, resources, state, reason, expires_at}: `user` is the user's
 * id, `resources` all that the key is bound to, by `resources` or by a grant.
 */
#ifndef CHATELAINE_DOMAIN_KEYS_H
#define CHATELAINE_DOMAIN_KEYS_H

#include <chatelaine/codec_key.h>
#include <chatelaine/domain_grants.h>
#include <chatelaine/domain_upstreams.h>

enum key_state { KEY_ACTIVE, KEY_ROTATING, KEY_SUSPENDED, KEY_EXPIRED, KEY_REVOKED, KEY_STATES };
const char *key_state_name(enum key_state s);
enum status key_state_read(struct span text, enum key_state *ret, struct error *e) MUST_CHECK;

/* Why a key ended, as rows and events say it; key_revoke and rules may name reasons of their own.
 */
#define KEY_REASON_EXPIRED "expired"
#define KEY_REASON_ROTATED "rotated" /* the grace of a rotation is over */
#define KEY_REASON_REVOKED "revoked" /* on demand */
#define KEY_REASON_DOCUMENT_DONE "document-done"
#define KEY_REASON_INBOX_DELETED "inbox-deleted"
#define KEY_REASON_USER_DELETED "user-deleted"
#define KEY_REASON_CLIENT_DELETED "client-deleted" /* the client that minted it is gone */
#define KEY_REASON_PARENT_REVOKED "parent-revoked" /* the key that minted it was revoked */

struct key_row {
        struct span id, user_id, user_name, app, name, reason, predecessor_id,
                successor_id; /* user_name absent: the user is gone */
        struct span minted_by, parent_key_id;
        enum key_state state; /* as of now: a key past its date reads expired, whatever the
                                 scheduler has done */
        int64_t created_at, updated_at, expires_at, dies_at, ended_at; /* 0 = not yet */
        bool is_user_active;
};
bool key_is_valid(const struct key_row *k, int64_t now_ms);

/* By the key itself: malformed or unknown is NOT_FOUND without telling which. The row's spans are
 * in the arena. */
enum status key_find(struct domain *d, struct store_conn *db, struct span key, struct arena *a,
                     struct key_row *ret, struct error *e) MUST_CHECK;
enum status key_get(struct store_conn *db, struct span id, int64_t now_ms, struct arena *a,
                    struct key_row *ret,
                    struct error *e) MUST_CHECK; /* NOT_FOUND "key-not-found" */
/*
 * May `p` do `permission` to this key? Held on keys/K, on users/U (its user), or on any resource
 * that the key is bound to, by `resources` or by a grant. The one rule for single keys and for
 * key_list's rows. DENIED "forbidden". "keys:rotate" gives the key's rights to whoever rotates it:
 * besides, each of its grants must be one that `p` may give
 * ("may-not-give"), unless the key rotates itself.
 */
enum status key_may(struct store_conn *db, const struct key_row *k, const struct principal *p,
                    const char *permission, struct error *e) MUST_CHECK;
/* The key as a principal: its grants, cut down to what its user holds when the user holds any
 * (auth, and `allowed` of /v1/keys/verify). */
enum status key_principal(struct store_conn *db, const struct key_row *k, struct arena *a,
                          struct principal *ret, struct error *e) MUST_CHECK;
/* As GET /v1/keys/{id} shows it: id, user, name, app, state, reason, grants, resources, created_at,
 * expires_at, ... */
enum status key_write(struct store_conn *db, const struct key_row *k, struct buf *out,
                      struct error *e) MUST_CHECK;
/* Its members without the braces, for answers that have others too (the key that is shown once). */
enum status key_write_members(struct store_conn *db, const struct key_row *k, struct buf *out,
                              struct error *e) MUST_CHECK;

struct key_filter {
        struct span user, resource, app;
        bool has_state;
        enum key_state state;
        int64_t expires_before_ms; /* 0 = any */
        bool has_upstream_state;
        enum upstream_state upstream_state;
};
/* `visible` (may be NULL = all): keys:read decided row by row. Appends
 * {"items":[...],"next_cursor":...}. */
enum status key_list(struct store_conn *db, const struct key_filter *f, const struct page *p,
                     int64_t now_ms, const struct principal *visible, struct buf *out,
                     struct error *e) MUST_CHECK;

/* ---- commands ---- */
struct key_mint {
        struct domain_command base;
        struct span user;      /* id or name */
        struct span name, app; /* may be absent */
        struct grant *grants;
        size_t n_grants;
        struct span *resources;
        size_t n_resources;
        int64_t expires_at;    /* 0: default_life, or what is left of the parent's life when that is
                                  less */
        int64_t expires_in_ms; /* 0: expires_at counts */
        bool is_longest_default; /* no expiry given: longest_life instead of default_life */
        bool is_within_user;     /* each grant is a role that the user holds itself, no wider: else
                                    DENIED "role-not-held" */
        bool is_inactive;        /* suspended from the start */
        struct span idempotency_key;
        uint8_t request_hash[32];
        struct span upstream, upstream_token; /* absent = none; a token minted there, which ends
                                                 with this key */
        int64_t upstream_valid_until;         /* 0 = not known */
        struct span upstream_sealed;          /* prepare's */
        /* filled before submit */
        char key[KEY_SIZE];
        uint8_t hash[32];
        uint32_t pepper;
        char id[ID_HEX24_SIZE];
        /* result */
        bool is_repeat; /* idempotent: `id` is the first one's; the key is not shown again */
        int64_t ret_expires_at;
};
/*
 * Makes the key, its id and its hash. prepare: INVALID "unknown-upstream",
 * "invalid-upstream-token". run: NOT_FOUND "user-not-found", "role-not-found"; CONFLICT
 * "user-inactive", "document-done"; INVALID "expiry-too-long", "expiry-in-past",
 * "expiry-over-parent", "too-many-grants", "invalid-resource"; 422 "idempotency-mismatch".
 */
enum status key_mint_new(struct domain *d, struct settings *s, struct key_mint **ret,
                         struct error *e) MUST_CHECK;

struct key_rotate {
        struct domain_command base;
        struct span id;
        int64_t grace_ms; /* -1: the configuration's */
        char key[KEY_SIZE];
        uint8_t hash[32];
        uint32_t pepper;
        char new_id[ID_HEX24_SIZE];
};
enum status key_rotate_new(struct domain *d, struct settings *s, struct key_rotate **ret,
                           struct error *e)
        MUST_CHECK; /* run: NOT_FOUND; CONFLICT "key-ended", "key-rotated" (has a successor),
                       "key-suspended" */

struct key_suspend {
        struct domain_command base;
        struct span id;
        bool is_active;
};
enum status key_suspend_new(struct domain *d, struct settings *s, struct key_suspend **ret,
                            struct error *e) MUST_CHECK; /* run: NOT_FOUND, CONFLICT "key-ended" */

/* Keys that match all that is given; a resource takes what lies beneath it, and a document in both
 * spellings. */
struct key_selector {
        struct span user, resource, app;
        struct span *ids;
        size_t n_ids;
        bool is_by_id_strict; /* an unknown id is NOT_FOUND */
};
struct key_revoke {
        struct domain_command base;
        struct key_selector selector;
        const char *reason;
        int64_t revoked;
};
enum status key_revoke_new(struct domain *d, struct settings *s, struct key_revoke **ret,
                           struct error *e) MUST_CHECK; /* run: INVALID "empty-selector" */

/* ---- inside a transaction: what other nouns set off ---- */
/* Revoke the live keys that match, each with its event; children (keys that a revoked key minted)
 * go with them. */
enum status keys_revoke_in(struct ledger_tx *tx, const struct key_selector *sel, const char *reason,
                           const char *traceparent, int64_t *ret_revoked,
                           struct error *e) MUST_CHECK;

/* Revoke the live keys that this one minted ("clients/ID"), with their children. Adds to *count. */
enum status keys_revoke_minted_in(struct ledger_tx *tx, struct span minted_by, const char *reason,
                                  const char *traceparent, int64_t *count,
                                  struct error *e) MUST_CHECK;

/* ---- the scheduler's ---- */
/* Earliest dies_at or warn_at; INT64_MAX when there is none. */
enum status keys_next_due(struct store_conn *db, int64_t *ret_ms, struct error *e) MUST_CHECK;
/* At most `limit` each; *ret_more tells that more are due. */
enum status keys_expire_in(struct ledger_tx *tx, unsigned limit, int64_t *ret_n, bool *ret_more,
                           struct error *e) MUST_CHECK;
enum status keys_warn_in(struct ledger_tx *tx, unsigned limit, int64_t *ret_n, bool *ret_more,
                         struct error *e) MUST_CHECK;
/* Idempotency keys that are over. */
enum status idempotency_purge_in(struct ledger_tx *tx, unsigned limit, int64_t *ret_n,
                                 bool *ret_more, struct error *e) MUST_CHECK;
/* Keys that ended before then, with their statements. */
enum status keys_purge_in(struct ledger_tx *tx, int64_t ended_before_ms, unsigned limit,
                          int64_t *ret_n, bool *ret_more, struct error *e) MUST_CHECK;
/* How many in each state, for metrics. Reads five rows and the keys past their date that are not
 * tidied up yet. */
enum status keys_count(struct store_conn *db, int64_t now_ms, int64_t ret[KEY_STATES],
                       struct error *e) MUST_CHECK;

#endif
