/*
 * The "Select User" page: GET shows whom client and caller may both act as, POST chooses one and
 * redirects with a code. Nothing of it is loaded from elsewhere, and it has no script. A POST
 * counts only with a ticket that this page gave to the same caller for the same client and address:
 * another site's form cannot have one.
 */
#include "facade/airisk.h"

#include <chatelaine/codec_json.h>
#include <chatelaine/codec_text.h>
#include <stdio.h>

#define PAGE_BYTES_MAX ((size_t)8 << 20)
#define TICKET_LIFE_MS (15 * 60 * INT64_C(1000))
#define TICKET_BYTES_MAX 8192

/* What both the query and the form carry. */
struct choice {
        struct span client_id, redirect_uri, state, scope, challenge, user_id;
        struct principal client;
};

/* ---- the ticket ---- */

/* All but the user: with its length before each, so that none can reach into the next. */
static void ticket_place(const struct issue *i, const struct choice *c, struct buf *out)
{
        char caller[CALLER_NAME_SIZE], length[INT64_TEXT_MAX];
        caller_name(&i->who->caller, caller);
        const struct span parts[] = {span_of(caller), c->client_id, c->redirect_uri,
                                     c->state,        c->scope,     c->challenge};
        for (size_t k = 0; k < sizeof parts / sizeof *parts; k++) {
                buf_span(out, span_make(length, int64_write((int64_t)parts[k].len, length)));
                buf_char(out, '\n');
                buf_span(out, parts[k]);
        }
}

static enum status ticket_make(const struct issue *i, const struct choice *c, struct buf *out,
                               struct error *e)
{
        struct buf CLEANUP(buf_fini) place, CLEANUP(buf_fini) sealed;
        char until[INT64_TEXT_MAX];
        buf_init(&place, TICKET_BYTES_MAX);
        buf_init(&sealed, TICKET_BYTES_MAX);
        ticket_place(i, c, &place);
        TRY(buf_check(&place, e));
        size_t n = int64_write(clock_now_ms() + TICKET_LIFE_MS, until);
        TRY(secrets_seal(domain_secrets(i->domain), "tickets", "select-user", buf_view(&place),
                         span_make(until, n), &sealed, e));
        base64url_encode(out, buf_view(&sealed));
        return buf_check(out, e);
}

static bool ticket_holds(const struct issue *i, const struct choice *c, struct span ticket)
{
        struct buf CLEANUP(buf_fini) place, CLEANUP(buf_fini) sealed, CLEANUP(buf_fini) plain;
        int64_t until;
        buf_init(&place, TICKET_BYTES_MAX);
        buf_init(&sealed, TICKET_BYTES_MAX);
        buf_init(&plain, 64);
        ticket_place(i, c, &place);
        return place.status == STATUS_OK && ticket.p &&
               base64url_decode(&sealed, ticket, NULL) == STATUS_OK &&
               secrets_open(domain_secrets(i->domain), "tickets", "select-user", buf_view(&place),
                            buf_view(&sealed), &plain, NULL) == STATUS_OK &&
               span_int64(buf_view(&plain), &until, NULL) == STATUS_OK && clock_now_ms() < until;
}

/* ---- HTML ---- */

static void html(struct buf *out, struct span text)
{
        for (size_t i = 0; i < text.len; i++) {
                switch (text.p[i]) {
                case '&': buf_text(out, "&amp;"); break;
                case '<': buf_text(out, "&lt;"); break;
                case '>': buf_text(out, "&gt;"); break;
                case '"': buf_text(out, "&quot;"); break;
                case '\'': buf_text(out, "&#39;"); break;
                default: buf_char(out, text.p[i]);
                }
        }
}

static void hidden(struct buf *out, const char *name, struct span value)
{
        if (!value.p)
                return;
        buf_text(out, "<input type=\"hidden\" name=\"");
        buf_text(out, name);
        buf_text(out, "\" value=\"");
        html(out, value);
        buf_text(out, "\">\n");
}

/* One page: on the pool, since it looks at each user's rights. */
struct select_page {
        struct job job;
        struct issue *issue;
        struct choice choice;
        struct principal who; /* who calls; this and the client ask on the pool's connection */
        struct buf out;
        unsigned n;
        enum status status;
        struct error error;
};

/* Whoever chooses must itself be allowed to act as the user. */
static bool may_choose(const struct principal *who, const struct principal *client, struct span id)
{
        char resource[64];
        snprintf(resource, sizeof resource, "users/%.*s", (int)id.len, id.p);
        return grants_allow(who, "impersonate", span_of(resource)) &&
               client_may_impersonate(client->db, client, id, NULL) == STATUS_OK;
}

static bool write_option(void *ctx, const char *id, struct span name)
{
        struct select_page *p = ctx;
        if (!may_choose(&p->who, &p->choice.client, span_of(id)))
                return true;
        buf_text(&p->out, "<option value=\"");
        html(&p->out, span_of(id));
        buf_text(&p->out, span_is(p->choice.user_id, id) ? "\" selected>" : "\">");
        html(&p->out, name);
        buf_text(&p->out, " (");
        html(&p->out, span_of(id));
        buf_text(&p->out, ")</option>\n");
        p->n++;
        return p->out.status == STATUS_OK;
}

static enum status write_page(struct select_page *p, struct error *e)
{
        const struct choice *c = &p->choice;
        struct buf CLEANUP(buf_fini) ticket;
        buf_init(&ticket, 2 * TICKET_BYTES_MAX);
        TRY(ticket_make(p->issue, c, &ticket, e));
        buf_text(&p->out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                          "<meta name=\"viewport\" content=\"width=device-width\">\n"
                          "<title>Select User</title>\n</head>\n<body>\n<main>\n"
                          "<h1>Select User</h1>\n<form method=\"post\" action=\"/select-user\">\n");
        hidden(&p->out, "client_id", c->client_id);
        hidden(&p->out, "redirect_uri", c->redirect_uri);
        hidden(&p->out, "state", c->state);
        hidden(&p->out, "scope", c->scope);
        hidden(&p->out, "code_challenge", c->challenge);
        hidden(&p->out, "ticket", buf_view(&ticket));
        buf_text(&p->out, "<p><label for=\"userid\">Act as</label>\n"
                          "<select id=\"userid\" name=\"userid\" required>\n");
        TRY(client_each_user(c->client.db, &c->client, write_option, p, e));
        buf_text(&p->out, "</select></p>\n");
        buf_text(&p->out, p->n ? "<p><button type=\"submit\">Select</button></p>\n"
                               : "<p role=\"status\">There is nobody to select.</p>\n");
        buf_text(&p->out, "</form>\n</main>\n</body>\n</html>\n");
        return buf_check(&p->out, e);
}

/* scheme://host:port of an address, for form-action: browsers hold redirects to it. */
static struct span origin_of(struct span uri)
{
        size_t slashes = 0, n = 0;
        for (; n < uri.len && slashes < 3; n++)
                slashes += uri.p[n] == '/';
        n -= slashes == 3;
        for (size_t k = 0; k < n; k++)
                if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:/[]",
                            uri.p[k]))
                        return SPAN("");
        return span_make(uri.p, n);
}

static void guard(struct issue *i, struct span redirect_uri)
{
        struct span origin = origin_of(redirect_uri);
        const char *policy = arena_printf(
                i->arena,
                "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self' %.*s",
                (int)origin.len, origin.p);
        http_reply_header(i->req, "Content-Security-Policy",
                          policy ? policy : "default-src 'none'; frame-ancestors 'none'");
        http_reply_header(i->req, "Referrer-Policy", "no-referrer");
        http_reply_header(i->req, "X-Frame-Options", "DENY");
        http_reply_header(i->req, "Cache-Control", "no-store");
}

/* ---- both methods ---- */

static void refuse(struct issue *i, const struct error *e)
{
        struct error copy = *e;
        if (error_http(e) == 401) {
                http_reply_header(i->req, "WWW-Authenticate", "Basic realm=\"chatelaine\"");
                http_reply_error(i->req, &copy);
        } else if (error_http(e) == 403) {
                http_reply_error(i->req, &copy);
        } else {
                airisk_refuse(i, &copy);
        }
}

static enum status read_choice(struct issue *i, struct choice *c, struct error *e)
{
        enum status s = airisk_target(i, c->client_id, c->redirect_uri, &c->client, e);
        if (s == STATUS_DENIED) /* the caller is known; it is the client that is not */
                return airisk_invalid(e, "client_id");
        TRY(s);
        return grants_check(i->who, "impersonate", SPAN_NONE, e);
}

static void show_run(struct job *j, void *thread_state)
{
        struct select_page *p = (struct select_page *)j;
        struct store_conn *db = auth_pool_db(thread_state);
        p->who.db = p->choice.client.db = db;
        p->status = db ? write_page(p, &p->error) : error_no_memory(&p->error);
}

static void show_done(struct mail *m)
{
        struct select_page *p = (struct select_page *)m;
        struct buf out = p->out; /* the arena goes with the reply */
        if (p->status == STATUS_OK) {
                guard(p->issue, p->choice.redirect_uri);
                http_reply(p->issue->req, 200, "text/html; charset=utf-8", buf_view(&out));
        } else {
                refuse(p->issue, &p->error);
        }
        buf_fini(&out);
}

static enum status show(struct issue *i, struct error *e)
{
        struct select_page *p = arena_alloc(i->arena, sizeof *p);
        if (!p)
                return error_no_memory(e);
        p->issue = i;
        p->who = *i->who;
        p->choice = (struct choice){.client_id = airisk_query(i, "client_id"),
                                    .redirect_uri = airisk_query(i, "redirect_uri"),
                                    .state = airisk_query(i, "state"),
                                    .scope = airisk_query(i, "scope"),
                                    .challenge = airisk_query(i, "code_challenge"),
                                    .user_id = airisk_query(i, "userid")};
        TRY(airisk_query_check(i, e));
        TRY(read_choice(i, &p->choice, e));
        const char *error = airisk_why_not(i);
        if (error) {
                airisk_redirect(i, 302,
                                code_redirect(i->arena, p->choice.redirect_uri, p->choice.state,
                                              "error", span_of(error)));
                return STATUS_OK;
        }
        p->job = (struct job){
                .mail.deliver = show_done, .reply_to = http_mailbox(i->req), .run = show_run};
        buf_init(&p->out, PAGE_BYTES_MAX);
        return pool_submit(auth_pool(auth_loop_auth(i->loop)), &p->job, e);
}

static enum status choose(struct issue *i, struct error *e)
{
        struct span text;
        enum status read = form_read(i->req, &i->form, e);
        if (read == STATUS_INVALID)
                return airisk_invalid(e, "request");
        TRY(read);
        struct choice c = {.client_id = form_get(&i->form, "client_id"),
                           .redirect_uri = form_get(&i->form, "redirect_uri"),
                           .state = form_get(&i->form, "state"),
                           .scope = form_get(&i->form, "scope"),
                           .challenge = form_get(&i->form, "code_challenge"),
                           .user_id = form_get(&i->form, "userid")};
        char chooser[CALLER_NAME_SIZE];
        caller_name(&i->who->caller, chooser);
        struct code code = {.client_id = c.client_id,
                            .redirect_uri = c.redirect_uri,
                            .user_id = c.user_id,
                            .scope = c.scope,
                            .challenge = c.challenge,
                            .chosen_by = span_of(chooser)};
        TRY(read_choice(i, &c, e));
        if (!ticket_holds(i, &c, form_get(&i->form, "ticket")))
                return error_set(e, STATUS_DENIED, "wrong-ticket", "ticket",
                                 "The form is not one that this page gave you, or it is too old.");
        if (!id_is_hex24(c.user_id))
                return airisk_invalid(e, "userid");
        if (!may_choose(i->who, &c.client, c.user_id))
                return error_set(e, STATUS_DENIED, "forbidden", NULL,
                                 "impersonate is not allowed on this user.");
        TRY(code_make(i->domain, &code, clock_now_ms(), i->arena, &text, e));
        airisk_redirect(i, 303, code_redirect(i->arena, c.redirect_uri, c.state, "code", text));
        return STATUS_OK;
}

static void on_caller(void *http, struct principal *p, const struct error *e)
{
        struct issue *i = issue_begin(http);
        struct error err;
        if (!i)
                return;
        i->who = p;
        i->action = "user.select";
        i->refuse = refuse;
        if (!p) {
                issue_refuse(i, e);
                return;
        }
        if ((http_method(i->req) == HTTP_POST ? choose : show)(i, &err) != STATUS_OK)
                issue_refuse(i, &err);
}

static void enter(struct http_request *req)
{
        struct auth_loop *loop = http_loop_state(req);
        struct request_view view;
        http_view(req, &view);
        auth_caller(auth_loop_auth(loop), loop, &view, on_caller);
}

void airisk_page_get(struct http_request *req)
{
        enter(req);
}

void airisk_page_post(struct http_request *req)
{
        enter(req);
}
