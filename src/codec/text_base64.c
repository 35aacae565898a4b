/* base64 and base64url (RFC 4648), and hex. */
#include <chatelaine/codec_text.h>

static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

enum padding { PADDING_NEVER, PADDING_MAYBE, PADDING_ALWAYS };

static void encode(struct buf *out, struct span bytes, const char *alphabet, enum padding padding)
{
        const unsigned char *p = (const unsigned char *)bytes.p;
        for (size_t i = 0; i < bytes.len; i += 3) {
                size_t n = bytes.len - i < 3 ? bytes.len - i : 3;
                uint32_t group = (uint32_t)p[i] << 16 | (n > 1 ? (uint32_t)p[i + 1] << 8 : 0) |
                                 (n > 2 ? p[i + 2] : 0);
                char text[4] = {alphabet[group >> 18], alphabet[group >> 12 & 63], '=', '='};
                if (n > 1)
                        text[2] = alphabet[group >> 6 & 63];
                if (n > 2)
                        text[3] = alphabet[group & 63];
                buf_append(out, text, padding == PADDING_NEVER ? n + 1 : 4);
        }
}

/* The value of a digit; -1 for what is none. `c62` and `c63` are the alphabet's last two. */
static int digit_value(char c, char c62, char c63)
{
        if (c >= 'A' && c <= 'Z')
                return c - 'A';
        if (c >= 'a' && c <= 'z')
                return c - 'a' + 26;
        if (c >= '0' && c <= '9')
                return c - '0' + 52;
        return c == c62 ? 62 : c == c63 ? 63 : -1;
}

/* Cuts the padding off; false when it is not as `padding` wants it. */
static bool cut_padding(struct span *text, enum padding padding)
{
        size_t n = 0, full = text->len;
        while (n < 2 && text->len > 0 && text->p[text->len - 1] == '=') {
                text->len--;
                n++;
        }
        if (n == 0)
                return text->len % 4 != 1 && (padding != PADDING_ALWAYS || full % 4 == 0);
        return padding != PADDING_NEVER && full % 4 == 0;
}

static bool decode_digits(char *to, struct span text, const char *alphabet)
{
        uint32_t group = 0;
        unsigned bits = 0;
        for (size_t i = 0; i < text.len; i++) {
                int digit = digit_value(text.p[i], alphabet[62], alphabet[63]);
                if (digit < 0)
                        return false;
                group = group << 6 | (uint32_t)digit;
                bits += 6;
                if (bits >= 8) {
                        bits -= 8;
                        *to++ = (char)(group >> bits);
                        group &= (1u << bits) - 1;
                }
        }
        return group == 0; /* unused bits */
}

static enum status decode(struct buf *out, struct span text, const char *alphabet,
                          enum padding padding, struct error *e)
{
        if (!cut_padding(&text, padding))
                return error_set(e, STATUS_INVALID, "invalid-base64", NULL,
                                 "The base64 text has a wrong length or padding.");
        size_t len = text.len / 4 * 3 + (text.len % 4 ? text.len % 4 - 1 : 0);
        char *room = buf_room(out, len);
        if (!room)
                return buf_check(out, e);
        if (!decode_digits(room, text, alphabet)) {
                wipe(room, len);
                return error_set(e, STATUS_INVALID, "invalid-base64", NULL,
                                 "The text is not base64.");
        }
        buf_grew(out, len);
        return STATUS_OK;
}

void base64_encode(struct buf *out, struct span bytes)
{
        encode(out, bytes, standard, PADDING_ALWAYS);
}

enum status base64_decode(struct buf *out, struct span text, struct error *e)
{
        return decode(out, text, standard, PADDING_ALWAYS, e);
}

enum status base64_decode_lenient(struct buf *out, struct span text, struct error *e)
{
        return decode(out, text, standard, PADDING_MAYBE, e);
}

void base64url_encode(struct buf *out, struct span bytes)
{
        encode(out, bytes, url_safe, PADDING_NEVER);
}

enum status base64url_decode(struct buf *out, struct span text, struct error *e)
{
        return decode(out, text, url_safe, PADDING_NEVER, e);
}
