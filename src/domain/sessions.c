/* Sessions as rows: found by what a caller brings. */
#include "domain/sessions.h"

#include <chatelaine/codec_jwt.h>

#define SESSION_COLUMNS                                                                \
        "id, user_id, key_id, client_id, parent_id, origin, scope, reason, chosen_by," \
        " access_key_id, kind, is_scoped, created_at, expires_at, ended_at, password_at, token_key"

static const char *const kind_names[SESSION_KINDS] = {
        [SESSION_PASSWORD] = "password",
        [SESSION_KEY] = "key",
        [SESSION_BEHALF] = "behalf",
        [SESSION_CLIENT] = "client",
        [SESSION_IMPERSONATION] = "impersonation",
        [SESSION_EXCHANGE] = "exchange",
};

const char *session_kind_name(enum session_kind k)
{
        return kind_names[k];
}

enum status session_refused(struct error *e)
{
        return error_set_http(e, STATUS_DENIED, 401, "invalid-credentials", NULL,
                              "the credentials are unknown, wrong, or no longer valid");
}

static enum status not_found(struct error *e)
{
        return error_set(e, STATUS_NOT_FOUND, "session-not-found", NULL,
                         "There is no such session.");
}

static enum status read_row(struct store_stmt *st, struct arena *a, struct session_row *ret)
{
        struct session_row s = {
                .kind = (enum session_kind)store_int(st, 10),
                .is_scoped = store_int(st, 11) != 0,
                .created_at = store_int(st, 12),
                .expires_at = store_int(st, 13),
                .ended_at = store_int(st, 14),
                .password_at = store_int(st, 15),
                .token_key = (uint32_t)store_int(st, 16),
        };
        struct span *const texts[] = {&s.id,        &s.user_id,      &s.key_id, &s.client_id,
                                      &s.parent_id, &s.origin,       &s.scope,  &s.reason,
                                      &s.chosen_by, &s.access_key_id};
        for (int i = 0; i < (int)(sizeof texts / sizeof *texts); i++) {
                struct span text = store_text(st, i);
                *texts[i] = arena_span(a, text);
                if (text.p && !texts[i]->p)
                        return STATUS_NO_MEMORY;
        }
        *ret = s;
        return STATUS_OK;
}

/* Ends the query `st`. */
static enum status one_row(struct store_stmt *st, struct arena *a, struct session_row *ret,
                           struct error *e)
{
        struct session_row row;
        enum status s = store_next(st) ? read_row(st, a, &row) : STATUS_NOT_FOUND;
        TRY(store_done(st, e));
        if (s == STATUS_NO_MEMORY)
                return error_no_memory(e);
        if (s == STATUS_NOT_FOUND)
                return not_found(e);
        *ret = row;
        return STATUS_OK;
}

enum status session_get(struct store_conn *db, struct span id, struct arena *a,
                        struct session_row *ret, struct error *e)
{
        struct store_stmt *st;
        TRY(store_query(db, "SELECT " SESSION_COLUMNS " FROM sessions WHERE id = $1", &st, e, "t",
                        id));
        return one_row(st, a, ret, e);
}

static enum status find_opaque(struct domain *d, struct store_conn *db, struct span token,
                               struct arena *a, struct session_row *ret, struct error *e)
{
        uint32_t versions[SECRET_VERSIONS_MAX];
        size_t n = secrets_versions(domain_secrets(d), SECRET_PEPPER, versions);
        for (size_t i = 0; i < n; i++) {
                uint8_t hash[32];
                struct store_stmt *st;
                TRY(secrets_hash(domain_secrets(d), token, versions[i], hash, NULL, e));
                TRY(store_query(db,
                                "SELECT " SESSION_COLUMNS
                                " FROM sessions WHERE hash = $1 AND pepper = $2",
                                &st, e, "bi", span_make(hash, sizeof hash), (int64_t)versions[i]));
                enum status s = one_row(st, a, ret, e);
                /* A row that was signed for is found by its signature alone. */
                if (s == STATUS_OK && ret->token_key)
                        return not_found(e);
                if (s != STATUS_NOT_FOUND)
                        return s;
        }
        return not_found(e);
}

/* RFC 9068 4: typ first, so that no other token of ours is taken for an access token. */
static bool is_access_token(struct span token)
{
        struct json *CLEANUP(json_freep) header = NULL;
        if (jwt_peek_unverified(token, &header, NULL, NULL) != STATUS_OK)
                return false;
        struct span typ = json_get_text(header, "typ");
        return span_is_nocase(typ, "at+jwt") || span_is_nocase(typ, "application/at+jwt");
}

/* The keys of a ring, with their thumbprints as kid. */
struct token_keys {
        struct jwt_key keys[SECRET_VERSIONS_MAX];
        char kids[SECRET_VERSIONS_MAX][JWK_THUMBPRINT_SIZE];
        uint32_t versions[SECRET_VERSIONS_MAX];
        size_t n;
};

static enum status token_keys(struct domain *d, struct token_keys *k, struct error *e)
{
        k->n = secrets_versions(domain_secrets(d), SECRET_TOKEN, k->versions);
        for (size_t i = 0; i < k->n; i++) {
                const struct pkey *pkey =
                        secrets_pkey(domain_secrets(d), SECRET_TOKEN, k->versions[i], NULL);
                TRY(jwk_thumbprint(pkey, k->kids[i], e));
                k->keys[i] =
                        (struct jwt_key){.algorithm = JWT_EDDSA, .pkey = pkey, .kid = k->kids[i]};
        }
        return STATUS_OK;
}

static enum status find_signed(struct domain *d, struct store_conn *db, struct span token,
                               struct arena *a, struct session_row *ret, struct error *e)
{
        struct token_keys *keys = arena_alloc(a, sizeof *keys);
        struct json *CLEANUP(json_freep) claims = NULL;
        size_t which;
        if (!keys)
                return error_no_memory(e);
        if (!is_access_token(token))
                return not_found(e);
        TRY(token_keys(d, keys, e));
        enum status s = jwt_verify(token, keys->keys, keys->n, &claims, &which, e);
        if (s == STATUS_INVALID || s == STATUS_DENIED)
                return not_found(e);
        TRY(s);
        struct span id = json_get_text(claims, "jti");
        if (!id_is_hex24(id))
                return not_found(e);
        TRY(session_get(db, id, a, ret, e));
        return ret->token_key == keys->versions[which] ? STATUS_OK : not_found(e);
}

enum status session_find(struct domain *d, struct store_conn *db, struct span token,
                         struct arena *a, struct session_row *ret, struct error *e)
{
        if (span_starts(token, SESSION_PREFIX))
                return token_check(SESSION_PREFIX, token) ? find_opaque(d, db, token, a, ret, e)
                                                          : not_found(e);
        return find_signed(d, db, token, a, ret, e);
}

/* ---- the keys of tokens, published ---- */

/* Its tokens were given out and may be live. */
static enum status may_be_live(struct store_conn *db, uint32_t version, int64_t now_ms, bool *ret,
                               struct error *e)
{
        int64_t last = 0;
        TRY(store_int_of(db, "SELECT max(expires_at) FROM sessions WHERE token_key = $1", &last, e,
                         "i", (int64_t)version));
        *ret = last > now_ms;
        return STATUS_OK;
}

enum status session_jwks_write(struct domain *d, struct store_conn *db, int64_t now_ms,
                               struct buf *out, struct error *e)
{
        CLEANUP(arena_fini) struct arena a;
        arena_init(&a, 64 * 1024);
        struct token_keys *keys = arena_alloc(&a, sizeof *keys);
        if (!keys)
                return error_no_memory(e);
        TRY(token_keys(d, keys, e));
        json_obj_open(out);
        json_key(out, "keys");
        json_arr_open(out);
        for (size_t i = 0; i < keys->n; i++) { /* newest first */
                struct buf CLEANUP(buf_fini) jwk;
                bool is_shown = i == 0;
                buf_init(&jwk, 1024);
                if (!is_shown)
                        TRY(may_be_live(db, keys->versions[i], now_ms, &is_shown, e));
                if (!is_shown)
                        continue;
                TRY(jwk_write(keys->keys[i].pkey, keys->kids[i], &jwk, e));
                json_raw(out, buf_view(&jwk));
        }
        json_arr_close(out);
        json_obj_close(out);
        return buf_check(out, e);
}
