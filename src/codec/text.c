/* base62, CRC-32, UTF-8: the rest of codec_text. */
#include <chatelaine/base_utf8.h>

#include <chatelaine/base_clock.h>
#include <chatelaine/codec_text.h>

static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

bool base62_is(struct span text)
{
        for (size_t i = 0; i < text.len; i++) {
                char c = text.p[i];
                if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')))
                        return false;
        }
        return text.len > 0;
}

void base62_u32(uint32_t n, char out[6])
{
        for (int i = 5; i >= 0; i--, n /= 62)
                out[i] = alphabet[n % 62];
}

/* A byte past the last whole round would favour the first digits: thrown away. */
static void random_letters(const char *letters, unsigned base, char *out, size_t n)
{
        unsigned char bytes[64];
        size_t i = 0;
        while (i < n) {
                random_bytes(bytes, sizeof bytes);
                for (size_t k = 0; k < sizeof bytes && i < n; k++)
                        if (bytes[k] < 256 / base * base)
                                out[i++] = letters[bytes[k] % base];
        }
        wipe(bytes, sizeof bytes);
}

void base62_random(char *out, size_t n)
{
        random_letters(alphabet, 62, out, n);
}

void base36_random(char *out, size_t n)
{
        random_letters("0123456789abcdefghijklmnopqrstuvwxyz", 36, out, n);
}

uint32_t text_crc32(struct span bytes)
{
        static const uint32_t table[16] = {
                0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
                0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
                0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
        };
        uint32_t crc = 0xffffffff;
        for (size_t i = 0; i < bytes.len; i++) {
                crc ^= (unsigned char)bytes.p[i];
                crc = crc >> 4 ^ table[crc & 15];
                crc = crc >> 4 ^ table[crc & 15];
        }
        return ~crc;
}

bool utf8_is_valid(struct span text)
{
        uint32_t c;
        for (size_t i = 0, len; i < text.len; i += len)
                if ((len = utf8_decode(text.p + i, text.len - i, &c)) == 0)
                        return false;
        return true;
}

size_t utf8_characters(struct span text)
{
        size_t n = 0;
        for (size_t i = 0; i < text.len; i++)
                n += (text.p[i] & 0xc0) != 0x80;
        return n;
}
