/* The text of an access key: one form, and nothing that is nearly it. */
#include "unit/base/unit.h"

#include <chatelaine/codec_access_key.h>
#include <chatelaine/codec_text.h>

#include <stdio.h>
#include <stdlib.h>

/* RFC 8032 7.1, test 1. */
#define SEED "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
#define PUBLIC "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
#define HEAD "sc_0123456789abcdefghij.h2x9qa.acc-chatelaine-local."
#define DER "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g"

static void test_a_key_is_written_and_read_back(void **state)
{
        struct access_key_text k;
        struct buf out;
        uint8_t seed[32];
        (void)state;
        assert_true(hex_decode_exact(seed, 32, SPAN(SEED)));
        assert_true(access_key_read(SPAN(HEAD DER), &k));
        assert_true(span_is(k.client_id, "sc_0123456789abcdefghij"));
        assert_true(span_is(k.kid, "h2x9qa"));
        assert_true(span_is(k.account_id, "acc-chatelaine-local"));
        assert_memory_equal(k.seed, seed, 32);
        buf_init(&out, ACCESS_KEY_TEXT_MAX);
        access_key_write(&k, &out);
        assert_true(span_is(buf_view(&out), HEAD DER));
        buf_fini_secret(&out);
}

static void test_nothing_else_is_a_key(void **state)
{
        static const char *const wrong[] = {
                "",
                "sc_",
                "sc_...",
                HEAD,
                HEAD DER "=",
                HEAD DER "A",
                HEAD " " DER,
                HEAD DER "\n",
                "xx_0123456789abcdefghij.h2x9qa.acc-chatelaine-local." DER,
                "SC_0123456789abcdefghij.h2x9qa.acc-chatelaine-local." DER,
                "sc_.h2x9qa.." DER,
                "sc_0123456789abcdefghij..acc-chatelaine-local." DER,
                "sc_0123456789abcdefghij.h2/9qa.acc-chatelaine-local." DER,
                "sc_0123456789abcdefghij.h2x9qa.acc chatelaine." DER,
                "sc_0123456789abcdefghij.h2x9qa." DER,
                /* version 1; X25519; a longer OCTET STRING */
                HEAD "MC4CAQEwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g",
                HEAD "MC4CAQAwBQYDK2VuBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g",
                HEAD "MC4CAQAwBQYDK2VwBCIEIZ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g",
                /* base64url */
                HEAD "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v_VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g",
        };
        struct access_key_text k;
        (void)state;
        for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
                if (access_key_read(span_of(wrong[i]), &k))
                        fail_msg("taken: %s", wrong[i]);
}

static void test_a_jwt_is_not_taken_for_a_key(void **state)
{
        (void)state;
        assert_true(access_key_is(SPAN(HEAD "anything")));
        assert_false(access_key_is(SPAN("eyJhbGciOiJFZERTQSJ9.e30.AAAA")));
        assert_false(access_key_is(SPAN("sc_a.b.c")));
        assert_false(access_key_is(SPAN_NONE));
}

static void test_key_ids_have_six_letters_and_digits(void **state)
{
        char kid[ACCESS_KID_SIZE], before[ACCESS_KID_SIZE] = "";
        (void)state;
        for (int i = 0; i < 1000; i++) {
                access_kid_make(kid);
                assert_int_equal(strlen(kid), 6);
                assert_int_equal(strspn(kid, "0123456789abcdefghijklmnopqrstuvwxyz"), 6);
                assert_string_not_equal(kid, before);
                memcpy(before, kid, sizeof before);
        }
}

static bool reads_as(const char *text, const char *expected_hex)
{
        uint8_t got[32], expected[32];
        struct error e;
        if (access_public_read(span_of(text), got, &e) != STATUS_OK) {
                assert_string_equal(e.slug, "invalid-public-key");
                return false;
        }
        assert_true(hex_decode_exact(expected, 32, span_of(expected_hex)));
        return memcmp(got, expected, 32) == 0;
}

static void test_a_public_key_is_read_in_each_of_its_forms(void **state)
{
        (void)state;
        assert_true(
                reads_as("MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", PUBLIC));
        assert_true(reads_as("11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", PUBLIC));
        assert_true(reads_as("11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo", PUBLIC));
        assert_true(reads_as("-----BEGIN PUBLIC KEY-----\n"
                             "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
                             "-----END PUBLIC KEY-----\n",
                             PUBLIC));
        assert_false(reads_as(DER, PUBLIC)); /* private */
        assert_false(reads_as("", PUBLIC));
        assert_false(reads_as("AAAA", PUBLIC));
        assert_false(reads_as("MCowBQYDK2VuAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
                              PUBLIC)); /* X25519 */
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_a_key_is_written_and_read_back),
                cmocka_unit_test(test_nothing_else_is_a_key),
                cmocka_unit_test(test_a_jwt_is_not_taken_for_a_key),
                cmocka_unit_test(test_key_ids_have_six_letters_and_digits),
                cmocka_unit_test(test_a_public_key_is_read_in_each_of_its_forms),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
