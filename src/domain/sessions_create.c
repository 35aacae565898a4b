/* A session comes to be, and its token. */
#include "domain/names.h"
#include "domain/sessions.h"

#include <chatelaine/codec_jwt.h>
#include <chatelaine/domain_clients.h>
#include <chatelaine/domain_keys.h>

#include <stdio.h>

#define ARENA_BYTES_MAX ((size_t)1 << 20)

/* What a new session takes over from what it hangs from. */
struct bounds {
        struct span user_id, key_id, parent_id, access_key_id;
        int64_t password_at;
        int64_t until; /* no longer than this */
};

static int64_t earlier(int64_t a, int64_t b)
{
        return a < b ? a : b;
}

/* ---- by kind: what must be alive, and what it bounds ---- */

static enum status from_user(struct ledger_tx *tx, struct session_create *c, struct bounds *b,
                             struct error *e)
{
        struct user_row user;
        TRY(user_find(tx->db, c->user, &c->base.arena, &user, e));
        if (!user.is_active)
                return error_set(e, STATUS_CONFLICT, "user-inactive", "/user",
                                 "The user is not active.");
        b->user_id = user.id;
        if (c->kind == SESSION_PASSWORD)
                b->password_at = user.password_changed_at;
        return STATUS_OK;
}

static enum status from_key(struct ledger_tx *tx, struct session_create *c, struct bounds *b,
                            struct error *e)
{
        struct key_row key;
        enum status s = key_get(tx->db, c->key_id, tx->now_ms, &c->base.arena, &key, e);
        if (s == STATUS_NOT_FOUND || (s == STATUS_OK && !key_is_valid(&key, tx->now_ms)))
                return session_refused(e);
        TRY(s);
        b->user_id = key.user_id;
        b->key_id = key.id;
        b->until = earlier(b->until, key.dies_at);
        return STATUS_OK;
}

static enum status from_client(struct ledger_tx *tx, struct session_create *c, struct bounds *b,
                               struct error *e)
{
        struct client_row client;
        (void)b;
        enum status s = client_get(tx->db, c->client_id, &c->base.arena, &client, e);
        return s == STATUS_NOT_FOUND ? session_refused(e) : s;
}

static enum status from_impersonator(struct ledger_tx *tx, struct session_create *c,
                                     struct bounds *b, struct error *e)
{
        struct client_row row;
        struct principal client;
        TRY(from_client(tx, c, b, e));
        TRY(from_user(tx, c, b, e));
        TRY(client_get(tx->db, c->client_id, &c->base.arena, &row, e));
        TRY(client_principal(tx->db, &row, &c->base.arena, &client, e));
        return client_may_impersonate(tx->db, &client, b->user_id, e);
}

/* How many exchanges lie above; a chain has an end. */
static enum status check_depth(struct ledger_tx *tx, struct span parent_id, struct error *e)
{
        int64_t depth = 0;
        TRY(store_int_of(tx->db,
                         "WITH RECURSIVE up (id, n) AS (SELECT $1, 1 UNION ALL"
                         " SELECT s.parent_id, u.n + 1 FROM up u JOIN sessions s ON s.id = u.id"
                         " WHERE s.parent_id IS NOT NULL AND u.n < 16) SELECT max(n) FROM up",
                         &depth, e, "t", parent_id));
        if (depth > SESSION_DEPTH_MAX)
                return error_set(e, STATUS_INVALID, "too-many-exchanges", NULL,
                                 "A token is exchanged at most %d times.", SESSION_DEPTH_MAX);
        return STATUS_OK;
}

static enum status from_parent(struct ledger_tx *tx, struct session_create *c, struct bounds *b,
                               struct error *e)
{
        struct session_row parent;
        struct principal ignored;
        enum status s = session_get(tx->db, c->parent_id, &c->base.arena, &parent, e);
        if (s == STATUS_NOT_FOUND)
                return session_refused(e);
        TRY(s);
        TRY(session_principal(tx->db, &parent, tx->now_ms, &c->base.arena, &ignored, e));
        TRY(check_depth(tx, parent.id, e));
        b->parent_id = parent.id;
        b->until = earlier(b->until, parent.expires_at);
        if (c->kind == SESSION_EXCHANGE)
                b->user_id = parent.user_id;
        return STATUS_OK;
}

static enum status from_subject(struct ledger_tx *tx, struct session_create *c, struct bounds *b,
                                struct error *e)
{
        TRY(from_client(tx, c, b, e));
        return c->parent_id.p ? from_parent(tx, c, b, e) : from_key(tx, c, b, e);
}

static const struct {
        enum status (*check)(struct ledger_tx *tx, struct session_create *c, struct bounds *b,
                             struct error *e);
        bool is_for_another;
        int64_t longest_ms; /* 0 = the configuration's oauth.life */
} kinds[SESSION_KINDS] = {
        [SESSION_PASSWORD] = {from_user, false, SESSION_PASSWORD_LIFE_MS},
        [SESSION_KEY] = {from_key, false, SESSION_KEY_LIFE_MS},
        [SESSION_BEHALF] = {from_user, true, 0},
        [SESSION_CLIENT] = {from_client, false, 0},
        [SESSION_IMPERSONATION] = {from_impersonator, true, 0},
        [SESSION_EXCHANGE] = {from_subject, true, 0},
};

/* A client's access key takes along what was opened with it. */
static enum status hang_from_access_key(struct ledger_tx *tx, struct session_create *c,
                                        struct bounds *b, struct error *e)
{
        struct key_row key;
        b->access_key_id = span_of(c->base.caller.key_id);
        enum status s = key_get(tx->db, b->access_key_id, tx->now_ms, &c->base.arena, &key, e);
        if (s == STATUS_NOT_FOUND || (s == STATUS_OK && !key_is_valid(&key, tx->now_ms)))
                return session_refused(e);
        TRY(s);
        b->until = earlier(b->until, key.dies_at);
        return STATUS_OK;
}

/* What one session opens for another purpose still hangs from it. */
static enum status hang_from_caller(struct ledger_tx *tx, struct session_create *c,
                                    struct bounds *b, struct error *e)
{
        if (c->base.caller.kind == CALLER_CLIENT && c->base.caller.key_id[0])
                return hang_from_access_key(tx, c, b, e);
        if (c->kind == SESSION_EXCHANGE || c->base.caller.kind != CALLER_SESSION)
                return STATUS_OK;
        c->parent_id = span_of(c->base.caller.id);
        return from_parent(tx, c, b, e);
}

/* ---- rows ---- */

static enum status redeem(struct ledger_tx *tx, const struct session_create *c, struct error *e)
{
        int64_t n = 0;
        if (!c->code_id.p)
                return STATUS_OK;
        if (tx->now_ms >= c->code_ends_at) /* its row may be purged already */
                return error_set(e, STATUS_INVALID, "invalid-grant", NULL, "The code is too old.");
        TRY(store_exec(tx->db,
                       "INSERT INTO redeemed_codes (id, ends_at) VALUES ($1, $2)"
                       " ON CONFLICT (id) DO NOTHING",
                       &n, e, "ti", c->code_id, c->code_ends_at));
        if (n)
                return STATUS_OK;
        return error_set(e, STATUS_CONFLICT, "code-used", NULL, "The code was used before.");
}

static enum status insert(struct ledger_tx *tx, struct session_create *c, const struct bounds *b,
                          uint32_t token_key, struct error *e)
{
        char origin[CALLER_NAME_SIZE], subject[SUBJECT_SIZE];
        caller_name(&c->base.caller, origin);
        TRY(store_exec(
                tx->db,
                "INSERT INTO sessions (id, hash, pepper, kind, user_id, key_id, client_id,"
                " parent_id, origin, scope, is_scoped, token_key, password_at, created_at,"
                " expires_at, chosen_by, access_key_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10,"
                " $11, nullif($12, 0), nullif($13, 0), $14, $15, $16, $17)",
                NULL, e, "sbiittttstiiiiitt", c->id, span_make(c->hash, sizeof c->hash),
                (int64_t)c->pepper, (int64_t)c->kind, b->user_id, b->key_id, c->client_id,
                b->parent_id, origin, c->scope, (int64_t)c->is_scoped, (int64_t)token_key,
                b->password_at, tx->now_ms, c->ret_expires_at, c->chosen_by, b->access_key_id));
        subject_of("sessions", span_of(c->id), subject);
        return c->is_scoped ? grants_add(tx, subject, c->grants, c->n_grants, e) : STATUS_OK;
}

static enum status note_act(struct ledger_tx *tx, struct session_create *c, struct error *e)
{
        struct buf CLEANUP(buf_fini) act;
        struct session_row row;
        buf_init(&act, 4096);
        TRY(session_get(tx->db, span_of(c->id), &c->base.arena, &row, e));
        TRY(session_act_write(tx->db, &row, &act, e));
        if (!act.len)
                return STATUS_OK;
        c->ret_act = arena_span(&c->base.arena, buf_view(&act));
        return c->ret_act.p ? STATUS_OK : error_no_memory(e);
}

static enum status session_create_run(struct ledger_tx *tx, struct domain_command *base,
                                      struct error *e)
{
        struct session_create *c = (struct session_create *)base;
        struct bounds b = {.until = INT64_MAX};
        int64_t longest = kinds[c->kind].longest_ms ? kinds[c->kind].longest_ms
                                                    : base->settings->config->oauth.life_ms;
        domain_target_new(base, "session", span_of(c->id));
        TRY(redeem(tx, c, e));
        TRY(kinds[c->kind].check(tx, c, &b, e));
        TRY(hang_from_caller(tx, c, &b, e));
        snprintf(c->ret_user_id, sizeof c->ret_user_id, "%.*s", (int)b.user_id.len,
                 b.user_id.p ? b.user_id.p : "");
        if (kinds[c->kind].is_for_another) /* the record names both */
                snprintf(base->caller.on_behalf_of, sizeof base->caller.on_behalf_of, "%s",
                         c->ret_user_id);
        snprintf(base->caller.chosen_by, sizeof base->caller.chosen_by, "%.*s",
                 (int)c->chosen_by.len, c->chosen_by.p ? c->chosen_by.p : "");
        c->ret_created_at = tx->now_ms;
        c->ret_expires_at = earlier(
                b.until, tx->now_ms + (c->life_ms > 0 ? earlier(c->life_ms, longest) : longest));
        TRY(insert(tx, c, &b, c->is_jwt ? c->token_key : 0, e));
        return note_act(tx, c, e);
}

static void session_create_fini(struct domain_command *base)
{
        struct session_create *c = (struct session_create *)base;
        wipe(c->token, sizeof c->token);
}

enum status session_create_new(struct domain *d, struct settings *s, struct session_create **ret,
                               struct error *e)
{
        struct session_create *c;
        struct settings *current = s ? settings_ref(s) : domain_settings(d);
        enum status status = domain_command_new(d, current, sizeof *c, ARENA_BYTES_MAX, &c, e);
        settings_unref(current);
        TRY(status);
        c->base.run = session_create_run;
        c->base.fini = session_create_fini;
        c->base.audit.action = "session.create";
        c->base.base.rows = 4;
        id_hex24(c->id);
        token_make(SESSION_PREFIX, c->token);
        (void)secrets_pkey(domain_secrets(d), SECRET_TOKEN, 0, &c->token_key);
        status = secrets_hash(domain_secrets(d), span_of(c->token), 0, c->hash, &c->pepper, e);
        if (status != STATUS_OK) {
                domain_command_free(&c->base);
                return status;
        }
        *ret = c;
        return STATUS_OK;
}

/* ---- the token ---- */

/* RFC 9068 2.2. The audience is this server: it guards its own resources. */
static void write_claims(const struct session_create *c, struct buf *out)
{
        struct span issuer = span_of(c->base.settings->config->issuer);
        struct span user = c->ret_user_id[0] ? span_of(c->ret_user_id) : c->client_id;
        json_obj_open(out);
        json_member_text(out, "iss", issuer);
        json_member_text(out, "aud", issuer);
        json_member_text(out, "sub", user);
        if (c->client_id.p)
                json_member_text(out, "client_id", c->client_id);
        json_member_int(out, "iat", c->ret_created_at / 1000);
        json_member_int(out, "exp", c->ret_expires_at / 1000);
        json_member_text(out, "jti", span_of(c->id));
        if (c->scope.p)
                json_member_text(out, "scope", c->scope);
        if (c->ret_act.p)
                json_member_raw(out, "act", c->ret_act);
        json_obj_close(out);
}

enum status session_token_write(const struct session_create *c, struct buf *out, struct error *e)
{
        const struct secrets *ring = domain_secrets(c->base.domain);
        struct buf CLEANUP(buf_fini) claims;
        char kid[JWK_THUMBPRINT_SIZE];
        buf_init(&claims, JWT_SIZE_MAX);
        if (!c->is_jwt) {
                buf_text(out, c->token);
                return buf_check(out, e);
        }
        const struct pkey *pkey = secrets_pkey(ring, SECRET_TOKEN, c->token_key, NULL);
        struct jwt_key key = {.algorithm = JWT_EDDSA, .pkey = pkey, .kid = kid};
        TRY(jwk_thumbprint(pkey, kid, e));
        write_claims(c, &claims);
        TRY(buf_check(&claims, e));
        return jwt_sign(&key, "at+jwt", buf_view(&claims), out, e);
}
