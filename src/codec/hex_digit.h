/* hex_digit: the value of one. */
#ifndef CHATELAINE_CODEC_HEX_DIGIT_H
#define CHATELAINE_CODEC_HEX_DIGIT_H

/* -1 for what is none. */
static inline int hex_digit(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
                return (c | 0x20) - 'a' + 10;
        return -1;
}

#endif
