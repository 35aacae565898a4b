/*
 * app_keys: one loop's opened keys of the apps that call it: HMAC secrets,
 * keyed contexts, parsed public keys.
 *
 * The row that was read for this request decides: a slot serves the row's
 * version alone, and an old key only while the row says that its grace runs.
 * A key that is replaced, deleted or over is wiped when its app calls next, and
 * is never given out meanwhile.
 *
 * Limits: 128 apps; the one that called longest ago makes room.
 * Thread: the loop's own.
 */
#ifndef CHATELAINE_AUTH_APP_KEYS_H
#define CHATELAINE_AUTH_APP_KEYS_H

#include <chatelaine/codec_crypto.h>
#include <chatelaine/codec_json.h>
#include <chatelaine/domain_apps.h>

/*
 * The token that a key verified last, and its claims: senders use one for many requests. It says
 * that the signature holds, which stays true as long as the key is given out; times, audience and
 * the rest are judged for each request.
 */
struct app_token;
/* NULL unless it is this token, byte for byte. Borrowed until the next call. */
const struct json *app_token_recall(const struct app_token *t, struct span token);
/* The same claims, now borrowed as above. A token of more than 1 KiB is not recalled. */
const struct json *app_token_keep(struct app_token *t, struct span token, struct json *take_claims);

struct app_keys;
/*
 * The row that was kept under this slug while `generation` (domain_generation, read before the row)
 * is what it was then: no app has changed since, so that it is the row that a query would find.
 * Spans borrowed until the next call. False: look it up, and keep it.
 */
bool app_keys_recall_row(struct app_keys *k, struct span slug, uint64_t generation,
                         struct app_row *ret);
/* Copied; a row too large for its slot is not kept. */
void app_keys_keep_row(struct app_keys *k, uint64_t generation, const struct app_row *row);
enum status app_keys_new(struct app_keys **ret, struct error *e) MUST_CHECK;
void app_keys_free(struct app_keys *k); /* wipes */

/* A key that counts at this moment; borrowed until the next call. */
struct app_live {
        enum app_algorithm algorithm;
        struct span secret; /* HMAC_SHA256, HMAC_SHA512 */
        struct hmac *hmac;  /* of it; with SHA-256 for a STANDARD app, else as `algorithm` says */
        const struct pkey *pkey; /* ED25519 */
        struct app_token *token; /* what it verified last */
};
#define APP_LIVE_MAX 2

/*
 * The app's key, then the old one while its grace runs; *ret_n is 1 or 2.
 * INTERNAL "app-key-unreadable": the row's key does not open under the secret file.
 */
enum status app_keys_live(struct app_keys *k, const struct secrets *secrets,
                          const struct app_row *app, int64_t now_ms,
                          struct app_live ret[APP_LIVE_MAX], size_t *ret_n,
                          struct error *e) MUST_CHECK;

#endif
