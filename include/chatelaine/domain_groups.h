/*
 * domain_groups: groups of users. A member holds what the group's statements give, from the moment
 * that it is one. Groups have no groups in them.
 *
 * Who may (group_open, group_may_give):
 *   create    `create` on Authress:Groups
 *   read      `read` on Authress:Groups/ID, an admin of the group, or a member
 *   update    `update` there, or an admin. Whoever is no admin and names a new member or a new
 *             admin must be able to give all that the group holds; an admin need not: who gives
 *             something to a group gives it to whomever its admins name
 *   delete    `delete` or `update` there, or an admin
 * An admin's key or narrowed session must hold the permission itself.
 *
 * A group that is deleted leaves no row. Records may still name it; its id is not given again as
 * long as one does.
 */
#ifndef CHATELAINE_DOMAIN_GROUPS_H
#define CHATELAINE_DOMAIN_GROUPS_H

#include <chatelaine/codec_json.h>
#include <chatelaine/domain_access.h>

#define GROUP_PREFIX "grp_"
#define GROUP_ID_MAX 64
#define GROUP_USERS_MAX 100
#define GROUP_ADMINS_MAX 100
#define GROUP_BYTES_MAX (100 * 1024)

struct user_group {
        struct span id; /* absent = to be made */
        struct span name;
        struct json_texts users, admins;
        struct span tags; /* a JSON object of strings; absent = none */
        struct span body; /* the members above, but for id, as JSON: what is kept */
};
/* {groupId?, name, users?, admins?, tags?}; as record_read. */
enum status group_read(struct span json, struct arena *a, struct user_group *ret,
                       struct error *e) MUST_CHECK;

struct group_row {
        struct span id, body;
        int64_t created_at, updated_at;
};
enum group_act { GROUP_CREATE, GROUP_READ, GROUP_UPDATE, GROUP_DELETE };
/* As record_open; GROUP_CREATE looks at nothing but the permission (id, a and ret are not used).
 * NOT_FOUND "group-not-found". */
enum status group_open(const struct principal *p, enum group_act act, struct span id,
                       struct arena *a, struct group_row *ret, struct error *e) MUST_CHECK;
/* DENIED "may-not-give": see above. Not for new groups: they hold nothing. */
enum status group_may_give(const struct principal *p, const struct user_group *asked,
                           const struct group_row *was, struct error *e) MUST_CHECK;

/* "groupId":...,"name":...,"users":[...],"admins":[...],"tags":{},"lastUpdated":"..." */
enum status group_write_members(const struct group_row *g, struct buf *out,
                                struct error *e) MUST_CHECK;
/* As record_list. */
enum status group_list(const struct principal *p, const struct page *page, struct span text,
                       bool (*row)(void *ctx, const struct group_row *g), void *ctx,
                       struct arena *a, struct span *ret_next, struct error *e) MUST_CHECK;

/* Audit group.create. The creator is the admin unless `group` names some. run: CONFLICT
 * "group-exists". */
struct group_create {
        struct domain_command base;
        struct user_group group;
        struct group_row row; /* after run: what is there now; lives as long as the command */
        char new_id[32];
};
enum status group_create_new(struct domain *d, struct settings *s, const struct user_group *group,
                             struct group_create **ret, struct error *e) MUST_CHECK;

/* Audit group.update. run: NOT_FOUND; CONFLICT (412) and RETRY "group-changed", as record_update.
 */
struct group_update {
        struct domain_command base;
        struct user_group group;
        struct group_row row;        /* before run: was */
        int64_t unmodified_since_ms; /* -1 = not given */
};
enum status group_update_new(struct domain *d, struct settings *s, const struct group_row *was,
                             const struct user_group *group, struct group_update **ret,
                             struct error *e) MUST_CHECK;

/* Audit group.delete, a revocation. run: NOT_FOUND. */
struct group_delete {
        struct domain_command base;
        struct span id;
};
enum status group_delete_new(struct domain *d, struct settings *s, struct group_delete **ret,
                             struct error *e) MUST_CHECK;

#endif
