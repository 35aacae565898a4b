/*
 * json_value: walks over raw JSON that a scan has accepted. Nothing is checked
 * again, and no end is needed: a valid value says itself where it ends. Only a
 * number at the top level needs the span's end, so callers give spans.
 */
#ifndef CHATELAINE_CODEC_JSON_VALUE_H
#define CHATELAINE_CODEC_JSON_VALUE_H

#include <chatelaine/codec_json_scan.h>

static inline const char *json_skip_space(const char *p)
{
        while (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t')
                p++;
        return p;
}
/* Behind the closing quote; p is at the opening one. */
const char *json_skip_string(const char *p);
/* Behind the value at p, a member or element of something that goes on behind it. */
const char *json_skip_value(const char *p);
/* The same for a value that may end at `end`, with nothing readable behind it. */
const char *json_skip_value_within(const char *p, const char *end);

/*
 * Order of two raw names by the UTF-16 code units of what they say (RFC 8785
 * section 3.2.3): <0, 0, >0.
 */
int json_name_order(const char *a, const char *b);

#endif
