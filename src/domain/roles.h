/* Roles, built in and made, as the room's other files see them. */
#ifndef DOMAIN_ROLES_H
#define DOMAIN_ROLES_H

#include <chatelaine/domain_users.h>

/* By id, or else by name; built-in ones have their name for id. NOT_FOUND "role-not-found". */
struct role_row {
        struct span id, name;
        const struct builtin_role *builtin; /* NULL = made by a caller */
        int64_t created_at, updated_at;
};
enum status role_find(struct store_conn *db, struct span id_or_name, struct arena *a,
                      struct role_row *ret, struct error *e) MUST_CHECK;

/* What a role holds: actions as they were given, and abilities; no resources. */
enum status role_rights(struct store_conn *db, struct span id_or_name, struct arena *a,
                        struct rights *ret, struct error *e) MUST_CHECK;

enum status role_add_permissions(struct ledger_tx *tx, struct span id,
                                 const struct span *permissions, size_t n,
                                 struct error *e) MUST_CHECK;

#endif
