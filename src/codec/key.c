#include <chatelaine/codec_key.h>
#include <chatelaine/codec_text.h>

#define PREFIX_LENGTH (sizeof KEY_PREFIX - 1)
#define CHECKED_LENGTH 34 /* prefix and chance: what the CRC is of */

void key_make(char out[KEY_SIZE])
{
        memcpy(out, KEY_PREFIX, PREFIX_LENGTH);
        base62_random(out + PREFIX_LENGTH, CHECKED_LENGTH - PREFIX_LENGTH);
        base62_u32(text_crc32(span_make(out, CHECKED_LENGTH)), out + CHECKED_LENGTH);
        out[KEY_LENGTH] = '\0';
}

bool key_check(struct span key)
{
        char sum[KEY_LENGTH - CHECKED_LENGTH];
        if (key.len != KEY_LENGTH || !span_starts(key, KEY_PREFIX) ||
            !base62_is(span_make(key.p + PREFIX_LENGTH, KEY_LENGTH - PREFIX_LENGTH)))
                return false;
        base62_u32(text_crc32(span_make(key.p, CHECKED_LENGTH)), sum);
        return memcmp(key.p + CHECKED_LENGTH, sum, sizeof sum) == 0;
}
