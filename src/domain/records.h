/* Access records, inside. */
#ifndef DOMAIN_RECORDS_H
#define DOMAIN_RECORDS_H

#include "domain/members.h"

#include <chatelaine/domain_groups.h>
#include <chatelaine/domain_records.h>

/* A record's body, read back; no id. */
enum status record_read_kept(struct span body, struct arena *a, struct record *ret,
                             struct error *e) MUST_CHECK;
/* record->body, from the other members. */
enum status record_body(struct record *record, struct arena *a, struct error *e) MUST_CHECK;

/*
 * An invite and a request are judged where a loop or the writer waits, 50 us for each role on each
 * resource: LIMIT (413) "record-too-large" beyond RECORD_PAIRS_MAX of them.
 */
#define RECORD_PAIRS_MAX 100
enum status record_is_brief(const struct record *r, struct error *e) MUST_CHECK;

/* Whom a statement is for: its own users and groups, or the record's. */
struct record_people {
        const struct json_texts *users, *groups;
};
struct record_people record_people(const struct record *r, const struct record_statement *s);

/* "records/ID" */
#define RECORD_OBJECT_SIZE (RECORD_ID_MAX + 16)
void record_object(struct span id, char out[RECORD_OBJECT_SIZE]);
bool record_id_is_valid(struct span id);

/* Permission, or admin; the id is valid. DENIED "forbidden". */
enum status record_may(const struct principal *p, enum record_act act, struct span id,
                       struct error *e) MUST_CHECK;
/* By id, deleted ones too. NOT_FOUND "record-not-found". */
enum status record_get(struct store_conn *db, struct span id, struct arena *a,
                       struct record_row *ret, struct error *e) MUST_CHECK;
#define RECORD_COLUMNS "id, body, status, created_at, updated_at"
enum record_status { RECORD_ACTIVE = 0, RECORD_DELETED = 1 };
bool record_row_read(struct store_stmt *st, struct arena *a, struct record_row *ret);

/* ---- its statements as rows ---- */

/* Made before the transaction; only roles' ids are filled in it. */
struct record_rows {
        struct span *subjects, *resources, *stems, *roles, *ids;
        int64_t *positions;
        size_t *role_at; /* of each row: which of `named` */
        size_t n;
        struct span *named; /* roles as the record names them, each once */
        size_t n_named;
        struct span *people; /* subjects, each once */
        size_t n_people;
        struct span shared; /* "records/ID": the subject that stands for `members`; absent: none */
        struct span *members; /* each once */
        size_t n_members;
        struct json_texts groups; /* each once */
};
/*
 * Of more than record_share_over rows, users that all statements are for become members of the
 * record, as of a group, and the statements are the record's: users + pairs instead of users times
 * pairs. `id` absent: nobody is shared, every user has every row.
 */
extern size_t record_share_over; /* 1,000; tests lower it */
enum status record_rows_make(const struct record *r, struct span id, struct arena *a,
                             struct record_rows *ret, struct error *e) MUST_CHECK;
/* How many statements, and members, that makes. */
size_t record_rows_stored(const struct record *r);
enum status record_rows_delete(struct ledger_tx *tx, struct span id, struct error *e) MUST_CHECK;
/* In the place of those that there are. INVALID "role-not-found", "group-not-found". */
enum status record_rows_write(struct ledger_tx *tx, struct span id, struct record_rows *rows,
                              struct arena *a, struct error *e) MUST_CHECK;

#endif
