/*
 * auth: a request's credentials to a principal. One file a scheme.
 *
 *     Authorization: Link App=..,Token=..          link.c        an app (JWT)
 *     Authorization: Signature App=..,Nonce=..     signature.c   an app (HMAC over Python's repr)
 *     webhook-id/-timestamp/-signature             standard.c    an app (Standard Webhooks)
 *     X-API-Key, Authorization: Bearer ctl_...     key.c         a key
 *     Authorization: Bearer cts_... or at+jwt      caller.c      a session
 *     Authorization: Bearer, a JWT of a trust      trusted.c     a user of another issuer
 *     Authorization: Bearer sc_....kid.acc-..key   access_key.c  a client, by its whole access key
 *     Authorization: Bearer JWT of a client's own  client_token.c a client, by a token it signed
 *     Authorization: Basic                         basic.c       a user; on the password pool
 *     Authorization: Basic sc_...                  caller.c      a client
 *     the unix socket                              unix.c        all permissions
 *
 * auth does not know http's room: a request comes as a struct request_view (http_view makes it).
 *
 * Credentials are checked once, on the request's loop; only Basic answers later (scrypt on the
 * pool). Two different schemes on one request are refused ("ambiguous-credentials", 400), but for
 * two Bearer fields of which one is an access key: that is judged, the other is not looked at.
 * A client over its rate limit is refused (429 "client-rate") whichever way it came.
 */
#ifndef CHATELAINE_AUTH_H
#define CHATELAINE_AUTH_H

#include <chatelaine/base_request.h>
#include <chatelaine/domain_apps.h>
#include <chatelaine/domain_grants.h>

struct auth; /* one a process: password pool, remembered successes, failures by user and address,
                apps' rates */
enum status auth_new(struct domain *d, struct auth **ret, struct error *e) MUST_CHECK;
/* Ends the pool's work: every answer of it is on its way to a loop then, later work is refused
 * (503). Before the ledger stops and http_free. */
void auth_stop(struct auth *a);
void auth_free(struct auth *a);

/* The loop's state: its read connection, keyed HMACs of apps by (app, version). http_loop_state
 * points to one. */
struct auth_loop;
enum status auth_loop_new(struct auth *a, struct store_conn *db, struct auth_loop **ret,
                          struct error *e) MUST_CHECK;
void auth_loop_free(struct auth_loop *l);
/* Requests that are there together share what was read while nothing changes: this ends it, before
 * the loop waits. */
void auth_loop_rest(struct auth_loop *l);
struct store_conn *auth_loop_db(struct auth_loop *l);
struct auth *auth_loop_auth(struct auth_loop *l);
struct domain *auth_loop_domain(struct auth_loop *l);

/*
 * Who calls (not an app): key, Basic, unix socket. `then` is called once, on the loop: at once, or
 * after the pool's answer. With e->status OK, p is filled; else the error to answer (401
 * "no-credentials", "invalid-credentials", 429, 503). p and what it points to live in the request's
 * arena.
 */
typedef void (*auth_then)(void *http, struct principal *p, const struct error *e);
void auth_caller(struct auth *a, struct auth_loop *l, const struct request_view *req,
                 auth_then then);
/* The same for a name and password that came otherwise (a log-in's body): failures counted,
 * successes remembered; answers later. Both are copied. */
void auth_password(struct auth *a, struct auth_loop *l, const struct request_view *req,
                   struct span name, struct span password, auth_then then);
/* The same for a token or key text that came otherwise (a query, a body): ctl_..., cts_..., at+jwt.
 * At once; 401 "invalid-credentials". */
enum status auth_token(struct auth_loop *l, const struct request_view *req, struct span token,
                       struct principal *ret, struct error *e) MUST_CHECK;
/* A client that gives its id and secret: the client_secret, or a whole access key of its own. 401
 * "invalid-client"; LIMIT (429) "client-rate". */
enum status auth_client(struct auth_loop *l, const struct request_view *req, struct span id,
                        struct span secret, struct principal *ret, struct error *e) MUST_CHECK;
/* An API key or other secret text given in a body (POST /v1/keys/verify): no failure counting. See
 * domain_keys key_find. */

/* An app that has proven itself. The row, scopes and spans live in the request's arena. */
struct auth_app {
        struct app_row app;
        enum app_scope_mode mode;
        struct app_scopes scopes;
        /* Link: sub; none for "" and 0 */
        bool has_user;
        int64_t user_number;
        /* Signature, unless the app's replay guard is off */
        bool has_replay_digest;
        uint8_t replay_digest[16];
        int64_t replay_ends_at;
        /* Standard Webhooks */
        struct span webhook_id;
        int64_t webhook_id_ends_at;
};
/*
 * By Link or Signature. `scope`: what the view needs ("webhook" is met by any webhook:...).
 * *ret_who is written in any case: the app as soon as its credential holds, also where it is
 * refused behind that (for the record); nobody before.
 *
 * DENIED, checked in this order, 401 where nothing else is said (linked-services' own):
 *
 *     Link                                      Signature
 *     no-authorization-header                   the same
 *     unknown-auth-schema                       the same
 *     authorization-header-malformed            the same; also two headers
 *     authorization-header-bad-schema           the same
 *     app-not-found                             the same
 *                                               forbidden-scope
 *     authorization-header-forbidden-strategy   forbidden-strategy
 *     wrong-app-token, wrong-legacy-app-token   algorithm-not-implemented
 *     agreement-not-accepted (400)              wrong-app-token, wrong-legacy-app-token
 *     forbidden-scope                           bad-timestamp
 *     expired (no exp)
 *
 * INVALID (400): "ambiguous-credentials" (an API key beside it); of a Signature "invalid-json",
 * "too-deep", "too-many-parameters", "too-many-headers"; LIMIT (413) "too-many-items" of NDJSON.
 * INTERNAL "app-key-unreadable".
 */
enum status auth_app(struct auth *a, struct auth_loop *l, const struct request_view *req,
                     const char *scope, struct auth_app *ret, struct caller *ret_who,
                     struct error *e) MUST_CHECK;
/*
 * Standard Webhooks for the app `slug`: one of the v1 signatures (HMAC-SHA-256; v1a for an app of
 * ED25519) holds for the raw bytes, 300 s window. DENIED (401) "webhook-headers-missing",
 * "app-not-found", "forbidden-strategy", "bad-timestamp", "wrong-signature", "forbidden-scope";
 * INVALID (400) "ambiguous-credentials"; INTERNAL "app-key-unreadable". *ret_who as above.
 */
enum status auth_standard(struct auth *a, struct auth_loop *l, const struct request_view *req,
                          struct span slug, struct auth_app *ret, struct caller *ret_who,
                          struct error *e) MUST_CHECK;
/* An error of auth_app as it belongs on record (refusal_note): an expired token is answered
 * "wrong-app-token" and recorded as "expired". */
void auth_on_record(const struct error *e, struct error *ret);
/* The app's rates: LIMIT (429) "app-rate" with retry_after. */
enum status auth_app_rate(struct auth *a, const struct auth_app *app, size_t items,
                          struct error *e) MUST_CHECK;
/* Slow work of others (password hashing before a command, list queries that no index serves) runs
 * on the same pool; its threads' state is a read connection. */
struct pool *auth_pool(struct auth *a);
struct store_conn *auth_pool_db(void *thread_state);
/* A password was changed or a user deactivated: forget remembered successes. */
void auth_forget_user(struct auth *a, struct span user_id);

#endif
