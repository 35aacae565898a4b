#include "problem.h"
#include "phrase.h"

#include <stdio.h>
#include <string.h>

/* Length of the UTF-8 sequence at s (RFC 3629), 0 when it is none. s ends with a NUL. */
static size_t utf8_len(const unsigned char *s)
{
        static const struct {
                unsigned char first, last, low, high; /* of the lead; of the second byte */
                size_t len;
        } forms[] = {
                {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
                {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3},
                {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
                {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
        };
        if (s[0] < 0x80)
                return 1;
        for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
                if (s[0] < forms[i].first || s[0] > forms[i].last)
                        continue;
                if (s[1] < forms[i].low || s[1] > forms[i].high)
                        return 0;
                for (size_t k = 2; k < forms[i].len; k++)
                        if ((s[k] & 0xc0) != 0x80)
                                return 0;
                return forms[i].len;
        }
        return 0;
}

static void put_text(struct buf *out, const char *text)
{
        buf_char(out, '"');
        for (const unsigned char *s = (const unsigned char *)text; *s;) {
                size_t n = utf8_len(s);
                if (n == 0)
                        buf_text(out, "\\ufffd");
                else if (n == 1 && (*s < 0x20 || *s == 0x7f))
                        buf_printf(out, "\\u%04x", *s);
                else if (*s == '"' || *s == '\\')
                        buf_printf(out, "\\%c", *s);
                else
                        buf_append(out, s, n);
                s += n ? n : 1;
        }
        buf_char(out, '"');
}

static void put_member(struct buf *out, const char *name, const char *text)
{
        buf_printf(out, ",\"%s\":", name);
        put_text(out, text);
}

/* "/a/0 (offset 17)", as codec says where a text is broken, is two members. */
static bool put_pointer_and_offset(struct buf *out, const char *where)
{
        static const char mark[] = "(offset ";
        const char *at = strrchr(where, '('), *digits = at ? at + sizeof mark - 1 : NULL;
        char pointer[sizeof((struct error *)0)->where];
        if (!at || strncmp(at, mark, sizeof mark - 1) != 0)
                return false;
        size_t n = strspn(digits, "0123456789");
        if (n == 0 || strcmp(digits + n, ")") != 0)
                return false;
        snprintf(pointer, sizeof pointer, "%.*s", (int)(at > where ? at - where - 1 : 0), where);
        put_member(out, "pointer", pointer);
        buf_printf(out, ",\"offset\":%.*s", (int)n, digits);
        return true;
}

void problem_members(const struct error *e, unsigned status, const char *request_id,
                     struct buf *out)
{
        buf_printf(out, "\"type\":\"urn:chatelaine:problem:%s\"", e->slug[0] ? e->slug : "error");
        put_member(out, "title", phrase(status));
        buf_printf(out, ",\"status\":%u", status);
        put_member(out, "detail", e->text);
        put_member(out, "slug", e->slug);
        put_member(out, "request_id", request_id);
        if (e->where[0] && !put_pointer_and_offset(out, e->where))
                put_member(out, e->where[0] == '/' ? "pointer" : "where", e->where);
}

void problem_write(const struct error *e, unsigned status, const char *request_id, struct buf *out)
{
        buf_char(out, '{');
        problem_members(e, status, request_id, out);
        buf_char(out, '}');
}
