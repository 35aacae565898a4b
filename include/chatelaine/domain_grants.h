/*
 * domain_grants: the one evaluator.
 *
 * A statement says: on this resource and all beneath it, this role (or this one
 * permission). A principal may do what any of its statements allows; a key's
 * statements are cut down to what its user holds at that moment, when the user
 * holds any.
 *
 * Resource URIs (facts/authress.md section 3): segments split by "/", leading and
 * trailing "/" optional, "*" a whole segment or a ":" part, cascade to what is
 * beneath, never a match of part of a name; "*" is one segment or one part.
 * `documents/D` and `inboxes/I/documents/D` are the same document. Which inbox is its
 * own is the documents row's to say, whatever the request says: a right on inboxes/I
 * reaches D by either spelling when D's row is in I, and by neither when it is in
 * another. A document without a row is where whoever names it says.
 *
 * Actions are lower case; "a" and "a:*" imply "a:b"; "*" implies all.
 */
#ifndef CHATELAINE_DOMAIN_GRANTS_H
#define CHATELAINE_DOMAIN_GRANTS_H

#include <chatelaine/domain.h>

enum ability { ABILITY_ALLOW = 1, ABILITY_GRANT = 2, ABILITY_DELEGATE = 4 };

struct right {
        struct span action;
        unsigned abilities;
        struct span resource;
};
/* Listed, or, when the subject holds more than 128, looked up at each question. */
struct rights {
        struct right *list; /* NULL when subject is there */
        size_t n;
        const char *subject; /* NULL = all are in the list */
        bool has_statements; /* also when no role of theirs is left: then list is empty and nothing
                                is allowed */
};

/* What an action must be held by besides: a session's client, its scope. */
struct cut {
        struct rights rights;
        const struct cut *next;
};

struct client_row;
struct principal {
        struct caller caller;
        struct store_conn *db;     /* borrowed: this thread's read connection */
        struct rights rights;      /* everything for CALLER_UNIX without any row */
        struct rights user_rights; /* a key's, session's: cut to these when is_cut */
        bool is_cut;
        const struct cut *cuts; /* all must hold it too; NULL = none */
        bool is_all;            /* unix: all permissions */
        int64_t user_number;    /* 0 = none; an app's Link token: sub */
        bool has_user_number;
        const struct client_row *client; /* the client that calls, itself or by its session; NULL =
                                            none, also when it acts as a user */
        void *scheme;                    /* auth's own: the app that signed, ... */
};

/* 1..512 characters of the grammar; INVALID "invalid-resource". *ret without leading and trailing
 * "/", "*" alone for everything. */
enum status resource_read(struct span text, struct span *ret, struct error *e) MUST_CHECK;
/* Does a statement on `pattern` reach `resource` (equal, beneath, or by "*")? Both as resource_read
 * gives them. */
bool resource_covers(struct span pattern, struct span resource);
/* The document that a resource names, in either spelling, also with something beneath; absent
 * otherwise. */
struct span resource_document(struct span resource);
enum status action_read(struct span text, struct span *ret, struct error *e)
        MUST_CHECK; /* INVALID "invalid-permission"; must be lower case */
bool action_implies(struct span held, struct span asked);

/*
 * What a subject ("users/ID", "keys/ID", ...) holds, itself and by its groups, roles resolved, into
 * the arena; of many statements only the subject's name. A role that is gone grants nothing.
 */
enum status grants_load(struct store_conn *db, const char *subject, struct arena *a,
                        struct rights *ret, struct error *e) MUST_CHECK;
/* The same, always listed, and what the groups hold that it administers, since it can make itself
 * a member: for whoever looks at each before somebody may act as this subject. */
enum status grants_load_all(struct store_conn *db, const char *subject, struct arena *a,
                            struct rights *ret, struct error *e) MUST_CHECK;
/* `resource` SPAN_NONE: is it held anywhere at all? (list queries that are then filtered row by
 * row) */
bool grants_allow(const struct principal *p, const char *permission, struct span resource);
/* The same as an error: DENIED "forbidden", text names permission and resource. */
enum status grants_check(const struct principal *p, const char *permission, struct span resource,
                         struct error *e) MUST_CHECK;
/* May this caller give `role` on `resource`: each permission of the role held there with allow or
 * grant. DENIED "may-not-give"; NOT_FOUND "role-not-found". */
enum status grants_may_give(const struct principal *p, struct span role, struct span resource,
                            struct error *e) MUST_CHECK;
/* The same for one permission alone. */
enum status grants_may_give_permission(const struct principal *p, struct span permission,
                                       struct span resource, struct error *e) MUST_CHECK;
/* All that grants_load_all lists: asked before the caller gets hold of the subject's credential.
 * DENIED "may-not-give". */
enum status grants_may_give_all(const struct principal *p, struct store_conn *db,
                                const char *subject, struct error *e) MUST_CHECK;
/*
 * May this caller mint a key that holds `role` on `resource` for a user who holds the role itself
 * (key_mint.is_within_user)? keys:create there, and what the role has beyond documents must be the
 * caller's to give. Errors as grants_may_give, "forbidden".
 */
enum status grants_may_lend(const struct principal *p, struct span role, struct span resource,
                            struct error *e) MUST_CHECK;
/*
 * May this caller bind a new key to `resource`: keys:create there, or a document that has no row
 * and is named without an inbox, which is nobody's yet. DENIED "forbidden".
 */
enum status grants_may_bind(const struct principal *p, struct span resource,
                            struct error *e) MUST_CHECK;
/*
 * May a key that this caller mints bear this user's name: its own, with keys:create on users/ID, or
 * when the user administers nothing (keys, users, roles, clients, apps) that the caller does not.
 * DENIED "may-not-name-user".
 */
enum status grants_may_name(const struct principal *p, struct span user_id,
                            struct error *e) MUST_CHECK;
/*
 * Contract.fit's permission names as ours: "edit_backend_settings" -> keys:create, ...;
 * NULL-terminated. A name of ours maps to itself: that answer holds until this thread's next call.
 * Roles keep the names that they were made with; the evaluator maps them, so that both `review` and
 * documents:read are held.
 */
const char *const *permission_native(struct span name);

/* Built-in roles: interface.md section 4. */
struct builtin_role {
        const char *name;
        const char *const *actions;
        unsigned abilities;
};
extern const struct builtin_role builtin_roles[]; /* ended by name NULL */
const struct builtin_role *builtin_role(struct span name);

/* Writers, inside a ledger transaction. */
struct grant {
        struct span role, permission, resource;
}; /* role or permission; resource as resource_read gave it */
enum status grants_add(struct ledger_tx *tx, const char *subject, const struct grant *list,
                       size_t n, struct error *e) MUST_CHECK; /* NOT_FOUND "role-not-found" */
/* Records' statements too, and what it is a member or admin of. */
enum status grants_remove_subject(struct ledger_tx *tx, const char *subject,
                                  struct error *e) MUST_CHECK;
/* Instead of those that it was given directly; what records give stays. */
enum status grants_replace(struct ledger_tx *tx, const char *subject, const struct grant *list,
                           size_t n, struct error *e) MUST_CHECK;
/* What a subject was given directly, as its rows say it: roles by their ids. */
enum status grants_list(struct store_conn *db, const char *subject, struct arena *a,
                        struct grant **ret, size_t *ret_n, struct error *e) MUST_CHECK;
/* Does the subject hold the very role of `asked` (by id) on its resource, or on what that lies
 * beneath? NOT_FOUND "role-not-found". */
enum status grants_hold(struct store_conn *db, const char *subject, const struct grant *asked,
                        bool *ret, struct error *e) MUST_CHECK;
/* `[{"role":..., "resource":...}]` of a subject, as JSON: what grants_list has. */
enum status grants_write(struct store_conn *db, const char *subject, struct buf *out,
                         struct error *e) MUST_CHECK;

#endif
