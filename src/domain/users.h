/* Users, as the room's other files see them. */
#ifndef DOMAIN_USERS_H
#define DOMAIN_USERS_H

#include <chatelaine/domain_users.h>

/* "users/ID", for subjects of statements. */
#define SUBJECT_SIZE 128
void subject_of(const char *kind, struct span id, char out[SUBJECT_SIZE]);

/* Is the user active, and may it do everything (`*` on `*`)? */
enum status is_administrator(struct store_conn *db, const struct user_row *user, bool *ret,
                             struct error *e) MUST_CHECK;
/* Behind a change that took an administrator away: CONFLICT "last-administrator" when that was the
 * last active user, itself or by a group, with `*` on `*`. */
enum status administrator_remains(struct store_conn *db, struct error *e) MUST_CHECK;

#endif
