#include "base/utf8.h"

size_t utf8_length(const char *p, size_t len)
{
        /* The table of RFC 3629: what may lead, how many follow, and the range of the first that
         * follows. */
        static const struct {
                unsigned char first, last, n, low, high;
        } rows[] = {
                {0x00, 0x7f, 1, 0x00, 0x00}, {0xc2, 0xdf, 2, 0x80, 0xbf},
                {0xe0, 0xe0, 3, 0xa0, 0xbf}, {0xe1, 0xec, 3, 0x80, 0xbf},
                {0xed, 0xed, 3, 0x80, 0x9f}, {0xee, 0xef, 3, 0x80, 0xbf},
                {0xf0, 0xf0, 4, 0x90, 0xbf}, {0xf1, 0xf3, 4, 0x80, 0xbf},
                {0xf4, 0xf4, 4, 0x80, 0x8f},
        };
        const unsigned char *b = (const unsigned char *)p;

        for (size_t i = 0; len && i < sizeof rows / sizeof rows[0]; i++) {
                if (b[0] < rows[i].first || b[0] > rows[i].last)
                        continue;
                if (rows[i].n > len ||
                    (rows[i].n > 1 && (b[1] < rows[i].low || b[1] > rows[i].high)))
                        return 0;
                for (size_t k = 2; k < rows[i].n; k++)
                        if ((b[k] & 0xc0) != 0x80)
                                return 0;
                return rows[i].n;
        }
        return 0;
}
