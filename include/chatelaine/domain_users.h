/*
 * domain_users: people and their passwords.
 * Passwords are scrypt texts (codec_crypto password_hash), made on the pool
 * before a command is submitted: never on a loop, never in a transaction.
 */
#ifndef CHATELAINE_DOMAIN_USERS_H
#define CHATELAINE_DOMAIN_USERS_H

#include <chatelaine/domain_roles.h>

struct user_row {
        struct span id, name, password;
        int64_t number, created_at, updated_at, password_changed_at;
        bool is_active;
};
/* By id, or else by name. NOT_FOUND "user-not-found". */
enum status user_find(struct store_conn *db, struct span id_or_name, struct arena *a,
                      struct user_row *ret, struct error *e) MUST_CHECK;
enum status user_by_number(struct store_conn *db, int64_t number, struct arena *a,
                           struct user_row *ret, struct error *e) MUST_CHECK;
/* {id, number, name, active, roles:[{role, resource}], created_at, updated_at}: never the password.
 */
enum status user_write(struct store_conn *db, const struct user_row *u, struct buf *out,
                       struct error *e) MUST_CHECK;
enum status user_list(struct store_conn *db, const struct page *p, struct buf *out,
                      struct error *e) MUST_CHECK;

struct user_create {
        struct domain_command base;
        struct span name;
        bool is_inactive;
        char password_hash[128]; /* "" = none */
        struct grant *grants;
        size_t n_grants;
        char id[ID_HEX24_SIZE];
        int64_t number;
};
enum status user_create_new(struct domain *d, struct settings *s, struct user_create **ret,
                            struct error *e)
        MUST_CHECK; /* run: CONFLICT "user-exists", INVALID "invalid-name", NOT_FOUND
                       "role-not-found" */
struct user_change {
        struct domain_command base;
        struct span id;
        char password_hash[128]; /* "" = leave */
        int is_active;           /* -1 = leave */
        struct span name;        /* absent = leave */
        struct grant *grants;
        size_t n_grants;
        bool has_grants; /* replaces */
};
enum status user_change_new(struct domain *d, struct settings *s, struct user_change **ret,
                            struct error *e) MUST_CHECK;
struct user_delete {
        struct domain_command base;
        struct span id;
        int64_t revoked;
};
enum status user_delete_new(struct domain *d, struct settings *s, struct user_delete **ret,
                            struct error *e)
        MUST_CHECK; /* its keys are revoked, agreements and statements removed, in the same
                       transaction */

#endif
