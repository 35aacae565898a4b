/* What http reads beside requests: proxies' headers, gzip; and the text that it writes. */
#include "fuzz.h"

#include "http/gzip.h"
#include "http/problem.h"
#include "http/proxy.h"
#include "http/request.h"

#include <chatelaine/codec_json_scan.h>
#include <stdlib.h>

#define UNZIPPED_MAX 65536

static void check_gzip(struct span in)
{
        char *out;
        size_t len;
        if (gzip_inflate(in, UNZIPPED_MAX, &out, &len, NULL) != STATUS_OK)
                return;
        if (len > UNZIPPED_MAX)
                abort();
        free(out);
}

/* An address that was read is written, and read again as the same. */
static void check_address(struct span in)
{
        uint8_t first[16], again[16];
        char text[IP_TEXT_BYTES];
        struct span hops[] = {in, forwarded_for(in)};
        const struct cidr all = {.bits = 0};
        proxy_walk(&all, 1, hops, 2, (uint8_t[16]){0});
        if (!address_parse(in, first))
                return;
        address_text(first, text);
        if (!address_parse(span_of(text), again) || memcmp(first, again, sizeof first) != 0)
                abort();
}

static void check_cidr(struct span in)
{
        struct cidr c;
        char *text = strndup(in.p, in.len);
        if (cidr_parse(text, &c, NULL) == STATUS_OK &&
            (c.bits > 128 || !cidr_any(&c, 1, c.address)))
                abort();
        free(text);
}

static void check_decode(struct span in)
{
        char *out = malloc(in.len + 1);
        if (unescape(in, true, out) > in.len)
                abort();
        free(out);
}

/* Whatever is said of an error, it is JSON. */
static void check_problem(struct span in)
{
        struct error e = {.slug = "fuzz"};
        struct buf out;
        size_t len = in.len < sizeof e.text - 1 ? in.len : sizeof e.text - 1;
        memcpy(e.text, in.p, len);
        memcpy(e.where, in.p, len < sizeof e.where - 1 ? len : sizeof e.where - 1);
        buf_init(&out, 65536);
        problem_write(&e, 400, "id", &out);
        if (out.status != STATUS_OK || json_scan_check(buf_view(&out), 4, NULL) != STATUS_OK)
                abort();
        buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static void (*const checks[])(struct span) = {check_gzip, check_address, check_cidr,
                                                      check_decode, check_problem};
        if (size < 1)
                return 0;
        checks[data[0] % (sizeof checks / sizeof checks[0])](span_make(data + 1, size - 1));
        return 0;
}
