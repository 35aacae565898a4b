/* Raw values that a scan has accepted: find, compare, decode. */
#include "json_value.h"

#include "json_chars.h"

const char *json_skip_string(const char *p)
{
        for (p++; *p != '"'; p++)
                p += *p == '\\';
        return p + 1;
}

static const char *skip_scalar(const char *p, const char *end)
{
        while (p != end && *p != ',' && *p != ']' && *p != '}' && *p != ' ' && *p != '\n' &&
               *p != '\r' && *p != '\t')
                p++;
        return p;
}

const char *json_skip_value_within(const char *p, const char *end)
{
        if (*p == '"')
                return json_skip_string(p);
        if (*p != '{' && *p != '[')
                return skip_scalar(p, end);
        unsigned depth = 0;
        do {
                if (*p == '"') {
                        p = json_skip_string(p);
                        continue;
                }
                if (*p == '{' || *p == '[')
                        depth++;
                else if (*p == '}' || *p == ']')
                        depth--;
                p++;
        } while (depth > 0);
        return p;
}

const char *json_skip_value(const char *p)
{
        return json_skip_value_within(p, NULL);
}

struct json_value json_scan_value(struct span raw)
{
        struct json_value v = {.raw = span_trim(raw)};
        if (v.raw.len == 0)
                return (struct json_value){.kind = JSON_KIND_ABSENT};
        switch (v.raw.p[0]) {
        case '"':
                v.kind = JSON_KIND_STRING;
                v.is_escaped = memchr(v.raw.p, '\\', v.raw.len) != NULL;
                return v;
        case '{': v.kind = JSON_KIND_OBJECT; return v;
        case '[': v.kind = JSON_KIND_ARRAY; return v;
        case 't': v.kind = JSON_KIND_TRUE; return v;
        case 'f': v.kind = JSON_KIND_FALSE; return v;
        case 'n': v.kind = JSON_KIND_NULL; return v;
        }
        v.kind = JSON_KIND_INTEGER;
        v.is_zero = true;
        for (size_t i = 0; i < v.raw.len; i++) {
                char c = v.raw.p[i];
                if (c == '.' || c == 'e' || c == 'E')
                        v.kind = JSON_KIND_REAL;
                if (c == 'e' || c == 'E')
                        break;
                if (c >= '1' && c <= '9')
                        v.is_zero = false;
        }
        return v;
}

bool json_scan_each(struct span object, size_t *pos, struct span *ret_name, struct json_value *ret)
{
        size_t at = *pos;
        if (at == 0) {
                struct span trimmed = span_trim(object);
                if (trimmed.len == 0 || trimmed.p[0] != '{')
                        return false;
                at = (size_t)(trimmed.p - object.p) + 1;
        }
        const char *name = json_skip_space(object.p + at);
        if (*name == ',')
                name = json_skip_space(name + 1);
        if (*name == '}')
                return false;
        const char *name_end = json_skip_string(name);
        const char *value = json_skip_space(json_skip_space(name_end) + 1);
        const char *end = json_skip_value(value);
        *ret_name = span_make(name, (size_t)(name_end - name));
        *ret = json_scan_value(span_make(value, (size_t)(end - value)));
        *pos = (size_t)(end - object.p);
        return true;
}

static bool last_member(struct span object, struct span name, struct json_value *ret)
{
        struct span raw_name;
        struct json_value value;
        size_t pos = 0, found = 0;
        while (json_scan_each(object, &pos, &raw_name, &value)) {
                if (!json_scan_is(raw_name, name))
                        continue;
                *ret = value;
                found++;
        }
        if (found > 0)
                ret->is_repeated = found > 1;
        return found > 0;
}

bool json_scan_path(struct span object, const char *path, struct json_value *ret)
{
        struct json_value value = {.raw = object};
        struct span rest = span_of(path);
        bool is_repeated = false;
        do {
                struct span name = span_split(rest, '.', &rest);
                if (!last_member(value.raw, name, &value))
                        return false;
                is_repeated |= value.is_repeated;
        } while (rest.p);
        value.is_repeated = is_repeated;
        *ret = value;
        return true;
}

void json_scan_decode(struct span raw, struct buf *out)
{
        const char *p = raw.p + 1, *end = raw.p + raw.len - 1;
        while (p < end) {
                const char *slash = memchr(p, '\\', (size_t)(end - p));
                if (!slash)
                        slash = end;
                buf_append(out, p, (size_t)(slash - p));
                p = slash;
                if (p < end) {
                        uint32_t c = 0;
                        char text[4];
                        json_next_char(&p, &c);
                        buf_append(out, text, utf8_encode(c, text));
                }
        }
}

struct span json_scan_text(struct span raw, struct arena *a)
{
        struct span inner = span_make(raw.p + 1, raw.len - 2);
        if (inner.len == 0 || !memchr(inner.p, '\\', inner.len))
                return inner;
        char *text = arena_alloc(a, inner.len); /* no escape is shorter than what it says */
        if (!text)
                return SPAN_NONE;
        const char *p = inner.p;
        size_t n = 0;
        uint32_t c;
        while (json_next_char(&p, &c))
                n += utf8_encode(c, text + n);
        return span_make(text, n);
}

size_t json_scan_characters(struct span raw)
{
        const char *p = raw.p + 1;
        size_t n = 0;
        uint32_t c;
        while (json_next_char(&p, &c))
                n++;
        return n;
}

bool json_scan_is(struct span raw, struct span text)
{
        struct span inner = span_make(raw.p + 1, raw.len - 2);
        if (inner.len == 0 || !memchr(inner.p, '\\', inner.len))
                return inner.len == text.len &&
                       (text.len == 0 || memcmp(inner.p, text.p, text.len) == 0);
        const char *p = inner.p;
        size_t n = 0;
        uint32_t c;
        while (json_next_char(&p, &c)) {
                char bytes[4];
                size_t len = utf8_encode(c, bytes);
                if (text.len - n < len || memcmp(text.p + n, bytes, len) != 0)
                        return false;
                n += len;
        }
        return n == text.len;
}

static bool is_space(char c)
{
        return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* The next run of bytes of s at *at that holds no insignificant white space: a string, or up to
 * white space or quote. */
static struct span next_run(struct span s, size_t *at)
{
        size_t begin = *at;
        while (begin < s.len && is_space(s.p[begin]))
                begin++;
        size_t end = begin;
        if (end < s.len && s.p[end] == '"')
                end = (size_t)(json_skip_string(s.p + end) - s.p);
        else
                while (end < s.len && s.p[end] != '"' && !is_space(s.p[end]))
                        end++;
        *at = end;
        return span_make(s.p + begin, end - begin);
}

bool json_scan_same(struct span a, struct span b)
{
        struct span x = {0}, y = {0};
        size_t at_a = 0, at_b = 0;
        for (;;) {
                if (x.len == 0)
                        x = next_run(a, &at_a);
                if (y.len == 0)
                        y = next_run(b, &at_b);
                size_t n = x.len < y.len ? x.len : y.len;
                if (n == 0)
                        return x.len == y.len;
                if (memcmp(x.p, y.p, n) != 0)
                        return false;
                x = span_make(x.p + n, x.len - n);
                y = span_make(y.p + n, y.len - n);
        }
}

void json_minify(struct span raw, struct buf *out)
{
        size_t at = 0;
        struct span run;
        while ((run = next_run(raw, &at)).len > 0)
                buf_span(out, run);
}

/* UTF-16 puts what needs surrogates (from D800) below E000 to FFFF; all else is in code point
 * order. */
static int char_order(uint32_t a, uint32_t b)
{
        bool is_high_a = a >= 0x10000, is_high_b = b >= 0x10000;
        if (is_high_a != is_high_b)
                return is_high_a ? (b >= 0xe000 ? -1 : 1) : (a >= 0xe000 ? 1 : -1);
        return a < b ? -1 : a > b;
}

int json_name_order(const char *a, const char *b)
{
        for (a++, b++;;) {
                uint32_t x, y;
                bool more_a = json_next_char(&a, &x), more_b = json_next_char(&b, &y);
                if (!more_a || !more_b)
                        return (int)more_a - (int)more_b;
                int order = x == y ? 0 : char_order(x, y);
                if (order != 0)
                        return order;
        }
}
