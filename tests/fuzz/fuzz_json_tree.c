/*
 * The tree and the canonical form: what json_parse takes, it dumps as JSON that has the same
 * canonical form, and a canonical form is its own.
 */
#include "fuzz.h"

#include <chatelaine/codec_json.h>

#include <stdlib.h>

#define DEPTH 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct span text = span_make(data, size);
        struct json *tree;
        if (json_parse(text, DEPTH, &tree, NULL) != STATUS_OK)
                return 0;
        struct buf dump, canonical, again;
        buf_init(&dump, 1 << 24);
        buf_init(&canonical, 1 << 24);
        buf_init(&again, 1 << 24);
        json_dump(tree, &dump);
        json_free(tree);
        if (json_canonical(text, &canonical, NULL) != STATUS_OK ||
            json_canonical(buf_view(&dump), &again, NULL) != STATUS_OK ||
            !span_equal(buf_view(&canonical), buf_view(&again)))
                abort();
        buf_reset(&again);
        if (json_canonical(buf_view(&canonical), &again, NULL) != STATUS_OK ||
            !span_equal(buf_view(&canonical), buf_view(&again)))
                abort();
        buf_fini(&dump);
        buf_fini(&canonical);
        buf_fini(&again);
        return 0;
}
