/*
 * OAuth 2: who the client is, the errors of RFC 6749 5.2, and what is published
 * (RFC 8414, RFC 7517).
 */
#include "facade/oauth2.h"

#include <chatelaine/codec_json.h>
#include <chatelaine/facade.h>

/* ---- errors ---- */

/* Our slug as RFC 6749 5.2 calls it; other slugs by their status. */
static const struct {
        const char *slug, *code;
        unsigned http;
} errors[] = {
        {"invalid-request", "invalid_request", 400},
        {"invalid-client", "invalid_client", 401},
        {"invalid-credentials", "invalid_client", 401},
        {"credential-ended", "invalid_client", 401},
        {"no-credentials", "invalid_client", 401},
        {"invalid-grant", "invalid_grant", 400},
        {"code-used", "invalid_grant", 400},
        {"user-not-found", "invalid_grant", 400},
        {"user-inactive", "invalid_grant", 400},
        {"forbidden", "unauthorized_client", 400},
        {"unauthorized-client", "unauthorized_client", 400},
        {"unsupported-grant-type", "unsupported_grant_type", 400},
        {"unsupported-token-type", "unsupported_token_type", 400},
        {"invalid-scope", "invalid_scope", 400},
        {"invalid-target", "invalid_target", 400},
        {"introspection-forbidden", "access_denied", 403},
};

static const char *code_of(const struct error *e, unsigned *http)
{
        *http = error_http(e);
        for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
                if (strcmp(errors[i].slug, e->slug) == 0) {
                        *http = errors[i].http;
                        return errors[i].code;
                }
        }
        return *http == 503   ? "temporarily_unavailable"
               : *http >= 500 ? "server_error"
                              : "invalid_request";
}

void oauth2_error_write(struct http_request *req, const struct error *e, struct buf *body)
{
        unsigned http;
        http_reply_header(req, "Cache-Control", "no-store");
        json_obj_open(body);
        json_member_text(body, "error", span_of(code_of(e, &http)));
        json_member_text(body, "error_description", span_of(e->text));
        json_obj_close(body);
}

void oauth2_refuse(struct issue *i, const struct error *e)
{
        struct error copy = *e;
        unsigned http;
        (void)code_of(e, &http);
        copy.http = (uint16_t)http;
        if (http == 401)
                http_reply_header(i->req, "WWW-Authenticate", "Basic realm=\"chatelaine\"");
        http_reply_error(i->req, &copy);
}

enum status oauth2_bad_request(struct error *e, const char *text)
{
        return error_set(e, STATUS_INVALID, "invalid-request", NULL, "%s", text);
}

void oauth2_reply(struct issue *i, const struct buf *body)
{
        struct error err;
        if (buf_check(body, &err) != STATUS_OK) {
                oauth2_refuse(i, &err);
                return;
        }
        http_reply_header(i->req, "Cache-Control", "no-store");
        http_reply_header(i->req, "Pragma", "no-cache");
        http_reply(i->req, 200, "application/json", buf_view(body));
}

/* ---- who is there ---- */

struct oauth2_endpoint {
        oauth2_serve serve;
        const char *action;
        bool is_for_any_caller; /* not for clients alone */
};

/* RFC 6749 2.3.1: Basic, or both in the form, never in two ways. */
static enum status client_of_form(struct issue *i, struct error *e)
{
        struct span id = form_get(&i->form, "client_id");
        struct span secret = form_get(&i->form, "client_secret");
        if (!i->who && (!id.p || !secret.p))
                return error_set_http(e, STATUS_DENIED, 401, "invalid-client", NULL,
                                      "Say who the client is: Basic, or client_id and "
                                      "client_secret in the form.");
        if (!i->who)
                return issue_client(i, id, secret, e);
        if (secret.p)
                return oauth2_bad_request(e, "The client authenticates in two ways.");
        if (id.p && i->who->caller.kind == CALLER_CLIENT && !span_is(id, i->who->caller.id))
                return oauth2_bad_request(e, "client_id is another client's.");
        return STATUS_OK;
}

static void begin(struct http_request *req, struct principal *who, const struct error *refused)
{
        const struct oauth2_endpoint *endpoint = http_route_arg(req);
        struct issue *i = issue_begin(req);
        struct error err;
        if (!i)
                return;
        i->who = who;
        i->action = endpoint->action;
        i->refuse = oauth2_refuse;
        if (refused) {
                issue_refuse(i, refused);
                return;
        }
        enum status s = form_read(req, &i->form, &err);
        if (s == STATUS_OK)
                s = client_of_form(i, &err);
        if (s == STATUS_OK && !endpoint->is_for_any_caller && i->who->caller.kind != CALLER_CLIENT)
                s = error_set_http(&err, STATUS_DENIED, 401, "invalid-client", NULL,
                                   "Only a client may ask here.");
        if (s != STATUS_OK)
                issue_refuse(i, &err);
        else
                endpoint->serve(i);
}

static void on_caller(void *http, struct principal *p, const struct error *e)
{
        begin(http, p, p ? NULL : e);
}

static void handle(struct http_request *req)
{
        struct auth_loop *loop = http_loop_state(req);
        struct request_view view;
        http_view(req, &view);
        bool has_credentials =
                http_header(req, "Authorization").p || http_header(req, "X-API-Key").p;
        if (has_credentials)
                auth_caller(auth_loop_auth(loop), loop, &view, on_caller);
        else
                begin(req, NULL, NULL);
}

/* ---- what is published ---- */

static void member_url(struct buf *out, const char *name, const char *issuer, const char *path)
{
        struct buf CLEANUP(buf_fini) url;
        buf_init(&url, 4096);
        buf_span(&url, config_url_base(span_of(issuer)));
        buf_text(&url, path);
        json_member_text(out, name, buf_view(&url));
}

static void member_list(struct buf *out, const char *name, const char *const *items)
{
        json_key(out, name);
        json_arr_open(out);
        for (; *items; items++)
                json_text(out, span_of(*items));
        json_arr_close(out);
}
#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

static void metadata(struct http_request *req)
{
        struct issue *i = issue_begin(req);
        struct buf CLEANUP(buf_fini) out;
        if (!i)
                return;
        buf_init(&out, 16384);
        json_obj_open(&out);
        json_member_text(&out, "issuer", span_of(i->issuer));
        member_url(&out, "authorization_endpoint", i->issuer, "/api/oauth2");
        member_url(&out, "token_endpoint", i->issuer, "/oauth2/token");
        member_url(&out, "revocation_endpoint", i->issuer, "/oauth2/revoke");
        member_url(&out, "introspection_endpoint", i->issuer, "/oauth2/introspect");
        member_url(&out, "jwks_uri", i->issuer, "/.well-known/jwks.json");
        member_list(&out, "response_types_supported", LIST("code"));
        member_list(&out, "response_modes_supported", LIST("query"));
        member_list(&out, "grant_types_supported",
                    LIST("authorization_code", "client_credentials",
                         "urn:ietf:params:oauth:grant-type:token-exchange"));
        member_list(&out, "code_challenge_methods_supported", LIST("S256"));
        for (size_t n = 0; n < 3; n++)
                member_list(&out,
                            LIST("token_endpoint_auth_methods_supported",
                                 "revocation_endpoint_auth_methods_supported",
                                 "introspection_endpoint_auth_methods_supported")[n],
                            LIST("client_secret_basic", "client_secret_post"));
        json_obj_close(&out);
        http_reply_header(req, "Cache-Control", "public, max-age=3600");
        http_reply(req, 200, "application/json", buf_view(&out));
}

static void jwks(struct http_request *req)
{
        struct auth_loop *loop = http_loop_state(req);
        struct buf CLEANUP(buf_fini) out;
        struct error err;
        buf_init(&out, 65536);
        if (session_jwks_write(auth_loop_domain(loop), auth_loop_db(loop), clock_now_ms(), &out,
                               &err) != STATUS_OK) {
                http_reply_error(req, &err);
                return;
        }
        http_reply_header(req, "Cache-Control", "public, max-age=300");
        http_reply(req, 200, "application/json", buf_view(&out));
}

static const struct oauth2_endpoint token = {oauth2_token, "token.issue", false};
static const struct oauth2_endpoint revoke = {oauth2_revoke, "token.revoke", false};
static const struct oauth2_endpoint introspect = {oauth2_introspect, "token.introspect", true};

#define POST(name, endpoint)                                                                    \
        {                                                                                       \
                .method = HTTP_POST, .path = (name), .faces = FACE_OAUTH2, .media = MEDIA_FORM, \
                .handler = handle, .arg = &(endpoint)                                           \
        }
#define GET(name, function)                                                                     \
        {                                                                                       \
                .method = HTTP_GET, .path = (name), .faces = FACE_OAUTH2, .handler = (function) \
        }

const struct http_route oauth2_routes[] = {
        POST("/oauth2/token", token),
        POST("/oauth2/revoke", revoke),
        POST("/oauth2/introspect", introspect),
        GET("/.well-known/oauth-authorization-server", metadata),
        GET("/.well-known/jwks.json", jwks),
        {.path = NULL},
};
