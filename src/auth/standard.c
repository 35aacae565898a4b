/*
 * Standard Webhooks: the app's signature of "id.timestamp.body", the body's raw bytes.
 *
 *     webhook-id: msg_1
 *     webhook-timestamp: 1800000000                    seconds
 *     webhook-signature: v1,BASE64 v1,BASE64 ...       v1 HMAC-SHA-256, v1a Ed25519
 */
#include "auth/app.h"

#include <chatelaine/codec_text.h>

#define WINDOW_MS (300 * INT64_C(1000))
#define ID_KEPT_MS (7 * 24 * INT64_C(3600000))
#define ID_CHARACTERS_MAX 255
#define SIGNATURE_BYTES_MAX 256
#define YEAR_10000_S INT64_C(253402300800)

struct message {
        struct span id, timestamp, signatures, body;
};

static enum status read_message(const struct request_view *req, struct message *ret,
                                struct error *e)
{
        struct message m = {.id = req->header(req->http, "webhook-id"),
                            .timestamp = req->header(req->http, "webhook-timestamp"),
                            .signatures = req->header(req->http, "webhook-signature"),
                            .body = req->body};
        if (req->header(req->http, "Authorization").p || req->header(req->http, "X-API-Key").p)
                return refuse_ambiguous(e);
        if (!m.id.len || m.id.len > ID_CHARACTERS_MAX || !m.timestamp.len || !m.signatures.len)
                return app_refuse(e, "webhook-headers-missing");
        *ret = m;
        return STATUS_OK;
}

static bool is_in_time(struct span timestamp, int64_t now_ms)
{
        int64_t seconds;
        return span_int64(timestamp, &seconds, NULL) == STATUS_OK && seconds >= 0 &&
               seconds < YEAR_10000_S && seconds * 1000 >= now_ms - WINDOW_MS &&
               seconds * 1000 <= now_ms + WINDOW_MS;
}

/* ---- one key against all signatures ---- */

/* The next signature of this version ("v1"), decoded; false when there is none left. */
static bool next_signature(struct span *rest, const char *version, struct buf *out)
{
        while (rest->p) {
                struct span text;
                struct span name = span_split(span_split(*rest, ' ', rest), ',', &text);
                buf_reset(out);
                if (span_is(name, version) && text.len &&
                    base64_decode_lenient(out, text, NULL) == STATUS_OK)
                        return true;
        }
        return false;
}

static bool is_signed_hmac(const struct message *m, struct hmac *hmac, struct buf *scratch)
{
        uint8_t mac[HMAC_SIZE_MAX];
        hmac_begin(hmac);
        hmac_update(hmac, m->id);
        hmac_update(hmac, SPAN("."));
        hmac_update(hmac, m->timestamp);
        hmac_update(hmac, SPAN("."));
        hmac_update(hmac, m->body);
        hmac_final(hmac, mac);
        for (struct span rest = m->signatures; next_signature(&rest, "v1", scratch);)
                if (crypto_equal_span(buf_view(scratch), span_make(mac, hmac_size(HMAC_SHA256))))
                        return true;
        return false;
}

/* Ed25519 takes its message in one piece. */
static enum status check_ed25519(const struct message *m, const struct pkey *pkey,
                                 struct buf *scratch, bool *ret_is_signed, struct error *e)
{
        CLEANUP(buf_fini) struct buf whole;
        bool is_signed = false;
        buf_init(&whole, m->id.len + m->timestamp.len + m->body.len + 3);
        buf_span(&whole, m->id);
        buf_char(&whole, '.');
        buf_span(&whole, m->timestamp);
        buf_char(&whole, '.');
        buf_span(&whole, m->body);
        TRY(buf_check(&whole, e));
        for (struct span rest = m->signatures; !is_signed && next_signature(&rest, "v1a", scratch);)
                is_signed = pkey_verify(pkey, buf_view(&whole), buf_view(scratch));
        *ret_is_signed = is_signed;
        return STATUS_OK;
}

static enum status verify(struct auth_loop *l, const struct message *m, const struct app_row *app,
                          int64_t now_ms, struct error *e)
{
        CLEANUP(buf_fini) struct buf scratch;
        struct app_live live[APP_LIVE_MAX];
        bool is_signed = false;
        size_t n;
        buf_init(&scratch, SIGNATURE_BYTES_MAX);
        TRY(app_live_keys(l, app, now_ms, live, &n, e));
        for (size_t i = 0; i < n && !is_signed; i++) {
                if (live[i].pkey)
                        TRY(check_ed25519(m, live[i].pkey, &scratch, &is_signed, e));
                else
                        is_signed = is_signed_hmac(m, live[i].hmac, &scratch);
        }
        return is_signed ? STATUS_OK : app_refuse(e, "wrong-signature");
}

enum status auth_standard(struct auth *a, struct auth_loop *l, const struct request_view *req,
                          struct span slug, struct auth_app *ret, struct caller *ret_who,
                          struct error *e)
{
        struct auth_app app = {.mode = APP_SCOPE_SIGNATURE};
        struct message m = {0};
        int64_t now_ms = clock_now_ms();

        (void)a;
        *ret_who = (struct caller){.kind = CALLER_NOBODY};
        TRY(read_message(req, &m, e));
        TRY(app_row_of(l, req, slug, &app.app, e));
        if (app.app.strategy != APP_STANDARD)
                return app_refuse(e, "forbidden-strategy");
        if (!is_in_time(m.timestamp, now_ms))
                return app_refuse(e, "bad-timestamp");
        TRY(verify(l, &m, &app.app, now_ms, e));
        app_caller(&app.app, ret_who);
        TRY(app_scope_check(l, req, "webhook", &app, e));
        app.webhook_id = arena_span(req->arena, m.id);
        if (!app.webhook_id.p)
                return error_no_memory(e);
        app.webhook_id_ends_at = now_ms + ID_KEPT_MS;
        *ret = app;
        return STATUS_OK;
}
