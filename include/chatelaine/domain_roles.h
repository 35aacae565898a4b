/*
 * domain_roles: roles that callers make, beside the built-in ones. A role is a list of permissions,
 * each with its abilities: allow (do it), grant (give others allow-permissions of it without doing
 * it), delegate (give on grant and delegate).
 *
 * Who may (role_open, role_may_give): `read`, `create`, `update`, `delete` on Authress:Roles/ID
 * (create: on Authress:Roles), or roles:read and roles:write on `roles`. Making a role gives nobody
 * anything: that is judged when it is given. Changing one gives to all who hold it: what is new in
 * it must be the caller's to give on `*`, unless nobody holds the role.
 */
#ifndef CHATELAINE_DOMAIN_ROLES_H
#define CHATELAINE_DOMAIN_ROLES_H

#include <chatelaine/domain_grants.h>

/* 1 to 64 of letters, digits and -._:@ make an Authress roleId; Contract.fit's are freer. */
struct role {
        struct span id, name, description; /* description absent = none */
        struct right *permissions;         /* action and abilities; no resource */
        size_t n_permissions;
        bool is_built_in;
        int64_t created_at, updated_at; /* 0 for built-in ones */
};
/* By id, or else by name. NOT_FOUND "role-not-found". */
enum status role_get(struct store_conn *db, struct span id_or_name, struct arena *a,
                     struct role *ret, struct error *e) MUST_CHECK;
/* Built-in ones first. *ret_next: the next page's cursor, in the arena; absent at the end. */
enum status role_page(struct store_conn *db, const struct page *p, struct arena *a,
                      struct role **ret, size_t *ret_n, struct span *ret_next,
                      struct error *e) MUST_CHECK;

enum role_act { ROLE_READ, ROLE_CREATE, ROLE_UPDATE, ROLE_DELETE };
/* May the caller do that with the role `id` (absent = with all of them)? DENIED "forbidden". */
enum status role_may(const struct principal *p, enum role_act act, struct span id,
                     struct error *e) MUST_CHECK;
/*
 * May this caller let the role `was` hold `permissions` from now on? DENIED "may-not-give".
 * *ret_is_unheld goes into role_change: the answer took it that nobody holds the role.
 */
enum status role_may_give(const struct principal *p, const struct role *was,
                          const struct right *permissions, size_t n, bool *ret_is_unheld,
                          struct error *e) MUST_CHECK;

/*
 * Permissions are texts in lower case, allowed only; or, with a second array, texts in any case,
 * made lower case, each with its abilities (none at all is INVALID "invalid-permission").
 */
struct role_create {
        struct domain_command base;
        struct span name, id;    /* id absent: made */
        struct span description; /* absent = none */
        struct span *permissions;
        const unsigned *abilities; /* of each permission; NULL = ABILITY_ALLOW for all */
        size_t n_permissions;
        char new_id[ID_HEX24_SIZE];
};
enum status role_create_new(struct domain *d, struct settings *s, struct role_create **ret,
                            struct error *e)
        MUST_CHECK; /* run: CONFLICT "role-exists", INVALID "invalid-permission" */
/* Name, permissions or both; who holds the role is not touched. run: NOT_FOUND, DENIED
 * "role-built-in", CONFLICT "role-exists", RETRY "role-changed" (is_unheld holds no more). */
struct role_change {
        struct domain_command base;
        struct span id;          /* or name */
        struct span name;        /* absent = leave */
        struct span description; /* looked at when has_description */
        bool has_description;    /* replaces */
        struct span *permissions;
        const unsigned *abilities; /* as in role_create */
        size_t n_permissions;
        bool has_permissions; /* replaces */
        bool is_unheld;       /* only if nobody holds the role */
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
