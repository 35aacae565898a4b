/*
 * Tokens, keys and key sets from strangers. The secret "k" and RFC 8037's key are the verifier's:
 * nothing that the fuzzer makes may verify unless it was signed with them, so what verifies must
 * carry the signature that signing its first two parts gives.
 */
#include "fuzz.h"

#include <chatelaine/codec_jwt.h>

#include <stdlib.h>

static const struct jwt_key key = {.algorithm = JWT_HS256, .secret = SPAN("k")};

static void check_token(struct span token)
{
        struct json *claims, *header;
        if (jwt_peek_unverified(token, &header, &claims, NULL) == STATUS_OK) {
                enum jwt_time which;
                (void)jwt_times_ok(claims, 1700000000000, 60000, &which);
                (void)jwt_audience_has(claims, SPAN("chatelaine"));
                json_free(header);
                json_free(claims);
        }
        if (jwt_verify(token, &key, 1, &claims, NULL, NULL) != STATUS_OK)
                return;
        if (!json_is_object(claims))
                abort();
        json_free(claims);
        /* One bit of the signature's last whole character but one: no longer the same bytes. */
        char copy[JWT_SIZE_MAX];
        memcpy(copy, token.p, token.len);
        copy[token.len - 2] = copy[token.len - 2] == 'A' ? 'B' : 'A';
        if (jwt_verify(span_make(copy, token.len), &key, 1, &claims, NULL, NULL) == STATUS_OK)
                abort();
}

static void check_keys(struct span text)
{
        struct jwks *set;
        if (jwks_parse(text, &set, NULL) == STATUS_OK) {
                size_t n;
                const struct jwt_key *keys = jwks_keys(set, &n);
                struct json *claims;
                if (jwt_verify(SPAN("eyJhbGciOiJFUzI1NiJ9.e30.AAAA"), keys, n, &claims, NULL,
                               NULL) == STATUS_OK)
                        abort();
                jwks_free(set);
        }
        struct pkey *k;
        if (pkey_from_pem(text, &k, NULL) == STATUS_OK ||
            pkey_from_der(text, &k, NULL) == STATUS_OK) {
                struct buf out;
                buf_init(&out, 65536);
                if (pkey_write(k, PKEY_PUBLIC_DER, &out, NULL) != STATUS_OK ||
                    pkey_verify(k, SPAN("m"), text))
                        abort();
                buf_fini(&out);
                pkey_free(k);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct span text = span_make(data, size);
        check_token(text);
        check_keys(text);
        return 0;
}
