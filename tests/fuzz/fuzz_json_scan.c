/*
 * json_scan against jansson, which is another reading of RFC 8259: what one takes, the other
 * takes, but for numbers beyond jansson's range and NUL in names. What the scan takes must also
 * survive its helpers.
 */
#include "fuzz.h"

#include <chatelaine/codec_json_scan.h>

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH 64

/*
 * At what is beyond it, jansson stops: what follows there it has not judged. A NUL behind a number
 * it loses; JSON has none outside of escapes.
 */
static bool jansson_agrees(const char *text, size_t len, bool is_taken)
{
        if (memchr(text, '\0', len))
                return !is_taken;
        json_error_t e;
        json_t *v = json_loadb(text, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &e);
        json_decref(v);
        return is_taken == (v != NULL) || json_error_code(&e) == json_error_numeric_overflow ||
               json_error_code(&e) == json_error_null_byte_in_key;
}

static bool scan_takes(struct span body, enum json_scan_mode mode, struct error *e)
{
        static const struct json_scan_limits limits = {.depth = DEPTH, .items = 1000};
        struct json_scan s;
        json_scan_init(&s, body, mode, &limits, json_webhook_names, WEBHOOK_NAMES);
        for (;;) {
                struct json_item item;
                bool is_item;
                if (json_scan_next(&s, &item, &is_item, e) != STATUS_OK)
                        return false;
                if (!is_item)
                        return true;
                struct json_value v;
                json_scan_path(item.raw, "data.a", &v);
        }
}

/* What was accepted is accepted again when minified, says the same, and has a repr. */
static void check_helpers(struct span body)
{
        struct buf out;
        buf_init(&out, 1 << 24);
        json_minify(body, &out);
        if (out.status != STATUS_OK || out.len > body.len ||
            !json_scan_same(body, buf_view(&out)) ||
            json_scan_check(buf_view(&out), DEPTH, NULL) != STATUS_OK)
                abort();
        if (json_python_repr(body, DEPTH, json_sink_buf, &out, NULL) != STATUS_OK)
                abort();
        buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct span body = span_make(data, size);
        struct error e = {0};
        bool is_one = scan_takes(body, JSON_SCAN_ONE, &e);
        if (strcmp(e.slug, "too-deep") == 0)
                return 0;
        if (is_one != (json_scan_check(body, DEPTH, NULL) == STATUS_OK) ||
            !jansson_agrees(body.p, body.len, is_one))
                abort();
        if (scan_takes(body, JSON_SCAN_BODY, &e) != is_one && strcmp(e.slug, "too-many-items") != 0)
                abort();
        (void)scan_takes(body, JSON_SCAN_LINES, &e);
        if (is_one)
                check_helpers(body);
        return 0;
}
