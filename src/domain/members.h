/* The members that records and groups have in common: read with their place, written back. */
#ifndef DOMAIN_MEMBERS_H
#define DOMAIN_MEMBERS_H

#include <chatelaine/codec_json.h>
#include <chatelaine/domain_access.h>

#define TITLE_MAX 128        /* characters of a name */
#define DESCRIPTION_MAX 1024 /* characters */

/* A JSON object of at most bytes_max; LIMIT (413) with `slug`. */
enum status members_parse(struct span json, size_t bytes_max, const char *slug, struct json **ret,
                          struct error *e) MUST_CHECK;

/* An optional text, null as absent; INVALID "invalid-NAME" where "/NAME". */
enum status member_text(const struct json *object, const char *name, size_t characters_max,
                        struct arena *a, struct span *ret, struct error *e) MUST_CHECK;
/* A name must be there. */
enum status member_name(const struct json *object, struct arena *a, struct span *ret,
                        struct error *e) MUST_CHECK;
/* An optional object of texts, as compact JSON. */
enum status member_tags(const struct json *object, struct arena *a, struct span *ret,
                        struct error *e) MUST_CHECK;

/*
 * A list of objects with one text each: "users" of {"userId"}. Absent and null: empty. INVALID
 * "invalid-NAME" where = at + "/NAME/3/userId".
 */
struct member_list {
        const char *name, *item;
        size_t max;
        enum status (*check)(struct span text, struct error *e);
};
extern const struct member_list member_users, member_admins, member_groups, member_group_users;
enum status member_list_read(const struct json *object, const char *at,
                             const struct member_list *list, struct arena *a,
                             struct json_texts *ret, struct error *e) MUST_CHECK;
/* "NAME":[{"ITEM":...}] */
void member_list_write(const struct member_list *list, const struct json_texts *texts,
                       struct buf *out);

/* The error `e`, with its slug and place. */
enum status member_refused(struct error *e, enum status s, const char *slug, const char *fmt, ...)
        PRINTF_LIKE(4, 5);

/* Is `text` (absent: always) in the id or in one of the texts of a kept body, in any ASCII case? */
bool members_have_text(struct span id, struct span body, struct span text);

/* grp_ and 1 to 60 letters, digits, - and _. */
enum status group_id_check(struct span id, struct error *e) MUST_CHECK;

/* ---- the lock ---- */

/* CONFLICT (412) when the row was changed after `unmodified_since_ms` (-1 = not given); RETRY when
 * it was changed after the caller was judged by it. */
enum status lock_check(const char *slug, int64_t updated_at, int64_t unmodified_since_ms,
                       int64_t judged_at, struct error *e) MUST_CHECK;
/* Later than before, whatever the clock says. */
int64_t lock_next(const struct ledger_tx *tx, int64_t updated_at);

/* ---- who is named to manage something ---- */

/* Whoever makes something is its admin, unless it names some: *ret_is_added then, in the command's
 * arena. The daemon's own socket and jobs are nobody's admin. */
enum status admins_add_creator(struct domain_command *c, struct json_texts *admins,
                               bool *ret_is_added, struct error *e) MUST_CHECK;
/* In the place of those that `object` ("records/ID") had. */
enum status admins_replace(struct ledger_tx *tx, const char *object,
                           const struct json_texts *admins, struct error *e) MUST_CHECK;
/* Is the caller one of them, and no narrower than whoever is named? */
enum status admins_have(const struct principal *p, const char *object, bool *ret,
                        struct error *e) MUST_CHECK;

/* A key, a session of one, or one that is cut to a scope. */
bool principal_is_narrow(const struct principal *p);

/*
 * Around a change that takes something away: does `sql` (one text parameter) find a statement on
 * "*" that goes, and is there an administrator now? Then one must be there afterwards; CONFLICT
 * "last-administrator".
 */
enum status administrators_watch(struct ledger_tx *tx, const char *sql, struct span id, bool *ret,
                                 struct error *e) MUST_CHECK;
enum status administrators_check(struct ledger_tx *tx, bool is_watched, struct error *e) MUST_CHECK;

/* What keys of these subjects hold is cut from now on to what their users hold. */
enum status users_cut(struct ledger_tx *tx, const struct span *subjects, size_t n,
                      struct error *e) MUST_CHECK;

#endif
