/* Passwords by scrypt (RFC 7914), in the PHC string format: $scrypt$ln=15,r=8,p=1$salt$hash, base64
 * without padding. */
#include "crypto.h"

#include <chatelaine/base_clock.h>
#include <chatelaine/codec_text.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <stdio.h>

#define COST_LN 15
#define COST_R 8
#define COST_P 1
#define SALT_SIZE 16
#define HASH_SIZE 32
#define LN_MAX 17
#define R_MAX 8
#define P_MAX 4
#define MEMORY_MAX (UINT64_C(160) << 20) /* ln=17, r=8: 128 MiB and a little */

struct password {
        unsigned ln, r, p;
        uint8_t salt[64];
        size_t salt_len;
        uint8_t hash[64];
        size_t hash_len;
};

static void kdf_freep(EVP_KDF_CTX **ctx)
{
        EVP_KDF_CTX_free(*ctx);
}

enum status scrypt_derive(struct span password, struct span salt, unsigned ln, unsigned r,
                          unsigned p, void *out, size_t len, struct error *e)
{
        uint64_t n = UINT64_C(1) << ln, memory = MEMORY_MAX;
        uint32_t r32 = r, p32 = p;
        OSSL_PARAM params[] = {
                OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PASSWORD,
                                                  (void *)(password.len ? password.p : ""),
                                                  password.len),
                OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT,
                                                  (void *)(salt.len ? salt.p : ""), salt.len),
                OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_N, &n),
                OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_R, &r32),
                OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_P, &p32),
                OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_MAXMEM, &memory),
                OSSL_PARAM_construct_end(),
        };
        CLEANUP(kdf_freep) EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(crypto_get()->scrypt);
        if (!ctx || EVP_KDF_derive(ctx, out, len, params) <= 0) {
                ERR_clear_error();
                return error_no_memory(e);
        }
        return STATUS_OK;
}

static void write_unpadded(struct buf *out, struct span bytes)
{
        base64_encode(out, bytes);
        while (out->status == STATUS_OK && out->len > 0 && out->data[out->len - 1] == '=')
                out->data[--out->len] = '\0';
}

enum status password_hash(struct span password, char out[PASSWORD_HASH_SIZE], struct error *e)
{
        uint8_t salt[SALT_SIZE], hash[HASH_SIZE];
        random_bytes(salt, sizeof salt);
        TRY(scrypt_derive(password, span_make(salt, sizeof salt), COST_LN, COST_R, COST_P, hash,
                          sizeof hash, e));

        CLEANUP(buf_fini_secret) struct buf text;
        buf_init(&text, PASSWORD_HASH_SIZE - 1);
        buf_printf(&text, "$scrypt$ln=%d,r=%d,p=%d$", COST_LN, COST_R, COST_P);
        write_unpadded(&text, span_make(salt, sizeof salt));
        buf_char(&text, '$');
        write_unpadded(&text, span_make(hash, sizeof hash));
        wipe(hash, sizeof hash);
        TRY(buf_check(&text, e));
        memcpy(out, text.data, text.len + 1);
        return STATUS_OK;
}

static bool read_cost(struct span text, const char *name, unsigned max, unsigned *ret)
{
        struct span value;
        int64_t n;
        if (!span_is(span_split(text, '=', &value), name) || !value.p ||
            span_int64(value, &n, NULL) != STATUS_OK || n < 1 || n > max)
                return false;
        *ret = (unsigned)n;
        return true;
}

static bool read_bytes(struct span text, uint8_t out[64], size_t *ret_len)
{
        CLEANUP(buf_fini_secret) struct buf b;
        buf_init(&b, 64);
        if (!text.p || base64_decode_lenient(&b, text, NULL) != STATUS_OK || b.len < 8)
                return false;
        memcpy(out, b.data, b.len);
        *ret_len = b.len;
        return true;
}

static bool read_hash(struct span text, struct password *p)
{
        struct span costs, salt, hash, r, parallel;
        if (!span_starts(text, "$scrypt$"))
                return false;
        costs = span_split(span_make(text.p + 8, text.len - 8), '$', &salt);
        salt = span_split(salt, '$', &hash);
        struct span ln = span_split(costs, ',', &r);
        r = span_split(r, ',', &parallel);
        return read_cost(ln, "ln", LN_MAX, &p->ln) && read_cost(r, "r", R_MAX, &p->r) &&
               read_cost(parallel, "p", P_MAX, &p->p) && read_bytes(salt, p->salt, &p->salt_len) &&
               read_bytes(hash, p->hash, &p->hash_len);
}

enum status password_verify(struct span password, struct span hash, bool *ret_matches,
                            struct error *e)
{
        /* Nobody's hash: costs what a real one costs, so that time does not tell which names exist.
         */
        struct password expected = {.ln = COST_LN,
                                    .r = COST_R,
                                    .p = COST_P,
                                    .salt_len = SALT_SIZE,
                                    .hash_len = HASH_SIZE};
        uint8_t derived[64];
        if (hash.p && !read_hash(hash, &expected))
                return error_set(e, STATUS_INVALID, "invalid-password-hash", NULL,
                                 "The stored password hash cannot be read.");
        TRY(scrypt_derive(password, span_make(expected.salt, expected.salt_len), expected.ln,
                          expected.r, expected.p, derived, expected.hash_len, e));
        *ret_matches = crypto_equal(derived, expected.hash, expected.hash_len) && hash.p;
        wipe(derived, sizeof derived);
        wipe(&expected, sizeof expected);
        return STATUS_OK;
}
