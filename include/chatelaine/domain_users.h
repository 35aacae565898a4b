/*
 * domain_users: people, their passwords, and the roles that callers make.
 * Passwords are scrypt texts (codec_crypto password_hash), made on the pool
 * before a command is submitted: never on a loop, never in a transaction.
 */
#ifndef CHATELAINE_DOMAIN_USERS_H
#define CHATELAINE_DOMAIN_USERS_H

#include <chatelaine/domain_grants.h>

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

struct role_create {
        struct domain_command base;
        struct span name, id; /* id absent: made */
        struct span *permissions;
        size_t n_permissions;
        char new_id[ID_HEX24_SIZE];
};
enum status role_create_new(struct domain *d, struct settings *s, struct role_create **ret,
                            struct error *e)
        MUST_CHECK; /* run: CONFLICT "role-exists", INVALID "invalid-permission" */
/* Name, permissions or both; who holds the role is not touched. run: NOT_FOUND, DENIED
 * "role-built-in", CONFLICT "role-exists". */
struct role_change {
        struct domain_command base;
        struct span id;   /* or name */
        struct span name; /* absent = leave */
        struct span *permissions;
        size_t n_permissions;
        bool has_permissions; /* replaces */
};
enum status role_change_new(struct domain *d, struct settings *s, struct role_change **ret,
                            struct error *e) MUST_CHECK;
/* Who held it holds nothing by it any more. run: NOT_FOUND, DENIED "role-built-in". */
struct role_delete {
        struct domain_command base;
        struct span id; /* or name */
};
enum status role_delete_new(struct domain *d, struct settings *s, struct role_delete **ret,
                            struct error *e) MUST_CHECK;
enum status role_list(struct store_conn *db, const struct page *p, struct buf *out, struct error *e)
        MUST_CHECK; /* built-in ones first; {id, name, permissions, built_in} */
/* A role by id or name, as JSON. NOT_FOUND "role-not-found". */
enum status role_write(struct store_conn *db, struct span id_or_name, struct buf *out,
                       struct error *e) MUST_CHECK;

#endif
