/* json_python: which characters Python's repr escapes. */
#ifndef CHATELAINE_CODEC_JSON_PYTHON_H
#define CHATELAINE_CODEC_JSON_PYTHON_H

#include <stddef.h>
#include <stdint.h>

struct json_range {
        uint32_t first, last;
};
/* From U+00A0 on, ascending. */
extern const struct json_range json_unprintable[];
extern const size_t json_n_unprintable;

#endif
