/*
 * Headers that a stranger chooses, over claims that he chooses, and signed as well as he can: with
 * the right keys, and with the public key as if it were a secret. The first line is the header.
 *
 * The key decides, never the token: what verifies under a key is signed with that key, names that
 * key's algorithm and none other, asks for no extension and names no other kid; and all that is so
 * verifies.
 */
#include "fuzz.h"

#include <chatelaine/codec_jwt.h>
#include <chatelaine/codec_text.h>

#include <stdlib.h>

#define SECRET "a secret of 32 bytes, no less..."

enum signer { SIGNER_SECRET, SIGNER_PRIVATE, SIGNER_PUBLIC_AS_SECRET, SIGNER_NOBODY, SIGNER_COUNT };

static struct pkey *pair;
static char public_bytes[ED25519_SIZE];

static void must(bool is_so)
{
        if (!is_so)
                abort();
}

static void make_keys(void)
{
        static const uint8_t seed[ED25519_SIZE] = {1, 2, 3};
        if (pair)
                return;
        must(pkey_from_seed(seed, &pair, NULL) == STATUS_OK);
        must(pkey_public(pair, (uint8_t *)public_bytes, NULL) == STATUS_OK);
}

static void sign(struct buf *token, enum signer signer)
{
        uint8_t signature[HMAC_SIZE_MAX];
        size_t len = 0;
        struct span message = buf_view(token);

        if (signer == SIGNER_PRIVATE) {
                must(pkey_sign(pair, message, signature, NULL) == STATUS_OK);
                len = ED25519_SIGNATURE_SIZE;
        } else if (signer != SIGNER_NOBODY) {
                struct span secret = signer == SIGNER_SECRET
                                             ? SPAN(SECRET)
                                             : span_make(public_bytes, sizeof public_bytes);
                must(hmac_of(HMAC_SHA256, secret, message, signature, NULL) == STATUS_OK);
                len = hmac_size(HMAC_SHA256);
        }
        buf_char(token, '.');
        base64url_encode(token, span_make(signature, len));
}

static bool may_fit(const struct json *header, const struct jwt_key *key)
{
        struct span kid = json_get_text(header, "kid");
        return json_is_object(header) && !json_get(header, "crit") && !json_get(header, "b64") &&
               span_is(json_get_text(header, "alg"), jwt_algorithm_name(key->algorithm)) &&
               (!json_get(header, "kid") || (kid.p && (!key->kid || span_is(kid, key->kid))));
}

static void check(struct span token, enum signer signer, const struct json *header,
                  const struct json *claims)
{
        const struct jwt_key keys[] = {
                {.algorithm = JWT_HS256, .secret = SPAN(SECRET), .kid = "s"},
                {.algorithm = JWT_EDDSA, .pkey = pair, .kid = "p"},
                {.algorithm = JWT_HS512, .secret = SPAN(SECRET)},
                {.algorithm = JWT_ES256, .pkey = pair},
                {.algorithm = JWT_RS256, .pkey = pair},
                {.algorithm = JWT_EDDSA, .secret = SPAN(SECRET)},
        };
        size_t n = sizeof keys / sizeof *keys, found, expected = n;
        struct json *read = NULL;

        if (signer == SIGNER_SECRET && may_fit(header, &keys[0]))
                expected = 0;
        if (signer == SIGNER_PRIVATE && may_fit(header, &keys[1]))
                expected = 1;
        enum status s = jwt_verify(token, keys, n, &read, &found, NULL);
        must((s == STATUS_OK) == (expected < n && json_is_object(claims)));
        if (s == STATUS_OK)
                must(found == expected && json_size(read) == json_size(claims));
        json_free(read);
        for (size_t i = 0; i < n; i++) {
                s = jwt_verify(token, &keys[i], 1, &read, NULL, NULL);
                must((s == STATUS_OK) == (i == expected && json_is_object(claims)));
                if (s == STATUS_OK)
                        json_free(read);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct span claims_text,
                header_text = span_split(span_make(data, size), '\n', &claims_text);
        struct json *header = NULL, *claims = NULL;
        struct buf token;

        make_keys();
        if (json_parse(header_text, 16, &header, NULL) != STATUS_OK)
                header = NULL;
        if (json_parse(claims_text.p ? claims_text : SPAN(""), 16, &claims, NULL) != STATUS_OK)
                claims = NULL;
        buf_init(&token, 1 << 20);
        for (enum signer signer = 0; signer < SIGNER_COUNT; signer++) {
                buf_reset(&token);
                base64url_encode(&token, header_text);
                buf_char(&token, '.');
                base64url_encode(&token, claims_text);
                sign(&token, signer);
                must(token.status == STATUS_OK);
                if (token.len <= JWT_SIZE_MAX)
                        check(buf_view(&token), signer, header, claims);
        }
        buf_fini(&token);
        json_free(header);
        json_free(claims);
        return 0;
}
