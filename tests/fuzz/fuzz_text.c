/*
 * Decoders: what a strict one takes is the only spelling of its value, so that encoding gives the
 * text back. What a key check or a stored password hash does with any bytes, it does in bounds.
 */
#include "fuzz.h"

#include <chatelaine/codec_json.h>
#include <chatelaine/codec_json_scan.h>
#include <chatelaine/codec_key.h>
#include <chatelaine/codec_text.h>

#include <stdlib.h>

struct pair {
        enum status (*decode)(struct buf *out, struct span text, struct error *e);
        void (*encode)(struct buf *out, struct span bytes);
};

static void check_one_spelling(struct span text, const struct pair *pair)
{
        struct buf bytes, again;
        buf_init(&bytes, 1 << 20);
        buf_init(&again, 1 << 21);
        if (pair->decode(&bytes, text, NULL) == STATUS_OK) {
                pair->encode(&again, buf_view(&bytes));
                if (!span_equal(buf_view(&again), text.p ? text : SPAN("")))
                        abort();
        } else if (bytes.len != 0) {
                abort();
        }
        buf_fini(&bytes);
        buf_fini(&again);
}

/* Any bytes become a valid JSON string, and valid UTF-8 survives the way there and back. */
static void check_string(struct span text)
{
        struct buf raw, back;
        buf_init(&raw, 1 << 22);
        buf_init(&back, 1 << 22);
        json_string(&raw, text);
        if (json_scan_check(buf_view(&raw), 1, NULL) != STATUS_OK)
                abort();
        json_scan_decode(buf_view(&raw), &back);
        if (utf8_is_valid(text) != span_equal(buf_view(&back), text) ||
            !utf8_is_valid(buf_view(&back)))
                abort();
        buf_fini(&raw);
        buf_fini(&back);
}

static void check_percent(struct span text)
{
        struct buf encoded, back;
        buf_init(&encoded, 1 << 22);
        buf_init(&back, 1 << 22);
        if (percent_decode(&back, text, false, NULL) == STATUS_OK && back.len > text.len)
                abort();
        buf_reset(&back);
        percent_encode(&encoded, text, PERCENT_QUOTE_PLUS);
        if (percent_decode(&back, buf_view(&encoded), true, NULL) != STATUS_OK ||
            !span_equal(buf_view(&back), text))
                abort();
        buf_fini(&encoded);
        buf_fini(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const struct pair pairs[] = {{base64_decode, base64_encode},
                                            {base64url_decode, base64url_encode}};
        struct span text = span_make(data, size);
        for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
                check_one_spelling(text, &pairs[i]);
        check_string(text);
        check_percent(text);
        (void)key_check(text);
        return 0;
}
