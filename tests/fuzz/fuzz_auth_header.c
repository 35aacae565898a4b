/*
 * An app's Authorization header from a stranger. What is taken must lie in the input, be free of
 * the separators, hold every part of its scheme, and say the same when it is written out again;
 * what is refused must be refused with one of three slugs.
 */
#include "fuzz.h"

#include "auth/header.h"

#include <stdlib.h>

static void must(bool is_so)
{
        if (!is_so)
                abort();
}

static void check_part(struct span input, struct span part)
{
        must(part.p && part.p >= input.p && part.p + part.len <= input.p + input.len);
        must(!part.len || (!memchr(part.p, ',', part.len) && !memchr(part.p, '=', part.len)));
}

static void put_part(struct buf *b, const char *name, struct span value)
{
        buf_text(b, name);
        buf_char(b, '=');
        buf_span(b, value);
}

/* The parts in another order than the specification's. */
static void check_again(const struct app_header *h)
{
        struct app_header again;
        struct buf text;
        bool is_link = h->scheme == APP_SCHEME_LINK;
        buf_init(&text, 1 << 20);
        buf_text(&text, is_link ? "Link " : "Signature ");
        if (is_link) {
                put_part(&text, "Token", h->token);
        } else {
                put_part(&text, "Date", h->date);
                put_part(&text, ",SignedHeaders", h->signed_headers);
                put_part(&text, ",Nonce", h->nonce);
        }
        put_part(&text, ",App", h->app);
        if (buf_check(&text, NULL) == STATUS_OK) {
                must(app_header_parse(buf_view(&text), &again, NULL) == STATUS_OK);
                must(again.scheme == h->scheme && span_equal(again.app, h->app) &&
                     span_equal(again.token, h->token) && span_equal(again.nonce, h->nonce) &&
                     span_equal(again.date, h->date) &&
                     span_equal(again.signed_headers, h->signed_headers));
        }
        buf_fini(&text);
}

static void check_refusal(const struct error *e)
{
        static const char *const slugs[] = {"unknown-auth-schema", "authorization-header-malformed",
                                            "authorization-header-bad-schema"};
        size_t i = 0;
        while (i < 3 && strcmp(slugs[i], e->slug) != 0)
                i++;
        must(i < 3 && e->status == STATUS_DENIED && error_http(e) == 401);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct span input = span_make(data, size);
        struct app_header h;
        struct error e = {0};
        if (app_header_parse(input, &h, &e) != STATUS_OK) {
                check_refusal(&e);
                return 0;
        }
        check_part(input, h.app);
        if (h.scheme == APP_SCHEME_LINK) {
                check_part(input, h.token);
        } else {
                check_part(input, h.nonce);
                check_part(input, h.signed_headers);
                check_part(input, h.date);
        }
        check_again(&h);
        return 0;
}
