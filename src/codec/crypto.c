/* What libcrypto does without keys of two halves: digests, MACs, sealing. */
#include "crypto.h"

#include <chatelaine/base_clock.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static struct crypto fetched;

_Noreturn void crypto_die(const char *what)
{
        fprintf(stderr, "chatelaine: libcrypto cannot do %s\n", what);
        abort();
}

static void fetch(void)
{
        fetched = (struct crypto){
                .sha256 = EVP_MD_fetch(NULL, "SHA256", NULL),
                .hmac = EVP_MAC_fetch(NULL, "HMAC", NULL),
                .aes_256_gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL),
                .scrypt = EVP_KDF_fetch(NULL, "SCRYPT", NULL),
        };
        if (!fetched.sha256 || !fetched.hmac || !fetched.aes_256_gcm || !fetched.scrypt)
                crypto_die("SHA-256, HMAC, AES-256-GCM and scrypt");
}

const struct crypto *crypto_get(void)
{
        static pthread_once_t once = PTHREAD_ONCE_INIT;
        pthread_once(&once, fetch);
        return &fetched;
}

bool crypto_equal(const void *a, const void *b, size_t n)
{
        return n == 0 || CRYPTO_memcmp(a, b, n) == 0;
}

bool crypto_equal_span(struct span a, struct span b)
{
        return a.p && b.p && a.len == b.len && crypto_equal(a.p, b.p, a.len);
}

/* ---- SHA-256 ---- */

/* A thread's context: EVP_Digest would make and end one a call. */
static pthread_key_t of_key;
static pthread_once_t of_once = PTHREAD_ONCE_INIT;

static void of_end(void *ctx)
{
        struct sha256 h = {.ctx = ctx};
        sha256_final(&h, NULL);
}

static void of_make_key(void)
{
        if (pthread_key_create(&of_key, of_end) != 0)
                crypto_die("SHA-256");
}

void sha256_of(struct span bytes, uint8_t out[SHA256_SIZE])
{
        pthread_once(&of_once, of_make_key);
        struct sha256 h = {.ctx = pthread_getspecific(of_key)};
        if (!h.ctx) {
                sha256_init(&h);
                if (pthread_setspecific(of_key, h.ctx) != 0)
                        crypto_die("SHA-256");
        }
        sha256_update(&h, bytes);
        sha256_next(&h, out);
}

void sha256_init(struct sha256 *h)
{
        h->ctx = EVP_MD_CTX_new();
        if (!h->ctx || !EVP_DigestInit_ex2(h->ctx, crypto_get()->sha256, NULL))
                crypto_die("SHA-256");
}

void sha256_update(struct sha256 *h, struct span bytes)
{
        if (!EVP_DigestUpdate(h->ctx, bytes.p, bytes.len))
                crypto_die("SHA-256");
}

void sha256_next(struct sha256 *h, uint8_t out[SHA256_SIZE])
{
        if (!EVP_DigestFinal_ex(h->ctx, out, NULL) || !EVP_DigestInit_ex2(h->ctx, NULL, NULL))
                crypto_die("SHA-256");
}

void sha256_final(struct sha256 *h, uint8_t out[SHA256_SIZE])
{
        if (out && !EVP_DigestFinal_ex(h->ctx, out, NULL))
                crypto_die("SHA-256");
        EVP_MD_CTX_free(h->ctx);
        h->ctx = NULL;
}

/* ---- HMAC ---- */

/* struct hmac is libcrypto's context under a name of ours. */
static EVP_MAC_CTX *mac(struct hmac *h)
{
        return (EVP_MAC_CTX *)h;
}

size_t hmac_size(enum hmac_algorithm a)
{
        return a == HMAC_SHA256 ? 32 : 64;
}

enum status hmac_new(enum hmac_algorithm a, struct span key, struct hmac **ret, struct error *e)
{
        /* libcrypto would take an empty key, and anybody can sign with that. */
        if (key.len == 0)
                return error_set(e, STATUS_INVALID, "empty-key", NULL, "The HMAC key is empty.");
        OSSL_PARAM params[] = {
                OSSL_PARAM_construct_utf8_string(
                        OSSL_MAC_PARAM_DIGEST,
                        a == HMAC_SHA256 ? (char[]){"SHA256"} : (char[]){"SHA512"}, 0),
                OSSL_PARAM_construct_end(),
        };
        EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(crypto_get()->hmac);
        if (!ctx || !EVP_MAC_init(ctx, (const unsigned char *)key.p, key.len, params)) {
                EVP_MAC_CTX_free(ctx);
                return error_no_memory(e);
        }
        *ret = (struct hmac *)ctx;
        return STATUS_OK;
}

enum status hmac_dup(const struct hmac *h, struct hmac **ret, struct error *e)
{
        EVP_MAC_CTX *ctx = EVP_MAC_CTX_dup((const EVP_MAC_CTX *)h);
        if (!ctx)
                return error_no_memory(e);
        *ret = (struct hmac *)ctx;
        return STATUS_OK;
}

void hmac_free(struct hmac *h)
{
        EVP_MAC_CTX_free(mac(h));
}

void hmac_freep(struct hmac **h)
{
        hmac_free(*h);
}

void hmac_begin(struct hmac *h)
{
        if (!EVP_MAC_init(mac(h), NULL, 0, NULL))
                crypto_die("HMAC");
}

void hmac_update(struct hmac *h, struct span bytes)
{
        if (!EVP_MAC_update(mac(h), (const unsigned char *)bytes.p, bytes.len))
                crypto_die("HMAC");
}

void hmac_final(struct hmac *h, uint8_t out[HMAC_SIZE_MAX])
{
        size_t len;
        if (!EVP_MAC_final(mac(h), out, &len, HMAC_SIZE_MAX))
                crypto_die("HMAC");
}

enum status hmac_of(enum hmac_algorithm a, struct span key, struct span bytes,
                    uint8_t out[HMAC_SIZE_MAX], struct error *e)
{
        CLEANUP(hmac_freep) struct hmac *h = NULL;
        TRY(hmac_new(a, key, &h, e));
        hmac_update(h, bytes);
        hmac_final(h, out);
        return STATUS_OK;
}

/* ---- AES-256-GCM ---- */

#define NONCE_SIZE 12
#define TAG_SIZE 16
_Static_assert(NONCE_SIZE + TAG_SIZE == SEAL_OVERHEAD, "what sealing adds");

static void cipher_freep(EVP_CIPHER_CTX **ctx)
{
        EVP_CIPHER_CTX_free(*ctx);
}

enum status crypto_seal(const uint8_t key[SEAL_KEY_SIZE], struct span associated, struct span plain,
                        struct buf *out, struct error *e)
{
        if (plain.len > INT32_MAX || associated.len > INT32_MAX)
                return error_set(e, STATUS_INVALID, "too-large", NULL, "Too much to seal.");
        CLEANUP(cipher_freep) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
        unsigned char *nonce = (unsigned char *)buf_room(out, plain.len + SEAL_OVERHEAD);
        if (!nonce)
                return buf_check(out, e);
        unsigned char *cipher = nonce + NONCE_SIZE, *tag = cipher + plain.len;
        int n;
        random_bytes(nonce, NONCE_SIZE);
        if (!ctx || !EVP_EncryptInit_ex2(ctx, crypto_get()->aes_256_gcm, key, nonce, NULL) ||
            (associated.len &&
             !EVP_EncryptUpdate(ctx, NULL, &n, (const unsigned char *)associated.p,
                                (int)associated.len)) ||
            (plain.len &&
             !EVP_EncryptUpdate(ctx, cipher, &n, (const unsigned char *)plain.p, (int)plain.len)) ||
            !EVP_EncryptFinal_ex(ctx, tag, &n) ||
            !EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE, tag))
                return error_no_memory(e);
        buf_grew(out, plain.len + SEAL_OVERHEAD);
        return STATUS_OK;
}

enum status crypto_open(const uint8_t key[SEAL_KEY_SIZE], struct span associated,
                        struct span sealed, struct buf *out, struct error *e)
{
        if (sealed.len < SEAL_OVERHEAD || sealed.len > INT32_MAX || associated.len > INT32_MAX)
                return error_set(e, STATUS_INVALID, "seal-broken", NULL,
                                 "The sealed value cannot be opened.");
        CLEANUP(cipher_freep) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
        size_t len = sealed.len - SEAL_OVERHEAD;
        unsigned char *plain = (unsigned char *)buf_room(out, len);
        if (!plain)
                return buf_check(out, e);
        if (!ctx)
                return error_no_memory(e);
        const unsigned char *nonce = (const unsigned char *)sealed.p, *cipher = nonce + NONCE_SIZE;
        int n;
        unsigned char last[16];
        if (!EVP_DecryptInit_ex2(ctx, crypto_get()->aes_256_gcm, key, nonce, NULL) ||
            (associated.len &&
             !EVP_DecryptUpdate(ctx, NULL, &n, (const unsigned char *)associated.p,
                                (int)associated.len)) ||
            (len && !EVP_DecryptUpdate(ctx, plain, &n, cipher, (int)len)) ||
            !EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE, (void *)(cipher + len)) ||
            EVP_DecryptFinal_ex(ctx, last, &n) <= 0) {
                /* What Update gave was not yet proven: nobody may see it. */
                wipe(plain, len);
                ERR_clear_error();
                return error_set(e, STATUS_INVALID, "seal-broken", NULL,
                                 "The sealed value cannot be opened.");
        }
        buf_grew(out, len);
        return STATUS_OK;
}

const char *crypto_library(void)
{
        return OpenSSL_version(OPENSSL_VERSION_STRING);
}
