/* Contract.fit: log in with a password, then delete the key by its name, which is the token. */
#include "outbound/connector.h"

#include <chatelaine/codec_json.h>

static bool has_no_session(const struct upstream *u)
{
        return u->session.len == 0;
}

static enum status build_login(const struct upstream *u, struct span token, struct request *r,
                               struct error *e)
{
        (void)token;
        request_url(r, u->url, "/admin/auth");
        json_obj_open(&r->body);
        json_member_text(&r->body, "username", span_of(u->username));
        json_member_text(&r->body, "password", u->password.len ? buf_view(&u->password) : SPAN(""));
        json_obj_close(&r->body);
        r->has_body = true;
        request_header(r, "Content-Type", SPAN("application/json"));
        return request_check(r, e);
}

static bool is_visible(struct span s)
{
        for (size_t i = 0; i < s.len; i++)
                if (s.p[i] <= ' ' || s.p[i] > '~')
                        return false;
        return s.len > 0;
}

static enum status take_session(struct upstream *u, struct span reply, struct error *e)
{
        CLEANUP(json_freep) struct json *root = NULL;
        TRY(json_parse(reply, 16, &root, e));
        struct span token = json_get_text(root, "authentication_token");
        if (!is_visible(token))
                return error_set(e, STATUS_INVALID, "login-answer", NULL,
                                 "The answer to the log-in has no authentication_token.");
        buf_reset(&u->session);
        buf_span(&u->session, token);
        return buf_check(&u->session, e);
}

static enum status build_revoke(const struct upstream *u, struct span token, struct request *r,
                                struct error *e)
{
        CLEANUP(buf_fini_secret) struct buf bearer;
        buf_init(&bearer, 16384);
        buf_text(&bearer, "Bearer ");
        buf_span(&bearer, buf_view(&u->session));
        TRY(buf_check(&bearer, e));
        r->method = "DELETE";
        request_url(r, u->url, "/admin/auth/api-key/");
        request_part(&r->url, token);
        request_header(r, "Authorization", buf_view(&bearer));
        return request_check(r, e);
}

static const struct answer login_answers[] = {
        {200, 201, ACT_NEXT, NULL},
        {401, 401, ACT_RETRY, "login-refused"},
        {403, 403, ACT_RETRY, "login-refused"},
        {0, 0, ACT_STUCK, NULL},
};
/* 204 alone says that the key is gone: a page of whatever stands before it is a 200. */
static const struct answer revoke_answers[] = {
        {204, 204, ACT_REVOKED, NULL},
        {404, 404, ACT_GONE, NULL},
        {401, 401, ACT_LOGIN, "unauthorized"},
        {403, 403, ACT_STUCK, "forbidden"},
        {0, 0, ACT_STUCK, NULL},
};
static const struct step steps[] = {
        {"login", has_no_session, build_login, take_session, login_answers},
        {"revoke", NULL, build_revoke, NULL, revoke_answers},
        {NULL, NULL, NULL, NULL, NULL},
};
const struct connector contract_fit_connector = {"contract_fit", steps, NULL};
