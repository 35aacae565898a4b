#include "facade/code.h"

#include <chatelaine/codec_json.h>
#include <chatelaine/codec_text.h>

#define CODE_BYTES_MAX 4096
#define VERIFIER_MIN 43
#define VERIFIER_MAX 128

enum status code_make(struct domain *d, const struct code *c, int64_t now_ms, struct arena *a,
                      struct span *ret, struct error *e)
{
        struct buf CLEANUP(buf_fini) plain, CLEANUP(buf_fini) sealed, CLEANUP(buf_fini) text;
        char id[ID_HEX24_SIZE];
        buf_init(&plain, CODE_BYTES_MAX);
        buf_init(&sealed, CODE_BYTES_MAX + 64);
        buf_init(&text, 2 * CODE_BYTES_MAX);
        id_hex24(id);
        json_obj_open(&plain);
        json_member_text(&plain, "id", span_of(id));
        json_member_text(&plain, "client", c->client_id);
        json_member_text(&plain, "redirect", c->redirect_uri);
        json_member_text(&plain, "user", c->user_id);
        json_member_text(&plain, "challenge", c->challenge);
        json_member_text(&plain, "scope", c->scope);
        json_member_text(&plain, "chosen_by", c->chosen_by);
        json_member_int(&plain, "ends", now_ms + CODE_LIFE_MS);
        json_obj_close(&plain);
        TRY(buf_check(&plain, e));
        TRY(secrets_seal(domain_secrets(d), "codes", "code", SPAN("code"), buf_view(&plain),
                         &sealed, e));
        base64url_encode(&text, buf_view(&sealed));
        TRY(buf_check(&text, e));
        *ret = arena_span(a, buf_view(&text));
        return ret->p ? STATUS_OK : error_no_memory(e);
}

static enum status refused(struct error *e)
{
        return error_set(e, STATUS_INVALID, "invalid-grant", NULL,
                         "The code is wrong, was used, or is too old.");
}

static bool keep(struct arena *a, const struct json *v, const char *name, struct span *ret)
{
        struct span text = json_get_text(v, name);
        *ret = arena_span(a, text);
        return !text.p || ret->p;
}

enum status code_open(struct domain *d, struct span text, int64_t now_ms, struct arena *a,
                      struct code *ret, struct error *e)
{
        struct buf CLEANUP(buf_fini) sealed, CLEANUP(buf_fini_secret) plain;
        struct json *CLEANUP(json_freep) v = NULL;
        struct code c;
        buf_init(&sealed, 2 * CODE_BYTES_MAX);
        buf_init(&plain, CODE_BYTES_MAX);
        if (text.len > 2 * CODE_BYTES_MAX || base64url_decode(&sealed, text, NULL) != STATUS_OK ||
            secrets_open(domain_secrets(d), "codes", "code", SPAN("code"), buf_view(&sealed),
                         &plain, NULL) != STATUS_OK)
                return refused(e);
        TRY(json_parse(buf_view(&plain), 2, &v, e));
        c.ends_at = json_integer(json_get(v, "ends"));
        if (now_ms >= c.ends_at)
                return refused(e);
        if (!keep(a, v, "id", &c.id) || !keep(a, v, "client", &c.client_id) ||
            !keep(a, v, "redirect", &c.redirect_uri) || !keep(a, v, "user", &c.user_id) ||
            !keep(a, v, "challenge", &c.challenge) || !keep(a, v, "scope", &c.scope) ||
            !keep(a, v, "chosen_by", &c.chosen_by))
                return error_no_memory(e);
        *ret = c;
        return STATUS_OK;
}

bool code_verifier_fits(struct span challenge, struct span verifier)
{
        struct buf CLEANUP(buf_fini) text;
        uint8_t hash[SHA256_SIZE];
        buf_init(&text, 64);
        if (verifier.len < VERIFIER_MIN || verifier.len > VERIFIER_MAX)
                return false;
        sha256_of(verifier, hash);
        base64url_encode(&text, span_make(hash, sizeof hash));
        return crypto_equal_span(buf_view(&text), challenge);
}

struct span code_redirect(struct arena *a, struct span redirect_uri, struct span state,
                          const char *name, struct span value)
{
        struct buf CLEANUP(buf_fini) out;
        buf_init(&out, 32768);
        buf_span(&out, redirect_uri);
        buf_char(&out, memchr(redirect_uri.p, '?', redirect_uri.len) ? '&' : '?');
        if (state.p) {
                buf_text(&out, "state=");
                percent_encode(&out, state, PERCENT_COMPONENT);
                buf_char(&out, '&');
        }
        buf_text(&out, name);
        buf_char(&out, '=');
        percent_encode(&out, value, PERCENT_COMPONENT);
        return out.status == STATUS_OK ? arena_span(a, buf_view(&out)) : SPAN_NONE;
}
