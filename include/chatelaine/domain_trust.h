/*
 * domain_trust: user tokens (JWT) of other issuers, those of the `trust` sections.
 *
 *     outbound  fetches a JWK Set ──▶ trust_keys_new ──▶ trust_set_keys ──▶ table: immutable,
 *                                                                           swapped whole
 *     auth      trust_check ◀── whom to believe: the settings; their keys: the table
 *                   │
 *                   └─ a kid that is not there ──▶ trust_on_wanted's fn: outbound looks again
 *
 * Whom to believe is the settings' to say at the moment of use: a section that a reload takes out
 * is believed no more at once. Keys alone are remembered, and only for their source (issuer, URL,
 * CA file).
 *
 * A token is good when the header's typ is absent, "JWT" or "at+jwt"; its alg is the one of the key
 * (RS256, ES256, EdDSA: the JWK pins it, the token never chooses; never a shared secret); the
 * signature holds; iss is the section's to the letter; aud names the section's audience, or our
 * issuer where it has none; exp is there and to come, to the letter; nbf and iat, where they are,
 * are not more than TRUST_SKEW_MS ahead; and sub is a userId as Authress's API takes it, of at most
 * TRUST_SUBJECT_MAX characters, that is no client's name: `sc_...` and `Authress:...` are refused.
 *
 * Keys (OpenID Connect Core 10.1.1: rotation):
 *
 *     listed            until TRUST_KEEP_MS after the last good answer of the issuer: what fails to
 *                       be fetched again is believed so long, then nobody is
 *     listed no more    TRUST_OVERLAP_MS more, for tokens that were signed just before
 *
 * Without a kid in the token or the key, at most TRUST_TRIES_MAX keys of the alg are tried.
 *
 * Thread: any; a struct trust_keys is immutable and counted.
 */
#ifndef CHATELAINE_DOMAIN_TRUST_H
#define CHATELAINE_DOMAIN_TRUST_H

#include <chatelaine/codec_jwt.h>
#include <chatelaine/domain_grants.h>

#define TRUST_SKEW_MS (60 * INT64_C(1000))
#define TRUST_OVERLAP_MS (10 * 60 * INT64_C(1000))
#define TRUST_KEEP_MS (24 * 3600 * INT64_C(1000))
#define TRUST_TRIES_MAX 4
#define TRUST_SUBJECT_MAX 100

/* ---- keys ---- */

/* Where an issuer's keys are from. */
struct trust_source {
        const char *issuer, *jwks, *ca_file;
};
bool trust_source_equal(const struct trust_source *a, const struct trust_source *b);

struct trust_keys;
/*
 * What the issuer lists now, and what it listed in `before` (NULL = nothing) that still has its
 * overlap. `set` is borrowed.
 */
enum status trust_keys_new(const struct trust_source *s, const struct jwks *set,
                           const struct trust_keys *before, int64_t now_ms, struct trust_keys **ret,
                           struct error *e) MUST_CHECK;
void trust_keys_unref(struct trust_keys *k); /* NULL allowed */
/* How many may verify at now_ms. */
size_t trust_keys_usable(const struct trust_keys *k, int64_t now_ms);
/* A token has named a kid that is not among them. */
bool trust_keys_wanted(const struct trust_keys *k);

/* From now on these keys, each of another source, are all that there are; each is counted. */
enum status trust_set_keys(struct domain *d, struct trust_keys *const *list, size_t n,
                           struct error *e) MUST_CHECK;
/*
 * Called (any thread) for the first token with an unknown kid after each trust_set_keys; `fn` must
 * not wait; NULL takes it away, and returns when it runs no more.
 */
void trust_on_wanted(struct domain *d, void (*fn)(void *ctx), void *ctx);

/* ---- tokens ---- */

struct trusted {
        struct span trust;   /* the section's name */
        struct span subject; /* the token's sub */
        int64_t ends_at;     /* its exp */
};
/*
 * *ret_is_theirs: the token says that it is of an issuer in the settings; when it is not, the
 * status is OK and nothing else is written. A token of theirs that is not good: DENIED (401)
 * "invalid-credentials", one text for all causes. Never waits: an unknown kid is refused at once,
 * and looked up meanwhile.
 */
enum status trust_check(struct domain *d, struct span token, int64_t now_ms, struct arena *a,
                        bool *ret_is_theirs, struct trusted *ret, struct error *e) MUST_CHECK;
/*
 * The token's user as a principal: what the statements of users/SUB give, a row of ours with that
 * very id or not. DENIED (401) "invalid-credentials": that row is deactivated.
 */
enum status trust_principal(struct store_conn *db, const struct trusted *t, struct arena *a,
                            struct principal *ret, struct error *e) MUST_CHECK;
/* A CALLER_TRUSTED at that moment: its time, its section, its row of ours. DENIED (401)
 * "credential-ended". */
enum status trust_caller_check(struct domain *d, struct store_conn *db, const struct caller *c,
                               int64_t now_ms, struct error *e) MUST_CHECK;

#endif
