/* base_utf8: one code point at a time (RFC 3629). */
#ifndef CHATELAINE_BASE_UTF8_H
#define CHATELAINE_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

#define UTF8_REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/*
 * Bytes of the well-formed sequence at p (1 to 4), its code point in *ret; 0
 * when it is malformed. n is at least 1.
 */
static inline size_t utf8_decode(const char *p, size_t n, uint32_t *ret)
{
        const unsigned char *u = (const unsigned char *)p;
        if (u[0] < 0x80) {
                *ret = u[0];
                return 1;
        }
        size_t len = u[0] >= 0xc2 && u[0] <= 0xdf   ? 2
                     : (u[0] & 0xf0) == 0xe0        ? 3
                     : u[0] >= 0xf0 && u[0] <= 0xf4 ? 4
                                                    : 0;
        if (len == 0 || n < len)
                return 0;
        uint32_t c = u[0] & (0xffu >> (len + 1));
        for (size_t i = 1; i < len; i++) {
                if ((u[i] & 0xc0) != 0x80)
                        return 0;
                c = c << 6 | (u[i] & 0x3f);
        }
        /* Overlong forms, surrogates, beyond U+10FFFF. */
        if ((len == 3 && (c < 0x800 || (c >= 0xd800 && c <= 0xdfff))) ||
            (len == 4 && (c < 0x10000 || c > 0x10ffff)))
                return 0;
        *ret = c;
        return len;
}

/* The same without the code point. */
static inline size_t utf8_length(const char *p, size_t n)
{
        uint32_t c;
        return utf8_decode(p, n, &c);
}

/* Bytes of the malformed sequence at p that one U+FFFD stands for (Unicode, "maximal subpart"). */
static inline size_t utf8_malformed(const char *p, size_t n)
{
        const unsigned char *u = (const unsigned char *)p;
        unsigned char low = 0x80, high = 0xbf;
        size_t len = u[0] >= 0xc2 && u[0] <= 0xdf   ? 2
                     : (u[0] & 0xf0) == 0xe0        ? 3
                     : u[0] >= 0xf0 && u[0] <= 0xf4 ? 4
                                                    : 1;
        if (u[0] == 0xe0)
                low = 0xa0;
        else if (u[0] == 0xed)
                high = 0x9f;
        else if (u[0] == 0xf0)
                low = 0x90;
        else if (u[0] == 0xf4)
                high = 0x8f;
        size_t i = 1;
        for (; i < len && i < n && u[i] >= low && u[i] <= high; i++) {
                low = 0x80;
                high = 0xbf;
        }
        return i;
}

/* Writes c as UTF-8; returns how many bytes. */
static inline size_t utf8_encode(uint32_t c, char out[4])
{
        if (c < 0x80) {
                out[0] = (char)c;
                return 1;
        }
        size_t len = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
        static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
        for (size_t i = len - 1; i > 0; i--, c >>= 6)
                out[i] = (char)(0x80 | (c & 0x3f));
        out[0] = (char)(lead[len] | c);
        return len;
}

#endif
