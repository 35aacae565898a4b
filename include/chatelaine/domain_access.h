/*
 * domain_access: what anyone may, asked by others. grants_allow (domain_grants.h) judges the
 * caller of a request; these judge whoever is named by a userId, with the same statements and the
 * same rules.
 *
 *     char subject[ACCESS_SUBJECT_SIZE];
 *     TRY(access_may_ask(principal, user_id, e));                     // DENIED: 403
 *     TRY(access_subject(user_id, subject, e));                       // INVALID: 400
 *     TRY(access_check(db, subject, permission, resource, &is_allowed, e));
 *
 * A userId is what records, checks and tokens name somebody by: the id of a user of ours, a
 * service client's id (`sc_...`, or in the older spelling `Authress:ServiceClients/sc_...`: one
 * client), or any other string of the pattern, the `sub` of another issuer's token. The last need
 * no row here. An issuer's `sub` that has the form of a client's id is not to be let in: it would
 * name that client.
 *
 * Whom they speak of holds the statements that name it and those of its groups, and may read what
 * is PUBLIC (domain_resource_config.h; access_resources does not list that). A user of ours who is
 * deactivated holds nothing.
 *
 * Cost: a check looks up each ancestor of the resource in the index (subject, stem), for the
 * subject and once for all of its groups: it reads the rows that lie on the way to the resource,
 * never a record, never the subject's other statements. Reads see what was committed before they
 * began: an answered write is in the next check.
 *
 * Texts are taken as they come: permissions in any case (they are lower case inside), resources
 * with or without leading and trailing "/". INVALID "invalid-permission", "invalid-resource". A "*"
 * in a question stands for itself: held only by a statement that has "*" there, or on an ancestor.
 */
#ifndef CHATELAINE_DOMAIN_ACCESS_H
#define CHATELAINE_DOMAIN_ACCESS_H

#include <chatelaine/domain_grants.h>

#define USER_ID_MAX 128
#define ACCESS_SUBJECT_SIZE (USER_ID_MAX + 16)

/* "users/ID" or "clients/ID" of a userId: 1 to 128 of letters, digits, space and +._|/~:@-;
 * INVALID "invalid-user-id". */
enum status access_subject(struct span user_id, char out[ACCESS_SUBJECT_SIZE],
                           struct error *e) MUST_CHECK;
/* The userId of such a subject. */
struct span access_user_id(const char *subject);
/* The subject that a caller acts as: its user, or the client alone; "" for the unix socket, jobs
 * and apps, who are nobody that a record could name. */
void access_subject_of(const struct caller *c, char out[ACCESS_SUBJECT_SIZE]);

/* May this caller ask what `user_id` may? Whoever it acts as: itself; else `read` on
 * `Authress:UserPermissions/{userId}`, or a client with CLIENT_ASKS_OF_USERS. DENIED "forbidden".
 */
enum status access_may_ask(const struct principal *p, struct span user_id,
                           struct error *e) MUST_CHECK;

/* Allowed (never by grant or delegate alone)? */
enum status access_check(struct store_conn *db, const char *subject, struct span permission,
                         struct span resource, bool *ret, struct error *e) MUST_CHECK;

/* Why: the statement that allows it; where several do, one on the nearest ancestor. */
struct access_reason {
        struct span record_id; /* absent: a role given directly (a user's, a client's) */
        int64_t statement;     /* its place in the record's statements, from 0; -1 without record */
        struct span role;      /* its id; absent: one permission alone */
        struct span action;    /* what is held, "documents:*" */
        struct span resource;  /* as the statement has it */
        struct span group_id;  /* held through this group; absent: named itself */
        bool is_public; /* everybody may: the resource is PUBLIC (domain_resource_config.h) */
};
enum status access_explain(struct store_conn *db, const char *subject, struct span permission,
                           struct span resource, struct arena *a, struct access_reason *ret,
                           bool *ret_is_allowed, struct error *e) MUST_CHECK;

/* All that is held on the resource, actions in their order, each once with its abilities. */
enum status access_permissions(struct store_conn *db, const char *subject, struct span resource,
                               struct arena *a, struct right **ret, size_t *ret_n,
                               struct error *e) MUST_CHECK;

/* The ids of the roles given on the very resource, not on what it lies beneath; each once. */
enum status access_roles(struct store_conn *db, const char *subject, struct span resource,
                         struct arena *a, struct span **ret, size_t *ret_n,
                         struct error *e) MUST_CHECK;

/*
 * The resources that the subject's statements name, in the order of an index, each once.
 * `resource`: only this one and what is beneath; with is_top_level only what is one segment
 * beneath it (without a resource: of one segment). `permissions`: only those on which one of them
 * is allowed by a statement on that resource or above it; without, those on which anything is
 * held. A page may be shorter than its limit when there is more: *ret_next is absent only at the
 * end. For the pool where `permissions` is given.
 */
struct access_filter {
        struct span resource; /* absent = all */
        bool is_top_level;
        const struct span *permissions;
        size_t n_permissions;
};
enum status access_resources(struct store_conn *db, const char *subject,
                             const struct access_filter *f, const struct page *p, struct arena *a,
                             struct span **ret, size_t *ret_n, struct span *ret_next,
                             struct error *e) MUST_CHECK;

#endif
