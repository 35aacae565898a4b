/* JSON Web Keys (RFC 7517, 7518 section 6, 8037) and their thumbprints (RFC 7638). */
#include <chatelaine/codec_jwt.h>
#include <chatelaine/codec_text.h>

#include <stdlib.h>

#define JWKS_KEYS_MAX 64
#define JWKS_SIZE_MAX (256 * 1024)
#define NUMBER_MAX 1025 /* RSA of 8192 bits, and a zero in front */

static enum status invalid_jwk(struct error *e, const char *text)
{
        return error_set(e, STATUS_INVALID, "invalid-jwk", NULL, "%s", text);
}

/* A member that is base64url; `exact` bytes when that is not 0. */
static bool read_bytes(const struct json *jwk, const char *name, size_t exact, struct buf *out)
{
        struct span text = json_get_text(jwk, name);
        buf_init(out, NUMBER_MAX);
        return text.len > 0 && base64url_decode(out, text, NULL) == STATUS_OK &&
               (exact == 0 || out->len == exact);
}

static enum status read_okp(const struct json *jwk, struct pkey **ret, struct error *e)
{
        CLEANUP(buf_fini) struct buf x;
        if (!read_bytes(jwk, "x", ED25519_SIZE, &x) ||
            !span_is(json_get_text(jwk, "crv"), "Ed25519"))
                return invalid_jwk(e, "Not an Ed25519 key.");
        return pkey_from_public((const uint8_t *)x.data, ret, e);
}

static enum status read_ec(const struct json *jwk, struct pkey **ret, struct error *e)
{
        CLEANUP(buf_fini) struct buf x;
        CLEANUP(buf_fini) struct buf y;
        bool has_x = read_bytes(jwk, "x", 32, &x), has_y = read_bytes(jwk, "y", 32, &y);
        if (!has_x || !has_y || !span_is(json_get_text(jwk, "crv"), "P-256"))
                return invalid_jwk(e, "Not a P-256 key.");
        return pkey_from_p256((const uint8_t *)x.data, (const uint8_t *)y.data, ret, e);
}

static enum status read_rsa(const struct json *jwk, struct pkey **ret, struct error *e)
{
        CLEANUP(buf_fini) struct buf n;
        CLEANUP(buf_fini) struct buf exponent;
        bool has_n = read_bytes(jwk, "n", 0, &n), has_e = read_bytes(jwk, "e", 0, &exponent);
        if (!has_n || !has_e)
                return invalid_jwk(e, "Not an RSA key.");
        return pkey_from_rsa(buf_view(&n), buf_view(&exponent), ret, e);
}

static const struct {
        const char *kty;
        enum jwt_algorithm algorithm;
        enum status (*read)(const struct json *jwk, struct pkey **ret, struct error *e);
} key_types[] = {
        {"OKP", JWT_EDDSA, read_okp},
        {"EC", JWT_ES256, read_ec},
        {"RSA", JWT_RS256, read_rsa},
};

/* Absent, or that text. */
static bool is_absent_or(const struct json *jwk, const char *name, const char *text)
{
        return !json_get(jwk, name) || span_is(json_get_text(jwk, name), text);
}

static bool may_verify(const struct json *jwk)
{
        const struct json *operations = json_get(jwk, "key_ops");
        bool is_listed = !operations;
        for (size_t i = 0; i < json_size(operations); i++)
                is_listed |= span_is(json_span(json_at(operations, i)), "verify");
        return is_listed && is_absent_or(jwk, "use", "sig");
}

enum status jwk_read(const struct json *jwk, struct pkey **ret, enum jwt_algorithm *ret_algorithm,
                     struct error *e)
{
        size_t i = 0, n = sizeof key_types / sizeof *key_types;
        struct span kty = json_get_text(jwk, "kty");
        while (i < n && !span_is(kty, key_types[i].kty))
                i++;
        if (i == n)
                return invalid_jwk(e, "Not a kind of key that is taken.");
        if (!may_verify(jwk) ||
            !is_absent_or(jwk, "alg", jwt_algorithm_name(key_types[i].algorithm)))
                return invalid_jwk(e,
                                   "The key is not for verifying with an algorithm that is taken.");
        if (key_types[i].read(jwk, ret, NULL) != STATUS_OK)
                return invalid_jwk(e, "The key's numbers are missing, too small, or not a key.");
        *ret_algorithm = key_types[i].algorithm;
        return STATUS_OK;
}

static enum status public_text(const struct pkey *k, struct buf *out, struct error *e)
{
        uint8_t bytes[ED25519_SIZE];
        TRY(pkey_public(k, bytes, e));
        base64url_encode(out, span_make(bytes, sizeof bytes));
        return buf_check(out, e);
}

enum status jwk_write(const struct pkey *k, const char *kid, struct buf *out, struct error *e)
{
        CLEANUP(buf_fini) struct buf x;
        buf_init(&x, 64);
        TRY(public_text(k, &x, e));
        json_obj_open(out);
        json_member_text(out, "kty", SPAN("OKP"));
        json_member_text(out, "crv", SPAN("Ed25519"));
        json_member_text(out, "x", buf_view(&x));
        json_member_text(out, "use", SPAN("sig"));
        json_member_text(out, "alg", SPAN("EdDSA"));
        if (kid)
                json_member_text(out, "kid", span_of(kid));
        json_obj_close(out);
        return buf_check(out, e);
}

enum status jwk_thumbprint(const struct pkey *k, char out[JWK_THUMBPRINT_SIZE], struct error *e)
{
        CLEANUP(buf_fini) struct buf text;
        CLEANUP(buf_fini) struct buf encoded;
        uint8_t digest[SHA256_SIZE];
        buf_init(&text, 256);
        buf_init(&encoded, JWK_THUMBPRINT_SIZE - 1);
        /* The required members of an OKP key in the order of their names, no white space. */
        buf_text(&text, "{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"");
        TRY(public_text(k, &text, e));
        buf_text(&text, "\"}");
        TRY(buf_check(&text, e));
        sha256_of(buf_view(&text), digest);
        base64url_encode(&encoded, span_make(digest, sizeof digest));
        TRY(buf_check(&encoded, e));
        memcpy(out, encoded.data, JWK_THUMBPRINT_SIZE);
        return STATUS_OK;
}

/* ---- sets ---- */

struct jwks {
        struct jwt_key keys[JWKS_KEYS_MAX]; /* pkey and kid are owned */
        size_t n;
};

void jwks_free(struct jwks *set)
{
        if (!set)
                return;
        for (size_t i = 0; i < set->n; i++) {
                pkey_free((struct pkey *)set->keys[i].pkey);
                free((char *)set->keys[i].kid);
        }
        free(set);
}

static enum status add_key(struct jwks *set, const struct json *jwk, struct error *e)
{
        struct jwt_key key = {0};
        struct pkey *pkey;
        struct span kid = json_get_text(jwk, "kid");
        if (kid.p && memchr(kid.p, '\0', kid.len))
                return STATUS_OK;
        if (jwk_read(jwk, &pkey, &key.algorithm, NULL) != STATUS_OK)
                return STATUS_OK;
        key.pkey = pkey;
        if (kid.p && !(key.kid = strndup(kid.p, kid.len))) {
                pkey_free(pkey);
                return error_no_memory(e);
        }
        set->keys[set->n++] = key;
        return STATUS_OK;
}

static enum status add_keys(struct jwks *set, const struct json *root, struct error *e)
{
        const struct json *keys = json_get(root, "keys");
        if (!json_is_array(keys) || json_size(keys) > JWKS_KEYS_MAX)
                return error_set(e, STATUS_INVALID, "invalid-jwks", NULL,
                                 "Not a set of at most %d keys.", JWKS_KEYS_MAX);
        for (size_t i = 0; i < json_size(keys); i++)
                TRY(add_key(set, json_at(keys, i), e));
        if (set->n == 0)
                return error_set(e, STATUS_INVALID, "invalid-jwks", NULL,
                                 "No key of the set can be used.");
        return STATUS_OK;
}

enum status jwks_parse(struct span text, struct jwks **ret, struct error *e)
{
        CLEANUP(json_freep) struct json *root = NULL;
        if (text.len > JWKS_SIZE_MAX || json_parse(text, 8, &root, NULL) != STATUS_OK)
                return error_set(e, STATUS_INVALID, "invalid-jwks", NULL,
                                 "Not JSON of a size that is taken.");
        struct jwks *set = calloc(1, sizeof *set);
        enum status status = set ? add_keys(set, root, e) : error_no_memory(e);
        if (status != STATUS_OK) {
                jwks_free(set);
                return status;
        }
        *ret = set;
        return STATUS_OK;
}

const struct jwt_key *jwks_keys(const struct jwks *set, size_t *ret_n)
{
        *ret_n = set->n;
        return set->keys;
}
