/*
 * GET /: the page that a share link opens. One file, nothing from elsewhere; script and style are
 * allowed by their hashes alone, so that nothing put into the page could run.
 */
#include "facade/contract_fit.h"
#include "facade/page.h"

#include <chatelaine/codec_crypto.h>
#include <chatelaine/codec_text.h>

/* " 'sha256-...'" of what stands between `open` and `close` in the page. */
static void put_hash(struct buf *out, const char *open, const char *close)
{
        const char *from = strstr(facade_page, open) + strlen(open);
        const char *to = strstr(from, close);
        uint8_t hash[SHA256_SIZE];
        sha256_of(span_make(from, (size_t)(to - from)), hash);
        buf_text(out, " 'sha256-");
        base64_encode(out, span_make(hash, sizeof hash));
        buf_char(out, '\'');
}

static enum status policy(struct buf *out, struct error *e)
{
        buf_text(out, "default-src 'none'; connect-src 'self'; base-uri 'none'; form-action 'none';"
                      " frame-ancestors 'none'; script-src");
        put_hash(out, "<script>", "</script>");
        buf_text(out, "; style-src");
        put_hash(out, "<style>", "</style>");
        return buf_check(out, e);
}

void cf_page(struct http_request *req)
{
        struct error err;
        struct buf CLEANUP(buf_fini) csp;
        buf_init(&csp, 1024);
        if (policy(&csp, &err) != STATUS_OK) {
                http_reply_error(req, &err);
                return;
        }
        http_reply_header(req, "Content-Security-Policy", csp.data);
        http_reply_header(req, "Referrer-Policy", "no-referrer");
        http_reply_header(req, "Cache-Control", "no-store");
        http_reply(req, 200, "text/html; charset=utf-8", span_of(facade_page));
}
