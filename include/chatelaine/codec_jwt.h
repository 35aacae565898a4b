/*
 * codec_jwt: JSON Web Tokens (RFC 7519, 7515, 8037) and keys (RFC 7517).
 *
 * The key decides the algorithm, never the token: each struct jwt_key pins
 * one, and a token whose header names another is refused. `alg: none`, `crit`,
 * `b64`, a `kid` that is no text and anything but compact form with three strict
 * base64url parts are refused.
 *
 * jwt_verify proves the signature and gives the claims; it judges no claim.
 * Times, audience and issuer are the caller's policy: jwt_times_ok,
 * jwt_audience_has.
 *
 * Errors: INVALID (401) "invalid-token" (form), DENIED (401) "wrong-signature"
 *         (no key fits or the signature does not hold).
 * Limits: a token of at most 8 KiB, claims 16 deep, a JWKS of 64 keys.
 * Thread: pure functions; a struct jwks is immutable.
 */
#ifndef CHATELAINE_CODEC_JWT_H
#define CHATELAINE_CODEC_JWT_H

#include <chatelaine/codec_crypto.h>
#include <chatelaine/codec_json.h>

#define JWT_SIZE_MAX 8192

enum jwt_algorithm { JWT_HS256, JWT_HS512, JWT_EDDSA, JWT_ES256, JWT_RS256 };

struct jwt_key {
        enum jwt_algorithm algorithm;
        struct span secret;      /* HS256, HS512; never empty */
        struct hmac *hmac;       /* of the secret, by one who has it keyed already; may be NULL */
        const struct pkey *pkey; /* the others */
        const char *kid; /* NULL = none; when key and token both name one, they must be equal */
};

/* "HS256" */
const char *jwt_algorithm_name(enum jwt_algorithm a);

/*
 * The first of keys[0..n) that fits in algorithm and kid and verifies.
 * *ret_key is its index (may be NULL). The caller frees *ret_claims, an object.
 */
enum status jwt_verify(struct span token, const struct jwt_key *keys, size_t n,
                       struct json **ret_claims, size_t *ret_key, struct error *e) MUST_CHECK;

/*
 * Header and claims of a token that nobody has verified: only to choose whose
 * keys to try (`iss`, `kid`). Either pointer may be NULL.
 */
enum status jwt_peek_unverified(struct span token, struct json **ret_header,
                                struct json **ret_claims, struct error *e) MUST_CHECK;

enum jwt_time {
        JWT_TIME_OK,
        JWT_TIME_EXPIRED,   /* now >= exp + leeway */
        JWT_TIME_TOO_EARLY, /* now < nbf - leeway */
        JWT_TIME_FUTURE,    /* now < iat - leeway */
        JWT_TIME_MALFORMED, /* exp, nbf or iat is no number */
};
/*
 * exp, nbf, iat: seconds, integer or with a fraction; those absent are not
 * judged. ret_which may be NULL.
 */
bool jwt_times_ok(const struct json *claims, int64_t now_ms, int64_t leeway_ms,
                  enum jwt_time *ret_which);
/* A time claim in Unix milliseconds; false when absent, no number, or beyond the year 9999. */
bool jwt_time_ms(const struct json *claims, const char *name, int64_t *ret_ms);
/* `aud` is that string, or an array of strings that holds it. */
bool jwt_audience_has(const struct json *claims, struct span audience);

/*
 * Append a signed token; `claims` is the JSON text of an object. HS256, HS512,
 * EDDSA with a private key. `typ` NULL = "JWT".
 */
enum status jwt_sign(const struct jwt_key *key, const char *typ, struct span claims,
                     struct buf *out, struct error *e) MUST_CHECK;

/* ---- JWK ---- */

/*
 * A public signature key: OKP Ed25519, EC P-256, RSA of 2048 bits and more. `oct`
 * and anything else: INVALID "invalid-jwk". Private members are not read.
 */
enum status jwk_read(const struct json *jwk, struct pkey **ret, enum jwt_algorithm *ret_algorithm,
                     struct error *e) MUST_CHECK;
/* The public JWK object of an Ed25519 key: kty, crv, x, use, alg, kid (absent when NULL). */
enum status jwk_write(const struct pkey *k, const char *kid, struct buf *out,
                      struct error *e) MUST_CHECK;
/* RFC 7638 thumbprint of an Ed25519 key, base64url, 43 characters and NUL: a good kid. */
#define JWK_THUMBPRINT_SIZE 44
enum status jwk_thumbprint(const struct pkey *k, char out[JWK_THUMBPRINT_SIZE],
                           struct error *e) MUST_CHECK;

/*
 * A JWK Set. Keys of other kinds or uses are passed over, as RFC 7517 section 5
 * asks; none left: INVALID "invalid-jwks".
 */
struct jwks;
enum status jwks_parse(struct span text, struct jwks **ret, struct error *e) MUST_CHECK;
const struct jwt_key *jwks_keys(const struct jwks *set, size_t *ret_n);
void jwks_free(struct jwks *set);

#endif
