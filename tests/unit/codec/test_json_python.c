#include "unit/base/unit.h"

#include <chatelaine/codec_json_scan.h>

#include <stdio.h>
#include <stdlib.h>

#define BODIES 6000

static struct buf repr_of(struct span body)
{
        struct buf b;
        struct error e;
        buf_init(&b, 64 << 20);
        if (json_python_repr(body, 64, json_sink_buf, &b, &e) != STATUS_OK)
                fail_msg("%.*s: %s %s", (int)body.len, body.p, e.where, e.text);
        assert_int_equal(b.status, STATUS_OK);
        return b;
}

static void assert_repr(struct span body, const char *expected)
{
        struct buf b = repr_of(body);
        assert_string_equal(b.data, expected);
        buf_fini(&b);
}

static void test_values_print_as_python_prints_them(void **state)
{
        (void)state;
        assert_repr(SPAN(" {} "), "{}");
        assert_repr(SPAN("[ ]"), "[]");
        assert_repr(
                SPAN("{\"a\":[1,true,false,null,1.0,-0,-0.0,1e5,1e16,1e-5,1e999,-1e999]}"),
                "{'a': [1, True, False, None, 1.0, 0, -0.0, 100000.0, 1e+16, 1e-05, inf, -inf]}");
        assert_repr(SPAN("123456789012345678901234567890"), "123456789012345678901234567890");
        assert_repr(SPAN("\"it's\""), "\"it's\"");
        assert_repr(SPAN("\"it's \\\"\""), "'it\\'s \"'");
        assert_repr(
                SPAN("\"t\\t\\n\\r\\\\ \\b\\u007f\\u00a0\\u00ad\\u200b\\ud83d\\udd11\\udb40\\udc01\""),
                "'t\\t\\n\\r\\\\ \\x08\\x7f\\xa0\\xad\\u200b\xf0\x9f\x94\x91\\U000e0001'");
}

static void test_a_repeated_name_keeps_first_place_and_last_value(void **state)
{
        (void)state;
        assert_repr(SPAN("{\"a\":1,\"b\":2,\"\\u0061\":3}"), "{'a': 3, 'b': 2}");
        assert_repr(
                SPAN("{\"a\":{\"x\":1,\"x\":2},\"b\":0,\"a\":[{\"y\":1,\"z\":2,\"y\":3}],\"b\":{}}"),
                "{'a': [{'y': 3, 'z': 2}], 'b': {}}");
        assert_repr(SPAN("[{\"a\":1,\"a\":2,\"a\":{\"a\":1,\"a\":4}}]"), "[{'a': {'a': 4}}]");
}

static void test_text_alone_has_a_repr_too(void **state)
{
        (void)state;
        struct buf b;
        buf_init(&b, 256);
        json_python_repr_text(SPAN("it's\n\xc3\xa9"), json_sink_buf, &b);
        json_python_repr_text(SPAN_NONE, json_sink_buf, &b);
        assert_string_equal(b.data, "\"it's\\n\xc3\xa9\"''");
        buf_fini(&b);
}

static void count(void *ctx, const void *p, size_t len)
{
        (void)p;
        *(size_t *)ctx += len;
}

static void test_nothing_is_given_of_a_bad_body(void **state)
{
        (void)state;
        static const char *const bodies[] = {"",         "[1,NaN]",     "[[[[[1]]]]]",
                                             "{\"a\":1", "\"\\ud800\"", "[1]]"};
        for (size_t i = 0; i < LENGTH(bodies); i++) {
                size_t n = 0;
                assert_int_equal(json_python_repr(span_of(bodies[i]), 4, count, &n, NULL),
                                 STATUS_INVALID);
                assert_int_equal(n, 0);
        }
}

/* 100,000 members, half of them repeated: no quadratic time. */
static void test_many_names_are_no_burden(void **state)
{
        (void)state;
        struct buf body;
        buf_init(&body, 4 << 20);
        for (int i = 0; i < 100000; i++)
                buf_printf(&body, "%s\"%d\":[%d]", i ? "," : "{", i % 50000, i);
        buf_char(&body, '}');
        struct buf b = repr_of(buf_view(&body));
        assert_true(span_starts(buf_view(&b), "{'0': [50000], '1': [50001], "));
        buf_fini(&b);
        buf_fini(&body);
}

/* ---- against the real one ---- */

static uint64_t chance_state = 0x9e3779b97f4a7c15;

static unsigned chance(unsigned n)
{
        chance_state ^= chance_state << 13;
        chance_state ^= chance_state >> 7;
        chance_state ^= chance_state << 17;
        return (unsigned)(chance_state >> 33) % n;
}

static void random_char(struct buf *b)
{
        static const char *const special[] = {"'",
                                              "\\\"",
                                              "\\\\",
                                              "\\/",
                                              "\\n",
                                              "\\t",
                                              "\\b",
                                              "\\u0000",
                                              "\\u001f",
                                              "\x7f",
                                              "\\ud83d\\udd11",
                                              "\xf0\x9f\x94\x91",
                                              "\xc2\xa0",
                                              "\xc3\xbf",
                                              "\xe2\x80\xa8",
                                              "\\ud800\\udc00",
                                              "\xf3\xa0\x80\x81",
                                              " "};
        switch (chance(4)) {
        case 0: buf_text(b, special[chance(LENGTH(special))]); break;
        case 1: {
                unsigned unit = chance(0x10000);
                buf_printf(b, "\\u%04x", unit >= 0xd800 && unit <= 0xdfff ? unit - 0x1000 : unit);
                break;
        }
        default: buf_char(b, (char)('a' + chance(26)));
        }
}

static void random_string(struct buf *b)
{
        buf_char(b, '"');
        for (unsigned n = chance(8); n > 0; n--)
                random_char(b);
        buf_char(b, '"');
}

static void random_digits(struct buf *b, unsigned n)
{
        for (unsigned i = 0; i < n; i++)
                buf_char(b, (char)('0' + chance(10)));
}

static void random_number(struct buf *b)
{
        if (chance(3) == 0)
                buf_char(b, '-');
        if (chance(4) == 0) {
                buf_char(b, '0');
        } else {
                buf_char(b, (char)('1' + chance(9)));
                random_digits(b, chance(chance(5) == 0 ? 40 : 6));
        }
        if (chance(2) == 0) {
                buf_char(b, '.');
                random_digits(b, 1 + chance(chance(3) == 0 ? 30 : 4));
        }
        if (chance(3) == 0)
                buf_printf(b, "%c%s%u", chance(2) ? 'e' : 'E', &"+\0-\0\0"[2 * chance(3)],
                           chance(chance(3) == 0 ? 400 : 25));
}

static void random_space(struct buf *b)
{
        if (chance(8) == 0)
                buf_char(b, " \t\n\r"[chance(4)]);
}

static void random_value(struct buf *b, unsigned depth)
{
        static const char *const words[] = {"true", "false", "null"};
        unsigned kind = chance(depth > 0 ? 10 : 6), n = chance(5);
        random_space(b);
        if (kind < 1) {
                buf_text(b, words[chance(3)]);
        } else if (kind < 3) {
                random_string(b);
        } else if (kind < 6) {
                random_number(b);
        } else if (kind < 8) {
                buf_char(b, '[');
                for (unsigned i = 0; i < n; i++) {
                        buf_text(b, i ? "," : "");
                        random_value(b, depth - 1);
                }
                buf_char(b, ']');
        } else {
                static const char *const names[] = {"\"a\"", "\"\\u0061\"", "\"b\"", "\"\"",
                                                    "\"'\""};
                buf_char(b, '{');
                for (unsigned i = 0; i < n; i++) {
                        buf_text(b, i ? "," : "");
                        random_space(b);
                        if (chance(2))
                                buf_text(b, names[chance(LENGTH(names))]);
                        else
                                random_string(b);
                        random_space(b);
                        buf_char(b, ':');
                        random_value(b, depth - 1);
                }
                buf_char(b, '}');
        }
        random_space(b);
}

/* Every assigned and unassigned character but surrogates, 256 to a body. */
static void characters(struct buf *b, unsigned block)
{
        buf_char(b, '"');
        for (unsigned c = block * 256; c < block * 256 + 256; c++) {
                if (c >= 0x10000)
                        buf_printf(b, "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10),
                                   0xdc00 + (c & 0x3ff));
                else if (c < 0xd800 || c > 0xdfff)
                        buf_printf(b, "\\u%04x", c);
        }
        buf_char(b, '"');
}

static void make_body(struct buf *b, unsigned i)
{
        buf_reset(b);
        if (i < 0x1100)
                characters(b, i);
        else
                random_value(b, 5);
}

static void write_framed(FILE *f, struct span s)
{
        uint8_t length[4] = {(uint8_t)(s.len >> 24), (uint8_t)(s.len >> 16), (uint8_t)(s.len >> 8),
                             (uint8_t)s.len};
        fwrite(length, 1, 4, f);
        fwrite(s.p, 1, s.len, f);
}

static void test_no_difference_from_python(void **state)
{
        (void)state;
        char in[] = "/tmp/python_repr_XXXXXX", command[512];
        int fd = mkstemp(in);
        assert_true(fd >= 0);
        FILE *bodies = fdopen(fd, "w+");
        struct buf body;
        buf_init(&body, 1 << 20);
        for (unsigned i = 0; i < 0x1100 + BODIES; i++) {
                make_body(&body, i);
                write_framed(bodies, buf_view(&body));
        }
        fflush(bodies);
        rewind(bodies);

        snprintf(command, sizeof command,
                 "/usr/bin/python3 %s/tests/unit/codec/python_repr.py < %s", CHATELAINE_SOURCE_DIR,
                 in);
        FILE *python = popen(command, "r");
        assert_non_null(python);
        for (unsigned i = 0; i < 0x1100 + BODIES; i++) {
                uint8_t length[4];
                static char expected[1 << 20];
                assert_int_equal(fread(length, 1, 4, bodies), 4);
                size_t len = (size_t)length[0] << 24 | (size_t)length[1] << 16 |
                             (size_t)length[2] << 8 | length[3];
                buf_reset(&body);
                assert_int_equal(fread(buf_room(&body, len), 1, len, bodies), len);
                buf_grew(&body, len);
                assert_int_equal(fread(length, 1, 4, python), 4);
                len = (size_t)length[0] << 24 | (size_t)length[1] << 16 | (size_t)length[2] << 8 |
                      length[3];
                assert_true(len < sizeof expected);
                assert_int_equal(fread(expected, 1, len, python), len);
                struct buf b = repr_of(buf_view(&body));
                if (!span_equal(buf_view(&b), span_make(expected, len)))
                        fail_msg("body %s\nours %s\ntheirs %.*s", body.data, b.data, (int)len,
                                 expected);
                buf_fini(&b);
        }
        assert_int_equal(pclose(python), 0);
        fclose(bodies);
        remove(in);
        buf_fini(&body);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_values_print_as_python_prints_them),
                cmocka_unit_test(test_a_repeated_name_keeps_first_place_and_last_value),
                cmocka_unit_test(test_text_alone_has_a_repr_too),
                cmocka_unit_test(test_nothing_is_given_of_a_bad_body),
                cmocka_unit_test(test_many_names_are_no_burden),
                cmocka_unit_test(test_no_difference_from_python),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
