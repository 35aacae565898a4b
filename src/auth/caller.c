/* Which scheme a request speaks, and those that answer at once: a key, a session and the unix
 * socket. */
#include "auth/state.h"

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
        struct span key;   /* X-API-Key, or Bearer ctl_... */
        struct span token; /* any other Bearer: a session's */
        struct span basic; /* what follows "Basic " */
        struct span other; /* any other Authorization */
};

enum status refuse_ambiguous(struct error *e)
{
        return error_set(e, STATUS_INVALID, "ambiguous-credentials", "Authorization",
                         "the request brings more than one credential: send one");
}

static struct span after(struct span text, const char *scheme)
{
        size_t n = strlen(scheme);

        if (text.len <= n || text.p[n] != ' ' || !span_is_nocase(span_make(text.p, n), scheme))
                return SPAN_NONE;
        return span_trim(span_make(text.p + n, text.len - n));
}

/* RFC 9110 11.6.2: one Authorization field; scheme names do not care about case. */
static enum status read_credentials(const struct request_view *req, struct credentials *ret,
                                    struct error *e)
{
        struct span name, value;
        bool has_authorization = false;

        for (size_t i = 0; req->header_each(req->http, i, &name, &value); i++) {
                struct span bearer;

                if (span_is_nocase(name, "X-API-Key")) {
                        if (ret->key.p && !span_equal(ret->key, value))
                                return refuse_ambiguous(e);
                        ret->key = value;
                }
                if (!span_is_nocase(name, "Authorization"))
                        continue;
                if (has_authorization)
                        return refuse_ambiguous(e);
                has_authorization = true;
                bearer = after(value, "Bearer");
                ret->basic = after(value, "Basic");
                if (span_starts(bearer, KEY_PREFIX)) {
                        if (ret->key.p && !span_equal(ret->key, bearer))
                                return refuse_ambiguous(e);
                        ret->key = bearer;
                } else if (bearer.p) {
                        ret->token = bearer;
                } else if (!ret->basic.p) {
                        ret->other = value;
                }
        }
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

/* Of another issuer, or of ours. */
static enum status bearer_check_in(struct auth_loop *l, const struct request_view *req,
                                   struct span token, struct principal *p, struct error *e)
{
        bool is_theirs;
        TRY(trusted_check(l, req, token, &is_theirs, p, e));
        return is_theirs ? STATUS_OK : session_check_in(l, req, token, p, e);
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

        (void)a;
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
        auth_tell(then, req->http, s, p, &e);
}
