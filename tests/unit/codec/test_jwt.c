#include "unit/base/unit.h"

#include <chatelaine/codec_jwt.h>
#include <chatelaine/codec_text.h>

/* RFC 7515 appendix A. */
#define PAYLOAD \
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
#define HS256_KEY \
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"
#define HS256_TOKEN                                         \
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." PAYLOAD \
        ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
#define ES256_TOKEN                     \
        "eyJhbGciOiJFUzI1NiJ9." PAYLOAD \
        ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
#define RS256_TOKEN                                                                                                     \
        "eyJhbGciOiJSUzI1NiJ9." PAYLOAD                                                                                 \
        ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CU" \
        "Ar7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO" \
        "--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN" \
        "_IoypGlUPQGe77Rw"
#define ES256_JWK                                                                                                       \
        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":\"x_FEzRu9m36HL" \
        "N_tue659LNpXW6pCyStikYjKIWI5a0\"}"
#define RS256_JWK                                                                                                          \
        "{\"kty\":\"RSA\",\"n\":\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1P" \
        "t0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e"    \
        "-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q"    \
        "2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ\",\"e\":\"AQAB\"}"
/* RFC 8037 appendix A. */
#define ED25519_SEED "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"
#define ED25519_SIGNED "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
#define ED25519_SIGNATURE \
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"

static char hs256_key[64];

static struct jwt_key rfc_hs256(void)
{
        struct buf b;
        buf_init(&b, 64);
        assert_int_equal(base64url_decode(&b, SPAN(HS256_KEY), NULL), STATUS_OK);
        memcpy(hs256_key, b.data, 64);
        buf_fini(&b);
        return (struct jwt_key){.algorithm = JWT_HS256, .secret = span_make(hs256_key, 64)};
}

static struct jwt_key key_of_jwk(const char *text, struct pkey **ret)
{
        struct jwt_key key = {0};
        struct json *jwk;
        assert_int_equal(json_parse(span_of(text), 4, &jwk, NULL), STATUS_OK);
        assert_int_equal(jwk_read(jwk, ret, &key.algorithm, NULL), STATUS_OK);
        json_free(jwk);
        key.pkey = *ret;
        return key;
}

static struct pkey *rfc_ed25519(void)
{
        struct buf b;
        struct pkey *k;
        buf_init(&b, 64);
        assert_int_equal(base64url_decode(&b, SPAN(ED25519_SEED), NULL), STATUS_OK);
        assert_int_equal(pkey_from_seed((const uint8_t *)b.data, &k, NULL), STATUS_OK);
        buf_fini(&b);
        return k;
}

static void assert_rfc_claims(struct json *claims)
{
        assert_true(span_is(json_get_text(claims, "iss"), "joe"));
        assert_int_equal(json_integer(json_get(claims, "exp")), 1300819380);
        json_free(claims);
}

static void test_the_rfcs_tokens_verify(void **state)
{
        (void)state;
        struct pkey *ec, *rsa;
        struct json *claims;
        size_t which;
        const struct jwt_key keys[] = {rfc_hs256(), key_of_jwk(ES256_JWK, &ec),
                                       key_of_jwk(RS256_JWK, &rsa)};
        assert_int_equal(keys[1].algorithm, JWT_ES256);
        assert_int_equal(keys[2].algorithm, JWT_RS256);
        assert_int_equal(jwt_verify(SPAN(HS256_TOKEN), keys, 3, &claims, &which, NULL), STATUS_OK);
        assert_int_equal(which, 0);
        assert_rfc_claims(claims);
        assert_int_equal(jwt_verify(SPAN(ES256_TOKEN), keys, 3, &claims, &which, NULL), STATUS_OK);
        assert_int_equal(which, 1);
        assert_rfc_claims(claims);
        assert_int_equal(jwt_verify(SPAN(RS256_TOKEN), keys, 3, &claims, NULL, NULL), STATUS_OK);
        assert_rfc_claims(claims);
        pkey_free(ec);
        pkey_free(rsa);
}

static void test_the_rfcs_ed25519_signature(void **state)
{
        (void)state;
        struct pkey *k = rfc_ed25519();
        struct buf b;
        char thumbprint[JWK_THUMBPRINT_SIZE];
        buf_init(&b, 256);
        assert_int_equal(base64url_decode(&b, SPAN(ED25519_SIGNATURE), NULL), STATUS_OK);
        assert_true(pkey_verify(k, SPAN(ED25519_SIGNED), buf_view(&b)));
        assert_int_equal(jwk_thumbprint(k, thumbprint, NULL), STATUS_OK);
        assert_string_equal(thumbprint, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
        buf_reset(&b);
        assert_int_equal(jwk_write(k, "k1", &b, NULL), STATUS_OK);
        assert_string_equal(
                b.data,
                "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\","
                "\"use\":\"sig\",\"alg\":\"EdDSA\",\"kid\":\"k1\"}");
        struct pkey *again;
        (void)key_of_jwk(b.data, &again);
        assert_false(pkey_is_private(again));
        pkey_free(again);
        buf_fini(&b);
        pkey_free(k);
}

static struct buf signed_token(const struct jwt_key *key, const char *claims)
{
        struct buf b;
        buf_init(&b, JWT_SIZE_MAX);
        assert_int_equal(jwt_sign(key, NULL, span_of(claims), &b, NULL), STATUS_OK);
        return b;
}

static void test_signed_tokens_verify(void **state)
{
        (void)state;
        struct pkey *k = rfc_ed25519();
        const struct jwt_key keys[] = {
                {.algorithm = JWT_HS256, .secret = SPAN("one")},
                {.algorithm = JWT_HS512, .secret = SPAN("two"), .kid = "2"},
                {.algorithm = JWT_EDDSA, .pkey = k, .kid = "3"},
        };
        for (size_t i = 0; i < LENGTH(keys); i++) {
                struct json *claims, *header;
                size_t which;
                struct buf b = signed_token(&keys[i], "{\"sub\":\"7\"}");
                assert_int_equal(
                        jwt_verify(buf_view(&b), keys, LENGTH(keys), &claims, &which, NULL),
                        STATUS_OK);
                assert_int_equal(which, i);
                assert_true(span_is(json_get_text(claims, "sub"), "7"));
                json_free(claims);
                assert_int_equal(jwt_peek_unverified(buf_view(&b), &header, &claims, NULL),
                                 STATUS_OK);
                assert_true(span_is(json_get_text(header, "alg"),
                                    jwt_algorithm_name(keys[i].algorithm)));
                assert_true(span_is(json_get_text(header, "typ"), "JWT"));
                json_free(header);
                json_free(claims);
                buf_fini(&b);
        }
        pkey_free(k);
}

static void assert_not_verified(struct span token, const struct jwt_key *keys, size_t n,
                                const char *slug)
{
        struct json *claims = (void *)1;
        struct error e;
        assert_int_not_equal(jwt_verify(token, keys, n, &claims, NULL, &e), STATUS_OK);
        assert_ptr_equal(claims, (void *)1);
        assert_int_equal(error_http(&e), 401);
        assert_string_equal(e.slug, slug);
}

static void test_the_key_decides_the_algorithm(void **state)
{
        (void)state;
        struct pkey *k = rfc_ed25519();
        struct buf pem;
        buf_init(&pem, 256);
        assert_int_equal(pkey_write(k, PKEY_PUBLIC_PEM, &pem, NULL), STATUS_OK);
        /* The old trick: an HMAC under the text of the public key. */
        struct jwt_key forged = {.algorithm = JWT_HS256, .secret = buf_view(&pem)},
                       real = {.algorithm = JWT_EDDSA, .pkey = k};
        struct buf b = signed_token(&forged, "{}");
        assert_not_verified(buf_view(&b), &real, 1, "wrong-signature");
        buf_fini(&b);
        /* A stronger algorithm with the right key is another algorithm. */
        struct jwt_key hs256 = {.algorithm = JWT_HS256, .secret = SPAN("k")},
                       hs512 = {.algorithm = JWT_HS512, .secret = SPAN("k")};
        b = signed_token(&hs512, "{}");
        assert_not_verified(buf_view(&b), &hs256, 1, "wrong-signature");
        assert_not_verified(buf_view(&b), NULL, 0, "wrong-signature");
        buf_fini(&b);
        /* A key of the wrong kind for what it pins fits nothing. */
        struct jwt_key odd = {.algorithm = JWT_RS256, .pkey = k}, none = {.algorithm = JWT_EDDSA},
                       empty = {.algorithm = JWT_HS256};
        assert_not_verified(SPAN(RS256_TOKEN), &odd, 1, "wrong-signature");
        assert_not_verified(SPAN("eyJhbGciOiJFZERTQSJ9.e30.AAAA"), &none, 1, "wrong-signature");
        assert_not_verified(SPAN(HS256_TOKEN), &empty, 1, "wrong-signature");
        buf_fini(&pem);
        pkey_free(k);
}

static void test_key_ids_that_differ_do_not_fit(void **state)
{
        (void)state;
        struct jwt_key one = {.algorithm = JWT_HS256, .secret = SPAN("k"), .kid = "1"}, two = one,
                       any = one;
        struct json *claims;
        two.kid = "2";
        any.kid = NULL;
        struct buf b = signed_token(&one, "{}");
        assert_not_verified(buf_view(&b), &two, 1, "wrong-signature");
        assert_int_equal(jwt_verify(buf_view(&b), &any, 1, &claims, NULL, NULL), STATUS_OK);
        json_free(claims);
        buf_fini(&b);
        b = signed_token(&any, "{}");
        assert_int_equal(jwt_verify(buf_view(&b), &two, 1, &claims, NULL, NULL), STATUS_OK);
        json_free(claims);
        buf_fini(&b);
}

static void test_a_changed_token_is_refused(void **state)
{
        (void)state;
        struct jwt_key key = rfc_hs256();
        char token[] = HS256_TOKEN;
        for (size_t i = 0; i < sizeof token - 1; i++) {
                struct json *claims;
                char before = token[i];
                token[i] = before == 'A' ? 'B' : 'A';
                assert_int_not_equal(jwt_verify(span_make(token, sizeof token - 1), &key, 1,
                                                &claims, NULL, NULL),
                                     STATUS_OK);
                token[i] = before;
        }
}

/* `header` and `payload` as given, signed as they are with the key "k". */
static struct buf hand_made(const char *header, const char *payload)
{
        struct buf b;
        uint8_t mac[HMAC_SIZE_MAX];
        buf_init(&b, 16384);
        base64url_encode(&b, span_of(header));
        buf_char(&b, '.');
        base64url_encode(&b, span_of(payload));
        assert_int_equal(hmac_of(HMAC_SHA256, SPAN("k"), buf_view(&b), mac, NULL), STATUS_OK);
        buf_char(&b, '.');
        base64url_encode(&b, span_make(mac, 32));
        return b;
}

static void test_malformed_tokens_are_refused(void **state)
{
        (void)state;
        struct jwt_key key = {.algorithm = JWT_HS256, .secret = SPAN("k")};
        static const char *const texts[] = {"",
                                            ".",
                                            "..",
                                            "...",
                                            "a",
                                            "a.b",
                                            "e30.e30.",
                                            "eyJhbGciOiJIUzI1NiJ9.e30",
                                            "eyJhbGciOiJIUzI1NiJ9..AAAA",
                                            "eyJhbGciOiJIUzI1NiJ9.e30.AAAA.",
                                            "eyJhbGciOiJIUzI1NiJ9.e30.AA=",
                                            "eyJhbGciOiJIUzI1NiJ9=.e30.AAAA",
                                            "eyJhbGciOiJIUzI1NiJ9.e30.AAAA\n",
                                            " eyJhbGciOiJIUzI1NiJ9.e30.AAAA"};
        for (size_t i = 0; i < LENGTH(texts); i++)
                assert_not_verified(span_of(texts[i]), &key, 1, "invalid-token");
        static const struct {
                const char *header, *payload, *slug;
        } made[] = {
                {"{\"alg\":\"none\"}", "{}", "wrong-signature"},
                {"{\"alg\":\"hs256\"}", "{}", "wrong-signature"},
                {"{\"alg\":256}", "{}", "invalid-token"},
                {"{}", "{}", "invalid-token"},
                {"[]", "{}", "invalid-token"},
                {"{\"alg\":\"HS256\",\"alg\":\"HS256\"}", "{}", "invalid-token"},
                {"{\"alg\":\"HS256\",\"crit\":[\"exp\"]}", "{}", "invalid-token"},
                {"{\"alg\":\"HS256\",\"b64\":false}", "{}", "invalid-token"},
                {"{\"alg\":\"HS256\",\"kid\":1}", "{}", "invalid-token"},
                {"{\"alg\":\"HS256\",\"kid\":null}", "{}", "invalid-token"},
                {"{\"alg\":\"HS256\"}", "[]", "invalid-token"},
                {"{\"alg\":\"HS256\"}", "x", "invalid-token"},
                {"{\"alg\":\"HS256\"}", "{\"a\":[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]}",
                 "invalid-token"},
        };
        for (size_t i = 0; i < LENGTH(made); i++) {
                struct buf b = hand_made(made[i].header, made[i].payload);
                assert_not_verified(buf_view(&b), &key, 1, made[i].slug);
                buf_fini(&b);
        }
        struct json *claims;
        struct buf b = hand_made("{\"alg\":\"HS256\"}", "{}");
        assert_int_equal(jwt_verify(buf_view(&b), &key, 1, &claims, NULL, NULL), STATUS_OK);
        json_free(claims);
        buf_fini(&b);
        char many[7000];
        memset(many, ' ', sizeof many - 1);
        many[sizeof many - 1] = '\0';
        b = hand_made("{\"alg\":\"HS256\"}", many);
        assert_not_verified(buf_view(&b), &key, 1, "invalid-token");
        buf_fini(&b);
}

static void test_an_unsigned_end_is_no_signature(void **state)
{
        (void)state;
        struct jwt_key key = {.algorithm = JWT_HS256, .secret = SPAN("k")};
        assert_not_verified(SPAN("eyJhbGciOiJIUzI1NiJ9.e30."), &key, 1, "wrong-signature");
        assert_not_verified(SPAN("eyJhbGciOiJub25lIn0.e30."), &key, 1, "wrong-signature");
}

static enum jwt_time judged(const char *text, int64_t now_ms)
{
        struct json *claims;
        enum jwt_time which;
        assert_int_equal(json_parse(span_of(text), 4, &claims, NULL), STATUS_OK);
        bool is_good = jwt_times_ok(claims, now_ms, 1000, &which);
        assert_int_equal(is_good, which == JWT_TIME_OK);
        json_free(claims);
        return which;
}

static void test_times_are_judged_with_leeway(void **state)
{
        (void)state;
        assert_int_equal(judged("{}", 5000), JWT_TIME_OK);
        assert_int_equal(judged("{\"exp\":5}", 5999), JWT_TIME_OK);
        assert_int_equal(judged("{\"exp\":5}", 6000), JWT_TIME_EXPIRED);
        assert_int_equal(judged("{\"exp\":5.5}", 6499), JWT_TIME_OK);
        assert_int_equal(judged("{\"exp\":5.5}", 6500), JWT_TIME_EXPIRED);
        assert_int_equal(judged("{\"nbf\":5}", 4000), JWT_TIME_OK);
        assert_int_equal(judged("{\"nbf\":5}", 3999), JWT_TIME_TOO_EARLY);
        assert_int_equal(judged("{\"iat\":5.25}", 4250), JWT_TIME_OK);
        assert_int_equal(judged("{\"iat\":5.25}", 4249), JWT_TIME_FUTURE);
        assert_int_equal(judged("{\"exp\":\"5\"}", 0), JWT_TIME_MALFORMED);
        assert_int_equal(judged("{\"exp\":null}", 0), JWT_TIME_MALFORMED);
        assert_int_equal(judged("{\"exp\":1e300}", 0), JWT_TIME_MALFORMED);
        assert_int_equal(judged("{\"exp\":9223372036854775807}", 0), JWT_TIME_MALFORMED);
        assert_int_equal(judged("{\"exp\":-5}", 5000), JWT_TIME_EXPIRED);
}

static void test_audiences(void **state)
{
        (void)state;
        static const struct {
                const char *claims;
                bool has;
        } cases[] = {
                {"{\"aud\":\"me\"}", true},
                {"{\"aud\":[\"you\",\"me\"]}", true},
                {"{\"aud\":[]}", false},
                {"{}", false},
                {"{\"aud\":\"mee\"}", false},
                {"{\"aud\":[1,null]}", false},
                {"{\"aud\":{\"me\":\"me\"}}", false},
                {"{\"aud\":[[\"me\"]]}", false},
        };
        for (size_t i = 0; i < LENGTH(cases); i++) {
                struct json *claims;
                assert_int_equal(json_parse(span_of(cases[i].claims), 4, &claims, NULL), STATUS_OK);
                assert_int_equal(jwt_audience_has(claims, SPAN("me")), cases[i].has);
                json_free(claims);
        }
}

static void test_keys_that_are_not_taken(void **state)
{
        (void)state;
        static const char *const bad[] = {
                "[]",
                "{}",
                "{\"kty\":\"oct\",\"k\":\"AAAA\"}",
                "{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"" HS256_KEY "\"}",
                "{\"kty\":\"OKP\",\"crv\":\"Ed25519\"}",
                "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"}",
                "{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}",
                "{\"kty\":\"RSA\",\"n\":\"" HS256_KEY "\",\"e\":\"AQAB\"}",
                "{\"kty\":\"RSA\",\"e\":\"AQAB\"}",
                "{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"" ED25519_SEED "\",\"y\":\"" ED25519_SEED
                "\"}",
                "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" ED25519_SEED "\",\"y\":\"" ED25519_SEED
                "\"}",
                "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" ED25519_SEED "\"}",
                "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" ED25519_SEED "\",\"use\":\"enc\"}",
                "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" ED25519_SEED
                "\",\"alg\":\"HS256\"}",
                "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" ED25519_SEED
                "\",\"key_ops\":[\"sign\"]}"};
        for (size_t i = 0; i < LENGTH(bad); i++) {
                struct json *jwk;
                struct pkey *k;
                enum jwt_algorithm a;
                struct error e;
                assert_int_equal(json_parse(span_of(bad[i]), 4, &jwk, NULL), STATUS_OK);
                assert_int_equal(jwk_read(jwk, &k, &a, &e), STATUS_INVALID);
                assert_string_equal(e.slug, "invalid-jwk");
                json_free(jwk);
        }
}

static void test_a_set_passes_over_what_it_cannot_use(void **state)
{
        (void)state;
        struct jwks *set;
        struct error e;
        size_t n;
        struct json *claims;
        assert_int_equal(
                jwks_parse(
                        SPAN("{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"},5,{\"kty\":\"EC\",\"kid\":\"a\\u0000\"}," RS256_JWK
                             "," ES256_JWK
                             ",{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"use\":\"sig\",\"kid\":\"e\","
                             "\"x\":\"" ED25519_SEED "\",\"d\":\"" ED25519_SEED "\"}]}"),
                        &set, NULL),
                STATUS_OK);
        const struct jwt_key *keys = jwks_keys(set, &n);
        assert_int_equal(n, 3);
        assert_string_equal(keys[2].kid, "e");
        assert_false(pkey_is_private(keys[2].pkey));
        assert_int_equal(jwt_verify(SPAN(ES256_TOKEN), keys, n, &claims, NULL, NULL), STATUS_OK);
        json_free(claims);
        jwks_free(set);
        jwks_free(NULL);
        static const char *const bad[] = {
                "", "{}", "[]", "{\"keys\":{}}", "{\"keys\":[]}", "{\"keys\":[{\"kty\":\"oct\"}]}"};
        for (size_t i = 0; i < LENGTH(bad); i++) {
                assert_int_equal(jwks_parse(span_of(bad[i]), &set, &e), STATUS_INVALID);
                assert_string_equal(e.slug, "invalid-jwks");
        }
}

static void test_what_cannot_be_signed(void **state)
{
        (void)state;
        struct buf b;
        struct pkey *rsa;
        struct jwt_key key = key_of_jwk(RS256_JWK, &rsa),
                       empty = {.algorithm = JWT_HS256, .secret = SPAN("")};
        buf_init(&b, 64);
        assert_int_equal(jwt_sign(&key, NULL, SPAN("{}"), &b, NULL), STATUS_INVALID);
        assert_int_equal(jwt_sign(&empty, NULL, SPAN("{}"), &b, NULL), STATUS_INVALID);
        empty.secret = SPAN("k");
        assert_int_equal(jwt_sign(&empty, NULL, SPAN("{}"), &b, NULL), STATUS_LIMIT);
        assert_int_equal(b.len, 0);
        buf_fini(&b);
        pkey_free(rsa);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_the_rfcs_tokens_verify),
                cmocka_unit_test(test_the_rfcs_ed25519_signature),
                cmocka_unit_test(test_signed_tokens_verify),
                cmocka_unit_test(test_the_key_decides_the_algorithm),
                cmocka_unit_test(test_key_ids_that_differ_do_not_fit),
                cmocka_unit_test(test_a_changed_token_is_refused),
                cmocka_unit_test(test_malformed_tokens_are_refused),
                cmocka_unit_test(test_an_unsigned_end_is_no_signature),
                cmocka_unit_test(test_times_are_judged_with_leeway),
                cmocka_unit_test(test_audiences),
                cmocka_unit_test(test_keys_that_are_not_taken),
                cmocka_unit_test(test_a_set_passes_over_what_it_cannot_use),
                cmocka_unit_test(test_what_cannot_be_signed),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
