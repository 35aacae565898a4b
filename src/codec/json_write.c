#include "json_write.h"

#include <chatelaine/base_utf8.h>

#include <chatelaine/base_clock.h>

void json_put_char(struct buf *b, uint32_t c)
{
        static const char short_escapes[] = {
                ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n',  ['\f'] = 'f',
                ['\r'] = 'r', ['"'] = '"',  ['\\'] = '\\',
        };
        char text[8];
        if (c < sizeof short_escapes && short_escapes[c]) {
                text[0] = '\\';
                text[1] = short_escapes[c];
                buf_append(b, text, 2);
        } else if (c < 0x20) {
                buf_printf(b, "\\u%04x", c);
        } else {
                buf_append(b, text, utf8_encode(c, text));
        }
}

static bool is_plain(char c)
{
        return (unsigned char)c >= 0x20 && (unsigned char)c < 0x80 && c != '"' && c != '\\';
}

void json_string(struct buf *b, struct span text)
{
        buf_char(b, '"');
        for (size_t i = 0; i < text.len;) {
                size_t begin = i;
                while (i < text.len && is_plain(text.p[i]))
                        i++;
                buf_append(b, text.p + begin, i - begin);
                if (i == text.len)
                        break;
                uint32_t c = 0xfffd;
                size_t len = utf8_decode(text.p + i, text.len - i, &c);
                i += len ? len : utf8_malformed(text.p + i, text.len - i);
                json_put_char(b, c);
        }
        buf_char(b, '"');
}

/* A comma when the buffer ends in a finished value: `"`, `}`, `]`, a digit, or the last letter of a
 * literal. */
static void comma(struct buf *b)
{
        if (b->len == 0)
                return;
        char c = b->data[b->len - 1];
        if (c == '"' || c == '}' || c == ']' || (c >= '0' && c <= '9') || c == 'e' || c == 'l')
                buf_char(b, ',');
}

void json_obj_open(struct buf *b)
{
        comma(b);
        buf_char(b, '{');
}

void json_obj_close(struct buf *b)
{
        buf_char(b, '}');
}

void json_arr_open(struct buf *b)
{
        comma(b);
        buf_char(b, '[');
}

void json_arr_close(struct buf *b)
{
        buf_char(b, ']');
}

void json_key_span(struct buf *b, struct span name)
{
        comma(b);
        json_string(b, name);
        buf_char(b, ':');
}

/* A literal's name: nothing in it is escaped. */
void json_key(struct buf *b, const char *name)
{
        comma(b);
        buf_char(b, '"');
        buf_text(b, name);
        buf_append(b, "\":", 2);
}

void json_null(struct buf *b)
{
        comma(b);
        buf_text(b, "null");
}

void json_text(struct buf *b, struct span text)
{
        if (!text.p) {
                json_null(b);
                return;
        }
        comma(b);
        json_string(b, text);
}

void json_int(struct buf *b, int64_t n)
{
        comma(b);
        buf_int(b, n);
}

void json_bool(struct buf *b, bool v)
{
        comma(b);
        buf_text(b, v ? "true" : "false");
}

void json_raw(struct buf *b, struct span value)
{
        value = span_trim(value);
        if (value.len == 0) {
                json_null(b);
                return;
        }
        comma(b);
        buf_span(b, value);
}

void json_member_text(struct buf *b, const char *name, struct span text)
{
        json_key(b, name);
        json_text(b, text);
}

void json_member_int(struct buf *b, const char *name, int64_t n)
{
        json_key(b, name);
        json_int(b, n);
}

void json_member_bool(struct buf *b, const char *name, bool v)
{
        json_key(b, name);
        json_bool(b, v);
}

void json_member_null(struct buf *b, const char *name)
{
        json_key(b, name);
        json_null(b);
}

void json_member_raw(struct buf *b, const char *name, struct span value)
{
        json_key(b, name);
        json_raw(b, value);
}

void json_member_time(struct buf *b, const char *name, int64_t at_ms)
{
        char text[CLOCK_RFC3339_SIZE];
        if (at_ms < 0) {
                json_member_null(b, name);
                return;
        }
        clock_rfc3339(at_ms, text);
        json_member_text(b, name, span_of(text));
}
