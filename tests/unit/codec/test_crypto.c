#include "unit/base/unit.h"

#include "codec/crypto.h"

#include <chatelaine/codec_text.h>

static void assert_hex(const void *bytes, size_t n, const char *hex)
{
        char text[257];
        hex_write(text, bytes, n);
        assert_string_equal(text, hex);
}

/* FIPS 180-2 appendix B. */
static void test_sha256(void **state)
{
        (void)state;
        uint8_t out[SHA256_SIZE];
        sha256_of(SPAN("abc"), out);
        assert_hex(out, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        sha256_of(SPAN_NONE, out);
        assert_hex(out, 32, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        struct sha256 h;
        sha256_init(&h);
        sha256_update(&h, SPAN("abcdbcdecdefdefgefghfghighij"));
        sha256_update(&h, SPAN("hijkijkljklmklmnlmnomnopnopq"));
        sha256_final(&h, out);
        assert_hex(out, 32, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
        sha256_init(&h);
        sha256_final(&h, NULL);
}

/* RFC 4231 test cases 1, 2 and 6. */
static void test_hmac_vectors(void **state)
{
        (void)state;
        char aa[131];
        memset(aa, 0xaa, sizeof aa);
        const struct {
                struct span key, text;
                const char *sha256, *sha512;
        } cases[] = {
                {SPAN("\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b"),
                 SPAN("Hi There"),
                 "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
                 "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
                 "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854"},
                {SPAN("Jefe"), SPAN("what do ya want for nothing?"),
                 "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
                 "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
                 "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"},
                {span_make(aa, sizeof aa),
                 SPAN("Test Using Larger Than Block-Size Key - Hash Key First"),
                 "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
                 "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352"
                 "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598"},
        };
        for (size_t i = 0; i < LENGTH(cases); i++) {
                uint8_t out[HMAC_SIZE_MAX];
                assert_int_equal(hmac_of(HMAC_SHA256, cases[i].key, cases[i].text, out, NULL),
                                 STATUS_OK);
                assert_hex(out, hmac_size(HMAC_SHA256), cases[i].sha256);
                assert_int_equal(hmac_of(HMAC_SHA512, cases[i].key, cases[i].text, out, NULL),
                                 STATUS_OK);
                assert_hex(out, hmac_size(HMAC_SHA512), cases[i].sha512);
        }
}

static void test_a_keyed_context_serves_many_messages(void **state)
{
        (void)state;
        const char *expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        struct hmac *h, *twin;
        uint8_t out[HMAC_SIZE_MAX];
        assert_int_equal(hmac_new(HMAC_SHA256, SPAN("Jefe"), &h, NULL), STATUS_OK);
        assert_int_equal(hmac_dup(h, &twin, NULL), STATUS_OK);
        for (int i = 0; i < 3; i++) {
                hmac_begin(h);
                hmac_update(h, SPAN("what do ya want "));
                hmac_update(h, SPAN(""));
                hmac_update(h, SPAN("for nothing?"));
                hmac_final(h, out);
                assert_hex(out, 32, expected);
        }
        hmac_free(h);
        hmac_begin(twin);
        hmac_update(twin, SPAN("what do ya want for nothing?"));
        hmac_final(twin, out);
        assert_hex(out, 32, expected);
        hmac_free(twin);
}

static void test_an_empty_hmac_key_is_refused(void **state)
{
        (void)state;
        struct error e;
        uint8_t out[HMAC_SIZE_MAX];
        assert_int_equal(hmac_of(HMAC_SHA256, SPAN(""), SPAN("x"), out, &e), STATUS_INVALID);
        assert_string_equal(e.slug, "empty-key");
}

static void test_sealed_values_open_only_where_they_belong(void **state)
{
        (void)state;
        const uint8_t key[SEAL_KEY_SIZE] = "0123456789abcdef0123456789abcde",
                      other[SEAL_KEY_SIZE] = "x";
        struct buf a, b, plain;
        buf_init(&a, 1024);
        buf_init(&b, 1024);
        buf_init(&plain, 1024);
        assert_int_equal(crypto_seal(key, SPAN("place"), SPAN("secret"), &a, NULL), STATUS_OK);
        assert_int_equal(crypto_seal(key, SPAN("place"), SPAN("secret"), &b, NULL), STATUS_OK);
        assert_int_equal(a.len, 6 + SEAL_OVERHEAD);
        assert_false(span_equal(buf_view(&a), buf_view(&b)));
        assert_int_equal(crypto_open(key, SPAN("place"), buf_view(&a), &plain, NULL), STATUS_OK);
        assert_string_equal(plain.data, "secret");
        buf_reset(&plain);

        struct error e;
        assert_int_equal(crypto_open(key, SPAN("other"), buf_view(&a), &plain, &e), STATUS_INVALID);
        assert_string_equal(e.slug, "seal-broken");
        assert_int_equal(crypto_open(other, SPAN("place"), buf_view(&a), &plain, NULL),
                         STATUS_INVALID);
        for (size_t i = 0; i < a.len; i++) {
                a.data[i] ^= 1;
                assert_int_equal(crypto_open(key, SPAN("place"), buf_view(&a), &plain, NULL),
                                 STATUS_INVALID);
                a.data[i] ^= 1;
        }
        for (size_t n = 0; n < a.len; n++)
                assert_int_equal(
                        crypto_open(key, SPAN("place"), span_make(a.data, n), &plain, NULL),
                        STATUS_INVALID);
        assert_int_equal(plain.len, 0);

        buf_reset(&b);
        assert_int_equal(crypto_seal(key, SPAN(""), SPAN(""), &b, NULL), STATUS_OK);
        assert_int_equal(crypto_open(key, SPAN(""), buf_view(&b), &plain, NULL), STATUS_OK);
        assert_int_equal(plain.len, 0);
        buf_fini(&a);
        buf_fini(&b);
        buf_fini(&plain);
}

/* RFC 7914 section 12. */
static void test_scrypt_vectors(void **state)
{
        (void)state;
        uint8_t out[64];
        assert_int_equal(scrypt_derive(SPAN(""), SPAN(""), 4, 1, 1, out, 64, NULL), STATUS_OK);
        assert_hex(out, 64,
                   "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"
                   "fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906");
        assert_int_equal(scrypt_derive(SPAN("password"), SPAN("NaCl"), 10, 8, 16, out, 64, NULL),
                         STATUS_OK);
        assert_hex(out, 64,
                   "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
                   "2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640");
}

static void test_passwords(void **state)
{
        (void)state;
        char hash[PASSWORD_HASH_SIZE], again[PASSWORD_HASH_SIZE];
        bool matches;
        assert_int_equal(password_hash(SPAN("correct horse"), hash, NULL), STATUS_OK);
        assert_int_equal(password_hash(SPAN("correct horse"), again, NULL), STATUS_OK);
        assert_string_not_equal(hash, again);
        assert_true(span_starts(span_of(hash), "$scrypt$ln=15,r=8,p=1$"));
        assert_int_equal(password_verify(SPAN("correct horse"), span_of(hash), &matches, NULL),
                         STATUS_OK);
        assert_true(matches);
        assert_int_equal(password_verify(SPAN("correct horsf"), span_of(hash), &matches, NULL),
                         STATUS_OK);
        assert_false(matches);
        assert_int_equal(password_verify(SPAN("anything"), SPAN_NONE, &matches, NULL), STATUS_OK);
        assert_false(matches);
}

static void test_a_stored_hash_of_other_costs_is_read(void **state)
{
        (void)state;
        bool matches;
        /* Python: hashlib.scrypt(b"hunter2", salt=b"saltsaltsaltsalt", n=2**10, r=8, p=2, dklen=32)
         */
        struct span hash = SPAN(
                "$scrypt$ln=10,r=8,p=2$c2FsdHNhbHRzYWx0c2FsdA$OOuH6O0D3Bfw6eeZyPatISYzqBpTP8TVXKWUOc4rVNM");
        assert_int_equal(password_verify(SPAN("hunter2"), hash, &matches, NULL), STATUS_OK);
        assert_true(matches);
}

static void test_stored_hashes_of_another_form_are_refused(void **state)
{
        (void)state;
        static const char *const bad[] = {"",
                                          "x",
                                          "$scrypt$",
                                          "$scrypt$ln=15,r=8,p=1$",
                                          "$scrypt$ln=15,r=8,p=1$c2FsdHNhbHQ",
                                          "$scrypt$ln=15,r=8,p=1$c2FsdHNhbHQ$",
                                          "$scrypt$ln=18,r=8,p=1$c2FsdHNhbHQ$c2FsdHNhbHQ",
                                          "$scrypt$ln=0,r=8,p=1$c2FsdHNhbHQ$c2FsdHNhbHQ",
                                          "$scrypt$ln=15,r=9,p=1$c2FsdHNhbHQ$c2FsdHNhbHQ",
                                          "$scrypt$ln=15,r=8,p=5$c2FsdHNhbHQ$c2FsdHNhbHQ",
                                          "$scrypt$ln=15,r=8$c2FsdHNhbHQ$c2FsdHNhbHQ",
                                          "$scrypt$r=8,ln=15,p=1$c2FsdHNhbHQ$c2FsdHNhbHQ",
                                          "$argon2id$v=19$x$y",
                                          "$scrypt$ln=15,r=8,p=1$c2Fsd!NhbHQ$c2FsdHNhbHQ",
                                          "$scrypt$ln=15,r=8,p=1$c2FsdA$c2FsdHNhbHQ"};
        bool matches = true;
        struct error e;
        for (size_t i = 0; i < LENGTH(bad); i++) {
                assert_int_equal(password_verify(SPAN("p"), span_of(bad[i]), &matches, &e),
                                 STATUS_INVALID);
                assert_string_equal(e.slug, "invalid-password-hash");
        }
        assert_true(matches);
}

static void test_equal(void **state)
{
        (void)state;
        assert_true(crypto_equal("ab", "ab", 2));
        assert_false(crypto_equal("ab", "ac", 2));
        assert_true(crypto_equal_span(SPAN(""), SPAN("")));
        assert_false(crypto_equal_span(SPAN_NONE, SPAN_NONE));
        assert_false(crypto_equal_span(SPAN("a"), SPAN("ab")));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_sha256),
                cmocka_unit_test(test_hmac_vectors),
                cmocka_unit_test(test_a_keyed_context_serves_many_messages),
                cmocka_unit_test(test_an_empty_hmac_key_is_refused),
                cmocka_unit_test(test_sealed_values_open_only_where_they_belong),
                cmocka_unit_test(test_scrypt_vectors),
                cmocka_unit_test(test_passwords),
                cmocka_unit_test(test_a_stored_hash_of_other_costs_is_read),
                cmocka_unit_test(test_stored_hashes_of_another_form_are_refused),
                cmocka_unit_test(test_equal),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
