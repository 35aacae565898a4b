/* What is asked of a token that was issued: RFC 7009, RFC 7662. */
#include "facade/oauth2.h"

#include <chatelaine/codec_json.h>
#include <chatelaine/domain_keys.h>
#include <chatelaine/domain_users.h>

/* ---- revocation ---- */

static void on_revoked(struct domain_command *base)
{
        struct issue *i = base->context;
        struct error err = base->base.error;
        if (base->base.status == STATUS_OK)
                http_reply(i->req, 200, NULL, SPAN(""));
        else
                oauth2_refuse(i, &err);
        domain_command_free(base);
}

/* RFC 7009 2.2: an unknown token is revoked already. */
static enum status revoke(struct issue *i, struct error *e)
{
        struct span token = form_get(&i->form, "token");
        struct session_row row;
        if (!token.p)
                return oauth2_bad_request(e, "token is needed.");
        if (span_starts(token, KEY_PREFIX))
                return error_set(e, STATUS_INVALID, "unsupported-token-type", NULL,
                                 "An API key is revoked at /v1/keys.");
        enum status s = session_find(i->domain, i->db, token, i->arena, &row, e);
        if (s == STATUS_NOT_FOUND) {
                http_reply(i->req, 200, NULL, SPAN(""));
                return STATUS_OK;
        }
        TRY(s);
        if (!span_is(row.client_id, i->who->caller.id))
                return error_set(e, STATUS_DENIED, "unauthorized-client", NULL,
                                 "The token was not issued to this client.");
        return issue_end(i, row.id, SESSION_REASON_REVOKED, on_revoked, e);
}

void oauth2_revoke(struct issue *i)
{
        struct error err;
        if (revoke(i, &err) != STATUS_OK)
                issue_refuse(i, &err);
}

/* ---- introspection ---- */

static enum status write_user(struct issue *i, struct span user_id, struct buf *out,
                              struct error *e)
{
        struct user_row user;
        if (!user_id.p || user_find(i->db, user_id, i->arena, &user, NULL) != STATUS_OK)
                return STATUS_OK;
        json_member_text(out, "username", user.name);
        return buf_check(out, e);
}

static void write_common(struct issue *i, struct buf *out, struct span id, struct span subject,
                         int64_t created_at, int64_t expires_at)
{
        json_member_bool(out, "active", true);
        json_member_text(out, "token_type", SPAN("Bearer"));
        json_member_text(out, "iss", span_of(i->issuer));
        json_member_text(out, "aud", span_of(i->issuer));
        json_member_text(out, "sub", subject);
        json_member_text(out, "jti", id);
        json_member_int(out, "iat", created_at / 1000);
        json_member_int(out, "exp", expires_at / 1000);
}

static enum status write_session(struct issue *i, const struct session_row *row, struct buf *out,
                                 struct error *e)
{
        struct buf CLEANUP(buf_fini) act;
        buf_init(&act, 4096);
        write_common(i, out, row->id, row->user_id.p ? row->user_id : row->client_id,
                     row->created_at, row->expires_at);
        TRY(write_user(i, row->user_id, out, e));
        if (row->client_id.p)
                json_member_text(out, "client_id", row->client_id);
        if (row->scope.p)
                json_member_text(out, "scope", row->scope);
        TRY(session_act_write(i->db, row, &act, e));
        if (act.len)
                json_member_raw(out, "act", buf_view(&act));
        return STATUS_OK;
}

/* *ret_active false: nothing is said of it. Who may not know it is told the same. */
static enum status describe(struct issue *i, struct span token, bool may_see_all, struct buf *out,
                            bool *ret_active, struct error *e)
{
        struct principal p;
        struct session_row row;
        struct key_row key;
        int64_t now = clock_now_ms();
        *ret_active = false;
        if (auth_token(i->loop, &i->view, token, &p, NULL) != STATUS_OK)
                return STATUS_OK;
        if (p.caller.kind == CALLER_KEY) {
                if (!may_see_all)
                        return STATUS_OK;
                TRY(key_get(i->db, span_of(p.caller.id), now, i->arena, &key, e));
                write_common(i, out, key.id, key.user_id, key.created_at, key.dies_at);
                *ret_active = true;
                return write_user(i, key.user_id, out, e);
        }
        TRY(session_get(i->db, span_of(p.caller.id), i->arena, &row, e));
        if (!may_see_all && !span_is(row.client_id, i->who->caller.id))
                return STATUS_OK;
        *ret_active = true;
        return write_session(i, &row, out, e);
}

static enum status introspect(struct issue *i, struct buf *out, struct error *e)
{
        struct span token = form_get(&i->form, "token");
        bool is_active, may_see_all = grants_allow(i->who, "tokens:introspect", SPAN("tokens"));
        if (!may_see_all && i->who->caller.kind != CALLER_CLIENT)
                return error_set(e, STATUS_DENIED, "introspection-forbidden", NULL,
                                 "tokens:introspect is needed.");
        if (!token.p)
                return oauth2_bad_request(e, "token is needed.");
        json_obj_open(out);
        TRY(describe(i, token, may_see_all, out, &is_active, e));
        if (!is_active)
                json_member_bool(out, "active", false);
        json_obj_close(out);
        return buf_check(out, e);
}

void oauth2_introspect(struct issue *i)
{
        struct buf CLEANUP(buf_fini) out;
        struct error err;
        buf_init(&out, 65536);
        if (introspect(i, &out, &err) != STATUS_OK)
                issue_refuse(i, &err);
        else
                oauth2_reply(i, &out);
}
