/* Which scheme a request speaks, and those that answer at once: a key, a session and the unix
 * socket. */
#include "auth/client_rate.h"
#include "auth/state.h"

#include <chatelaine/codec_access_key.h>
#include <chatelaine/domain_keys.h>
#include <chatelaine/domain_sessions.h>

#include <stdio.h>

enum status refuse_credentials(struct error *e)
{
        return error_set_http(e, STATUS_DENIED, 401, "invalid-credentials", NULL,
                              "the credentials are unknown, wrong, or no longer valid");
}

/* What a request brings. A key may stand in both places, when it is the same. */
struct credentials {
        struct span authorization; /* the field itself; "" = not yet */
        struct span key;           /* X-API-Key, or Bearer ctl_... */
        struct span token;         /* any other Bearer: a session's, a client's */
        struct span basic;         /* what follows "Basic " */
        struct span other;         /* any other Authorization */
};

enum status refuse_ambiguous(struct error *e)
{
        return error_set(e, STATUS_INVALID, "ambiguous-credentials", "Authorization",
                         "the request brings more than one credential: send one");
}

static struct span after(struct span text, const char *scheme)
{
        size_t n = strlen(scheme);

        if (!text.p || text.len <= n || text.p[n] != ' ' ||
            !span_is_nocase(span_make(text.p, n), scheme))
                return SPAN_NONE;
        return span_trim(span_make(text.p + n, text.len - n));
}

/*
 * RFC 9110 11.6.2: one Authorization field. Authress's SDK for Go sends two when it has both a
 * user's token and its own access key: then the key is who calls, and it alone is judged.
 */
static enum status put_authorization(struct credentials *c, struct span value, struct error *e)
{
        bool is_first = !c->authorization.p;
        bool was_key = !is_first && access_key_is(after(c->authorization, "Bearer"));
        bool is_key = access_key_is(after(value, "Bearer"));

        if (is_first || (is_key && !was_key && after(c->authorization, "Bearer").p))
                c->authorization = value;
        else if (!(was_key && !is_key && after(value, "Bearer").p))
                return refuse_ambiguous(e);
        return STATUS_OK;
}

/* Scheme names do not care about case. */
static enum status split_authorization(struct credentials *c, struct error *e)
{
        struct span bearer = after(c->authorization, "Bearer");

        c->basic = after(c->authorization, "Basic");
        if (span_starts(bearer, KEY_PREFIX)) {
                if (c->key.p && !span_equal(c->key, bearer))
                        return refuse_ambiguous(e);
                c->key = bearer;
        } else if (bearer.p) {
                c->token = bearer;
        } else if (!c->basic.p) {
                c->other = c->authorization;
        }
        return STATUS_OK;
}

static enum status read_credentials(const struct request_view *req, struct credentials *ret,
                                    struct error *e)
{
        struct span name, value;
        unsigned n = 0;

        for (size_t i = 0; req->header_each(req->http, i, &name, &value); i++) {
                if (span_is_nocase(name, "X-API-Key")) {
                        if (ret->key.p && !span_equal(ret->key, value))
                                return refuse_ambiguous(e);
                        ret->key = value;
                }
                if (!span_is_nocase(name, "Authorization"))
                        continue;
                if (++n > 2)
                        return refuse_ambiguous(e);
                TRY(put_authorization(ret, value, e));
        }
        TRY(split_authorization(ret, e));
        if ((ret->key.p != NULL) + (ret->token.p != NULL) + (ret->basic.p != NULL) +
                    (ret->other.p != NULL) >
            1)
                return refuse_ambiguous(e);
        return STATUS_OK;
}

/* Valid by the row and the clock at this moment; every cause of a refusal looks the same. */
static enum status key_check_in(struct auth_loop *l, const struct request_view *req,
                                struct span key, struct principal *p, struct error *e)
{
        struct key_row row;
        enum status s = key_find(l->auth->domain, l->db, key, req->arena, &row, e);

        if (s == STATUS_NOT_FOUND || (s == STATUS_OK && !key_is_valid(&row, clock_now_ms())))
                return refuse_credentials(e);
        TRY(s);
        return key_principal(l->db, &row, req->arena, p, e);
}

/* Live by its row and all that it hangs from; opaque or signed alike. */
static enum status session_check_in(struct auth_loop *l, const struct request_view *req,
                                    struct span token, struct principal *p, struct error *e)
{
        struct session_row row;
        enum status s = session_find(l->auth->domain, l->db, token, req->arena, &row, e);

        if (s == STATUS_NOT_FOUND)
                return refuse_credentials(e);
        TRY(s);
        return session_principal(l->db, &row, clock_now_ms(), req->arena, p, e);
}

/* A service client's own, of another issuer, or issued here. */
static enum status bearer_check_in(struct auth_loop *l, const struct request_view *req,
                                   struct span token, struct principal *p, struct error *e)
{
        bool is_clients, is_theirs;

        if (access_key_is(token))
                return access_key_check(l, token, req->arena, p, e);
        TRY(client_token_check(l, token, req->arena, p, &is_clients, e));
        if (is_clients)
                return STATUS_OK;
        TRY(trusted_check(l, req, token, &is_theirs, p, e));
        return is_theirs ? STATUS_OK : session_check_in(l, req, token, p, e);
}

enum status auth_client(struct auth_loop *l, const struct request_view *req, struct span id,
                        struct span secret, struct principal *ret, struct error *e)
{
        struct principal p = {.db = l->db};
        struct client_row row;

        if (access_key_is(secret)) {
                enum status s = access_key_check(l, secret, req->arena, &p, e);
                if (s == STATUS_DENIED || (s == STATUS_OK && !span_is(id, p.caller.id)))
                        return error_set_http(e, STATUS_DENIED, 401, "invalid-client", NULL,
                                              "the client is unknown or its secret is wrong");
                TRY(s);
        } else {
                TRY(client_check_secret(l->auth->domain, l->db, id, secret, req->arena, &row, e));
                TRY(client_principal(l->db, &row, req->arena, &p, e));
        }
        TRY(client_rates_take(l->auth->client_rates, p.client, e));
        *ret = p;
        return STATUS_OK;
}

enum status auth_token(struct auth_loop *l, const struct request_view *req, struct span token,
                       struct principal *ret, struct error *e)
{
        struct principal p = {.db = l->db};

        TRY(span_starts(token, KEY_PREFIX) ? key_check_in(l, req, token, &p, e)
                                           : session_check_in(l, req, token, &p, e));
        *ret = p;
        return STATUS_OK;
}

static void unix_principal(const struct request_view *req, struct principal *p)
{
        p->caller.kind = CALLER_UNIX;
        snprintf(p->caller.id, sizeof p->caller.id, "%u", req->unix_uid);
        p->is_all = true;
}

void auth_caller(struct auth *a, struct auth_loop *l, const struct request_view *req,
                 auth_then then)
{
        struct principal *p = arena_alloc(req->arena, sizeof *p);
        struct credentials c = {0};
        struct error e = {0};
        enum status s;

        if (!p)
                s = error_no_memory(&e);
        else
                s = read_credentials(req, &c, &e);
        if (s == STATUS_OK && c.basic.p) {
                basic_check(l, req, c.basic, then);
                return;
        }
        if (s == STATUS_OK) {
                p->db = l->db;
                if (c.key.p)
                        s = key_check_in(l, req, c.key, p, &e);
                else if (c.token.p)
                        s = bearer_check_in(l, req, c.token, p, &e);
                else if (c.other.p)
                        s = refuse_credentials(&e);
                else if (req->is_unix)
                        unix_principal(req, p);
                else
                        s = error_set_http(
                                &e, STATUS_DENIED, 401, "no-credentials", "Authorization",
                                "the request brings no credentials: send X-API-Key, Bearer or Basic");
        }
        if (s == STATUS_OK && p->client)
                s = client_rates_take(a->client_rates, p->client, &e);
        auth_tell(then, req->http, s, p, &e);
}
