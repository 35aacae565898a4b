#include "unit/base/unit.h"

#include <chatelaine/codec_crypto.h>
#include <chatelaine/codec_text.h>

/* RFC 8032 section 7.1, test 2. */
#define SEED "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"
#define PUBLIC "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
#define SIGNATURE                                                          \
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da" \
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"

static struct pkey *rfc_key(void)
{
        uint8_t seed[32];
        struct pkey *k;
        assert_true(hex_decode_exact(seed, 32, SPAN(SEED)));
        assert_int_equal(pkey_from_seed(seed, &k, NULL), STATUS_OK);
        return k;
}

static void test_the_rfcs_signature(void **state)
{
        (void)state;
        uint8_t signature[64], bytes[32];
        char hex[129];
        struct pkey *k = rfc_key(), *public_key;
        assert_int_equal(pkey_sign(k, SPAN("\x72"), signature, NULL), STATUS_OK);
        hex_write(hex, signature, 64);
        assert_string_equal(hex, SIGNATURE);
        assert_int_equal(pkey_public(k, bytes, NULL), STATUS_OK);
        hex_write(hex, bytes, 32);
        assert_string_equal(hex, PUBLIC);
        assert_int_equal(pkey_seed(k, bytes, NULL), STATUS_OK);
        hex_write(hex, bytes, 32);
        assert_string_equal(hex, SEED);

        assert_true(hex_decode_exact(bytes, 32, SPAN(PUBLIC)));
        assert_int_equal(pkey_from_public(bytes, &public_key, NULL), STATUS_OK);
        assert_true(pkey_is_private(k));
        assert_false(pkey_is_private(public_key));
        assert_true(pkey_verify(public_key, SPAN("\x72"), span_make(signature, 64)));
        assert_false(pkey_verify(public_key, SPAN("\x73"), span_make(signature, 64)));
        assert_false(pkey_verify(public_key, SPAN("\x72"), span_make(signature, 63)));
        assert_false(pkey_verify(public_key, SPAN("\x72"), SPAN_NONE));
        assert_int_equal(pkey_sign(public_key, SPAN("x"), signature, NULL), STATUS_INVALID);
        assert_int_equal(pkey_seed(public_key, bytes, NULL), STATUS_INVALID);
        pkey_free(k);
        pkey_free(public_key);
        pkey_free(NULL);
}

static void test_the_forms_of_a_key(void **state)
{
        (void)state;
        static const struct {
                enum pkey_form form;
                size_t len;
                bool is_pem, is_private;
        } cases[] = {{PKEY_PUBLIC_DER, 44, false, false},
                     {PKEY_PRIVATE_DER, 48, false, true},
                     {PKEY_PUBLIC_PEM, 113, true, false},
                     {PKEY_PRIVATE_PEM, 119, true, true}};
        struct pkey *k = rfc_key();
        for (size_t i = 0; i < LENGTH(cases); i++) {
                struct pkey *again;
                struct buf b;
                buf_init(&b, 256);
                assert_int_equal(pkey_write(k, cases[i].form, &b, NULL), STATUS_OK);
                assert_int_equal(b.len, cases[i].len);
                assert_int_equal((cases[i].is_pem ? pkey_from_pem : pkey_from_der)(buf_view(&b),
                                                                                   &again, NULL),
                                 STATUS_OK);
                assert_int_equal(pkey_kind(again), PKEY_ED25519);
                assert_int_equal(pkey_is_private(again), cases[i].is_private);
                if (!cases[i].is_private)
                        assert_int_equal(pkey_write(again, PKEY_PRIVATE_PEM, &b, NULL),
                                         STATUS_INVALID);
                pkey_free(again);
                /* Nothing may follow, nothing may lack. */
                buf_char(&b, '\0');
                assert_int_equal(pkey_from_der(buf_view(&b), &again, NULL), STATUS_INVALID);
                b.len -= 2;
                assert_int_equal(pkey_from_der(buf_view(&b), &again, NULL), STATUS_INVALID);
                buf_fini(&b);
        }
        pkey_free(k);
}

static void assert_bad_pem(struct span pem)
{
        struct pkey *k;
        struct error e;
        assert_int_equal(pkey_from_pem(pem, &k, &e), STATUS_INVALID);
        assert_string_equal(e.slug, "invalid-key");
}

#define ED25519_PEM                                                      \
        "-----BEGIN PUBLIC KEY-----\n"                                   \
        "MCowBQYDK2VwAyEAPUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=\n" \
        "-----END PUBLIC KEY-----\n"

static void test_pem_is_one_block_of_a_key(void **state)
{
        (void)state;
        struct pkey *k;
        assert_int_equal(pkey_from_pem(SPAN("\n" ED25519_PEM " \n"), &k, NULL), STATUS_OK);
        pkey_free(k);
        assert_int_equal(
                pkey_from_pem(
                        SPAN("-----BEGIN PUBLIC KEY-----\r\n"
                             "MCowBQYDK2VwAyEAPUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=\r\n"
                             "-----END PUBLIC KEY-----"),
                        &k, NULL),
                STATUS_OK);
        pkey_free(k);
        assert_bad_pem(SPAN(""));
        assert_bad_pem(SPAN_NONE);
        assert_bad_pem(SPAN("x" ED25519_PEM));
        assert_bad_pem(SPAN(ED25519_PEM ED25519_PEM));
        assert_bad_pem(SPAN(ED25519_PEM "x"));
        assert_bad_pem(SPAN("-----BEGIN PUBLIC KEY-----\nMCow\n-----END PUBLIC KEY-----\n"));
        assert_bad_pem(SPAN("-----BEGIN CERTIFICATE-----\n"
                            "MCowBQYDK2VwAyEAPUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=\n"
                            "-----END CERTIFICATE-----\n"));
        /* Of another curve: X25519. */
        assert_bad_pem(SPAN("-----BEGIN PUBLIC KEY-----\n"
                            "MCowBQYDK2VuAyEAPUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=\n"
                            "-----END PUBLIC KEY-----\n"));
}

static void test_weak_numbers_are_no_keys(void **state)
{
        (void)state;
        struct pkey *k;
        uint8_t n[256], coordinates[32] = {1};
        memset(n, 0xff, sizeof n);
        assert_int_equal(pkey_from_rsa(span_make(n, 256), SPAN("\1\0\1"), &k, NULL), STATUS_OK);
        assert_int_equal(pkey_kind(k), PKEY_RSA);
        assert_false(pkey_is_private(k));
        assert_int_equal(pkey_public(k, n, NULL), STATUS_INVALID);
        pkey_free(k);
        assert_int_equal(pkey_from_rsa(span_make(n, 255), SPAN("\1\0\1"), &k, NULL),
                         STATUS_INVALID);
        assert_int_equal(pkey_from_rsa(span_make(n, 256), SPAN("\1"), &k, NULL), STATUS_INVALID);
        assert_int_equal(pkey_from_rsa(span_make(n, 256), SPAN("\2"), &k, NULL), STATUS_INVALID);
        assert_int_equal(pkey_from_rsa(span_make(n, 256), SPAN(""), &k, NULL), STATUS_INVALID);
        assert_int_equal(pkey_from_rsa(SPAN(""), SPAN("\3"), &k, NULL), STATUS_INVALID);
        assert_int_equal(pkey_from_p256(coordinates, coordinates, &k, NULL), STATUS_INVALID);
}

static void test_a_generated_key_signs(void **state)
{
        (void)state;
        uint8_t signature[64];
        struct pkey *k, *more;
        assert_int_equal(pkey_generate(&k, NULL), STATUS_OK);
        more = pkey_ref(k);
        pkey_free(k);
        assert_int_equal(pkey_sign(more, SPAN("m"), signature, NULL), STATUS_OK);
        assert_true(pkey_verify(more, SPAN("m"), span_make(signature, 64)));
        pkey_free(more);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_the_rfcs_signature),
                cmocka_unit_test(test_the_forms_of_a_key),
                cmocka_unit_test(test_pem_is_one_block_of_a_key),
                cmocka_unit_test(test_weak_numbers_are_no_keys),
                cmocka_unit_test(test_a_generated_key_signs),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
