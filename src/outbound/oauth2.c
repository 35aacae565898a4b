/* OAuth 2 token revocation (RFC 7009), the client authenticated by Basic (RFC 6749 section 2.3.1).
 */
#include "outbound/connector.h"

#include <chatelaine/codec_text.h>

static enum status build(const struct upstream *u, struct span token, struct request *r,
                         struct error *e)
{
        buf_text(&r->url, u->url);
        buf_text(&r->body, "token=");
        percent_encode(&r->body, token, PERCENT_COMPONENT);
        r->has_body = true;
        request_header(r, "Content-Type", SPAN("application/x-www-form-urlencoded"));
        if (u->username[0]) {
                CLEANUP(buf_fini_secret) struct buf name, secret;
                buf_init(&name, 4096);
                buf_init(&secret, 32768);
                percent_encode(&name, span_of(u->username), PERCENT_QUOTE_PLUS);
                percent_encode(&secret, buf_view(&u->password), PERCENT_QUOTE_PLUS);
                TRY(buf_check(&name, e));
                TRY(buf_check(&secret, e));
                request_basic(r, buf_view(&name), buf_view(&secret));
        }
        return request_check(r, e);
}

/* A token that is unknown there is 200 as well (section 2.2). */
static const struct answer answers[] = {
        {200, 204, ACT_REVOKED, NULL},
        {401, 401, ACT_RETRY, "login-refused"},
        {403, 403, ACT_STUCK, "forbidden"},
        {0, 0, ACT_STUCK, NULL},
};
static const struct step steps[] = {
        {"revoke", NULL, build, NULL, answers},
        {NULL, NULL, NULL, NULL, NULL},
};
const struct connector oauth2_connector = {"oauth2", steps, NULL};
