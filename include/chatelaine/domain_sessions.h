/*
 * domain_sessions: one notion for every bearer token that is issued here.
 *
 *     password ───▶ session                        Contract.fit's log-in
 *     key ────────▶ session                        share links, POST /auth/ephemeral
 *     user, key ──▶ session on behalf of a user    POST /auth/token
 *     client ─────▶ session                        client_credentials, AIRisk's generic token
 *     client ─────▶ session as a user              impersonation
 *     session ────▶ session                        token exchange (RFC 8693)
 *
 * A token is `cts_` + 30 base62 + 6 of CRC-32, found by its keyed hash, or a JWT (RFC 9068)
 * whose `jti` is the session's id: a signed token is looked up like any other.
 *
 * Valid is decided at the moment of use, from the rows and the clock: not ended, not expired,
 * the user active, the password unchanged since (password sessions), the key valid, the client
 * there and the access key valid that it came with, the parent valid, the right to impersonate
 * still held.
 *
 * What it may: the rights of what it was made from, then cut, each cut by what is held at that
 * moment:
 *
 *     password        the user's
 *     key             the key's principal
 *     behalf          the user's, cut to the session's statements
 *     client          the client's
 *     impersonation   the user's, cut to the client's
 *     exchange        the parent's, cut to the client's
 *     any, is_scoped  cut to the statements of sessions/ID besides
 *
 * Its principal is CALLER_SESSION: caller.id the session's id, user_id whose rights, origin who
 * acts ("clients/ID", "keys/ID", "users/ID"), on_behalf_of the user when that is another than
 * who acts. The audit names origin as actor, the session, and who chose the user for a client
 * (chosen_by) where somebody did.
 */
#ifndef CHATELAINE_DOMAIN_SESSIONS_H
#define CHATELAINE_DOMAIN_SESSIONS_H

#include <chatelaine/codec_key.h>
#include <chatelaine/domain_grants.h>

enum session_kind {
        SESSION_PASSWORD,
        SESSION_KEY,
        SESSION_BEHALF,
        SESSION_CLIENT,
        SESSION_IMPERSONATION,
        SESSION_EXCHANGE,
        SESSION_KINDS
};
const char *session_kind_name(enum session_kind k);

#define SESSION_PREFIX "cts_"
#define SESSION_KEY_LIFE_MS                                                   \
        (15 * 60 * INT64_C(1000)) /* at most, and never past the key's expiry \
                                   */
#define SESSION_PASSWORD_LIFE_MS (8 * 3600 * INT64_C(1000))
#define SESSION_DEPTH_MAX 4 /* exchanges of exchanges */

/* Why a session ended. */
#define SESSION_REASON_REVOKED "revoked" /* on demand */
#define SESSION_REASON_LOGOUT "logout"
#define SESSION_REASON_REPLAYED "code-replayed" /* the code that opened it came again */
#define SESSION_REASON_KEY_ENDED "key-ended"
#define SESSION_REASON_USER_ENDED "user-ended" /* deleted or deactivated */
#define SESSION_REASON_CLIENT_ENDED "client-ended"
#define SESSION_REASON_PASSWORD_CHANGED "password-changed"
#define SESSION_REASON_PARENT_ENDED "parent-ended"

struct session_row {
        /* absent = none */
        struct span id, user_id, key_id, client_id, parent_id, origin, scope, reason, chosen_by,
                access_key_id; /* of keys: what the client came with */
        uint32_t token_key;    /* token.N that signed it; 0 = opaque */
        enum session_kind kind;
        bool is_scoped;
        int64_t created_at, expires_at, ended_at; /* ended_at 0 = not yet */
        int64_t password_at;                      /* 0 = does not depend on the password */
};

/* By the token, opaque or signed: malformed, forged or unknown is NOT_FOUND without telling which.
 * Not yet judged: session_principal does. */
enum status session_find(struct domain *d, struct store_conn *db, struct span token,
                         struct arena *a, struct session_row *ret, struct error *e) MUST_CHECK;
enum status session_get(struct store_conn *db, struct span id, struct arena *a,
                        struct session_row *ret,
                        struct error *e) MUST_CHECK; /* NOT_FOUND "session-not-found" */
/* The session as a principal; DENIED (401) "invalid-credentials" when it is not valid at now_ms. */
enum status session_principal(struct store_conn *db, const struct session_row *s, int64_t now_ms,
                              struct arena *a, struct principal *ret, struct error *e) MUST_CHECK;

/* ---- commands ---- */
struct session_create {
        struct domain_command base; /* caller: who acts */
        enum session_kind kind;
        struct span user;      /* id or name: PASSWORD, BEHALF, IMPERSONATION */
        struct span key_id;    /* KEY; its user is the session's */
        struct span client_id; /* CLIENT, IMPERSONATION, EXCHANGE */
        struct span parent_id; /* EXCHANGE: the session of the subject token; or key_id: a key as
                                  subject token */
        struct grant *grants;
        size_t n_grants;
        bool is_scoped;    /* is_scoped: cut to these (none: to nothing) */
        struct span scope; /* as text, shown by introspection; may be absent */
        int64_t life_ms; /* asked for; 0 = by kind: password 8 h, key 15 min, others oauth.life. Cut
                            to the key's, the parent's and the kind's own bound */
        struct span chosen_by; /* IMPERSONATION: the caller_name of who chose `user` for the client
                                  at a page; ends with them. Absent = nobody */
        bool is_jwt;           /* the token is signed (session_token_write), not opaque */
        struct span code_id;
        int64_t code_ends_at; /* the authorization code that this redeems, in the same transaction;
                                 CONFLICT "code-used" */
        /* filled by session_create_new */
        char id[ID_HEX24_SIZE], token[KEY_SIZE];
        uint8_t hash[32];
        uint32_t pepper, token_key;
        /* result */
        struct span ret_act; /* JSON of the claim `act` (RFC 8693 4.1); absent = nobody acts for
                                another */
        char ret_user_id[ID_HEX24_SIZE]; /* "" = none */
        int64_t ret_created_at, ret_expires_at;
};
/*
 * Who calls has been authorised by the facade; run looks again at all that may have ended: 401
 * "credential-ended"; NOT_FOUND "user-not-found", "role-not-found"; CONFLICT "user-inactive",
 * "code-used"; 401 "invalid-credentials" for a key, client or parent that is no longer valid;
 * INVALID "too-many-exchanges".
 */
enum status session_create_new(struct domain *d, struct settings *s, struct session_create **ret,
                               struct error *e) MUST_CHECK;
/* The token's text to hand out after the commit: opaque, or signed when c->is_jwt. Use
 * buf_fini_secret. */
enum status session_token_write(const struct session_create *c, struct buf *out,
                                struct error *e) MUST_CHECK;

/* Append the claim `act` of a session: who acts, and before that who acted for it; nothing when
 * nobody acts for another. */
enum status session_act_write(struct store_conn *db, const struct session_row *s, struct buf *out,
                              struct error *e) MUST_CHECK;
/* Public keys of tokens, as a JWK Set: the newest, and each whose tokens may still be live. */
enum status session_jwks_write(struct domain *d, struct store_conn *db, int64_t now_ms,
                               struct buf *out, struct error *e) MUST_CHECK;

/* Ends it and what was derived from it. Unknown or ended already: OK, ended 0. */
struct session_end {
        struct domain_command base;
        struct span id;
        const char *reason;
        int64_t ended;
};
enum status session_end_new(struct domain *d, struct settings *s, struct session_end **ret,
                            struct error *e) MUST_CHECK;

/* An authorization code that may not be used any more, though it was not redeemed. */
struct code_burn {
        struct domain_command base;
        struct span code_id;
        int64_t code_ends_at;
};
enum status code_burn_new(struct domain *d, struct settings *s, struct code_burn **ret,
                          struct error *e) MUST_CHECK;

/* ---- inside a transaction: what other nouns set off ---- */
/* One of them. */
struct session_selector {
        struct span id, user, key, client;
        bool is_password_only; /* of user: those that depend on the password or came by it */
};
/* Ends the live ones that match, and the whole tree below; one audit event "session.end" with the
 * count when there were any. *ret_ended may be NULL. */
enum status sessions_end_in(struct ledger_tx *tx, const struct session_selector *sel,
                            const char *reason, const char *traceparent, int64_t *ret_ended,
                            struct error *e) MUST_CHECK;
/* Rows that expired or ended before then, and codes that are over. At most `limit`; *ret_more tells
 * that more are. */
enum status sessions_purge_in(struct ledger_tx *tx, int64_t before_ms, unsigned limit,
                              int64_t *ret_n, bool *ret_more, struct error *e) MUST_CHECK;

#endif
