/* Users, as the room's other files see them. */
#ifndef DOMAIN_USERS_H
#define DOMAIN_USERS_H

#include <chatelaine/domain_users.h>

/* "users/ID", for subjects of statements. */
#define SUBJECT_SIZE 128
void subject_of(const char *kind, struct span id, char out[SUBJECT_SIZE]);

#endif
