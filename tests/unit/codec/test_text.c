#include "unit/base/unit.h"

#include <chatelaine/codec_key.h>
#include <chatelaine/codec_text.h>

typedef void (*encoder)(struct buf *out, struct span bytes);
typedef enum status (*decoder)(struct buf *out, struct span text, struct error *e);

static void assert_encodes(encoder encode, struct span bytes, const char *text)
{
        struct buf b;
        buf_init(&b, 256);
        encode(&b, bytes);
        assert_true(span_is(buf_view(&b), text));
        buf_fini(&b);
}

static void assert_decodes(decoder decode, const char *text, struct span bytes)
{
        struct buf b;
        buf_init(&b, 256);
        buf_text(&b, "before");
        assert_int_equal(decode(&b, span_of(text), NULL), STATUS_OK);
        assert_true(span_equal(span_make(b.data + 6, b.len - 6), bytes));
        buf_fini(&b);
}

static void assert_undecodable(decoder decode, struct span text, const char *slug)
{
        struct buf b;
        struct error e;
        buf_init(&b, 256);
        buf_text(&b, "before");
        assert_int_equal(decode(&b, text, &e), STATUS_INVALID);
        assert_string_equal(e.slug, slug);
        assert_true(span_is(buf_view(&b), "before"));
        buf_fini(&b);
}

/* RFC 4648 section 10. */
static void test_base64_vectors(void **state)
{
        (void)state;
        static const struct {
                struct span bytes;
                const char *text, *bare;
        } cases[] = {
                {SPAN(""), "", ""},
                {SPAN("f"), "Zg==", "Zg"},
                {SPAN("fo"), "Zm8=", "Zm8"},
                {SPAN("foo"), "Zm9v", "Zm9v"},
                {SPAN("foob"), "Zm9vYg==", "Zm9vYg"},
                {SPAN("fooba"), "Zm9vYmE=", "Zm9vYmE"},
                {SPAN("foobar"), "Zm9vYmFy", "Zm9vYmFy"},
        };
        for (size_t i = 0; i < LENGTH(cases); i++) {
                assert_encodes(base64_encode, cases[i].bytes, cases[i].text);
                assert_encodes(base64url_encode, cases[i].bytes, cases[i].bare);
                assert_decodes(base64_decode, cases[i].text, cases[i].bytes);
                assert_decodes(base64_decode_lenient, cases[i].text, cases[i].bytes);
                assert_decodes(base64_decode_lenient, cases[i].bare, cases[i].bytes);
                assert_decodes(base64url_decode, cases[i].bare, cases[i].bytes);
        }
        assert_encodes(base64_encode, SPAN("\xfb\xff\xfe\0"), "+//+AA==");
        assert_encodes(base64url_encode, SPAN("\xfb\xff\xfe\0"), "-__-AA");
}

static void test_base64_has_one_spelling(void **state)
{
        (void)state;
        static const struct span bad[] = {
                SPAN("Zg"),   SPAN("Zg="),      SPAN("Zg==="), SPAN("Zg==\n"), SPAN(" Zg=="),
                SPAN("Zh=="), SPAN("Zm9="),     SPAN("Z"),     SPAN("Z==="),   SPAN("===="),
                SPAN("Zm-_"), SPAN("Zg==Zg=="), SPAN("Zm\0v"), SPAN("Z=g="),   SPAN("=")};
        for (size_t i = 0; i < LENGTH(bad); i++)
                assert_undecodable(base64_decode, bad[i], "invalid-base64");
        static const struct span bad_lenient[] = {SPAN("Zg="), SPAN("Zh"), SPAN("Zm9"), SPAN("Z"),
                                                  SPAN("Zg===")};
        for (size_t i = 0; i < LENGTH(bad_lenient); i++)
                assert_undecodable(base64_decode_lenient, bad_lenient[i], "invalid-base64");
        static const struct span bad_url[] = {SPAN("Zg=="), SPAN("Zm8="), SPAN("Zh"),
                                              SPAN("Zm+/"), SPAN("Z"),    SPAN("Zm9v\n")};
        for (size_t i = 0; i < LENGTH(bad_url); i++)
                assert_undecodable(base64url_decode, bad_url[i], "invalid-base64");
}

static void test_hex(void **state)
{
        (void)state;
        char bytes[2], text[5];
        assert_encodes(hex_encode, SPAN("\x00\x9f\xff"), "009fff");
        assert_decodes(hex_decode, "009fFF", SPAN("\x00\x9f\xff"));
        assert_decodes(hex_decode, "", SPAN(""));
        assert_undecodable(hex_decode, SPAN("0"), "invalid-hex");
        assert_undecodable(hex_decode, SPAN("0g"), "invalid-hex");
        assert_undecodable(hex_decode, SPAN("g0"), "invalid-hex");
        assert_true(hex_decode_exact(bytes, 2, SPAN("1aB2")));
        assert_memory_equal(bytes, "\x1a\xb2", 2);
        assert_false(hex_decode_exact(bytes, 2, SPAN("1aB")));
        assert_false(hex_decode_exact(bytes, 2, SPAN("1aB2c3")));
        hex_write(text, "\x1a\xb2", 2);
        assert_string_equal(text, "1ab2");
}

static void encode_component(struct buf *out, struct span bytes)
{
        percent_encode(out, bytes, PERCENT_COMPONENT);
}

static void encode_quote_plus(struct buf *out, struct span bytes)
{
        percent_encode(out, bytes, PERCENT_QUOTE_PLUS);
}

static enum status decode_path(struct buf *out, struct span text, struct error *e)
{
        return percent_decode(out, text, false, e);
}

static enum status decode_form(struct buf *out, struct span text, struct error *e)
{
        return percent_decode(out, text, true, e);
}

static void test_percent(void **state)
{
        (void)state;
        assert_encodes(encode_component, SPAN("aZ09-._~ /+%\xc3\xa9\0"),
                       "aZ09-._~%20%2F%2B%25%C3%A9%00");
        assert_encodes(encode_quote_plus, SPAN("{'a': ['1 2']}"),
                       "%7B%27a%27%3A+%5B%271+2%27%5D%7D");
        assert_decodes(decode_path, "a+b%20%2f%2F%00", SPAN("a+b //\0"));
        assert_decodes(decode_form, "a+b%2b", SPAN("a b+"));
        assert_undecodable(decode_path, SPAN("%"), "invalid-percent");
        assert_undecodable(decode_path, SPAN("%2"), "invalid-percent");
        assert_undecodable(decode_path, SPAN("%2g"), "invalid-percent");
        assert_undecodable(decode_path, SPAN("%%20"), "invalid-percent");
}

static void test_a_full_buffer_says_so(void **state)
{
        (void)state;
        struct buf b;
        buf_init(&b, 3);
        assert_int_equal(base64_decode(&b, SPAN("Zm9vYg=="), NULL), STATUS_LIMIT);
        buf_fini(&b);
}

static void test_crc32_is_zlibs(void **state)
{
        (void)state;
        assert_int_equal(text_crc32(SPAN("123456789")), 0xcbf43926);
        assert_int_equal(text_crc32(SPAN("")), 0);
        assert_int_equal(text_crc32(SPAN("\0\0\0\0")), 0x2144df1c);
}

static void test_base62(void **state)
{
        (void)state;
        char out[6], many[6200];
        unsigned seen[128] = {0};
        base62_u32(0, out);
        assert_memory_equal(out, "000000", 6);
        base62_u32(UINT32_MAX, out);
        assert_memory_equal(out, "4gfFC3", 6);
        assert_true(base62_is(SPAN("09AZaz")));
        assert_false(base62_is(SPAN("")));
        assert_false(base62_is(SPAN("a-b")));
        base62_random(many, sizeof many);
        assert_true(base62_is(span_make(many, sizeof many)));
        for (size_t i = 0; i < sizeof many; i++)
                seen[(unsigned char)many[i]]++;
        for (int c = '0'; c <= 'z'; c++)
                if (base62_is(span_make(&(char){(char)c}, 1)))
                        assert_in_range(seen[c], 30, 200); /* 100 on average, seven deviations */
}

static void test_utf8(void **state)
{
        (void)state;
        assert_true(utf8_is_valid(SPAN("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\x91")));
        assert_int_equal(utf8_characters(SPAN("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\x91")), 4);
        assert_true(utf8_is_valid(SPAN_NONE));
        static const struct span bad[] = {SPAN("\x80"),
                                          SPAN("\xc3"),
                                          SPAN("\xc1\xbf"),
                                          SPAN("\xe0\x9f\xbf"),
                                          SPAN("\xed\xa0\x80"),
                                          SPAN("\xf0\x8f\xbf\xbf"),
                                          SPAN("\xf4\x90\x80\x80"),
                                          SPAN("\xf8\x88\x80\x80\x80"),
                                          SPAN("\xff")};
        for (size_t i = 0; i < LENGTH(bad); i++)
                assert_false(utf8_is_valid(bad[i]));
}

static void test_keys_carry_their_checksum(void **state)
{
        (void)state;
        char key[KEY_SIZE], other[KEY_SIZE];
        key_make(key);
        key_make(other);
        assert_string_not_equal(key, other);
        assert_int_equal(strlen(key), KEY_LENGTH);
        assert_true(key_check(span_of(key)));
        for (size_t i = 0; i < KEY_LENGTH; i++) {
                memcpy(other, key, KEY_SIZE);
                other[i] = other[i] == 'x' ? 'y' : 'x';
                assert_false(key_check(span_of(other)));
        }
        assert_false(key_check(span_make(key, KEY_LENGTH - 1)));
        assert_false(key_check(span_make(key, KEY_SIZE)));
        assert_false(key_check(SPAN_NONE));
        /* The form is a promise to secret scanners. */
        assert_true(key_check(SPAN("ctl_0000000000000000000000000000001ivdIf")));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_base64_vectors),
                cmocka_unit_test(test_base64_has_one_spelling),
                cmocka_unit_test(test_hex),
                cmocka_unit_test(test_percent),
                cmocka_unit_test(test_a_full_buffer_says_so),
                cmocka_unit_test(test_crc32_is_zlibs),
                cmocka_unit_test(test_base62),
                cmocka_unit_test(test_utf8),
                cmocka_unit_test(test_keys_carry_their_checksum),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
