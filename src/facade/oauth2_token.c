/* POST /oauth2/token: one function a grant. */
#include "facade/oauth2.h"

#include <chatelaine/codec_json.h>
#include <stdio.h>

#define TOKEN_TYPE "urn:ietf:params:oauth:token-type:"
#define TOKEN_TYPE_ACCESS TOKEN_TYPE "access_token"
#define TOKEN_TYPE_JWT TOKEN_TYPE "jwt"
/* Ours: the subject token is a user's id; the client needs the right to impersonate. */
#define TOKEN_TYPE_USER "urn:chatelaine:token-type:user-id"

static bool is_exchange(const struct issue *i)
{
        return span_is(form_get(&i->form, "grant_type"),
                       "urn:ietf:params:oauth:grant-type:token-exchange");
}

static void answer(struct issue *i, const struct session_create *made, struct span token)
{
        struct buf CLEANUP(buf_fini_secret) out;
        buf_init(&out, 16384);
        json_obj_open(&out);
        json_member_text(&out, "access_token", token);
        if (is_exchange(i))
                json_member_text(&out, "issued_token_type", SPAN(TOKEN_TYPE_ACCESS));
        json_member_text(&out, "token_type", SPAN("Bearer"));
        json_member_int(&out, "expires_in", (made->ret_expires_at - made->ret_created_at) / 1000);
        if (made->scope.p)
                json_member_text(&out, "scope", made->scope);
        json_obj_close(&out);
        http_reply(i->req, 200, "application/json", buf_view(&out));
}

/* ---- RFC 6749 4.4 ---- */

static enum status client_credentials(struct issue *i, struct session_create **ret, struct error *e)
{
        TRY(session_create_new(i->domain, NULL, ret, e));
        (*ret)->kind = SESSION_CLIENT;
        (*ret)->client_id = span_of(i->who->caller.id);
        return issue_scope(*ret, form_get(&i->form, "scope"), i->who, e);
}

/* ---- RFC 6749 4.1.3, RFC 7636 ---- */

static enum status check_code(struct issue *i, const struct code *code, struct error *e)
{
        struct span uri = form_get(&i->form, "redirect_uri");
        struct span verifier = form_get(&i->form, "code_verifier");
        if (span_is(code->client_id, i->who->caller.id) && span_equal(code->redirect_uri, uri) &&
            code->challenge.p && verifier.p && code_verifier_fits(code->challenge, verifier))
                return STATUS_OK;
        return error_set(e, STATUS_INVALID, "invalid-grant", NULL,
                         "The code was not made for this client, redirect_uri and code_verifier.");
}

static enum status authorization_code(struct issue *i, struct session_create **ret, struct error *e)
{
        struct code code;
        struct span text = form_get(&i->form, "code");
        if (!text.p || !form_get(&i->form, "redirect_uri").p ||
            !form_get(&i->form, "code_verifier").p)
                return oauth2_bad_request(e, "code, redirect_uri and code_verifier are needed.");
        TRY(code_open(i->domain, text, clock_now_ms(), i->arena, &code, e));
        enum status s = check_code(i, &code, e);
        if (s != STATUS_OK) {
                issue_burn(i, &code);
                return s;
        }
        return issue_code_session(i, &code, ret, e);
}

/* ---- RFC 8693 ---- */

/* A token of ours: the new one hangs from it. */
static enum status subject_token(struct issue *i, struct span text, struct session_create *c,
                                 struct principal *ret, struct error *e)
{
        if (auth_token(i->loop, &i->view, text, ret, NULL) != STATUS_OK)
                return oauth2_bad_request(e, "subject_token is not a valid token.");
        const char *id = arena_dup(i->arena, span_of(ret->caller.id));
        if (!id)
                return error_no_memory(e);
        c->kind = SESSION_EXCHANGE;
        if (ret->caller.kind == CALLER_KEY)
                c->key_id = span_of(id);
        else
                c->parent_id = span_of(id);
        return STATUS_OK;
}

static enum status check_exchange(struct issue *i, struct error *e)
{
        struct span wanted = form_get(&i->form, "requested_token_type");
        struct span audience = form_get(&i->form, "audience");
        struct span resource = form_get(&i->form, "resource");
        if (!form_get(&i->form, "subject_token").p || !form_get(&i->form, "subject_token_type").p)
                return oauth2_bad_request(e, "subject_token and subject_token_type are needed.");
        if (form_get(&i->form, "actor_token").p)
                return oauth2_bad_request(e, "The actor is the client: send no actor_token.");
        if (wanted.p && !span_is(wanted, TOKEN_TYPE_ACCESS) && !span_is(wanted, TOKEN_TYPE_JWT))
                return oauth2_bad_request(e, "Only access tokens are issued here.");
        if ((audience.p && !span_is(audience, i->issuer)) ||
            (resource.p && !span_is(resource, i->issuer)))
                return error_set(e, STATUS_INVALID, "invalid-target", NULL,
                                 "Tokens are for this server alone.");
        return STATUS_OK;
}

static enum status token_exchange(struct issue *i, struct session_create **ret, struct error *e)
{
        struct span text = form_get(&i->form, "subject_token");
        struct span type = form_get(&i->form, "subject_token_type");
        struct principal subject;
        TRY(check_exchange(i, e));
        TRY(session_create_new(i->domain, NULL, ret, e));
        struct session_create *c = *ret;
        c->client_id = span_of(i->who->caller.id);
        if (span_is(type, TOKEN_TYPE_USER)) {
                c->kind = SESSION_IMPERSONATION;
                c->user = text;
                TRY(client_may_impersonate(i->db, i->who, text, e));
        } else if (span_is(type, TOKEN_TYPE_ACCESS) || span_is(type, TOKEN_TYPE_JWT)) {
                TRY(subject_token(i, text, c, &subject, e));
        } else {
                return oauth2_bad_request(e, "This subject_token_type is not taken.");
        }
        TRY(issue_scope(c, form_get(&i->form, "scope"), i->who, e));
        return STATUS_OK;
}

/* ---- the endpoint ---- */

static const struct {
        const char *name;
        /* May leave *ret behind a failure: the caller frees it. */
        enum status (*serve)(struct issue *i, struct session_create **ret, struct error *e);
} grants[] = {
        {"client_credentials", client_credentials},
        {"authorization_code", authorization_code},
        {"urn:ietf:params:oauth:grant-type:token-exchange", token_exchange},
};

static enum status serve(struct issue *i, struct session_create **ret, struct error *e)
{
        struct span type = form_get(&i->form, "grant_type");
        if (!type.p)
                return oauth2_bad_request(e, "grant_type is needed.");
        for (size_t k = 0; k < sizeof grants / sizeof *grants; k++)
                if (span_is(type, grants[k].name))
                        return grants[k].serve(i, ret, e);
        return error_set(e, STATUS_INVALID, "unsupported-grant-type", NULL,
                         "This grant_type is not taken.");
}

void oauth2_token(struct issue *i)
{
        struct session_create *c = NULL;
        struct error err;
        i->answer = answer;
        if (serve(i, &c, &err) != STATUS_OK || !c) {
                domain_command_free(c ? &c->base : NULL);
                issue_refuse(i, &err);
                return;
        }
        c->is_jwt = i->wants_jwt;
        issue_submit(i, c);
}
