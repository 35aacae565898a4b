#include "problem.h"
#include "phrase.h"

#include <chatelaine/base_utf8.h>
#include <stdio.h>
#include <string.h>

static void put_text(struct buf *out, const char *text)
{
        buf_char(out, '"');
        for (const char *s = text, *end = text + strlen(text); s < end;) {
                size_t n = utf8_length(s, (size_t)(end - s));
                if (n == 0)
                        buf_text(out, "\\ufffd");
                else if (n == 1 && ((unsigned char)*s < 0x20 || *s == 0x7f))
                        buf_printf(out, "\\u%04x", (unsigned)*s);
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
