/*
 * domain_clients: service clients. AIRisk's APIUser, Authress's client and an OAuth client are
 * one thing: an id (`sc_` and 20 lower-case letters and digits), a secret that is shown once and
 * kept as a keyed hash, where it may redirect to, and its rights (statements of clients/ID).
 *
 * A client that is deleted takes along, in the same transaction, its sessions, what was derived
 * from them, and the keys that it minted. A new secret replaces the old one at once; sessions that
 * the old one opened end.
 */
#ifndef CHATELAINE_DOMAIN_CLIENTS_H
#define CHATELAINE_DOMAIN_CLIENTS_H

#include <chatelaine/codec_key.h>
#include <chatelaine/domain_grants.h>

#define CLIENT_ID_SIZE 24 /* "sc_", 20 characters, NUL */
#define CLIENT_PREFIX "sc_"
#define CLIENT_SECRET_PREFIX "ccs_"
#define CLIENT_REDIRECTS_MAX 20

struct client_row {
        struct span id, name, created_by;
        int64_t created_at, updated_at;
};
bool client_id_is(struct span text); /* of the form that client_id has; says nothing of whether
                                        there is one */
enum status client_get(struct store_conn *db, struct span id, struct arena *a,
                       struct client_row *ret,
                       struct error *e) MUST_CHECK; /* NOT_FOUND "client-not-found" */
/* DENIED (401) "invalid-client": unknown, or the secret is wrong; constant time. */
enum status client_check_secret(struct domain *d, struct store_conn *db, struct span id,
                                struct span secret, struct arena *a, struct client_row *ret,
                                struct error *e) MUST_CHECK;
/* Is `uri` registered, byte for byte (RFC 6749 3.1.2.3)? */
enum status client_may_redirect(struct store_conn *db, struct span id, struct span uri, bool *ret,
                                struct error *e) MUST_CHECK;
/* As CALLER_CLIENT with its rights. */
enum status client_principal(struct store_conn *db, const struct client_row *c, struct arena *a,
                             struct principal *ret, struct error *e) MUST_CHECK;
/*
 * May this client act as that user? `impersonate` on users/ID; a user who holds impersonate,
 * keys:*, users:* or Owner only when a statement of the client names users/ID exactly. DENIED
 * "forbidden", NOT_FOUND "user-not-found" (inactive too).
 */
enum status client_may_impersonate(struct store_conn *db, const struct principal *client,
                                   struct span user_id, struct error *e) MUST_CHECK;

/*
 * The active users that `p` may act as (a client, or its session) or may read (users:read), and who
 * it acts as: in the order of their numbers. false from `row` ends early. Each user's rights are
 * looked at: for the pool.
 */
enum status client_each_user(struct store_conn *db, const struct principal *p,
                             bool (*row)(void *ctx, const char *id, struct span name), void *ctx,
                             struct error *e) MUST_CHECK;

/* {client_id, name, redirect_uris, grants, created_by, created_at, updated_at}: never the secret.
 */
enum status client_write(struct store_conn *db, const struct client_row *c, struct buf *out,
                         struct error *e) MUST_CHECK;
/* Its members without the braces. */
enum status client_write_members(struct store_conn *db, const struct client_row *c, struct buf *out,
                                 struct error *e) MUST_CHECK;
/* {"items":[...],"next_cursor":...}; `visible` (NULL = all): clients:read on clients/ID row by row.
 */
enum status client_list(struct store_conn *db, const struct page *p,
                        const struct principal *visible, struct buf *out,
                        struct error *e) MUST_CHECK;

/* ---- commands ---- */
struct client_create {
        struct domain_command base;
        struct span name;
        struct span *redirect_uris;
        size_t n_redirect_uris;
        struct grant *grants;
        size_t n_grants;
        /* filled before submit */
        char id[CLIENT_ID_SIZE], secret[KEY_SIZE];
        uint8_t hash[32];
        uint32_t pepper;
};
/* run: INVALID "invalid-name", "invalid-redirect-uri", "too-many-redirect-uris"; NOT_FOUND
 * "role-not-found". */
enum status client_create_new(struct domain *d, struct settings *s, struct client_create **ret,
                              struct error *e) MUST_CHECK;

struct client_key {
        struct domain_command base;
        struct span id;
        char secret[KEY_SIZE];
        uint8_t hash[32];
        uint32_t pepper;
};
enum status client_key_new(struct domain *d, struct settings *s, struct client_key **ret,
                           struct error *e) MUST_CHECK; /* run: NOT_FOUND */

struct client_delete {
        struct domain_command base;
        struct span id;
        int64_t revoked;
};
enum status client_delete_new(struct domain *d, struct settings *s, struct client_delete **ret,
                              struct error *e) MUST_CHECK; /* run: NOT_FOUND */

#endif
