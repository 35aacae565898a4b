/*
 * domain_clients: service clients. AIRisk's APIUser, Authress's client and an OAuth client are
 * one thing: an id (`sc_` and 20 lower-case letters and digits), a secret that is shown once and
 * kept as a keyed hash, where it may redirect to, and its rights (statements of clients/ID).
 *
 * A client that is deleted takes along, in the same transaction, its access keys (see
 * domain_access_keys.h), its sessions, what was derived from them, and the keys that it minted. A
 * new secret replaces the old one at once; sessions that
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

/* What Authress calls a client's options: bits of client_row.options. */
enum client_option {
        CLIENT_ASKS_OF_USERS = 1, /* grantUserPermissionsAccess: may ask what any user may do */
        CLIENT_ACTS_AS_USERS = 2, /* grantTokenGeneration: as if it held impersonate on users */
        CLIENT_OPTIONS_ALL = 3,
};
#define CLIENT_QUOTA_MAX 1000000
#define CLIENT_TAGS_BYTES_MAX 16384

struct client_row {
        struct span id, name, created_by;
        unsigned options;
        struct span tags; /* a JSON object of texts; absent = none */
        /* requests in any window of that length; 0 = no limit */
        struct span rate_duration; /* as it was given; absent = none was */
        int64_t rate_quota, rate_window_ms;
        int64_t created_at, updated_at;
};
/* An ISO 8601 duration of Authress's list: PT5M, PT1H, P1D, P1M (30 days), PT0S (no window, no
 * limit). false: none of them. */
bool client_rate_window(struct span duration, int64_t *ret_ms);
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
/* As CALLER_CLIENT with its rights. The texts of `c` must live as long. */
enum status client_principal(struct store_conn *db, const struct client_row *c, struct arena *a,
                             struct principal *ret, struct error *e) MUST_CHECK;
/* What client_principal made, with all that it points to in `a`; false: there is no room. */
bool client_principal_copy(const struct principal *p, struct arena *a,
                           struct principal *ret) MUST_CHECK;

/* Does a client call, with this option? Not by a session that is narrowed. */
bool client_has_option(const struct principal *p, enum client_option option);

/* What is done to clients, and who may do it. */
enum client_act {
        CLIENT_CREATE,      /* clients:write; `create` on Authress:ServiceClients/ID */
        CLIENT_READ,        /* clients:read; `read` there */
        CLIENT_UPDATE,      /* clients:write; `update` there */
        CLIENT_DELETE,      /* clients:write; `delete` there */
        CLIENT_ACCESS_KEYS, /* clients:write; `update` on Authress:ServiceClients/ID/access-keys */
};
/*
 * May `p` do that? The native permission on clients/ID is as good as Authress's. For CLIENT_CREATE
 * `id` is the new one's, so that both a right on the collection and one on "*" beneath it count.
 * DENIED "forbidden"; what may not even be read is NOT_FOUND "client-not-found", as if it were not
 * there.
 */
enum status client_may(const struct principal *p, enum client_act act, struct span id,
                       struct error *e) MUST_CHECK;
/*
 * May `p` hold the client's credentials in its hands? Whoever gets an access key or a secret of a
 * client has all its rights, and can get those of the groups that it administers: each must be one
 * that `p` may give, and the options its own. The client itself may. DENIED "may-not-give".
 */
enum status client_may_hold(struct store_conn *db, const struct principal *p,
                            const struct client_row *c, struct error *e) MUST_CHECK;
/*
 * May `p` give a client these options? CLIENT_ASKS_OF_USERS: who has it, or may `read`
 * Authress:UserPermissions/ *; CLIENT_ACTS_AS_USERS: who has it, or holds impersonate on users.
 * DENIED "may-not-give".
 */
enum status client_may_give_options(const struct principal *p, unsigned options,
                                    struct error *e) MUST_CHECK;
/*
 * May this client act as that user? `impersonate` on users/ID, or CLIENT_ACTS_AS_USERS; a user who
 * holds impersonate, keys:*, users:* or Owner only when a statement of the client names users/ID
 * exactly. DENIED "forbidden", NOT_FOUND "user-not-found" (inactive too).
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

/* The next visible client behind `after` (an id, "" = the start; becomes its id), in the order of
 * their ids. Each row looked at costs one of *budget; with none left it finds nothing more. */
enum status client_next(struct store_conn *db, const struct principal *visible,
                        char after[CLIENT_ID_SIZE], unsigned *budget, struct arena *a,
                        struct client_row *ret, bool *ret_is_found, struct error *e) MUST_CHECK;

/* ---- commands ---- */
/* What Authress's API sets of a client: what has_ says, the rest stays as it is. */
struct client_profile {
        bool has_name, has_tags, has_rate;
        unsigned options, has_options; /* bits */
        struct span name;              /* up to 128 characters, may be empty */
        struct span tags;              /* a JSON object of texts; absent = none */
        struct span rate_duration;     /* absent = no limit */
        int64_t rate_quota;
};
struct client_create {
        struct domain_command base;
        struct span name; /* absent: profile's */
        struct client_profile profile;
        bool is_claim; /* the caller becomes its owner: Authress:Owner on
                          Authress:ServiceClients/ID */
        struct span *redirect_uris;
        size_t n_redirect_uris;
        struct grant *grants;
        size_t n_grants;
        /* filled before submit */
        char id[CLIENT_ID_SIZE], secret[KEY_SIZE];
        uint8_t hash[32];
        uint32_t pepper;
};
/* run: INVALID "invalid-name", "invalid-redirect-uri", "too-many-redirect-uris", "invalid-tags",
 * "invalid-rate-limit"; NOT_FOUND "role-not-found". */
enum status client_create_new(struct domain *d, struct settings *s, struct client_create **ret,
                              struct error *e) MUST_CHECK;

struct client_change {
        struct domain_command base;
        struct span id;
        struct client_profile profile;
};
/* run: NOT_FOUND; INVALID as above. */
enum status client_change_new(struct domain *d, struct settings *s, struct client_change **ret,
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
