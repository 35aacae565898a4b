#include "facade/issue.h"

#include <stdio.h>

#define SCOPES_MAX 50
#define TOKEN_BYTES_MAX 8192
/* A code that comes again sooner is a click or a request that was repeated, not a replay: of two
 * at once one wins, and keeps its token. */
#define REPEAT_MS (5 * INT64_C(1000))

struct issue *issue_begin(struct http_request *req)
{
        struct arena *a = http_arena(req);
        struct issue *i = arena_alloc(a, sizeof *i);
        struct error err;
        if (!i) {
                (void)!error_no_memory(&err);
                http_reply_error(req, &err);
                return NULL;
        }
        i->req = req;
        i->arena = a;
        i->loop = http_loop_state(req);
        i->domain = auth_loop_domain(i->loop);
        i->db = auth_loop_db(i->loop);
        http_view(req, &i->view);
        struct settings *s = domain_settings(i->domain);
        i->issuer = arena_dup(a, span_of(s->config->issuer));
        i->wants_jwt = strcmp(s->config->oauth.access_tokens, "jwt") == 0;
        settings_unref(s);
        if (i->issuer)
                return i;
        (void)!error_no_memory(&err);
        http_reply_error(req, &err);
        return NULL;
}

enum status issue_client(struct issue *i, struct span id, struct span secret, struct error *e)
{
        struct principal *p = arena_alloc(i->arena, sizeof *p);
        if (!p)
                return error_no_memory(e);
        TRY(auth_client(i->loop, &i->view, id, secret, p, e));
        i->who = p;
        return STATUS_OK;
}

void issue_refuse(struct issue *i, const struct error *e)
{
        static const struct caller nobody = {.kind = CALLER_NOBODY};
        struct error copy = *e; /* `e` may lie in what goes with the reply */
        if (refusal_is_due(e, true)) {
                struct audit audit = {.action = i->action, .target_kind = "session", .count = -1};
                audit_request(&audit, &i->view);
                refusal_note(i->domain, i->who ? &i->who->caller : &nobody, &audit, e);
        }
        i->refuse(i, &copy);
}

/* ---- a code that comes again ---- */

/*
 * RFC 6749 4.1.2: then what it opened ends. Only the client that redeemed it gets this far, and
 * with all that the code is bound to: nobody ends another's token by having seen its code.
 */
static bool is_replay(struct issue *i, const struct session_create *c, const struct error *e)
{
        struct session_row opened;
        return strcmp(e->slug, "code-used") == 0 &&
               session_get(i->db, c->code_id, i->arena, &opened, NULL) == STATUS_OK &&
               opened.ended_at == 0 && opened.created_at + REPEAT_MS <= http_started_ms(i->req);
}

static void on_replay_ended(struct domain_command *base)
{
        struct issue *i = base->context;
        struct error err = base->base.status == STATUS_OK ? i->refused : base->base.error;
        i->refuse(i, &err);
        domain_command_free(base);
}

static void refuse_issued(struct issue *i, const struct session_create *c, const struct error *e)
{
        struct error err;
        i->refused = *e;
        if (!is_replay(i, c, e) ||
            issue_end(i, c->code_id, SESSION_REASON_REPLAYED, on_replay_ended, &err) != STATUS_OK)
                i->refuse(i, e); /* the command's own audit event has it on record */
}

/* ---- a session ---- */

/* On the request's loop, when it is committed or refused. */
static void on_issued(struct domain_command *base)
{
        struct session_create *c = (struct session_create *)base;
        struct issue *i = base->context;
        struct buf CLEANUP(buf_fini_secret) token;
        struct error err = base->base.error;
        buf_init(&token, TOKEN_BYTES_MAX);
        enum status s = base->base.status;
        if (s == STATUS_OK)
                s = session_token_write(c, &token, &err);
        if (s == STATUS_OK) {
                http_reply_header(i->req, "Cache-Control", "no-store");
                http_reply_header(i->req, "Pragma", "no-cache");
                i->answer(i, c, buf_view(&token));
        } else {
                refuse_issued(i, c, &err);
        }
        domain_command_free(base);
}

void issue_submit(struct issue *i, struct session_create *c)
{
        struct error err;
        const char *action = c->base.audit.action;
        audit_request(&c->base.audit, &i->view);
        c->base.audit.action = action;
        c->base.caller = i->who->caller;
        c->base.context = i;
        c->base.reply = on_issued;
        if (domain_submit(&c->base, http_mailbox(i->req), &err) == STATUS_OK)
                return;
        domain_command_free(&c->base);
        issue_refuse(i, &err);
}

enum status issue_end(struct issue *i, struct span id, const char *reason,
                      void (*reply)(struct domain_command *c), struct error *e)
{
        struct session_end *c;
        TRY(session_end_new(i->domain, NULL, &c, e));
        audit_request(&c->base.audit, &i->view);
        c->id = arena_span(&c->base.arena, id);
        c->reason = reason;
        c->base.caller = i->who->caller;
        c->base.context = i;
        c->base.reply = reply;
        enum status s =
                c->id.p ? domain_submit(&c->base, http_mailbox(i->req), e) : error_no_memory(e);
        if (s != STATUS_OK)
                domain_command_free(&c->base);
        return s;
}

void issue_burn(struct issue *i, const struct code *code)
{
        struct code_burn *c;
        if (code_burn_new(i->domain, NULL, &c, NULL) != STATUS_OK)
                return;
        audit_request(&c->base.audit, &i->view);
        c->base.caller = i->who->caller;
        c->code_id = arena_span(&c->base.arena, code->id);
        c->code_ends_at = code->ends_at;
        if (!c->code_id.p || domain_submit(&c->base, NULL, NULL) != STATUS_OK)
                domain_command_free(&c->base);
}

enum status issue_scope(struct session_create *c, struct span scope, const struct principal *held,
                        struct error *e)
{
        struct arena *a = &c->base.arena;
        if (!scope.p)
                return STATUS_OK;
        c->scope = arena_span(a, scope);
        c->grants = arena_alloc(a, SCOPES_MAX * sizeof *c->grants);
        if (!c->scope.p || !c->grants)
                return error_no_memory(e);
        for (struct span rest = c->scope; rest.p;) {
                struct grant *g = &c->grants[c->n_grants];
                struct span word = span_split(rest, ' ', &rest);
                const char *name = arena_dup(a, word);
                if (!name)
                        return error_no_memory(e);
                if (c->n_grants == SCOPES_MAX ||
                    action_read(word, &g->permission, NULL) != STATUS_OK ||
                    !grants_allow(held, name, SPAN_NONE))
                        return error_set(e, STATUS_INVALID, "invalid-scope", NULL,
                                         "The scope is a list of permissions that are held.");
                g->resource = SPAN("*");
                c->n_grants++;
        }
        c->is_scoped = true;
        return STATUS_OK;
}

enum status issue_code_session(struct issue *i, const struct code *code,
                               struct session_create **ret, struct error *e)
{
        struct session_create *c;
        TRY(session_create_new(i->domain, NULL, &c, e));
        c->kind = code->user_id.p ? SESSION_IMPERSONATION : SESSION_CLIENT;
        c->client_id = code->client_id;
        c->user = code->user_id;
        c->chosen_by = code->chosen_by;
        c->code_id = code->id;
        snprintf(c->id, sizeof c->id, "%.*s", (int)code->id.len, code->id.p);
        c->code_ends_at = code->ends_at;
        enum status s = issue_scope(c, code->scope, i->who, e);
        if (s != STATUS_OK) {
                domain_command_free(&c->base);
                return s;
        }
        *ret = c;
        return STATUS_OK;
}
