#include <chatelaine/codec_key.h>
#include <chatelaine/codec_text.h>

#include <assert.h>

#define PREFIX_LENGTH 4
#define CHECKED_LENGTH 34 /* prefix and chance: what the CRC is of */

void token_make(const char *prefix, char out[KEY_SIZE])
{
        assert(strlen(prefix) == PREFIX_LENGTH);
        memcpy(out, prefix, PREFIX_LENGTH);
        base62_random(out + PREFIX_LENGTH, CHECKED_LENGTH - PREFIX_LENGTH);
        base62_u32(text_crc32(span_make(out, CHECKED_LENGTH)), out + CHECKED_LENGTH);
        out[KEY_LENGTH] = '\0';
}

bool token_check(const char *prefix, struct span token)
{
        char sum[KEY_LENGTH - CHECKED_LENGTH];
        if (token.len != KEY_LENGTH || !span_starts(token, prefix) ||
            !base62_is(span_make(token.p + PREFIX_LENGTH, KEY_LENGTH - PREFIX_LENGTH)))
                return false;
        base62_u32(text_crc32(span_make(token.p, CHECKED_LENGTH)), sum);
        return memcmp(token.p + CHECKED_LENGTH, sum, sizeof sum) == 0;
}

void key_make(char out[KEY_SIZE])
{
        token_make(KEY_PREFIX, out);
}

bool key_check(struct span key)
{
        return token_check(KEY_PREFIX, key);
}
