/*
 * domain_apps: third-party apps, their keys, scopes and agreements
 * (facts/linked_services.md sections 2 to 6 and its last table).
 */
#ifndef CHATELAINE_DOMAIN_APPS_H
#define CHATELAINE_DOMAIN_APPS_H

#include <chatelaine/domain.h>

enum app_algorithm {
        APP_HMAC_SHA256,
        APP_HMAC_SHA512,
        APP_ED25519,
        APP_ALGORITHM_UNSAID /* HMAC_SHA512; STANDARD: HMAC_SHA256; a public key brought: ED25519 */
};
enum app_strategy { APP_JWT, APP_SIGNATURE, APP_STANDARD };
const char *app_algorithm_name(enum app_algorithm a); /* "HMAC_SHA256" */
const char *app_strategy_name(enum app_strategy s);   /* "JWT" */
enum status app_algorithm_read(struct span text, enum app_algorithm *ret,
                               struct error *e) MUST_CHECK; /* INVALID "unknown-algorithm" */
enum status app_strategy_read(struct span text, enum app_strategy *ret, struct error *e) MUST_CHECK;

/* One key of an app, sealed secret or public key. */
struct app_key {
        enum app_algorithm algorithm;
        struct span sealed;
        struct span public_pem;
};
struct app_row {
        int64_t id, version, created_at, updated_at, old_ends_at, agreement_version;
        struct span slug, name;
        enum app_strategy strategy;
        bool require_agreement, replay_guard, has_old;
        struct app_key key, old; /* old counts while now < old_ends_at */
};
enum status app_find(struct store_conn *db, struct span slug, struct arena *a, struct app_row *ret,
                     struct error *e) MUST_CHECK; /* NOT_FOUND "app-not-found" */
/* The raw HMAC secret, sealed under the app's slug (the row's id is not known before it is there);
 * wipe it. */
enum status app_open_secret(const struct secrets *s, struct span slug, const struct app_key *k,
                            struct buf *out, struct error *e) MUST_CHECK;
/* Never a secret: {slug, name, algorithm, strategy, require_agreement, scopes, optional_scopes,
 * grace_ends_at?, created_at, updated_at} */
enum status app_write(struct store_conn *db, const struct app_row *app, struct buf *out,
                      struct error *e) MUST_CHECK;
enum status app_list(struct store_conn *db, const struct page *p, struct buf *out,
                     struct error *e) MUST_CHECK;

bool scope_is_valid(struct span slug); /* ^[a-z_:]+$, at most one ':', no "__", 1..15 characters;
                                          any such slug is a scope */
/*
 * Has the app what a view needs? Apps that need no agreement: always. Link with a user: required
 * scopes and those that the user agreed to; without: required scopes; Signature: required and
 * optional. DENIED "agreement-not-accepted" (http 400), "forbidden-scope" (401).
 */
enum app_scope_mode { APP_SCOPE_LINK, APP_SCOPE_SIGNATURE };
struct app_scopes {
        struct span *list;
        size_t n;
        bool is_all;
};
enum status app_scopes_of(struct store_conn *db, const struct app_row *app,
                          enum app_scope_mode mode, bool has_user, int64_t user_number,
                          struct arena *a, struct app_scopes *ret, struct error *e) MUST_CHECK;
bool app_scopes_have(const struct app_scopes *s, const char *scope);
/* "webhook" covers every type; "webhook:invoice" types that begin with "invoice.". */
bool app_scopes_cover_type(const struct app_scopes *s, struct span type);
bool app_scopes_have_webhook(const struct app_scopes *s); /* "webhook" or any "webhook:..." */

struct app_create {
        struct domain_command base;
        /* name absent: the slug. Defaults from app_create_new: algorithm UNSAID, strategy JWT,
         * agreement and replay guard on. */
        struct span slug, name;
        enum app_algorithm algorithm;
        enum app_strategy strategy;
        bool require_agreement, replay_guard;
        struct span *scopes, *optional_scopes;
        size_t n_scopes, n_optional_scopes;
        struct span key_text;   /* brought: hex, "whsec_...", PEM public key; absent: made */
        struct buf secret_text; /* result: what the sender keeps, shown once ("" when only a public
                                   key was brought); wiped with the command */
};
enum status app_create_new(struct domain *d, struct settings *s, struct app_create **ret,
                           struct error *e)
        MUST_CHECK; /* run: CONFLICT "app-exists", INVALID ... */
struct app_change {
        struct domain_command base;
        struct span slug;
        struct span name;
        int require_agreement, replay_guard; /* -1 = leave */
        enum app_strategy strategy;
        bool has_strategy;
        struct span *scopes, *optional_scopes;
        size_t n_scopes, n_optional_scopes;
        bool has_scopes, has_optional_scopes;
};
enum status app_change_new(struct domain *d, struct settings *s, struct app_change **ret,
                           struct error *e) MUST_CHECK;
struct app_rotate {
        struct domain_command base;
        struct span slug;
        int64_t grace_ms; /* -1: keys.grace; at most 7 days */
        struct span key_text;
        bool has_algorithm;
        enum app_algorithm algorithm;
        struct buf secret_text;
        int64_t old_ends_at;
};
enum status app_rotate_new(struct domain *d, struct settings *s, struct app_rotate **ret,
                           struct error *e)
        MUST_CHECK; /* a second rotation inside the grace replaces the older one */
struct app_delete {
        struct domain_command base;
        struct span slug;
};
enum status app_delete_new(struct domain *d, struct settings *s, struct app_delete **ret,
                           struct error *e) MUST_CHECK;
struct agreement_change {
        struct domain_command base;
        struct span slug;
        int64_t user_number;
        struct span *optional_scopes;
        size_t n;
        bool is_delete;
};
enum status agreement_change_new(struct domain *d, struct settings *s,
                                 struct agreement_change **ret, struct error *e) MUST_CHECK;
enum status agreement_list(struct store_conn *db, struct span slug, const struct page *p,
                           struct buf *out,
                           struct error *e) MUST_CHECK; /* {user_id, optional_scopes, agreed_at} */
/* GET /app/user: the users that the app may see, a JSON array; with a user (the token's sub) that
 * one alone. */
enum status app_users(struct store_conn *db, const struct app_row *app, bool has_user,
                      int64_t user_number, struct buf *out, struct error *e) MUST_CHECK;
/* GET /app/user/{number}: one of them, an object. DENIED "user-with-no-access" (403): not the
 * token's; NOT_FOUND "user-not-found". */
enum status app_user(struct store_conn *db, const struct app_row *app, bool has_user,
                     int64_t user_number, int64_t number, struct buf *out,
                     struct error *e) MUST_CHECK;

/* The scheduler's: drop old keys whose grace is over; INT64_MAX when none is due. */
enum status apps_next_due(struct store_conn *db, int64_t *ret_ms, struct error *e) MUST_CHECK;
enum status apps_end_grace_in(struct ledger_tx *tx, int64_t *ret_n, struct error *e) MUST_CHECK;
/* Delete replay digests and webhook ids that are over. */
enum status replays_purge_in(struct ledger_tx *tx, unsigned limit, int64_t *ret_n, bool *ret_more,
                             struct error *e) MUST_CHECK;

#endif
