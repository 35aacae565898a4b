/* Signature keys: struct pkey is libcrypto's EVP_PKEY under a name of ours, of three kinds only. */
#include "crypto.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 8192
#define KEY_TEXT_MAX 16384

static EVP_PKEY *theirs(const struct pkey *k)
{
        return (EVP_PKEY *)k;
}

/* libcrypto's own error queue is emptied: what stays in it would be taken for a fault of the
 * thread's next TLS call. */
static enum status invalid_key(struct error *e, const char *text)
{
        ERR_clear_error();
        return error_set(e, STATUS_INVALID, "invalid-key", NULL, "%s", text);
}

static bool is_p256(EVP_PKEY *k)
{
        char group[32];
        return EVP_PKEY_get_group_name(k, group, sizeof group, NULL) &&
               strcmp(group, SN_X9_62_prime256v1) == 0;
}

static bool is_taken(EVP_PKEY *k)
{
        switch (EVP_PKEY_get_base_id(k)) {
        case EVP_PKEY_ED25519: return true;
        case EVP_PKEY_EC: return is_p256(k);
        case EVP_PKEY_RSA:
                return EVP_PKEY_get_bits(k) >= RSA_BITS_MIN && EVP_PKEY_get_bits(k) <= RSA_BITS_MAX;
        default: return false;
        }
}

/* Takes `k`, which may be NULL. */
static enum status give(EVP_PKEY *k, struct pkey **ret, struct error *e)
{
        if (!k || !is_taken(k)) {
                EVP_PKEY_free(k);
                return invalid_key(e, "Not an Ed25519, P-256 or RSA (2048 bits and more) key.");
        }
        ERR_clear_error();
        *ret = (struct pkey *)k;
        return STATUS_OK;
}

enum status pkey_generate(struct pkey **ret, struct error *e)
{
        return give(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), ret, e);
}

enum status pkey_from_seed(const uint8_t seed[ED25519_SIZE], struct pkey **ret, struct error *e)
{
        return give(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, ED25519_SIZE), ret,
                    e);
}

enum status pkey_from_public(const uint8_t bytes[ED25519_SIZE], struct pkey **ret, struct error *e)
{
        return give(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, bytes, ED25519_SIZE), ret,
                    e);
}

static EVP_PKEY *read_private(struct span der)
{
        const unsigned char *p = (const unsigned char *)der.p;
        PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, (long)der.len);
        EVP_PKEY *k =
                info && p == (const unsigned char *)der.p + der.len ? EVP_PKCS82PKEY(info) : NULL;
        PKCS8_PRIV_KEY_INFO_free(info);
        return k;
}

static EVP_PKEY *read_public(struct span der)
{
        const unsigned char *p = (const unsigned char *)der.p;
        EVP_PKEY *k = d2i_PUBKEY(NULL, &p, (long)der.len);
        if (k && p != (const unsigned char *)der.p + der.len) {
                EVP_PKEY_free(k);
                k = NULL;
        }
        return k;
}

enum status pkey_from_der(struct span der, struct pkey **ret, struct error *e)
{
        if (der.len == 0 || der.len > KEY_TEXT_MAX)
                return invalid_key(e, "Not a key of a size that is taken.");
        EVP_PKEY *k = read_public(der);
        return give(k ? k : read_private(der), ret, e);
}

enum status pkey_from_pem(struct span pem, struct pkey **ret, struct error *e)
{
        pem = span_trim(pem);
        if (!span_starts(pem, "-----BEGIN ") || pem.len > KEY_TEXT_MAX)
                return invalid_key(e, "Not a PEM text of a size that is taken.");
        BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.len);
        char *name = NULL, *header = NULL;
        unsigned char *der = NULL;
        long len = 0;
        EVP_PKEY *k = NULL;
        if (bio && PEM_read_bio(bio, &name, &header, &der, &len) && header[0] == '\0' &&
            BIO_pending(bio) == 0) {
                struct span body = span_make(der, (size_t)len);
                k = strcmp(name, "PUBLIC KEY") == 0    ? read_public(body)
                    : strcmp(name, "PRIVATE KEY") == 0 ? read_private(body)
                                                       : NULL;
        }
        BIO_free(bio);
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_clear_free(der, (size_t)len);
        return give(k, ret, e);
}

/* A public key of `type` from parameters; takes `build`. */
static EVP_PKEY *from_params(const char *type, OSSL_PARAM_BLD *build, bool is_complete)
{
        EVP_PKEY *k = NULL;
        OSSL_PARAM *params = is_complete ? OSSL_PARAM_BLD_to_param(build) : NULL;
        EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
        if (params && ctx && EVP_PKEY_fromdata_init(ctx) > 0)
                (void)EVP_PKEY_fromdata(ctx, &k, EVP_PKEY_PUBLIC_KEY, params);
        EVP_PKEY_CTX_free(ctx);
        OSSL_PARAM_free(params);
        OSSL_PARAM_BLD_free(build);
        return k;
}

/* RFC 8017 wants an odd exponent of 3 or more; far larger ones only cost time. */
static bool is_exponent(const BIGNUM *e)
{
        return BN_is_odd(e) && BN_num_bits(e) >= 2 && BN_num_bits(e) <= 64;
}

enum status pkey_from_rsa(struct span n, struct span exponent, struct pkey **ret, struct error *e)
{
        if (n.len > RSA_BITS_MAX / 8 + 1 || exponent.len > 16)
                return invalid_key(e, "The RSA numbers are too large.");
        BIGNUM *bn = BN_bin2bn((const unsigned char *)n.p, (int)n.len, NULL);
        BIGNUM *be = BN_bin2bn((const unsigned char *)exponent.p, (int)exponent.len, NULL);
        OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
        bool is_complete = bn && be && build && BN_is_odd(bn) && is_exponent(be) &&
                           OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, bn) &&
                           OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, be);
        EVP_PKEY *k = from_params("RSA", build, is_complete);
        BN_free(bn);
        BN_free(be);
        return give(k, ret, e);
}

enum status pkey_from_p256(const uint8_t x[32], const uint8_t y[32], struct pkey **ret,
                           struct error *e)
{
        unsigned char point[65] = {POINT_CONVERSION_UNCOMPRESSED};
        memcpy(point + 1, x, 32);
        memcpy(point + 33, y, 32);
        OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
        bool is_complete = build &&
                           OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME,
                                                           SN_X9_62_prime256v1, 0) &&
                           OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point,
                                                            sizeof point);
        return give(from_params("EC", build, is_complete), ret, e);
}

struct pkey *pkey_ref(const struct pkey *k)
{
        EVP_PKEY_up_ref(theirs(k));
        return (struct pkey *)k;
}

void pkey_free(struct pkey *k)
{
        EVP_PKEY_free(theirs(k));
}

void pkey_freep(struct pkey **k)
{
        pkey_free(*k);
}

enum pkey_kind pkey_kind(const struct pkey *k)
{
        int id = EVP_PKEY_get_base_id(theirs(k));
        return id == EVP_PKEY_ED25519 ? PKEY_ED25519 : id == EVP_PKEY_EC ? PKEY_P256 : PKEY_RSA;
}

bool pkey_equal(const struct pkey *a, const struct pkey *b)
{
        bool is_equal = EVP_PKEY_eq(theirs(a), theirs(b)) == 1;
        ERR_clear_error();
        return is_equal;
}

bool pkey_is_private(const struct pkey *k)
{
        if (pkey_kind(k) == PKEY_ED25519) {
                size_t len = 0;
                bool is_private = EVP_PKEY_get_raw_private_key(theirs(k), NULL, &len) > 0;
                ERR_clear_error();
                return is_private;
        }
        BIGNUM *secret = NULL;
        const char *name =
                pkey_kind(k) == PKEY_P256 ? OSSL_PKEY_PARAM_PRIV_KEY : OSSL_PKEY_PARAM_RSA_D;
        bool is_private = EVP_PKEY_get_bn_param(theirs(k), name, &secret) > 0;
        BN_clear_free(secret);
        ERR_clear_error();
        return is_private;
}

enum status pkey_public(const struct pkey *k, uint8_t out[ED25519_SIZE], struct error *e)
{
        size_t len = ED25519_SIZE;
        if (pkey_kind(k) != PKEY_ED25519 || !EVP_PKEY_get_raw_public_key(theirs(k), out, &len))
                return invalid_key(e, "Not an Ed25519 key.");
        return STATUS_OK;
}

enum status pkey_seed(const struct pkey *k, uint8_t out[ED25519_SIZE], struct error *e)
{
        size_t len = ED25519_SIZE;
        if (pkey_kind(k) != PKEY_ED25519 || !EVP_PKEY_get_raw_private_key(theirs(k), out, &len))
                return invalid_key(e, "Not an Ed25519 private key.");
        return STATUS_OK;
}

static bool write_key(EVP_PKEY *k, enum pkey_form form, BIO *bio)
{
        switch (form) {
        case PKEY_PUBLIC_DER: return i2d_PUBKEY_bio(bio, k);
        case PKEY_PRIVATE_DER: return i2d_PKCS8PrivateKey_bio(bio, k, NULL, NULL, 0, NULL, NULL);
        case PKEY_PUBLIC_PEM: return PEM_write_bio_PUBKEY(bio, k);
        case PKEY_PRIVATE_PEM:
                return PEM_write_bio_PKCS8PrivateKey(bio, k, NULL, NULL, 0, NULL, NULL);
        }
        return false;
}

enum status pkey_write(const struct pkey *k, enum pkey_form form, struct buf *out, struct error *e)
{
        bool is_private_form = form == PKEY_PRIVATE_DER || form == PKEY_PRIVATE_PEM;
        if (is_private_form && !pkey_is_private(k))
                return invalid_key(e, "Not a private key.");
        BIO *bio = BIO_new(BIO_s_secmem());
        if (!bio || !write_key(theirs(k), form, bio)) {
                BIO_free(bio);
                ERR_clear_error();
                return error_no_memory(e);
        }
        char *p;
        long len = BIO_get_mem_data(bio, &p);
        buf_append(out, p, (size_t)len);
        BIO_free(bio); /* wipes */
        return buf_check(out, e);
}

enum status pkey_sign(const struct pkey *k, struct span message,
                      uint8_t out[ED25519_SIGNATURE_SIZE], struct error *e)
{
        if (pkey_kind(k) != PKEY_ED25519 || !pkey_is_private(k))
                return invalid_key(e, "Not an Ed25519 private key.");
        size_t len = ED25519_SIGNATURE_SIZE;
        EVP_MD_CTX *ctx = EVP_MD_CTX_new();
        bool is_signed =
                ctx && EVP_DigestSignInit(ctx, NULL, NULL, NULL, theirs(k)) &&
                EVP_DigestSign(ctx, out, &len, (const unsigned char *)message.p, message.len);
        EVP_MD_CTX_free(ctx);
        if (!is_signed) {
                ERR_clear_error();
                return error_no_memory(e);
        }
        return STATUS_OK;
}

/* r || s as the DER that libcrypto wants; its length, 0 when it cannot be. */
static int ecdsa_der(struct span raw, unsigned char out[80])
{
        if (raw.len != 64)
                return 0;
        const unsigned char *p = (const unsigned char *)raw.p;
        ECDSA_SIG *sig = ECDSA_SIG_new();
        BIGNUM *r = BN_bin2bn(p, 32, NULL), *s = BN_bin2bn(p + 32, 32, NULL);
        if (!sig || !r || !s || !ECDSA_SIG_set0(sig, r, s)) {
                BN_free(r);
                BN_free(s);
                ECDSA_SIG_free(sig);
                return 0;
        }
        int len = i2d_ECDSA_SIG(sig, &out);
        ECDSA_SIG_free(sig);
        return len > 0 ? len : 0;
}

bool pkey_verify(const struct pkey *k, struct span message, struct span signature)
{
        unsigned char der[80];
        enum pkey_kind kind = pkey_kind(k);
        const unsigned char *sig = (const unsigned char *)signature.p;
        size_t len = signature.len;
        if (kind == PKEY_P256) {
                len = (size_t)ecdsa_der(signature, der);
                sig = der;
        }
        if (len == 0)
                return false;
        EVP_MD_CTX *ctx = EVP_MD_CTX_new();
        const EVP_MD *digest = kind == PKEY_ED25519 ? NULL : crypto_get()->sha256;
        bool is_good =
                ctx && EVP_DigestVerifyInit(ctx, NULL, digest, NULL, theirs(k)) > 0 &&
                EVP_DigestVerify(ctx, sig, len, (const unsigned char *)message.p, message.len) == 1;
        EVP_MD_CTX_free(ctx);
        ERR_clear_error();
        return is_good;
}
