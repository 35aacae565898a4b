/* Hex (RFC 4648 section 8) and percent-encoding (RFC 3986 section 2.1). */
#include "hex_digit.h"

#include <chatelaine/codec_text.h>

static const char lower[] = "0123456789abcdef", upper[] = "0123456789ABCDEF";

void hex_write(char *out, const void *bytes, size_t n)
{
        const unsigned char *p = bytes;
        for (size_t i = 0; i < n; i++) {
                *out++ = lower[p[i] >> 4];
                *out++ = lower[p[i] & 15];
        }
        *out = '\0';
}

void hex_encode(struct buf *out, struct span bytes)
{
        char *room = buf_room(out, 2 * bytes.len);
        if (!room)
                return;
        hex_write(room, bytes.p, bytes.len);
        buf_grew(out, 2 * bytes.len);
}

bool hex_decode_exact(void *out, size_t len, struct span text)
{
        unsigned char *to = out;
        if (text.len != 2 * len)
                return false;
        for (size_t i = 0; i < len; i++) {
                int high = hex_digit(text.p[2 * i]), low = hex_digit(text.p[2 * i + 1]);
                if (high < 0 || low < 0) {
                        wipe(out, len);
                        return false;
                }
                to[i] = (unsigned char)(high << 4 | low);
        }
        return true;
}

enum status hex_decode(struct buf *out, struct span text, struct error *e)
{
        size_t len = text.len / 2;
        char *room = buf_room(out, len);
        if (!room)
                return buf_check(out, e);
        if (!hex_decode_exact(room, len, text))
                return error_set(e, STATUS_INVALID, "invalid-hex", NULL,
                                 "The text is not an even number of hex digits.");
        buf_grew(out, len);
        return STATUS_OK;
}

/* RFC 3986 section 2.3. */
static bool is_unreserved(char c)
{
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '.' || c == '_' || c == '~';
}

void percent_encode(struct buf *out, struct span bytes, enum percent_set set)
{
        for (size_t i = 0; i < bytes.len;) {
                size_t begin = i;
                while (i < bytes.len && is_unreserved(bytes.p[i]))
                        i++;
                buf_append(out, bytes.p + begin, i - begin);
                if (i == bytes.len)
                        return;
                unsigned char c = (unsigned char)bytes.p[i++];
                char text[3] = {'%', upper[c >> 4], upper[c & 15]};
                if (c == ' ' && set == PERCENT_QUOTE_PLUS)
                        buf_char(out, '+');
                else
                        buf_append(out, text, 3);
        }
}

/* Writes at most text.len bytes; false when a % does not stand before two hex digits. */
static bool decode_percent(char *to, struct span text, bool plus_is_space, size_t *ret_len)
{
        char *begin = to;
        for (size_t i = 0; i < text.len; i++) {
                char c = text.p[i];
                if (c == '%') {
                        int high = text.len - i > 2 ? hex_digit(text.p[i + 1]) : -1;
                        int low = high >= 0 ? hex_digit(text.p[i + 2]) : -1;
                        if (low < 0)
                                return false;
                        c = (char)(high << 4 | low);
                        i += 2;
                } else if (c == '+' && plus_is_space) {
                        c = ' ';
                }
                *to++ = c;
        }
        *ret_len = (size_t)(to - begin);
        return true;
}

enum status percent_decode(struct buf *out, struct span text, bool plus_is_space, struct error *e)
{
        size_t len;
        char *room = buf_room(out, text.len);
        if (!room)
                return buf_check(out, e);
        if (!decode_percent(room, text, plus_is_space, &len))
                return error_set(e, STATUS_INVALID, "invalid-percent", NULL,
                                 "A %% does not stand before two hex digits.");
        buf_grew(out, len);
        return STATUS_OK;
}
