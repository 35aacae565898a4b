#include "json_lex.h"

#include "json_chars.h"
#include <chatelaine/base_utf8.h>

#include <stdio.h>

bool lex_fault(struct lex *x, const char *fault)
{
        x->fault = fault;
        x->n_steps = 0;
        return false;
}

bool lex_step_out(struct lex *x, struct span name, size_t index)
{
        x->steps[x->n_steps++ % LEX_STEPS] = (struct lex_step){.name = name, .index = index};
        return false;
}

static const char *expected_more(const struct lex *x, const char *fault)
{
        return x->p == x->end ? "The text ends too early." : fault;
}

/* Over bytes that need no look: not quote, backslash, control, or non-ASCII. */
static const char *plain_run(const char *p, const char *end)
{
        const uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;
        while (end - p >= 8) {
                uint64_t w;
                memcpy(&w, p, 8);
                uint64_t quote = w ^ (ones * '"'), slash = w ^ (ones * '\\');
                uint64_t hit = w | (w - ones * 0x20) | ((quote - ones) & ~quote) |
                               ((slash - ones) & ~slash);
                hit &= highs;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
                /* The lowest mark is true; a borrow can only set false ones above it. */
                if (hit)
                        return p + (__builtin_ctzll(hit) >> 3);
#else
                if (hit)
                        break;
#endif
                p += 8;
        }
        while (p < end && *p != '"' && *p != '\\' && (unsigned char)*p >= 0x20 &&
               (unsigned char)*p < 0x80)
                p++;
        return p;
}

static bool lex_hex4(struct lex *x, uint32_t *ret)
{
        uint32_t n = 0;
        for (int i = 0; i < 4; i++, x->p++) {
                int digit = x->p < x->end ? hex_digit(*x->p) : -1;
                if (digit < 0)
                        return lex_fault(x, "\\u needs four hex digits.");
                n = n << 4 | (uint32_t)digit;
        }
        *ret = n;
        return true;
}

/* Behind "\u". A high half must be followed by its low half: Unicode has no others. */
static bool lex_unicode(struct lex *x)
{
        const char *begin = x->p - 2;
        uint32_t high, low;
        if (!lex_hex4(x, &high))
                return false;
        if (high < 0xd800 || high > 0xdfff)
                return true;
        if (high <= 0xdbff && x->end - x->p >= 2 && x->p[0] == '\\' && x->p[1] == 'u') {
                x->p += 2;
                if (!lex_hex4(x, &low))
                        return false;
                if (low >= 0xdc00 && low <= 0xdfff)
                        return true;
        }
        x->p = begin;
        return lex_fault(x, "A \\u escape is half of a surrogate pair.");
}

static bool lex_escape(struct lex *x)
{
        if (++x->p == x->end)
                return lex_fault(x, "The text ends too early.");
        if (*x->p == 'u') {
                x->p++;
                return lex_unicode(x);
        }
        if (*x->p == '\0' || !strchr("\"\\/bfnrt", *x->p))
                return lex_fault(x, "An unknown escape in a string.");
        x->p++;
        return true;
}

static bool lex_string(struct lex *x, bool *ret_escaped)
{
        *ret_escaped = false;
        x->p++;
        for (;;) {
                x->p = plain_run(x->p, x->end);
                if (x->p == x->end)
                        return lex_fault(x, "A string is not closed.");
                if (*x->p == '"') {
                        x->p++;
                        return true;
                }
                if (*x->p == '\\') {
                        *ret_escaped = true;
                        if (!lex_escape(x))
                                return false;
                        continue;
                }
                uint32_t c;
                size_t len = (unsigned char)*x->p < 0x20
                                     ? 0
                                     : utf8_decode(x->p, (size_t)(x->end - x->p), &c);
                if (len == 0)
                        return lex_fault(x, (unsigned char)*x->p < 0x20
                                                    ? "A control character in a string."
                                                    : "A string is not valid UTF-8.");
                x->p += len;
        }
}

static bool lex_digits(struct lex *x, bool *is_zero)
{
        const char *begin = x->p;
        while (x->p < x->end && *x->p >= '0' && *x->p <= '9') {
                if (is_zero && *x->p != '0')
                        *is_zero = false;
                x->p++;
        }
        return x->p > begin || lex_fault(x, expected_more(x, "A digit was expected."));
}

static bool lex_number(struct lex *x, struct json_value *ret)
{
        ret->kind = JSON_KIND_INTEGER;
        ret->is_zero = true;
        if (*x->p == '-')
                x->p++;
        const char *begin = x->p;
        if (!lex_digits(x, &ret->is_zero))
                return false;
        if (*begin == '0' && x->p - begin > 1) {
                x->p = begin;
                return lex_fault(x, "A number begins with a needless 0.");
        }
        if (x->p < x->end && *x->p == '.') {
                ret->kind = JSON_KIND_REAL;
                x->p++;
                if (!lex_digits(x, &ret->is_zero))
                        return false;
        }
        if (x->p < x->end && (*x->p == 'e' || *x->p == 'E')) {
                ret->kind = JSON_KIND_REAL;
                x->p++;
                if (x->p < x->end && (*x->p == '+' || *x->p == '-'))
                        x->p++;
                return lex_digits(x, NULL);
        }
        return true;
}

static bool lex_word(struct lex *x, const char *word)
{
        size_t n = strlen(word);
        if ((size_t)(x->end - x->p) < n || memcmp(x->p, word, n) != 0)
                return lex_fault(x, "Not a JSON value.");
        x->p += n;
        return true;
}

bool lex_open(struct lex *x)
{
        if (x->depth == x->depth_max) {
                x->is_too_deep = true;
                return lex_fault(x, "Too many arrays and objects inside each other.");
        }
        x->depth++;
        x->p++;
        lex_space(x);
        return true;
}

void lex_close(struct lex *x)
{
        x->depth--;
}

bool lex_name(struct lex *x, struct span *ret, bool *ret_escaped)
{
        const char *begin = x->p;
        if (x->p == x->end || *x->p != '"')
                return lex_fault(x, expected_more(x, "A name in quotes was expected."));
        if (!lex_string(x, ret_escaped))
                return false;
        *ret = span_make(begin, (size_t)(x->p - begin));
        lex_space(x);
        if (x->p == x->end || *x->p != ':')
                return lex_fault(x, expected_more(x, "A colon was expected."));
        x->p++;
        lex_space(x);
        return true;
}

bool lex_comma(struct lex *x, char close, bool *ret_more)
{
        lex_space(x);
        if (x->p == x->end || (*x->p != ',' && *x->p != close))
                return lex_fault(x, expected_more(x, close == ']' ? "A comma or ] was expected."
                                                                  : "A comma or } was expected."));
        *ret_more = *x->p == ',';
        x->p++;
        if (*ret_more)
                lex_space(x);
        return true;
}

static bool lex_array(struct lex *x)
{
        if (!lex_open(x))
                return false;
        bool more = !(x->p < x->end && *x->p == ']');
        x->p += !more;
        for (size_t i = 0; more; i++) {
                struct json_value element;
                if (!lex_value(x, &element) || !lex_comma(x, ']', &more))
                        return lex_step_out(x, SPAN_NONE, i);
        }
        lex_close(x);
        return true;
}

static bool lex_object(struct lex *x)
{
        if (!lex_open(x))
                return false;
        bool more = !(x->p < x->end && *x->p == '}');
        x->p += !more;
        while (more) {
                struct span name;
                struct json_value value;
                bool is_escaped;
                if (!lex_name(x, &name, &is_escaped))
                        return false;
                if (!lex_value(x, &value) || !lex_comma(x, '}', &more))
                        return lex_step_out(x, name, 0);
        }
        lex_close(x);
        return true;
}

bool lex_value(struct lex *x, struct json_value *ret)
{
        const char *begin = x->p;
        bool is_good;
        *ret = (struct json_value){.kind = JSON_KIND_ABSENT};
        if (x->p == x->end)
                return lex_fault(x, "A value was expected, the text ends.");
        switch (*x->p) {
        case '"':
                ret->kind = JSON_KIND_STRING;
                is_good = lex_string(x, &ret->is_escaped);
                break;
        case '{':
                ret->kind = JSON_KIND_OBJECT;
                is_good = lex_object(x);
                break;
        case '[':
                ret->kind = JSON_KIND_ARRAY;
                is_good = lex_array(x);
                break;
        case 't':
                ret->kind = JSON_KIND_TRUE;
                is_good = lex_word(x, "true");
                break;
        case 'f':
                ret->kind = JSON_KIND_FALSE;
                is_good = lex_word(x, "false");
                break;
        case 'n':
                ret->kind = JSON_KIND_NULL;
                is_good = lex_word(x, "null");
                break;
        default:
                if (*x->p != '-' && (*x->p < '0' || *x->p > '9'))
                        return lex_fault(x, "Not a JSON value.");
                is_good = lex_number(x, ret);
        }
        ret->raw = span_make(begin, (size_t)(x->p - begin));
        return is_good;
}

/* 0: there is no room for all of it. */
static size_t write_step(const struct lex_step *step, char *out, size_t size)
{
        char number[24];
        const char *p = number;
        size_t n = 0;
        uint32_t c;
        if (step->name.p)
                p = step->name.p + 1;
        else
                snprintf(number, sizeof number, "%zu\"", step->index);
        if (size > 1)
                out[n++] = '/';
        while (n && json_next_char(&p, &c)) {
                if (n + 8 >= size)
                        return 0;
                if (c == '~' || c == '/') {
                        out[n++] = '~';
                        c = c == '~' ? '0' : '1';
                }
                n += utf8_encode(c, out + n);
        }
        return n;
}

static size_t write_pointer(const struct lex *x, char *out, size_t size)
{
        size_t kept = x->n_steps < LEX_STEPS ? x->n_steps : LEX_STEPS, n = 0;
        for (size_t i = 0; i < kept; i++) {
                size_t len =
                        write_step(&x->steps[(x->n_steps - 1 - i) % LEX_STEPS], out + n, size - n);
                if (!len)
                        break;
                n += len;
        }
        out[n] = '\0';
        return n;
}

void lex_where(const struct lex *x, const char *text, char out[LEX_WHERE_SIZE])
{
        size_t n = write_pointer(x, out, LEX_WHERE_SIZE - 32);
        snprintf(out + n, LEX_WHERE_SIZE - n, "%s(offset %zu)", n ? " " : "",
                 (size_t)(x->p - text));
}

enum status lex_error(const struct lex *x, const char *text, struct error *e)
{
        char where[LEX_WHERE_SIZE];
        lex_where(x, text, where);
        return error_set_http(e, STATUS_INVALID, 400, x->is_too_deep ? "too-deep" : "invalid-json",
                              where, "%s", x->fault);
}

void lex_where_cut(struct span text, size_t offset, char out[LEX_WHERE_SIZE])
{
        struct lex_step steps[LEX_STEPS];
        struct lex x = {.p = text.p,
                        .end = text.p + offset,
                        .depth_max = JSON_SCAN_DEPTH_MAX,
                        .steps = steps};
        struct json_value value;
        lex_space(&x);
        (void)lex_value(&x, &value);
        lex_where(&x, text.p, out);
}
