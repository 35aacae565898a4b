/*
 * Authress: delete an access key. The token is "clientId.keyId" (what follows, as in a whole access
 * key, is not sent). We are a service client: the password file has its access key,
 * clientId.keyId.accountId.base64(PKCS8), and signs a token for each request, as the SDKs do.
 */
#include "outbound/connector.h"

#include <chatelaine/base_clock.h>
#include <chatelaine/codec_jwt.h>
#include <chatelaine/codec_text.h>

#include <stdio.h>

#define LIFE_S 600

static enum status bad_file(struct error *e)
{
        return error_set(e, STATUS_INVALID, "password-file-invalid", NULL,
                         "It must hold an Authress access key: clientId.keyId.accountId.key.");
}

static enum status open_key(struct upstream *u, struct error *e)
{
        CLEANUP(buf_fini_secret) struct buf der;
        struct span rest = buf_view(&u->password);
        buf_init(&der, 1024);
        u->client_id = span_split(rest, '.', &rest);
        u->key_id = rest.p ? span_split(rest, '.', &rest) : SPAN_NONE;
        u->account_id = rest.p ? span_split(rest, '.', &rest) : SPAN_NONE;
        if (!u->client_id.len || !u->key_id.len || u->key_id.len > 128 || !u->account_id.len ||
            !rest.len)
                return bad_file(e);
        if (base64_decode_lenient(&der, rest, NULL) != STATUS_OK ||
            pkey_from_der(buf_view(&der), &u->key, NULL) != STATUS_OK || !pkey_is_private(u->key))
                return bad_file(e);
        return STATUS_OK;
}

/* Hosted accounts are named by their own host, whatever the caller used. */
static void put_issuer(const struct upstream *u, struct buf *out)
{
        size_t len = strlen(u->url);
        while (len > 0 && u->url[len - 1] == '/')
                len--;
        if (strstr(u->url, ".authress.io"))
                buf_printf(out, "https://%.*s.api.authress.io", (int)u->account_id.len,
                           u->account_id.p);
        else
                buf_append(out, u->url, len);
        buf_text(out, "/v1/clients/");
        percent_encode(out, u->client_id, PERCENT_COMPONENT);
}

static enum status sign(const struct upstream *u, struct buf *out, struct error *e)
{
        CLEANUP(buf_fini) struct buf claims, issuer, audience;
        char kid[129];
        int64_t now = clock_now_ms() / 1000;
        buf_init(&claims, 8192);
        buf_init(&issuer, 4096);
        buf_init(&audience, 1024);
        put_issuer(u, &issuer);
        buf_span(&audience, u->account_id);
        buf_text(&audience, ".accounts.authress.io");
        json_obj_open(&claims);
        json_member_text(&claims, "iss", buf_view(&issuer));
        json_member_text(&claims, "aud", buf_view(&audience));
        json_member_text(&claims, "sub", u->client_id);
        json_member_text(&claims, "client_id", u->client_id);
        json_member_text(&claims, "scope", SPAN("openid"));
        json_member_int(&claims, "iat", now);
        json_member_int(&claims, "exp", now + LIFE_S);
        json_obj_close(&claims);
        TRY(buf_check(&issuer, e));
        TRY(buf_check(&claims, e));
        snprintf(kid, sizeof kid, "%.*s", (int)u->key_id.len, u->key_id.p);
        struct jwt_key key = {.algorithm = JWT_EDDSA, .pkey = u->key, .kid = kid};
        return jwt_sign(&key, "at+jwt", buf_view(&claims), out, e);
}

static enum status build(const struct upstream *u, struct span token, struct request *r,
                         struct error *e)
{
        CLEANUP(buf_fini_secret) struct buf bearer, jwt;
        buf_init(&jwt, 8192);
        buf_init(&bearer, 8192);
        struct span rest, client = span_split(token, '.', &rest);
        struct span kid = rest.p ? span_split(rest, '.', &rest) : SPAN_NONE;
        if (!client.len || !kid.len)
                return error_set(e, STATUS_INVALID, "token-form", NULL,
                                 "The token is not clientId.keyId.");
        if (!u->key)
                return error_set(e, STATUS_RETRY, "no-credentials", NULL,
                                 "There is no access key.");
        TRY(sign(u, &jwt, e));
        buf_text(&bearer, "Bearer ");
        buf_span(&bearer, buf_view(&jwt));
        TRY(buf_check(&bearer, e));
        r->method = "DELETE";
        request_url(r, u->url, "/v1/clients/");
        request_part(&r->url, client);
        buf_text(&r->url, "/access-keys/");
        request_part(&r->url, kid);
        request_header(r, "Authorization", buf_view(&bearer));
        return request_check(r, e);
}

static enum status open_if_there(struct upstream *u, struct error *e)
{
        return u->password.len ? open_key(u, e) : STATUS_OK;
}

static const struct answer answers[] = {
        {200, 204, ACT_REVOKED, NULL},
        {404, 404, ACT_GONE, NULL},
        {401, 401, ACT_RETRY, "login-refused"},
        {403, 403, ACT_STUCK, "forbidden"},
        {0, 0, ACT_STUCK, NULL},
};
static const struct step steps[] = {
        {"revoke", NULL, build, NULL, answers},
        {NULL, NULL, NULL, NULL, NULL},
};
const struct connector authress_connector = {"authress", steps, open_if_there};
