/*
 * codec_crypto: the cryptography of this program, a fixed list of algorithms.
 *
 * SHA-256, HMAC-SHA-256/512, AES-256-GCM, scrypt, and signatures with Ed25519,
 * ECDSA P-256 and RSA. Each is fetched from OpenSSL once. Randomness is
 * base_clock's random_bytes. The secret file is codec_secrets.h.
 *
 * Digests cannot fail in a sound process: where libcrypto has no memory or
 * lacks an algorithm of the list, the process ends with a line on stderr.
 *
 * Thread: a struct sha256 and a struct hmac have one owner each; a struct pkey
 *         is immutable and may be used by many threads at once.
 */
#ifndef CHATELAINE_CODEC_CRYPTO_H
#define CHATELAINE_CODEC_CRYPTO_H

#include <chatelaine/base_buf.h>

/* Constant in time for equal lengths; lengths are not secret. */
bool crypto_equal(const void *a, const void *b, size_t n);
bool crypto_equal_span(struct span a, struct span b);

/* ---- digests ---- */

#define SHA256_SIZE 32
void sha256_of(struct span bytes, uint8_t out[SHA256_SIZE]);

struct sha256 {
        void *ctx; /* private */
};
void sha256_init(struct sha256 *h);
void sha256_update(struct sha256 *h, struct span bytes);
/* And begins anew, for who hashes much: init and free cost as much as 200 bytes. */
void sha256_next(struct sha256 *h, uint8_t out[SHA256_SIZE]);
/* And frees what init took; `out` may be NULL to give up. */
void sha256_final(struct sha256 *h, uint8_t out[SHA256_SIZE]);

/* ---- HMAC (RFC 2104) ---- */

enum hmac_algorithm { HMAC_SHA256, HMAC_SHA512 };
#define HMAC_SIZE_MAX 64
size_t hmac_size(enum hmac_algorithm a); /* 32 or 64 */

/* A keyed context: make once, use for many messages. An empty key is INVALID "empty-key". */
struct hmac;
enum status hmac_new(enum hmac_algorithm a, struct span key, struct hmac **ret,
                     struct error *e) MUST_CHECK;
/* A second context with the same key, for another thread; `h` is only read. */
enum status hmac_dup(const struct hmac *h, struct hmac **ret, struct error *e) MUST_CHECK;
void hmac_free(struct hmac *h);
void hmac_freep(struct hmac **h);
/* begin, any number of updates, final (writes hmac_size bytes); then begin again. */
void hmac_begin(struct hmac *h);
void hmac_update(struct hmac *h, struct span bytes);
void hmac_final(struct hmac *h, uint8_t out[HMAC_SIZE_MAX]);
/* One message under one key. INVALID "empty-key". */
enum status hmac_of(enum hmac_algorithm a, struct span key, struct span bytes,
                    uint8_t out[HMAC_SIZE_MAX], struct error *e) MUST_CHECK;

/* ---- AES-256-GCM ---- */

#define SEAL_KEY_SIZE 32
#define SEAL_OVERHEAD 28 /* 12 bytes random nonce in front, 16 bytes tag behind */
enum status crypto_seal(const uint8_t key[SEAL_KEY_SIZE], struct span associated, struct span plain,
                        struct buf *out, struct error *e) MUST_CHECK;
/*
 * INVALID "seal-broken" when the tag does not hold: nothing is appended then.
 * Use buf_fini_secret on `out`.
 */
enum status crypto_open(const uint8_t key[SEAL_KEY_SIZE], struct span associated,
                        struct span sealed, struct buf *out, struct error *e) MUST_CHECK;

/* ---- passwords: scrypt (RFC 7914), N=2^15 r=8 p=1 ---- */

/* Each call takes about 115 ms and 32 MiB: never on an event loop. */

#define PASSWORD_HASH_SIZE 128 /* "$scrypt$ln=15,r=8,p=1$salt$hash" and NUL fit */
enum status password_hash(struct span password, char out[PASSWORD_HASH_SIZE],
                          struct error *e) MUST_CHECK;
/*
 * *ret_matches. An absent `hash` costs the same time and never matches (for
 * names that do not exist). A hash in another form, or with costs beyond
 * ln=17, r=8, p=4: INVALID "invalid-password-hash".
 */
enum status password_verify(struct span password, struct span hash, bool *ret_matches,
                            struct error *e) MUST_CHECK;

/* ---- signature keys ---- */

struct pkey;
enum pkey_kind {
        PKEY_ED25519, /* RFC 8032; signature 64 bytes */
        PKEY_P256,    /* ECDSA, SHA-256; signature r || s, 64 bytes (RFC 7518 3.4) */
        PKEY_RSA,     /* RSASSA-PKCS1-v1_5, SHA-256, 2048 to 8192 bits */
};
#define ED25519_SIZE 32
#define ED25519_SIGNATURE_SIZE 64

enum status pkey_generate(struct pkey **ret, struct error *e) MUST_CHECK; /* Ed25519 */
enum status pkey_from_seed(const uint8_t seed[ED25519_SIZE], struct pkey **ret,
                           struct error *e) MUST_CHECK;
enum status pkey_from_public(const uint8_t bytes[ED25519_SIZE], struct pkey **ret,
                             struct error *e) MUST_CHECK;
/*
 * PKCS#8 private key or SubjectPublicKeyInfo; nothing may follow. INVALID
 * "invalid-key": malformed, or not of the kinds above.
 */
enum status pkey_from_der(struct span der, struct pkey **ret, struct error *e) MUST_CHECK;
/* PEM "PRIVATE KEY" or "PUBLIC KEY", one block, unencrypted; white space around it is allowed. */
enum status pkey_from_pem(struct span pem, struct pkey **ret, struct error *e) MUST_CHECK;
/* RSA public numbers and P-256 coordinates, big end first (JWK). */
enum status pkey_from_rsa(struct span n, struct span exponent, struct pkey **ret,
                          struct error *e) MUST_CHECK;
enum status pkey_from_p256(const uint8_t x[32], const uint8_t y[32], struct pkey **ret,
                           struct error *e) MUST_CHECK;
/* One more owner of the same key. */
struct pkey *pkey_ref(const struct pkey *k);
void pkey_free(struct pkey *k);
void pkey_freep(struct pkey **k);

enum pkey_kind pkey_kind(const struct pkey *k);
/* The same public key. */
bool pkey_equal(const struct pkey *a, const struct pkey *b);
bool pkey_is_private(const struct pkey *k);
/* Ed25519 only, else INVALID "invalid-key"; the seed only of a private key. */
enum status pkey_public(const struct pkey *k, uint8_t out[ED25519_SIZE],
                        struct error *e) MUST_CHECK;
enum status pkey_seed(const struct pkey *k, uint8_t out[ED25519_SIZE], struct error *e) MUST_CHECK;

enum pkey_form {
        PKEY_PUBLIC_DER,  /* SubjectPublicKeyInfo; Ed25519: 44 bytes */
        PKEY_PRIVATE_DER, /* PKCS#8; Ed25519: 48 bytes */
        PKEY_PUBLIC_PEM,
        PKEY_PRIVATE_PEM,
};
enum status pkey_write(const struct pkey *k, enum pkey_form form, struct buf *out,
                       struct error *e) MUST_CHECK;

/* Ed25519 private keys only. */
enum status pkey_sign(const struct pkey *k, struct span message,
                      uint8_t out[ED25519_SIGNATURE_SIZE], struct error *e) MUST_CHECK;
/* By the key's kind; false for any fault. */
bool pkey_verify(const struct pkey *k, struct span message, struct span signature);

/* The version of OpenSSL. */
const char *crypto_library(void);

#endif
