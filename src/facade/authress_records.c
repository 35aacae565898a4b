/*
 * /v1/records: who holds which roles on what. The members of a record are domain_records'; account
 * and links are added here.
 */
#include "facade/authress.h"

#include <chatelaine/domain_records.h>

#define LIMIT_DEFAULT 20

static enum status write_record(struct call *c, const struct record_row *row, struct error *e)
{
        json_obj_open(&c->out);
        TRY(record_write_members(row, &c->out, e));
        au_account(c);
        au_self(c, "/v1/records/", row->id);
        json_obj_close(&c->out);
        return STATUS_OK;
}

static enum status reply_record(struct call *c, const struct record_row *row, unsigned status,
                                struct error *e)
{
        TRY(write_record(c, row, e));
        call_reply_out(c, status);
        return STATUS_OK;
}

/* ---- GET ---- */

struct listing {
        struct au_listing list;
        struct record_filter filter;
};

static bool list_row(void *ctx, const struct record_row *row)
{
        struct au_listing *l = ctx;
        l->status = write_record(l->call, row, l->error);
        return l->status == STATUS_OK;
}

static enum status list_rows(struct au_listing *l, struct store_conn *db, struct span *ret_next,
                             struct error *e)
{
        const struct record_filter *filter = &((struct listing *)l)->filter;
        (void)db; /* l->call->who has it */
        return record_list(l->call->who, &l->page, filter, list_row, l, l->call->arena, ret_next,
                           e);
}

static enum status read_state(struct span text, struct record_filter *f, struct error *e)
{
        if (!text.p || span_is(text, "ACTIVE"))
                return STATUS_OK;
        if (!span_is(text, "DELETED"))
                return error_set(e, STATUS_INVALID, "invalid-request", "status",
                                 "It is ACTIVE or DELETED.");
        f->is_deleted = true;
        return STATUS_OK;
}

enum status au_records_list(struct call *c, struct error *e)
{
        struct listing *l;
        struct span limit = SPAN_NONE, state = SPAN_NONE;
        if (!CALL_NEW(c, l))
                return error_no_memory(e);
        const struct au_query_field fields[] = {{"limit", &limit},
                                                {"cursor", &l->list.page.cursor},
                                                {"filter", &l->filter.text},
                                                {"status", &state},
                                                {0}};
        TRY(au_query(c, fields, e));
        TRY(au_limit(limit, LIMIT_DEFAULT, &l->list.page.limit, e));
        TRY(read_state(state, &l->filter, e));
        return au_list(c, &l->list, "records", list_rows, e);
}

enum status au_records_get(struct call *c, struct error *e)
{
        struct record_row row;
        c->target = http_param(c->req, "recordId");
        TRY(record_open(c->who, RECORD_READ, c->target, c->arena, &row, e));
        return reply_record(c, &row, 200, e);
}

/* ---- POST, PUT ---- */

/* To judge a record asks about each of its roles on each of its resources: on the pool, when they
 * are many. */
#define ROWS_ON_LOOP 100

struct writing {
        struct record record;
        struct record_row was;
        bool is_update;
        int64_t unmodified_since_ms;
        bool is_judged_anyhow;
};

static enum status judge(struct call *c, struct store_conn *db, struct error *e)
{
        struct writing *w = c->state;
        (void)db; /* c->who has it */
        TRY(record_may_give(c->who, &w->record, w->is_update ? &w->was : NULL, e));
        w->is_judged_anyhow = w->is_update && w->record.rows <= ROWS_ON_LOOP &&
                              record_may_give(c->who, &w->record, NULL, NULL) == STATUS_OK;
        return STATUS_OK;
}

static enum status answer_created(struct call *c, struct domain_command *cmd, struct error *e)
{
        return reply_record(c, &((struct record_create *)cmd)->row, 201, e);
}

static enum status answer_updated(struct call *c, struct domain_command *cmd, struct error *e)
{
        return reply_record(c, &((struct record_update *)cmd)->row, 200, e);
}

static enum status write_judged(struct call *c, struct error *e)
{
        const struct writing *w = c->state;
        struct record_create *create;
        struct record_update *update;
        if (!w->is_update) {
                TRY(record_create_new(c->domain, c->settings, &w->record, &create, e));
                return call_submit(c, &create->base, answer_created, e);
        }
        TRY(record_update_new(c->domain, c->settings, &w->was, &w->record, &update, e));
        update->unmodified_since_ms = w->unmodified_since_ms;
        update->is_judged_anyhow = w->is_judged_anyhow;
        return call_submit(c, &update->base, answer_updated, e);
}

static enum status judge_and_write(struct call *c, struct writing *w, struct error *e)
{
        c->state = w;
        if (w->record.rows > ROWS_ON_LOOP)
                return call_defer(c, judge, write_judged, e);
        TRY(judge(c, c->db, e));
        return write_judged(c, e);
}

enum status au_records_post(struct call *c, struct error *e)
{
        struct writing *w;
        if (!CALL_NEW(c, w))
                return error_no_memory(e);
        TRY(record_read(http_body(c->req), c->arena, &w->record, e));
        c->target = w->record.id.p ? w->record.id : w->record.name;
        return judge_and_write(c, w, e);
}

enum status au_records_put(struct call *c, struct error *e)
{
        struct writing *w;
        if (!CALL_NEW(c, w))
                return error_no_memory(e);
        w->is_update = true;
        c->target = http_param(c->req, "recordId");
        TRY(au_unmodified_since(c, &w->unmodified_since_ms, e));
        TRY(record_open(c->who, RECORD_UPDATE, c->target, c->arena, &w->was, e));
        TRY(record_read(http_body(c->req), c->arena, &w->record, e));
        return judge_and_write(c, w, e);
}

/* ---- DELETE ---- */

enum status au_records_delete(struct call *c, struct error *e)
{
        struct record_row was;
        struct record_delete *cmd;
        c->target = http_param(c->req, "recordId");
        TRY(record_open(c->who, RECORD_DELETE, c->target, c->arena, &was, e));
        TRY(record_delete_new(c->domain, c->settings, &cmd, e));
        cmd->id = c->target;
        return call_submit(c, &cmd->base, call_answer_empty, e);
}
