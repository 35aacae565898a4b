/*
 * Python's repr of a JSON body, without a tree.
 *
 * Three passes over the bytes: the scan (strict grammar), one that finds
 * repeated names, and the writing one. A repeated name keeps its first place
 * and its last value: the second pass leaves marks, by the offset of the name,
 * that say "write that value here" or "leave this member out". Few bodies have
 * any.
 */
#include "json_python.h"

#include "json_chars.h"
#include "json_members.h"
#include "json_number.h"
#include "json_value.h"

#include <stdio.h>
#include <stdlib.h>

void json_sink_buf(void *buf, const void *p, size_t len)
{
        buf_append(buf, p, len);
}

/* ---- strings ---- */

static bool is_printable(uint32_t c)
{
        if (c < 0xa0)
                return c >= 0x20 && c < 0x7f;
        size_t low = 0, high = json_n_unprintable;
        while (low < high) {
                size_t middle = (low + high) / 2;
                if (c > json_unprintable[middle].last)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low == json_n_unprintable || c < json_unprintable[low].first;
}

/* Pieces are gathered here, so that the sink is not called for each character. */
struct writer {
        json_sink sink;
        void *ctx;
        size_t n;
        char held[512];
};

static void flush(struct writer *w)
{
        if (w->n > 0)
                w->sink(w->ctx, w->held, w->n);
        w->n = 0;
}

static void put(struct writer *w, const char *p, size_t len)
{
        if (len > sizeof w->held - w->n)
                flush(w);
        if (len > sizeof w->held) {
                w->sink(w->ctx, p, len);
                return;
        }
        memcpy(w->held + w->n, p, len);
        w->n += len;
}

/* The letter behind the backslash; 0 when the character has no such escape. */
static char short_escape(uint32_t c, char quote)
{
        switch (c) {
        case '\t': return 't';
        case '\n': return 'n';
        case '\r': return 'r';
        case '\\': return '\\';
        default: return c == (unsigned char)quote ? quote : 0;
        }
}

static void put_char(struct writer *w, uint32_t c, char quote)
{
        char text[16];
        size_t n;
        char letter = short_escape(c, quote);
        if (letter) {
                text[0] = '\\';
                text[1] = letter;
                n = 2;
        } else if (is_printable(c)) {
                n = utf8_encode(c, text);
        } else {
                n = (size_t)snprintf(text, sizeof text,
                                     c <= 0xff     ? "\\x%02x"
                                     : c <= 0xffff ? "\\u%04x"
                                                   : "\\U%08x",
                                     c);
        }
        put(w, text, n);
}

/* Double quotes only for what holds single ones and no double ones. */
static char quote_for(bool has_single, bool has_double)
{
        return has_single && !has_double ? '"' : '\'';
}

/* p is at the opening quote of a raw JSON string; returns behind the closing one. */
static const char *put_string(struct writer *w, const char *p)
{
        const char *begin = p + 1;
        bool has_single = false, has_double = false;
        uint32_t c;
        for (p = begin; json_next_char(&p, &c);) {
                has_single |= c == '\'';
                has_double |= c == '"';
        }
        char quote = quote_for(has_single, has_double);
        put(w, &quote, 1);
        for (p = begin; json_next_char(&p, &c);)
                put_char(w, c, quote);
        put(w, &quote, 1);
        return p + 1;
}

void json_python_repr_text(struct span utf8, json_sink sink, void *ctx)
{
        struct writer w = {.sink = sink, .ctx = ctx};
        char quote = quote_for(utf8.len && memchr(utf8.p, '\'', utf8.len),
                               utf8.len && memchr(utf8.p, '"', utf8.len));
        put(&w, &quote, 1);
        for (size_t i = 0; i < utf8.len;) {
                uint32_t c = 0xfffd;
                size_t len = utf8_decode(utf8.p + i, utf8.len - i, &c);
                i += len ? len : utf8_malformed(utf8.p + i, utf8.len - i);
                put_char(&w, c, quote);
        }
        put(&w, &quote, 1);
        flush(&w);
}

/* ---- repeated names ---- */

struct repr {
        struct writer writer;
        const char *end;
        struct members open;  /* of the second pass */
        struct members marks; /* name: of a member to change; value: what to write there, or the
                                 name's own offset = leave out */
};

static const char *find_repeats(struct repr *r, const char *p);

/* The members of one object, items[from..n), are all there: mark what repeats. */
static bool mark_repeats(struct repr *r, size_t from)
{
        struct members *open = &r->open;
        const char *text = open->text;
        members_sort(open, from);
        for (size_t i = from, next; i < open->n; i = next) {
                for (next = i + 1; next < open->n && members_same_name(open, i, next); next++)
                        if (!members_push(&r->marks, text + open->items[next].name,
                                          text + open->items[next].name))
                                return false;
                if (next > i + 1 && !members_push(&r->marks, text + open->items[i].name,
                                                  text + open->items[next - 1].value))
                        return false;
        }
        open->n = from;
        return true;
}

static const char *find_in_object(struct repr *r, const char *p)
{
        size_t from = r->open.n;
        for (p = json_skip_space(p + 1); *p != '}';) {
                const char *name = p;
                p = json_skip_space(json_skip_space(json_skip_string(p)) + 1);
                if (!members_push(&r->open, name, p) || !(p = find_repeats(r, p)))
                        return NULL;
                p = json_skip_space(p);
                if (*p == ',')
                        p = json_skip_space(p + 1);
        }
        return mark_repeats(r, from) ? p + 1 : NULL;
}

static const char *find_in_array(struct repr *r, const char *p)
{
        for (p = json_skip_space(p + 1); *p != ']';) {
                if (!(p = find_repeats(r, p)))
                        return NULL;
                p = json_skip_space(p);
                if (*p == ',')
                        p = json_skip_space(p + 1);
        }
        return p + 1;
}

/* Behind the value at p; NULL without memory. */
static const char *find_repeats(struct repr *r, const char *p)
{
        return *p == '{'   ? find_in_object(r, p)
               : *p == '[' ? find_in_array(r, p)
                           : json_skip_value_within(p, r->end);
}

static int mark_order(const void *a, const void *b)
{
        const struct member *x = a, *y = b;
        return x->name < y->name ? -1 : x->name > y->name;
}

static const struct member *mark_of(const struct repr *r, const char *name)
{
        struct member key = {.name = (uint32_t)(name - r->marks.text)};
        return r->marks.n ? bsearch(&key, r->marks.items, r->marks.n, sizeof key, mark_order)
                          : NULL;
}

/* ---- writing ---- */

static const char *put_value(struct repr *r, const char *p);

static const char *put_object(struct repr *r, const char *p)
{
        struct writer *w = &r->writer;
        bool is_first = true;
        put(w, "{", 1);
        for (p = json_skip_space(p + 1); *p != '}';) {
                const struct member *mark = mark_of(r, p);
                const char *name = p;
                const char *value = json_skip_space(json_skip_space(json_skip_string(p)) + 1);
                if (mark && mark->value == mark->name) {
                        p = json_skip_value(value);
                } else {
                        if (!is_first)
                                put(w, ", ", 2);
                        is_first = false;
                        put_string(w, name);
                        put(w, ": ", 2);
                        p = put_value(r, mark ? r->marks.text + mark->value : value);
                        if (mark)
                                p = json_skip_value(value);
                }
                p = json_skip_space(p);
                if (*p == ',')
                        p = json_skip_space(p + 1);
        }
        put(w, "}", 1);
        return p + 1;
}

static const char *put_array(struct repr *r, const char *p)
{
        struct writer *w = &r->writer;
        put(w, "[", 1);
        for (p = json_skip_space(p + 1); *p != ']';) {
                p = json_skip_space(put_value(r, p));
                if (*p == ',') {
                        put(w, ", ", 2);
                        p = json_skip_space(p + 1);
                }
        }
        put(w, "]", 1);
        return p + 1;
}

static void put_number(struct writer *w, struct span raw)
{
        struct json_value v = json_scan_value(raw);
        if (v.kind == JSON_KIND_INTEGER) {
                if (v.is_zero) /* -0 is the integer 0 */
                        put(w, "0", 1);
                else
                        put(w, raw.p, raw.len);
                return;
        }
        struct decimal d = decimal_of_text(raw);
        char text[NUMBER_SIZE];
        put(w, text, number_python(&d, text));
}

static const char *put_value(struct repr *r, const char *p)
{
        struct writer *w = &r->writer;
        switch (*p) {
        case '"': return put_string(w, p);
        case '{': return put_object(r, p);
        case '[': return put_array(r, p);
        case 't': put(w, "True", 4); return p + 4;
        case 'f': put(w, "False", 5); return p + 5;
        case 'n': put(w, "None", 4); return p + 4;
        }
        const char *end = json_skip_value_within(p, r->end);
        put_number(w, span_make(p, (size_t)(end - p)));
        return end;
}

enum status json_python_repr(struct span body, unsigned depth_max, json_sink sink, void *ctx,
                             struct error *e)
{
        TRY(json_scan_check(body, depth_max, e));
        if (body.len > UINT32_MAX)
                return error_set_http(e, STATUS_LIMIT, 413, "too-large", NULL,
                                      "The body is too large.");
        struct repr r = {
                .writer = {.sink = sink, .ctx = ctx},
                .end = body.p + body.len,
                .open.text = body.p,
                .marks.text = body.p,
        };
        const char *value = json_skip_space(body.p);
        bool is_good = find_repeats(&r, value) != NULL;
        if (is_good) {
                if (r.marks.n > 1)
                        qsort(r.marks.items, r.marks.n, sizeof *r.marks.items, mark_order);
                put_value(&r, value);
                flush(&r.writer);
        }
        members_fini(&r.open);
        members_fini(&r.marks);
        return is_good ? STATUS_OK : error_no_memory(e);
}
