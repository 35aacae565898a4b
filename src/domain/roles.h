/* Roles, built in and made, as the room's other files see them. */
#ifndef DOMAIN_ROLES_H
#define DOMAIN_ROLES_H

#include <chatelaine/domain_users.h>

/* By id, or else by name; built-in ones have their name for id. NOT_FOUND "role-not-found". */
struct role_row {
        struct span id, name, description;
        const struct builtin_role *builtin; /* NULL = made by a caller */
        int64_t created_at, updated_at;
};
enum status role_find(struct store_conn *db, struct span id_or_name, struct arena *a,
                      struct role_row *ret, struct error *e) MUST_CHECK;

/* The row of `sql`, which asks for ROLE_COLUMNS with one parameter. */
#define ROLE_COLUMNS "id, name, created_at, updated_at, description"
enum status role_find_by(struct store_conn *db, const char *sql, struct span value, struct arena *a,
                         struct role_row *ret, bool *ret_is_found, struct error *e) MUST_CHECK;

/* What a role holds: actions as they were given, and abilities; no resources. */
enum status role_rights(struct store_conn *db, struct span id_or_name, struct arena *a,
                        struct rights *ret, struct error *e) MUST_CHECK;

enum status role_rights_of(struct store_conn *db, const struct role_row *role, struct arena *a,
                           struct rights *ret, struct error *e) MUST_CHECK;

enum status role_add_permissions(struct ledger_tx *tx, struct span id,
                                 const struct span *permissions, const unsigned *abilities,
                                 size_t n, struct error *e) MUST_CHECK;
/* INVALID "invalid-description". */
enum status role_check_description(struct span description, struct error *e) MUST_CHECK;
/* Does a statement name the role? */
enum status role_is_held(struct store_conn *db, struct span id, bool *ret,
                         struct error *e) MUST_CHECK;

#endif
