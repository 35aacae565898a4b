/*
 * domain_access_requests: somebody asks for rights, somebody else gives them.
 *
 *     create ─▶ OPEN ─┬─ approve ─▶ APPROVED, and a record that gives it, in one transaction
 *                     ├─ deny ────▶ DENIED
 *                     └─ delete ──▶ DELETED (also later: what was approved stays given)
 *
 * Who may:
 *   create           users and clients themselves (by no key, by no narrowed session), for anybody
 *   read             who made it; `read` on Authress:AccessRequests/ID; whoever may give all of it
 *   approve          whoever may give all of it
 *   deny             the same; `update` on Authress:AccessRequests/ID
 *   delete           who made it; `delete` or `update` on Authress:AccessRequests/ID
 * To others it is not there.
 *
 * Limits: 100 roles times resources, LIMIT (413) "record-too-large"; REQUESTS_OPEN_MAX open ones.
 */
#ifndef CHATELAINE_DOMAIN_ACCESS_REQUESTS_H
#define CHATELAINE_DOMAIN_ACCESS_REQUESTS_H

#include <chatelaine/domain_records.h>

#define REQUEST_PREFIX "req_"
#define REQUEST_USERS_MAX 100
#define REQUESTS_OPEN_MAX 100 /* of one maker */

enum request_status { REQUEST_OPEN, REQUEST_APPROVED, REQUEST_DENIED, REQUEST_DELETED };
/* "OPEN", ... */
const char *request_status_name(enum request_status s);
/* false: there is none of that name. */
bool request_status_read(struct span name, enum request_status *ret);

/*
 * {access: {users, statements}, tags?} as a record's; the rest is not looked at. *ret_body: what is
 * kept. INVALID (422) as record_read, INVALID (400) "invalid-json".
 */
enum status access_request_read(struct span json, struct arena *a, struct span *ret_body,
                                struct error *e) MUST_CHECK;

struct access_request_row {
        struct span id, body, created_by;
        enum request_status status;
        int64_t created_at, updated_at;
};
enum request_act { REQUEST_READ, REQUEST_APPROVE, REQUEST_DENY, REQUEST_DELETE };
/* The request, for a caller who may do that with it. NOT_FOUND "request-not-found", also where the
 * caller may not read it; DENIED "forbidden", "may-not-give". */
enum status access_request_open(const struct principal *p, enum request_act act, struct span id,
                                struct arena *a, struct access_request_row *ret,
                                struct error *e) MUST_CHECK;
/* "requestId":...,"status":...,"lastUpdated":...,"access":{...},"tags":{}: members without braces
 */
enum status access_request_write_members(const struct access_request_row *r, struct buf *out,
                                         struct error *e) MUST_CHECK;
/* Those that the caller may read, by id; `status` NULL = all that are not deleted. As record_list,
 * but that 1,000 rows are looked at. For the pool. */
enum status access_request_list(const struct principal *p, const struct page *page,
                                const enum request_status *status,
                                bool (*row)(void *ctx, const struct access_request_row *r),
                                void *ctx, struct arena *a, struct span *ret_next,
                                struct error *e) MUST_CHECK;

/* Audit request.create. DENIED "forbidden". run: LIMIT "too-many-requests". */
struct access_request_create {
        struct domain_command base;
        struct span body; /* copied */
        char id[32];
        struct access_request_row row; /* after run */
};
enum status access_request_create_new(const struct principal *p, struct domain *d,
                                      struct settings *s, struct span body,
                                      struct access_request_create **ret,
                                      struct error *e) MUST_CHECK;

/* The record's command: audit request.answer. run: CONFLICT "request-settled"; INVALID
 * "role-not-found", "group-not-found". */
enum status access_request_approve_new(struct domain *d, struct settings *s,
                                       const struct access_request_row *r,
                                       struct record_create **ret, struct error *e) MUST_CHECK;

/* REQUEST_DENIED: audit request.answer, of an open one; run: CONFLICT "request-settled".
 * REQUEST_DELETED: audit request.delete; run: NOT_FOUND "request-not-found". */
struct access_request_settle {
        struct domain_command base;
        struct span id;
        enum request_status status;
};
enum status access_request_settle_new(struct domain *d, struct settings *s,
                                      enum request_status status,
                                      struct access_request_settle **ret,
                                      struct error *e) MUST_CHECK;

/* Those that are not open and were last changed before then. */
enum status access_requests_purge_in(struct ledger_tx *tx, int64_t before_ms, unsigned limit,
                                     int64_t *ret_n, bool *ret_more, struct error *e) MUST_CHECK;

#endif
