/*
 * domain_records: access records. A record gives users and groups roles on resources; its
 * statements are rows of the table that all other grants are in, so that what it gives counts for
 * every face.
 *
 *     record (JSON body, kept as given)
 *        users x groups ──┐
 *        statements ──────┴─▶ statements: one row for each subject x resource x role, record_id
 *        admins ────────────▶ admins
 *
 * A record's rows are made with it, replaced when it is updated and gone when it is deleted, in
 * the same transaction; the record itself stays, with status DELETED. A record of more than 1,000
 * rows keeps its users as members of itself, like a group's: users + roles x resources then. Two
 * bounds, LIMIT (413) "record-too-large" beyond: RECORD_ROWS_MAX rows as they are kept, and
 * RECORD_RIGHTS_MAX (users and groups) x roles x resources, which is what a change is judged by. A
 * group counts as one.
 *
 * Users and groups stand at the record or at its statements, not at both. Statements are
 * independent of each other; there is no deny. Roles and groups must be there (INVALID
 * "role-not-found", "group-not-found"); users and resources need not.
 *
 * Who may (record_open, record_may_give):
 *   create    whoever may give each of its roles on each of its resources: by `grant` or `delegate`
 *             what is allowed, by `delegate` alone what is granted or delegated
 *   read      `read` on Authress:AccessRecords/ID, or an admin of the record
 *   update    `update` there, or an admin; and, for what is new, whoever may give it: a role on a
 *             resource to somebody who does not have it from this record
 *   delete    `delete` or `update` there, or an admin
 * An admin's key or narrowed session must hold the permission itself: it is no admin by its user.
 *
 * What makes the last administrator one is not taken away: update and delete, of groups too, are
 * CONFLICT "last-administrator" then.
 *
 * lastUpdated grows with each change, in whole milliseconds; update takes it as a lock.
 */
#ifndef CHATELAINE_DOMAIN_RECORDS_H
#define CHATELAINE_DOMAIN_RECORDS_H

#include <chatelaine/codec_json.h>
#include <chatelaine/domain_access.h>

#define RECORD_PREFIX "rec_"
#define RECORD_BYTES_MAX (100 * 1024)
#define RECORD_ROWS_MAX 20000
#define RECORD_RIGHTS_MAX 200000
#define RECORD_USERS_MAX 1000
#define RECORD_ADMINS_MAX 100
#define RECORD_GROUPS_MAX 100
#define RECORD_STATEMENTS_MAX 100
#define RECORD_ROLES_MAX 100     /* of a statement */
#define RECORD_RESOURCES_MAX 100 /* of a statement */
#define RECORD_ID_MAX 100

struct record_rows;

/* ---- what a caller sends ---- */

struct record_statement {
        struct json_texts roles, resources, users, groups; /* as they were given */
};
struct record {
        struct span id; /* absent = to be made */
        struct span name, description;
        struct json_texts users, admins, groups;
        struct record_statement *statements;
        size_t n_statements;
        struct span tags; /* a JSON object of strings; absent = none */
        struct span body; /* the members above, but for id, as JSON: what is kept */
        size_t rows;      /* users and groups x resources x roles */
};
/*
 * {recordId?, name, description?, users?, admins?, groups?, statements, tags?} as Authress has
 * them; other members (links, status, lastUpdated, ...) are not looked at. `json` must live as
 * long as the record. INVALID "invalid-json", and of each member "invalid-name", "invalid-users",
 * "invalid-statements", "invalid-resource", ...: where = JSON pointer. LIMIT (413)
 * "record-too-large".
 */
enum status record_read(struct span json, struct arena *a, struct record *ret,
                        struct error *e) MUST_CHECK;

/* ---- rows ---- */

struct record_row {
        struct span id, body;
        int64_t created_at, updated_at;
        bool is_deleted;
};
enum record_act { RECORD_READ, RECORD_UPDATE, RECORD_DELETE };
/* The record, for a caller who may do that with it. DENIED "forbidden": also where there is none
 * and the caller could not know; NOT_FOUND "record-not-found": to update and to delete also a
 * deleted one. */
enum status record_open(const struct principal *p, enum record_act act, struct span id,
                        struct arena *a, struct record_row *ret, struct error *e) MUST_CHECK;
/*
 * May this caller give what `asked` gives and `was` (NULL = a new record) does not give already?
 * DENIED "may-not-give", INVALID "role-not-found", "group-not-found"; where =
 * "/statements/0/roles".
 */
enum status record_may_give(const struct principal *p, const struct record *asked,
                            const struct record_row *was, struct error *e) MUST_CHECK;

/* "recordId":...,"name":..., ...,"status":"ACTIVE","lastUpdated":"...": members without braces, so
 * that a face can add its own. Lists that were not given are []. */
enum status record_write_members(const struct record_row *r, struct buf *out,
                                 struct error *e) MUST_CHECK;

/*
 * The records that the caller may read, by id. `text` in any case in the record's id or any of its
 * texts. false from `row` ends early; what `row` gets lives for its call. *ret_next: the next
 * page's cursor, in the arena; absent at the end. A page may be shorter than its limit when there
 * is more: 10,000 rows are looked at. For the pool where `text` is given.
 */
struct record_filter {
        struct span text;   /* absent = all */
        bool is_deleted;    /* those with status DELETED instead of ACTIVE */
        bool has_any_state; /* both */
};
enum status record_list(const struct principal *p, const struct page *page,
                        const struct record_filter *f,
                        bool (*row)(void *ctx, const struct record_row *r), void *ctx,
                        struct arena *a, struct span *ret_next, struct error *e) MUST_CHECK;

/* ---- commands ---- */

/*
 * Audit record.create, target record/ID. The creator is the admin unless `record` names some.
 *
 *     TRY(record_read(body, a, &record, e));
 *     TRY(record_may_give(p, &record, NULL, e));
 *     TRY(record_create_new(d, s, &record, &c, e));     // copies what it needs
 *     c->base.caller = p->caller; ...
 *     // reply: record_write_members(&c->row, out, e)
 *
 * run: CONFLICT "record-exists" (a deleted one's id too); INVALID "role-not-found",
 * "group-not-found".
 */
struct record_create {
        struct domain_command base;
        struct record record;
        struct record_row row;    /* after run: what is there now; lives as long as the command */
        struct record_rows *rows; /* the room's own */
        /* The room's own: a claim, an invite, a request that becomes a record. Looks, in the
         * transaction, whether it may; NULL = nothing more is to be looked at. */
        enum status (*before)(struct ledger_tx *tx, struct record_create *c, struct error *e);
        void *before_ctx; /* in the command's arena */
};
enum status record_create_new(struct domain *d, struct settings *s, const struct record *record,
                              struct record_create **ret, struct error *e) MUST_CHECK;

/*
 * Audit record.update. All of the record is replaced; record.id is not looked at.
 *
 * run: NOT_FOUND; CONFLICT (412) "record-changed": changed after unmodified_since; RETRY
 * "record-changed": after `was`, the row that the caller was judged by, was read; not so where
 * the caller may give all of the record, whatever was there (is_judged_anyhow).
 */
struct record_update {
        struct domain_command base;
        struct record record;
        struct record_row row;       /* as in record_create; before run: was */
        int64_t unmodified_since_ms; /* If-Unmodified-Since; -1 = not given */
        bool is_judged_anyhow;       /* record_may_give was asked without `was`, too */
        bool keeps_admins;           /* the room's own: `record` has no list of them, not even [] */
        struct record_rows *rows;    /* the room's own */
};
enum status record_update_new(struct domain *d, struct settings *s, const struct record_row *was,
                              const struct record *record, struct record_update **ret,
                              struct error *e) MUST_CHECK;

/* Audit record.delete, a revocation. run: NOT_FOUND "record-not-found", also when it is deleted. */
struct record_delete {
        struct domain_command base;
        struct span id;
};
enum status record_delete_new(struct domain *d, struct settings *s, struct record_delete **ret,
                              struct error *e) MUST_CHECK;

#endif
