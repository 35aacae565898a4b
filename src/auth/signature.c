/*
 * Signature: an HMAC over what Python's urlencode makes of the request, as linked-services' server
 * reads it:
 *
 *     timestamp=<Date>&app=<App>&method=<METHOD>&params=<repr>&body=<repr>&headers=<repr>
 *
 * each value through quote_plus, params {'a': ['1', '2']}, body repr(json.loads(body)), {} where
 * there is none, and the list of its lines where it is NDJSON. It streams into the MACs of all keys
 * that count; path and host are not signed.
 */
#include "auth/app.h"

#include <chatelaine/codec_json_scan.h>
#include <chatelaine/codec_text.h>

#include <ctype.h>

#define WINDOW_MS (2 * INT64_C(60000))
#define PARAMS_MAX 256
#define HEADERS_MAX 100 /* signed ones; as many as Python's servers take at all */
#define PIECE_BYTES 1024

struct signing {
        struct hmac *macs[APP_LIVE_MAX];
        size_t n;
        struct buf quoted; /* one piece, percent-encoded */
};

/* ---- into the MACs ---- */

static void put_plain(struct signing *s, const char *text)
{
        for (size_t i = 0; i < s->n; i++)
                hmac_update(s->macs[i], span_of(text));
}

/* A json_sink. `quoted` has had room for a piece since the start: this cannot fail. */
static void put_quoted(void *ctx, const void *p, size_t len)
{
        struct signing *s = ctx;
        for (size_t at = 0, n; at < len; at += n) {
                n = len - at < PIECE_BYTES ? len - at : PIECE_BYTES;
                buf_reset(&s->quoted);
                percent_encode(&s->quoted, span_make((const char *)p + at, n), PERCENT_QUOTE_PLUS);
                for (size_t i = 0; i < s->n; i++)
                        hmac_update(s->macs[i], buf_view(&s->quoted));
        }
}

static void put_text(struct signing *s, const char *text)
{
        put_quoted(s, text, strlen(text));
}

/* ---- params ---- */

struct param {
        struct span name, value;
        bool is_put;
};

static enum status read_params(const struct request_view *req, struct param **ret, size_t *ret_n,
                               struct error *e)
{
        struct span name, value;
        size_t n = 0;
        struct param *list = arena_alloc(req->arena, PARAMS_MAX * sizeof *list);
        if (!list)
                return error_no_memory(e);
        for (; req->query_each(req->http, n, &name, &value); n++) {
                if (n == PARAMS_MAX)
                        return error_set(e, STATUS_INVALID, "too-many-parameters", NULL,
                                         "A signed request has at most %d query parameters.",
                                         PARAMS_MAX);
                list[n] = (struct param){.name = name, .value = value};
        }
        *ret = list;
        *ret_n = n;
        return STATUS_OK;
}

/* A list a name, at the place of the name's first value. */
static enum status put_params(struct signing *s, const struct request_view *req, struct error *e)
{
        struct param *list;
        size_t n = 0;
        TRY(read_params(req, &list, &n, e));
        put_text(s, "{");
        for (size_t i = 0; i < n; i++) {
                if (list[i].is_put)
                        continue;
                if (i)
                        put_text(s, ", ");
                json_python_repr_text(list[i].name, put_quoted, s);
                put_text(s, ": [");
                for (size_t k = i; k < n; k++) {
                        if (list[k].is_put || !span_equal(list[k].name, list[i].name))
                                continue;
                        if (k > i)
                                put_text(s, ", ");
                        json_python_repr_text(list[k].value, put_quoted, s);
                        list[k].is_put = k > i;
                }
                put_text(s, "]");
        }
        put_text(s, "}");
        return STATUS_OK;
}

/* ---- headers ---- */

struct header {
        struct span name, value; /* Title-Case; UTF-8 */
};

/* str.title(): a letter behind a letter is small, any other is a capital. */
static struct span title_case(struct arena *a, struct span name)
{
        char *copy = arena_dup(a, name);
        bool is_inside = false;
        for (size_t i = 0; copy && i < name.len; i++) {
                unsigned char c = (unsigned char)copy[i];
                copy[i] = (char)(is_inside ? tolower(c) : toupper(c));
                is_inside = isalpha(c) != 0;
        }
        return span_make(copy, copy ? name.len : 0);
}

/* Python's servers read a header's bytes as Latin-1. */
static struct span from_latin1(struct arena *a, struct span value)
{
        char *out = arena_alloc(a, 2 * value.len + 1);
        size_t n = 0;
        for (size_t i = 0; out && i < value.len; i++) {
                unsigned char c = (unsigned char)value.p[i];
                if (c >= 0x80)
                        out[n++] = (char)(0xc0 | c >> 6);
                out[n++] = (char)(c >= 0x80 ? 0x80 | (c & 0x3f) : c);
        }
        return span_make(out, n);
}

/* Values of one name are joined by a comma, as WSGI has them. */
static enum status keep_header(struct arena *a, struct header *list, size_t *n, struct header h,
                               struct error *e)
{
        for (size_t i = 0; i < *n; i++) {
                if (!span_equal(list[i].name, h.name))
                        continue;
                const char *joined = arena_printf(a, "%.*s,%.*s", (int)list[i].value.len,
                                                  list[i].value.p, (int)h.value.len, h.value.p);
                list[i].value = span_of(joined);
                return joined ? STATUS_OK : error_no_memory(e);
        }
        list[(*n)++] = h;
        return STATUS_OK;
}

static enum status read_headers(const struct request_view *req, struct span signed_headers,
                                struct header list[HEADERS_MAX], size_t *ret_n, struct error *e)
{
        struct header h;
        size_t n = 0, n_signed = 0;
        for (size_t i = 0; req->header_each(req->http, i, &h.name, &h.value); i++) {
                h.name = title_case(req->arena, h.name);
                if (!h.name.p)
                        return error_no_memory(e);
                if (span_is(h.name, "Authorization") ||
                    !memmem(signed_headers.p, signed_headers.len, h.name.p, h.name.len))
                        continue;
                if (n_signed++ == HEADERS_MAX)
                        return error_set(e, STATUS_INVALID, "too-many-headers", NULL,
                                         "A request signs at most %d headers.", HEADERS_MAX);
                h.value = from_latin1(req->arena, h.value);
                if (!h.value.p)
                        return error_no_memory(e);
                TRY(keep_header(req->arena, list, &n, h, e));
        }
        *ret_n = n;
        return STATUS_OK;
}

static enum status put_headers(struct signing *s, const struct request_view *req,
                               struct span signed_headers, struct error *e)
{
        struct header list[HEADERS_MAX];
        size_t n = 0;
        TRY(read_headers(req, signed_headers, list, &n, e));
        put_text(s, "{");
        for (size_t i = 0; i < n; i++) {
                if (i)
                        put_text(s, ", ");
                json_python_repr_text(list[i].name, put_quoted, s);
                put_text(s, ": ");
                json_python_repr_text(list[i].value, put_quoted, s);
        }
        put_text(s, "}");
        return STATUS_OK;
}

/* ---- body ---- */

static bool is_ndjson(const struct request_view *req)
{
        struct span rest;
        struct span type = req->header(req->http, "Content-Type");
        return span_is_nocase(span_trim(span_split(type, ';', &rest)), "application/x-ndjson");
}

static enum status put_lines(struct signing *s, struct span body,
                             const struct json_scan_limits *limits, struct error *e)
{
        struct json_scan scan;
        struct json_item item;
        bool is_item;
        json_scan_init(&scan, body, JSON_SCAN_LINES, limits, NULL, 0);
        put_text(s, "[");
        for (;;) {
                TRY(json_scan_next(&scan, &item, &is_item, e));
                if (!is_item)
                        break;
                if (item.index)
                        put_text(s, ", ");
                TRY(json_python_repr(item.raw, limits->depth, put_quoted, s, e));
        }
        put_text(s, "]");
        return STATUS_OK;
}

static enum status put_body(struct signing *s, struct auth_loop *l, const struct request_view *req,
                            struct error *e)
{
        struct settings *settings = domain_settings(l->auth->domain);
        struct json_scan_limits limits = {.depth = (unsigned)settings->config->limits.depth,
                                          .items = (size_t)settings->config->limits.items};
        settings_unref(settings);
        if (is_ndjson(req))
                return put_lines(s, req->body, &limits, e);
        if (req->body.len)
                return json_python_repr(req->body, limits.depth, put_quoted, s, e);
        put_text(s, "{}");
        return STATUS_OK;
}

/* ---- the whole ---- */

static enum status put_request(struct signing *s, struct auth_loop *l,
                               const struct request_view *req, const struct app_header *h,
                               struct error *e)
{
        put_plain(s, "timestamp=");
        put_quoted(s, h->date.p, h->date.len);
        put_plain(s, "&app=");
        put_quoted(s, h->app.p, h->app.len);
        put_plain(s, "&method=");
        put_text(s, req->method);
        put_plain(s, "&params=");
        TRY(put_params(s, req, e));
        put_plain(s, "&body=");
        TRY(put_body(s, l, req, e));
        put_plain(s, "&headers=");
        return put_headers(s, req, h->signed_headers, e);
}

/* The Nonce is the MAC of one of the keys, in lower-case hex: that MAC. */
static bool find_mac(const struct signing *s, const struct app_live *live, struct span nonce,
                     uint8_t ret[HMAC_SIZE_MAX])
{
        bool is_found = false;
        for (size_t i = 0; i < s->n; i++) {
                uint8_t mac[HMAC_SIZE_MAX];
                char hex[2 * HMAC_SIZE_MAX + 1];
                size_t n =
                        hmac_size(live[i].algorithm == APP_HMAC_SHA256 ? HMAC_SHA256 : HMAC_SHA512);
                hmac_final(s->macs[i], mac);
                hex_write(hex, mac, n);
                if (!crypto_equal_span(nonce, span_make(hex, 2 * n)))
                        continue;
                is_found = true;
                memcpy(ret, mac, n);
        }
        return is_found;
}

static enum status verify(struct auth_loop *l, const struct request_view *req,
                          const struct app_header *h, const struct app_row *app, int64_t now_ms,
                          uint8_t ret_mac[HMAC_SIZE_MAX], struct error *e)
{
        struct app_live live[APP_LIVE_MAX];
        struct signing s = {.n = 0};
        size_t n_live;
        TRY(app_live_keys(l, app, now_ms, live, &n_live, e));
        for (size_t i = 0; i < n_live; i++) {
                if (live[i].algorithm == APP_ED25519)
                        continue;
                live[s.n] = live[i];
                s.macs[s.n++] = live[i].hmac;
        }
        if (!s.n)
                return app_refuse(e, "algorithm-not-implemented");
        buf_init(&s.quoted, 3 * PIECE_BYTES);
        for (size_t i = 0; i < s.n; i++)
                hmac_begin(s.macs[i]);
        enum status status = buf_room(&s.quoted, 3 * PIECE_BYTES) ? put_request(&s, l, req, h, e)
                                                                  : error_no_memory(e);
        buf_fini(&s.quoted);
        if (status == STATUS_OK && !find_mac(&s, live, h->nonce, ret_mac))
                status = app_refuse_key(e, n_live);
        return status;
}

/* A repeat is refused for as long as its Date could pass: WINDOW_MS behind a Date that is up to
 * WINDOW_MS ahead. */
static void remember(struct auth_app *app, const uint8_t mac[HMAC_SIZE_MAX], int64_t now_ms)
{
        app->has_replay_digest = app->app.replay_guard;
        if (!app->has_replay_digest)
                return;
        memcpy(app->replay_digest, mac, sizeof app->replay_digest);
        app->replay_ends_at = now_ms + 2 * WINDOW_MS;
}

static enum status prove(struct auth_loop *l, const struct request_view *req,
                         const struct app_header *h, struct auth_app *app, struct error *e)
{
        uint8_t mac[HMAC_SIZE_MAX];
        int64_t now_ms = clock_now_ms(), date_ms;
        bool is_naive;

        if (app->app.strategy != APP_SIGNATURE)
                return app_refuse(e, "forbidden-strategy");
        TRY(verify(l, req, h, &app->app, now_ms, mac, e));
        if (clock_parse_iso8601(h->date, &date_ms, &is_naive, NULL) != STATUS_OK ||
            date_ms < now_ms - WINDOW_MS || date_ms > now_ms + WINDOW_MS)
                return app_refuse(e, "bad-timestamp");
        remember(app, mac, now_ms);
        return STATUS_OK;
}

/* The scope goes first in linked-services' order; whom it was refused to, the MAC says all the
 * same. */
enum status signature_check(struct auth_loop *l, const struct request_view *req,
                            const struct app_header *h, const char *scope, struct auth_app *app,
                            struct caller *who, struct error *e)
{
        app->mode = APP_SCOPE_SIGNATURE;
        enum status allowed = app_scope_check(l, req, scope, app, e);
        if (allowed != STATUS_OK && allowed != STATUS_DENIED)
                return allowed;
        enum status proven = prove(l, req, h, app, allowed == STATUS_OK ? e : NULL);
        if (proven == STATUS_OK)
                app_caller(&app->app, who);
        return allowed == STATUS_OK ? proven : allowed;
}
