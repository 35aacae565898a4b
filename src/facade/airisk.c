/*
 * AIRisk: facts/airisk.md's endpoints. Its APIUser is a client, its ApplicationUser a user, its
 * generic token a client's session, its user token an impersonation.
 */
#include "facade/airisk.h"

#include <chatelaine/codec_json.h>
#include <chatelaine/codec_text.h>
#include <chatelaine/facade.h>
#include <stdio.h>

#define USERS_BYTES_MAX ((size_t)16 << 20)

/* ---- errors ---- */

static void refuse_unauthorized(struct issue *i)
{
        struct buf CLEANUP(buf_fini) out;
        uint8_t chance[24];
        char trace[33], span[17], id[64];
        buf_init(&out, 1024);
        random_bytes(chance, sizeof chance);
        hex_write(trace, chance, 16);
        hex_write(span, chance + 16, 8);
        snprintf(id, sizeof id, "00-%s-%s-00", trace, span);
        json_obj_open(&out);
        json_member_text(&out, "type", SPAN("https://tools.ietf.org/html/rfc9110#section-15.5.2"));
        json_member_text(&out, "title", SPAN("Unauthorized"));
        json_member_int(&out, "status", 401);
        json_member_text(&out, "traceId", span_of(id));
        json_obj_close(&out);
        http_reply_header(i->req, "WWW-Authenticate", "Bearer");
        http_reply(i->req, 401, "application/problem+json; charset=utf-8", buf_view(&out));
}

/* What the engine refuses, in AIRisk's words. */
static const struct {
        const char *slug, *text; /* text NULL: 401 */
} errors[] = {
        {"invalid-client", NULL},
        {"invalid-credentials", NULL},
        {"credential-ended", NULL},
        {"invalid-grant", "Invalid Code"},
        {"code-used", "Invalid Code"},
        {"user-not-found", "Invalid userid"},
        {"user-inactive", "Invalid userid"},
        {"forbidden", "Invalid userid"},
        {"invalid-scope", "Invalid scope"},
};

static void refuse_text(struct issue *i, const char *text)
{
        http_reply(i->req, 400, "text/plain; charset=utf-8", span_of(text));
}

void airisk_refuse(struct issue *i, const struct error *e)
{
        http_reply_header(i->req, "Cache-Control", "no-store");
        if (strcmp(e->slug, "airisk-invalid") == 0) {
                refuse_text(i, e->text);
                return;
        }
        for (size_t k = 0; k < sizeof errors / sizeof *errors; k++) {
                if (strcmp(errors[k].slug, e->slug) != 0)
                        continue;
                if (errors[k].text)
                        refuse_text(i, errors[k].text);
                else
                        refuse_unauthorized(i);
                return;
        }
        http_reply_error(i->req, e);
}

enum status airisk_invalid(struct error *e, const char *what)
{
        return error_set(e, STATUS_INVALID, "airisk-invalid", NULL, "Invalid %s", what);
}

/* ---- GET /api/oauth2 ---- */

void airisk_redirect(struct issue *i, unsigned status, struct span location)
{
        struct error err;
        if (!location.p) {
                (void)!error_no_memory(&err);
                http_reply_error(i->req, &err);
                return;
        }
        http_reply_header(i->req, "Cache-Control", "no-store");
        http_reply_header(i->req, "Referrer-Policy", "no-referrer");
        http_reply_header(i->req, "Location", location.p);
        http_reply(i->req, status, NULL, SPAN(""));
}

enum status airisk_target(struct issue *i, struct span client_id, struct span redirect_uri,
                          struct principal *ret_client, struct error *e)
{
        struct client_row row;
        bool may_redirect = false;
        if (!client_id.len)
                return airisk_invalid(e, "client_id");
        enum status s = client_get(i->db, client_id, i->arena, &row, e);
        if (s == STATUS_NOT_FOUND)
                return error_set_http(e, STATUS_DENIED, 401, "invalid-client", NULL,
                                      "the client is unknown");
        TRY(s);
        if (!redirect_uri.len)
                return airisk_invalid(e, "redirect_uri");
        TRY(client_may_redirect(i->db, row.id, redirect_uri, &may_redirect, e));
        if (!may_redirect)
                return airisk_invalid(e, "redirect_uri");
        return client_principal(i->db, &row, i->arena, ret_client, e);
}

enum status airisk_query_check(struct issue *i, struct error *e)
{
        struct span name, other, ignored;
        for (size_t k = 0; http_query_each(i->req, k, &name, &ignored); k++) {
                if (k == FORM_FIELDS_MAX)
                        return airisk_invalid(e, "request");
                for (size_t n = 0; n < k && http_query_each(i->req, n, &other, &ignored); n++)
                        if (span_equal(name, other))
                                return airisk_invalid(e, "request");
        }
        return STATUS_OK;
}

struct span airisk_query(struct issue *i, const char *name)
{
        struct span value = http_query(i->req, name);
        return value.len ? value : SPAN_NONE;
}

const char *airisk_why_not(struct issue *i)
{
        struct span response = airisk_query(i, "response_type"), scope = airisk_query(i, "scope");
        struct span challenge = airisk_query(i, "code_challenge"),
                    method = airisk_query(i, "code_challenge_method");
        if (response.p && !span_is(response, "code"))
                return "unsupported_response_type";
        if ((challenge.p || method.p) && (challenge.len != 43 || !span_is(method, "S256")))
                return "invalid_request";
        if (scope.p && (scope.len > 512 || !utf8_is_valid(scope)))
                return "invalid_scope";
        return NULL;
}

static enum status authorize(struct issue *i, struct span *ret_location, struct error *e)
{
        struct principal client;
        struct code code = {.client_id = airisk_query(i, "client_id"),
                            .redirect_uri = airisk_query(i, "redirect_uri"),
                            .user_id = airisk_query(i, "userid"),
                            .challenge = airisk_query(i, "code_challenge"),
                            .scope = airisk_query(i, "scope")};
        struct span state = http_query(i->req, "state"), text;
        TRY(airisk_query_check(i, e));
        TRY(airisk_target(i, code.client_id, code.redirect_uri, &client, e));
        const char *error = airisk_why_not(i);
        if (!error && code.user_id.p &&
            client_may_impersonate(i->db, &client, code.user_id, NULL) != STATUS_OK)
                error = "access_denied";
        if (!error)
                TRY(code_make(i->domain, &code, clock_now_ms(), i->arena, &text, e));
        *ret_location = code_redirect(i->arena, code.redirect_uri, state, error ? "error" : "code",
                                      error ? span_of(error) : text);
        return STATUS_OK;
}

static struct issue *begin(struct http_request *req, const char *action)
{
        struct issue *i = issue_begin(req);
        if (!i)
                return NULL;
        i->action = action;
        i->refuse = airisk_refuse;
        return i;
}

static void get_code(struct http_request *req)
{
        struct issue *i = begin(req, "code.issue");
        struct span location;
        struct error err;
        if (!i)
                return;
        if (authorize(i, &location, &err) != STATUS_OK)
                issue_refuse(i, &err);
        else
                airisk_redirect(i, 302, location);
}

/* ---- POST /api/oauth2/Token ---- */

static void answer(struct issue *i, const struct session_create *made, struct span token)
{
        struct buf CLEANUP(buf_fini_secret) out;
        char at[CLOCK_RFC3339_SIZE];
        buf_init(&out, 4096);
        clock_rfc3339(made->ret_expires_at, at);
        snprintf(at + sizeof "2025-03-31T13:12:17" - 1, 2, "Z"); /* whole seconds */
        json_obj_open(&out);
        json_member_text(&out, "access_token", token);
        json_member_text(&out, "expiration", span_of(at));
        json_member_text(&out, "token_type", SPAN("Bearer"));
        json_member_int(&out, "expires_in", (made->ret_expires_at - made->ret_created_at) / 1000);
        json_obj_close(&out);
        http_reply(i->req, 200, "application/json; charset=utf-8", buf_view(&out));
}

/* All that is needed; the body says the same whichever is missing. */
static enum status check_needed(struct issue *i, struct error *e)
{
        static const char *const needed[] = {"client_id", "client_secret", "redirect_uri", "code"};
        struct span type = form_get(&i->form, "grant_type");
        for (size_t k = 0; k < sizeof needed / sizeof *needed; k++)
                if (!form_get(&i->form, needed[k]).p)
                        return airisk_invalid(e, "client_id");
        if (type.p && !span_is(type, "authorization_code"))
                return airisk_invalid(e, "grant_type");
        return STATUS_OK;
}

/* What came must be what the code was made for. */
static enum status check_code(struct issue *i, const struct code *code, struct error *e)
{
        struct span user = form_get(&i->form, "userid");
        struct span verifier = form_get(&i->form, "code_verifier");
        if (!span_is(code->client_id, i->who->caller.id))
                return airisk_invalid(e, "Code");
        if (!span_equal(code->redirect_uri, form_get(&i->form, "redirect_uri")))
                return airisk_invalid(e, "redirect_uri");
        if (!code->user_id.p != !user.p || (user.p && !span_equal(user, code->user_id)))
                return airisk_invalid(e, "userid");
        /* A verifier without a challenge: that was taken out on the way (RFC 9700 4.8). */
        if (code->challenge.p ? !code_verifier_fits(code->challenge, verifier) : verifier.p != NULL)
                return airisk_invalid(e, "code_verifier");
        return STATUS_OK;
}

static enum status redeem(struct issue *i, struct session_create **ret, struct error *e)
{
        struct code code;
        enum status read = form_read(i->req, &i->form, e);
        if (read == STATUS_INVALID)
                return airisk_invalid(e, "client_id");
        TRY(read);
        TRY(check_needed(i, e));
        TRY(issue_client(i, form_get(&i->form, "client_id"), form_get(&i->form, "client_secret"),
                         e));
        TRY(code_open(i->domain, form_get(&i->form, "code"), clock_now_ms(), i->arena, &code, e));
        enum status s = check_code(i, &code, e);
        if (s != STATUS_OK) {
                issue_burn(i, &code);
                return s;
        }
        return issue_code_session(i, &code, ret, e);
}

/* The Authorization header of older clients is not looked at. */
static void post_token(struct http_request *req)
{
        struct issue *i = begin(req, "token.issue");
        struct session_create *c;
        struct error err;
        if (!i)
                return;
        i->answer = answer;
        if (redeem(i, &c, &err) != STATUS_OK)
                issue_refuse(i, &err);
        else
                issue_submit(i, c);
}

/* ---- the users ---- */

/* One list: on the pool, since it looks at each user's rights. */
struct listing {
        struct job job;
        struct issue *issue;
        struct buf out;
        enum status status;
        struct error error;
};

static bool write_user(void *ctx, const char *id, struct span name)
{
        struct listing *l = ctx;
        json_obj_open(&l->out);
        json_member_text(&l->out, "id", span_of(id));
        json_member_text(&l->out, "name", name);
        json_obj_close(&l->out);
        return l->out.status == STATUS_OK;
}

static void list_run(struct job *j, void *thread_state)
{
        struct listing *l = (struct listing *)j;
        struct principal p = *l->issue->who;
        p.db = auth_pool_db(thread_state);
        json_arr_open(&l->out);
        l->status = p.db ? client_each_user(p.db, &p, write_user, l, &l->error)
                         : error_no_memory(&l->error);
        json_arr_close(&l->out);
        if (l->status == STATUS_OK)
                l->status = buf_check(&l->out, &l->error);
}

static void list_done(struct mail *m)
{
        struct listing *l = (struct listing *)m;
        struct buf out = l->out; /* the arena goes with the reply */
        struct error err = l->error;
        if (l->status == STATUS_OK)
                http_reply(l->issue->req, 200, "application/json; charset=utf-8", buf_view(&out));
        else
                airisk_refuse(l->issue, &err);
        buf_fini(&out);
}

/*
 * Who switches from one user to the next asks with the first one's token: what an impersonation
 * lists is what its client may choose from. One that is narrowed lists by its own rights.
 */
static enum status list_as_client(struct issue *i, struct error *e)
{
        struct session_row session;
        struct client_row row;
        if (i->who->caller.kind != CALLER_SESSION)
                return STATUS_OK;
        TRY(session_get(i->db, span_of(i->who->caller.id), i->arena, &session, e));
        if (session.kind != SESSION_IMPERSONATION || session.is_scoped)
                return STATUS_OK;
        TRY(client_get(i->db, session.client_id, i->arena, &row, e));
        TRY(client_principal(i->db, &row, i->arena, i->who, e));
        snprintf(i->who->caller.user_id, sizeof i->who->caller.user_id, "%.*s",
                 (int)session.user_id.len, session.user_id.p);
        return STATUS_OK;
}

static void on_lister(void *http, struct principal *p, const struct error *e)
{
        struct issue *i = begin(http, "user.list");
        struct error err;
        if (!i)
                return;
        i->who = p;
        if (!p) {
                struct error as = *e;
                if (error_http(e) == 401)
                        (void)!error_set_http(&as, STATUS_DENIED, 401, "invalid-credentials", NULL,
                                              "%s", e->text);
                issue_refuse(i, &as);
                return;
        }
        struct listing *l = arena_alloc(i->arena, sizeof *l);
        enum status s = l ? list_as_client(i, &err) : error_no_memory(&err);
        if (s != STATUS_OK) {
                airisk_refuse(i, &err);
                return;
        }
        l->issue = i;
        l->job = (struct job){
                .mail.deliver = list_done, .reply_to = http_mailbox(i->req), .run = list_run};
        buf_init(&l->out, USERS_BYTES_MAX);
        if (pool_submit(auth_pool(auth_loop_auth(i->loop)), &l->job, &err) != STATUS_OK)
                airisk_refuse(i, &err);
}

static void get_users(struct http_request *req)
{
        struct auth_loop *loop = http_loop_state(req);
        struct request_view view;
        http_view(req, &view);
        auth_caller(auth_loop_auth(loop), loop, &view, on_lister);
}

#define ROUTE(verb, name, function)                                                           \
        {                                                                                     \
                .method = (verb), .path = (name), .faces = FACE_AIRISK, .handler = (function) \
        }

const struct http_route airisk_routes[] = {
        ROUTE(HTTP_GET, "/api/oauth2", get_code),
        {.method = HTTP_POST,
         .path = "/api/oauth2/Token",
         .faces = FACE_AIRISK,
         .media = MEDIA_FORM | MEDIA_JSON,
         .handler = post_token},
        ROUTE(HTTP_GET, "/api/ListUsers", get_users),
        ROUTE(HTTP_GET, "/api/Users/ListUsers", get_users),
        ROUTE(HTTP_GET, "/select-user", airisk_page_get),
        {.method = HTTP_POST,
         .path = "/select-user",
         .faces = FACE_AIRISK,
         .media = MEDIA_FORM,
         .handler = airisk_page_post},
        {.path = NULL},
};
