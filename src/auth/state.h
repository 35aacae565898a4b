/*
 * state: what the schemes of this room share.
 *
 *   struct auth        one a process; each table below has its own lock
 *   struct auth_loop   one a loop: no lock
 */
#ifndef CHATELAINE_AUTH_STATE_H
#define CHATELAINE_AUTH_STATE_H

#include <chatelaine/auth.h>

struct app_keys;     /* app_keys.c: keyed HMACs of apps */
struct verified;     /* verified.c: clients' tokens and keys whose cryptography has held */
struct client_rows;  /* client_rows.c: access keys' rows that are still so */
struct client_rates; /* client_rate.c: how much clients with a rate limit have sent */
struct rates;        /* rate.c: the apps' token buckets */
struct failures;     /* failures.c: wrong passwords by user and by address */
struct remembered;   /* remembered.c: right passwords of the last minute */

struct auth {
        struct domain *domain;
        struct pool *pool;
        struct rates *rates;
        struct failures *failures;
        struct remembered *remembered;
        struct client_rates *client_rates;
};

struct auth_loop {
        struct auth *auth;
        struct store_conn *db;
        struct app_keys *app_keys;
        struct verified *verified;
        struct client_rows *client_rows;
        bool has_snapshot;
        uint64_t generation; /* of before the snapshot */
};

/* auth.c: what is read until the end is of one moment. Where the database cannot begin, each query
 * is of its own. */
void auth_snapshot_begin(struct auth_loop *l);
void auth_snapshot_end(struct auth_loop *l);
/* auth.c: the domain_generation that rows may be kept under which are read now: it is no younger
 * than they are. */
uint64_t auth_generation(const struct auth_loop *l);

/* basic.c: `credentials` is what follows "Basic ". Calls `then` once, now or later on this loop. */
void basic_check(struct auth_loop *l, const struct request_view *req, struct span credentials,
                 auth_then then);

/* `then` with the principal of a check that was good, else with its error: what a good one has
 * written into `e` on its way counts for nothing. */
void auth_tell(auth_then then, void *http, enum status s, struct principal *p,
               const struct error *e);

/* trusted.c: *ret_is_theirs false: of no issuer in the settings, and nothing is written. */
enum status trusted_check(struct auth_loop *l, const struct request_view *req, struct span token,
                          bool *ret_is_theirs, struct principal *ret, struct error *e) MUST_CHECK;
/* access_key.c: a service client's access key, whole. 401 "invalid-credentials". */
enum status access_key_check(struct auth_loop *l, struct span text, struct arena *a,
                             struct principal *p, struct error *e) MUST_CHECK;
/* access_key.c: whoever was found to have signed, if client and key live and the key is still
 * that one. */
struct verified_entry;
enum status access_key_enter(struct auth_loop *l, const struct verified_entry *v, struct arena *a,
                             struct principal *p, struct error *e) MUST_CHECK;
/* client_token.c: a token that a service client signed itself. OK with *ret_is_clients false:
 * it does not say so, and nothing was judged. 401 "invalid-credentials". */
enum status client_token_check(struct auth_loop *l, struct span token, struct arena *a,
                               struct principal *p, bool *ret_is_clients,
                               struct error *e) MUST_CHECK;

/* 401 "invalid-credentials", one text for all causes. */
enum status refuse_credentials(struct error *e);
/* 400 "ambiguous-credentials". */
enum status refuse_ambiguous(struct error *e);

#endif
