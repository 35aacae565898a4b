/* Groups of users, inside. */
#ifndef DOMAIN_GROUPS_H
#define DOMAIN_GROUPS_H

#include "domain/members.h"

#include <chatelaine/domain_groups.h>

/* "groups/ID", as a subject of statements and as an object of admins */
#define GROUP_SUBJECT_SIZE (GROUP_ID_MAX + 16)
void group_subject(struct span id, char out[GROUP_SUBJECT_SIZE]);

/* NOT_FOUND "group-not-found". */
enum status group_get(struct store_conn *db, struct span id, struct arena *a, struct group_row *ret,
                      struct error *e) MUST_CHECK;
/* A group's body, read back; no id. */
enum status group_read_kept(struct span body, struct arena *a, struct user_group *ret,
                            struct error *e) MUST_CHECK;
/* group->body, from the other members. */
enum status group_body(struct user_group *group, struct arena *a, struct error *e) MUST_CHECK;

#endif
