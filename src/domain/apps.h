/*
 * apps, inside: what the files about apps know of each other.
 */
#ifndef DOMAIN_APPS_H
#define DOMAIN_APPS_H

#include <chatelaine/domain_apps.h>

/* As linked-services has it: what a header and a path segment can carry, 1..50 characters. */
bool app_slug_is_valid(struct span slug);

/* End a query whose rows were read with result `s`: the first failure is the one that is told. */
static inline enum status rows_end(struct store_stmt *st, enum status s, struct error *e)
{
        enum status done = store_done(st, s == STATUS_OK ? e : NULL);
        return s == STATUS_OK ? done : s;
}

/* ---- apps_key.c: an app's key, before it is a row ---- */

/*
 * A new key of `algorithm`, sealed for `slug`, in the arena. What the sender keeps goes into `hex`
 * and into `whsec`, each in its form (a pair's private key has only the one); NULL = not wanted.
 */
enum status app_key_make(const struct secrets *secrets, struct arena *a, struct span slug,
                         enum app_algorithm algorithm, struct app_key *ret, struct buf *hex,
                         struct buf *whsec, struct error *e) MUST_CHECK;
/*
 * A key that was brought: hex, "whsec_..." (base64), a PEM public key, or the hex of one.
 * ret->algorithm is APP_ED25519, or APP_ALGORITHM_UNSAID for bytes that fit any HMAC. `text` gets
 * the key as it was brought when it is secret. INVALID "invalid-key".
 */
enum status app_key_read(const struct secrets *secrets, struct arena *a, struct span slug,
                         struct span brought, struct app_key *ret, struct buf *text,
                         struct error *e) MUST_CHECK;
/* Do they go together? INVALID "invalid-algorithm": Standard Webhooks has no HMAC-SHA-512. */
enum status app_algorithm_fits(enum app_algorithm algorithm, enum app_strategy strategy,
                               struct error *e) MUST_CHECK;

/* ---- scopes.c ---- */

/* Valid, each once in both lists together. INVALID "invalid-scope". */
enum status scopes_check(const struct span *a, size_t n_a, const struct span *b, size_t n_b,
                         struct error *e) MUST_CHECK;
/* Replace the app's required (is_optional 0) or optional ones; one of the other kind changes its
 * kind. */
enum status scopes_replace_in(struct ledger_tx *tx, int64_t app_id, bool is_optional,
                              const struct span *list, size_t n, struct error *e) MUST_CHECK;
/* Append the slugs of one kind as a JSON array. */
enum status scopes_write(struct store_conn *db, int64_t app_id, bool is_optional, struct buf *out,
                         struct error *e) MUST_CHECK;

/* ---- replays.c ---- */

/*
 * Use up a Signature's digest or a webhook-id, once: *ret_is_fresh is false for a repeat.
 * LIMIT (429) "too-many-requests-in-window": the app has REPLAYS_MAX digests that still count.
 */
#define REPLAYS_MAX 1000000
enum status replay_use_in(struct ledger_tx *tx, int64_t app_id, const uint8_t digest[16],
                          int64_t ends_at, bool *ret_is_fresh, struct error *e) MUST_CHECK;
enum status webhook_id_use_in(struct ledger_tx *tx, int64_t app_id, struct span id, int64_t ends_at,
                              bool *ret_is_fresh, struct error *e) MUST_CHECK;

#endif
