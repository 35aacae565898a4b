#include <chatelaine/base_buf.h>

#include <strings.h>

bool span_equal(struct span a, struct span b)
{
        return (a.p != NULL) == (b.p != NULL) && a.len == b.len &&
               (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

bool span_is(struct span a, const char *text)
{
        return span_equal(a, span_of(text));
}

bool span_is_nocase(struct span a, const char *text)
{
        return a.p && a.len == strlen(text) && strncasecmp(a.p, text, a.len) == 0;
}

bool span_starts(struct span a, const char *prefix)
{
        size_t n = strlen(prefix);
        return a.p && a.len >= n && memcmp(a.p, prefix, n) == 0;
}

static bool is_space(char c)
{
        return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct span span_trim(struct span a)
{
        while (a.len && is_space(a.p[0])) {
                a.p++;
                a.len--;
        }
        while (a.len && is_space(a.p[a.len - 1]))
                a.len--;
        return a;
}

struct span span_split(struct span a, char sep, struct span *rest)
{
        const char *at = a.len ? memchr(a.p, sep, a.len) : NULL;
        if (!at) {
                *rest = SPAN_NONE;
                return a;
        }
        size_t head = (size_t)(at - a.p);
        *rest = span_make(at + 1, a.len - head - 1);
        return span_make(a.p, head);
}

enum status span_int64(struct span a, int64_t *ret, struct error *e)
{
        bool is_negative = a.len && a.p[0] == '-';
        size_t i = is_negative;
        int64_t n = 0;

        if (i == a.len)
                return error_set(e, STATUS_INVALID, "invalid-number", NULL, "Not a whole number.");
        for (; i < a.len; i++) {
                int digit = a.p[i] - '0';
                if (digit < 0 || digit > 9)
                        return error_set(e, STATUS_INVALID, "invalid-number", NULL,
                                         "Not a whole number.");
                /* Counted below zero, where the range is one larger. */
                if (__builtin_mul_overflow(n, 10, &n) || __builtin_sub_overflow(n, digit, &n))
                        return error_set(e, STATUS_INVALID, "invalid-number", NULL,
                                         "The number is too large.");
        }
        if (!is_negative && __builtin_sub_overflow((int64_t)0, n, &n))
                return error_set(e, STATUS_INVALID, "invalid-number", NULL,
                                 "The number is too large.");
        *ret = n;
        return STATUS_OK;
}
