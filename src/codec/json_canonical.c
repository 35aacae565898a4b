/* RFC 8785, straight from the bytes: the scan has checked them, members are sorted object by
 * object. */
#include "json_chars.h"
#include "json_members.h"
#include "json_number.h"
#include "json_value.h"
#include "json_write.h"

#include <stdio.h>

#define CANONICAL_DEPTH 128

struct canonical {
        struct buf *out;
        const char *end;
        struct members open;
        const char *fault; /* a sentence; then fault_at is its byte */
        const char *fault_at;
        bool is_no_memory;
};

static const char *put_value(struct canonical *c, const char *p);

static const char *put_string(struct buf *out, const char *p)
{
        const char *end = json_skip_string(p) - 1;
        buf_char(out, '"');
        for (p++; p < end;) {
                const char *slash = memchr(p, '\\', (size_t)(end - p));
                buf_append(out, p, (size_t)((slash ? slash : end) - p));
                p = slash ? slash : end;
                uint32_t ch;
                if (slash && json_next_char(&p, &ch))
                        json_put_char(out, ch);
        }
        buf_char(out, '"');
        return end + 1;
}

static const char *fail(struct canonical *c, const char *at, const char *fault)
{
        c->fault = fault;
        c->fault_at = at;
        return NULL;
}

/* Pushes the members of the object at p; returns behind it. */
static const char *collect(struct canonical *c, const char *p)
{
        for (p = json_skip_space(p + 1); *p != '}';) {
                const char *name = p;
                p = json_skip_space(json_skip_space(json_skip_string(p)) + 1);
                if (!members_push(&c->open, name, p)) {
                        c->is_no_memory = true;
                        return NULL;
                }
                p = json_skip_space(json_skip_value(p));
                if (*p == ',')
                        p = json_skip_space(p + 1);
        }
        return p + 1;
}

static const char *put_object(struct canonical *c, const char *p)
{
        struct members *open = &c->open;
        size_t from = open->n;
        const char *end = collect(c, p);
        if (!end)
                return NULL;
        size_t n = open->n;
        members_sort(open, from);
        buf_char(c->out, '{');
        for (size_t i = from; i < n; i++) {
                if (i > from && members_same_name(open, i - 1, i))
                        return fail(c, open->text + open->items[i].name,
                                    "A name is repeated in one object.");
                if (i > from)
                        buf_char(c->out, ',');
                put_string(c->out, open->text + open->items[i].name);
                buf_char(c->out, ':');
                if (!put_value(c, open->text + open->items[i].value))
                        return NULL;
        }
        buf_char(c->out, '}');
        open->n = from;
        return end;
}

static const char *put_array(struct canonical *c, const char *p)
{
        buf_char(c->out, '[');
        for (p = json_skip_space(p + 1); *p != ']';) {
                if (!(p = put_value(c, p)))
                        return NULL;
                p = json_skip_space(p);
                if (*p == ',') {
                        buf_char(c->out, ',');
                        p = json_skip_space(p + 1);
                }
        }
        buf_char(c->out, ']');
        return p + 1;
}

/* Behind the value at p; NULL on failure. */
static const char *put_value(struct canonical *c, const char *p)
{
        if (*p == '"')
                return put_string(c->out, p);
        if (*p == '{')
                return put_object(c, p);
        if (*p == '[')
                return put_array(c, p);
        const char *end = json_skip_value_within(p, c->end);
        struct span raw = span_make(p, (size_t)(end - p));
        if (*p == 't' || *p == 'f' || *p == 'n') {
                buf_span(c->out, raw);
                return end;
        }
        struct decimal d = decimal_of(number_read(raw));
        if (d.is_infinite)
                return fail(c, p, "A number is out of range.");
        char text[NUMBER_SIZE];
        buf_append(c->out, text, number_ecma(&d, text));
        return end;
}

enum status json_canonical(struct span text, struct buf *out, struct error *e)
{
        TRY(json_scan_check(text, CANONICAL_DEPTH, e));
        if (text.len > UINT32_MAX)
                return error_set(e, STATUS_LIMIT, "too-large", NULL, "The text is too large.");
        struct canonical c = {.out = out, .end = text.p + text.len, .open.text = text.p};
        const char *end = put_value(&c, json_skip_space(text.p));
        members_fini(&c.open);
        if (end)
                return buf_check(out, e);
        if (c.is_no_memory)
                return error_no_memory(e);
        char where[32];
        snprintf(where, sizeof where, "(offset %zu)", (size_t)(c.fault_at - text.p));
        return error_set_http(e, STATUS_INVALID, 400, "invalid-json", where, "%s", c.fault);
}
