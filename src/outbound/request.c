#include "outbound/request.h"

#include <chatelaine/codec_text.h>
#include <curl/curl.h>

#define URL_BYTES_MAX 16384
#define HEADER_BYTES_MAX 16384

void request_init(struct request *r, size_t body_bytes_max)
{
        *r = (struct request){.method = "POST"};
        buf_init(&r->url, URL_BYTES_MAX);
        buf_init(&r->body, body_bytes_max);
}

void request_fini(struct request *r)
{
        for (struct curl_slist *h = r->headers; h; h = h->next)
                wipe(h->data, strlen(h->data));
        curl_slist_free_all(r->headers);
        r->headers = NULL;
        buf_fini_secret(&r->url);
        buf_fini_secret(&r->body);
}

void request_url(struct request *r, const char *base, const char *path)
{
        size_t len = strlen(base);
        while (len > 0 && base[len - 1] == '/')
                len--;
        buf_append(&r->url, base, len);
        buf_text(&r->url, path);
}

void request_part(struct buf *out, struct span text)
{
        percent_encode(out, text, PERCENT_COMPONENT);
}

void request_header(struct request *r, const char *name, struct span value)
{
        CLEANUP(buf_fini_secret) struct buf line;
        buf_init(&line, HEADER_BYTES_MAX);
        buf_text(&line, name);
        buf_text(&line, ": ");
        buf_span(&line, value);
        struct curl_slist *more =
                line.status == STATUS_OK ? curl_slist_append(r->headers, line.data) : NULL;
        if (more)
                r->headers = more;
        r->has_failed = r->has_failed || !more;
}

void request_basic(struct request *r, struct span username, struct span password)
{
        CLEANUP(buf_fini_secret) struct buf pair, value;
        buf_init(&pair, HEADER_BYTES_MAX);
        buf_init(&value, HEADER_BYTES_MAX);
        buf_span(&pair, username);
        buf_char(&pair, ':');
        buf_span(&pair, password);
        buf_text(&value, "Basic ");
        base64_encode(&value, buf_view(&pair));
        r->has_failed = r->has_failed || pair.status != STATUS_OK || value.status != STATUS_OK;
        request_header(r, "Authorization", buf_view(&value));
}

enum status request_check(const struct request *r, struct error *e)
{
        TRY(buf_check(&r->url, e));
        TRY(buf_check(&r->body, e));
        return r->has_failed ? error_no_memory(e) : STATUS_OK;
}
