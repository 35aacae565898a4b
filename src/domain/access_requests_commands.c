/* Requests for access: made, approved, denied, deleted, forgotten. */
#include "domain/access_requests.h"
#include "domain/names.h"

#include <stdio.h>

#define ARENA_BYTES_MAX ((size_t)2 << 20)

static enum status settled(struct error *e)
{
        return error_set(e, STATUS_CONFLICT, "request-settled", NULL,
                         "The request is not open any more.");
}

/* ---- create ---- */

static enum status create_run(struct ledger_tx *tx, struct domain_command *base, struct error *e)
{
        struct access_request_create *c = (struct access_request_create *)base;
        char maker[ACCESS_SUBJECT_SIZE];
        int64_t n = 0;
        access_subject_of(&base->caller, maker);
        domain_target(base, "request", span_of(c->id));
        TRY(store_int_of(
                tx->db, "SELECT count(*) FROM access_requests WHERE created_by = $1 AND status = 0",
                &n, e, "s", maker));
        if (n >= REQUESTS_OPEN_MAX)
                return error_set(e, STATUS_LIMIT, "too-many-requests", NULL,
                                 "At most %d requests of one maker may be open.",
                                 REQUESTS_OPEN_MAX);
        c->row = (struct access_request_row){.id = span_of(c->id),
                                             .body = c->body,
                                             .status = REQUEST_OPEN,
                                             .created_at = tx->now_ms,
                                             .updated_at = tx->now_ms};
        return store_exec(
                tx->db,
                "INSERT INTO access_requests (id, status, body, created_by, created_at, updated_at)"
                " VALUES ($1, 0, $2, $3, $4, $4)",
                NULL, e, "stsi", c->id, c->body, maker, tx->now_ms);
}

enum status access_request_create_new(const struct principal *p, struct domain *d,
                                      struct settings *s, struct span body,
                                      struct access_request_create **ret, struct error *e)
{
        struct access_request_create *c;
        char subject[ACCESS_SUBJECT_SIZE];
        TRY(access_whole_subject(p, subject, e));
        TRY(domain_command_new(d, s, sizeof *c, ARENA_BYTES_MAX, &c, e));
        c->base.run = create_run;
        c->base.audit.action = "request.create";
        c->body = arena_span(&c->base.arena, body);
        id_hex24(c->id + snprintf(c->id, sizeof c->id, REQUEST_PREFIX));
        if (!c->body.p) {
                domain_command_free(&c->base);
                return error_no_memory(e);
        }
        *ret = c;
        return STATUS_OK;
}

/* ---- approve ---- */

static enum status approve_check(struct ledger_tx *tx, struct record_create *c, struct error *e)
{
        const char *id = c->before_ctx;
        int64_t n = 0;
        TRY(store_exec(tx->db,
                       "UPDATE access_requests SET status = 1, updated_at = $1"
                       " WHERE id = $2 AND status = 0",
                       &n, e, "is", tx->now_ms, id));
        return n ? STATUS_OK : settled(e);
}

enum status access_request_approve_new(struct domain *d, struct settings *s,
                                       const struct access_request_row *r,
                                       struct record_create **ret, struct error *e)
{
        CLEANUP(arena_fini) struct arena a;
        struct record record;
        struct record_create *c;
        arena_init(&a, (size_t)8 << 20);
        if (r->status != REQUEST_OPEN)
                return settled(e);
        TRY(access_request_record(r->body, SPAN_NONE, &a, &record, e));
        TRY(record_create_new(d, s, &record, &c, e));
        c->before = approve_check;
        c->before_ctx = arena_dup(&c->base.arena, r->id);
        c->base.audit.action = "request.answer";
        if (!c->before_ctx) {
                domain_command_free(&c->base);
                return error_no_memory(e);
        }
        *ret = c;
        return STATUS_OK;
}

/* ---- deny, delete ---- */

static enum status deny_run(struct ledger_tx *tx, struct domain_command *base, struct error *e)
{
        struct access_request_settle *c = (struct access_request_settle *)base;
        int64_t n = 0;
        domain_target(base, "request", c->id);
        TRY(store_exec(tx->db,
                       "UPDATE access_requests SET status = 2, updated_at = $1"
                       " WHERE id = $2 AND status = 0",
                       &n, e, "it", tx->now_ms, c->id));
        return n ? STATUS_OK : settled(e);
}

static enum status delete_run(struct ledger_tx *tx, struct domain_command *base, struct error *e)
{
        struct access_request_settle *c = (struct access_request_settle *)base;
        int64_t n = 0;
        domain_target(base, "request", c->id);
        TRY(store_exec(tx->db,
                       "UPDATE access_requests SET status = 3, updated_at = $1"
                       " WHERE id = $2 AND status <> 3",
                       &n, e, "it", tx->now_ms, c->id));
        return n ? STATUS_OK
                 : error_set(e, STATUS_NOT_FOUND, "request-not-found", NULL,
                             "There is no such request any more.");
}

enum status access_request_settle_new(struct domain *d, struct settings *s,
                                      enum request_status status,
                                      struct access_request_settle **ret, struct error *e)
{
        struct access_request_settle *c;
        bool is_delete = status == REQUEST_DELETED;
        TRY(domain_command_new(d, s, sizeof *c, 4096, &c, e));
        c->base.run = is_delete ? delete_run : deny_run;
        c->base.audit.action = is_delete ? "request.delete" : "request.answer";
        c->base.base.is_revocation = true;
        c->status = status;
        *ret = c;
        return STATUS_OK;
}

/* ---- forgotten ---- */

enum status access_requests_purge_in(struct ledger_tx *tx, int64_t before_ms, unsigned limit,
                                     int64_t *ret_n, bool *ret_more, struct error *e)
{
        TRY(store_exec(tx->db,
                       "DELETE FROM access_requests WHERE id IN (SELECT id FROM access_requests"
                       " WHERE status > 0 AND updated_at <= $1 ORDER BY id LIMIT $2)",
                       ret_n, e, "ii", before_ms, (int64_t)limit));
        *ret_more = *ret_n == (int64_t)limit;
        return STATUS_OK;
}
