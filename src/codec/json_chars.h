/* json_chars: the characters of a raw JSON string that a scan has accepted. */
#ifndef CHATELAINE_CODEC_JSON_CHARS_H
#define CHATELAINE_CODEC_JSON_CHARS_H

#include "hex_digit.h"
#include <chatelaine/base_utf8.h>

#include <stdbool.h>

static inline uint32_t json_hex4(const char *p)
{
        uint32_t n = 0;
        for (int i = 0; i < 4; i++)
                n = n << 4 | (uint32_t)hex_digit(p[i]);
        return n;
}

/* Behind the backslash. */
static inline uint32_t json_escaped_char(const char **p)
{
        char c = *(*p)++;
        switch (c) {
        case 'b': return '\b';
        case 'f': return '\f';
        case 'n': return '\n';
        case 'r': return '\r';
        case 't': return '\t';
        case 'u': break;
        default: return (unsigned char)c;
        }
        uint32_t unit = json_hex4(*p);
        *p += 4;
        if (unit < 0xd800 || unit > 0xdfff)
                return unit;
        uint32_t low = json_hex4(*p + 2);
        *p += 6;
        return 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
}

/* The next code point at *p, which lies between the quotes; false at the closing quote. */
static inline bool json_next_char(const char **p, uint32_t *ret)
{
        if (**p == '"')
                return false;
        if (**p == '\\') {
                ++*p;
                *ret = json_escaped_char(p);
        } else {
                *ret = 0xfffd; /* never seen: the text has been checked */
                *p += utf8_decode(*p, 4, ret);
        }
        return true;
}

#endif
