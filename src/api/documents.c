/*
 * Inboxes and documents: rows that keys are scoped to.
 *
 *     inboxes    read: documents:read on inboxes/I    make: inboxes:create or documents:create on
 * "inboxes" documents  read: documents:read on documents/D (the evaluator knows its inbox) make:
 * documents:create on inboxes/I done, reopen: documents:done on documents/D
 */
#include "api/endpoints.h"
#include "api/query.h"

#include <chatelaine/domain_documents.h>

/* ---- inboxes ---- */

static enum status inboxes_work(struct call *c, struct store_conn *db, struct error *e)
{
        return inbox_list(db, c->state, c->who, &c->out, e);
}

static enum status page_state(struct call *c, struct error *e)
{
        struct page *page;
        if (!CALL_NEW(c, page))
                return error_no_memory(e);
        c->state = page;
        return query_page(c, page, e);
}

enum status inboxes_list(struct call *c, struct error *e)
{
        TRY(page_state(c, e));
        TRY(call_may(c, "documents:read", SPAN_NONE, e));
        return call_defer(c, inboxes_work, call_then_reply, e);
}

static enum status answer_inbox(struct call *c, struct domain_command *cmd, struct error *e)
{
        (void)e;
        const struct inbox_create *made = (struct inbox_create *)cmd;
        json_obj_open(&c->out);
        json_member_text(&c->out, "id", span_of(made->id));
        json_member_text(&c->out, "name", made->name);
        json_member_time(&c->out, "created_at", made->ret_created_at);
        json_obj_close(&c->out);
        call_reply_out(c, 201);
        return STATUS_OK;
}

enum status inboxes_post(struct call *c, struct error *e)
{
        struct inbox {
                struct span name;
        } body = {0};
        static const struct json_field fields[] = {
                JSON_FIELD(struct inbox, name, "name", JSON_AS_TEXT, JSON_REQUIRED | JSON_NONEMPTY),
                JSON_FIELD_END,
        };
        if (!grants_allow(c->who, "inboxes:create", SPAN("inboxes")))
                TRY(call_may(c, "documents:create", SPAN("inboxes"), e));
        TRY(call_body(c, fields, &body, e));
        struct inbox_create *cmd;
        TRY(inbox_create_new(c->domain, c->settings, &cmd, e));
        cmd->name = body.name;
        return call_submit(c, &cmd->base, answer_inbox, e);
}

/* ---- documents ---- */

struct documents_query {
        struct span inbox;
        struct page page;
};

static enum status documents_work(struct call *c, struct store_conn *db, struct error *e)
{
        struct documents_query *q = c->state;
        struct span name;
        if (q->inbox.p) {
                enum status found = inbox_find(db, q->inbox, c->arena, &q->inbox, &name, e);
                /* Who may not see every inbox learns no more of this one than of an empty one. */
                if (found == STATUS_NOT_FOUND &&
                    !grants_allow(c->who, "documents:read", SPAN("inboxes"))) {
                        buf_text(&c->out, "{\"items\":[],\"next_cursor\":null}");
                        return STATUS_OK;
                }
                TRY(found);
        }
        return document_list(db, q->inbox, &q->page, c->who, &c->out, e);
}

enum status documents_list(struct call *c, struct error *e)
{
        static const struct query_field fields[] = {
                QUERY_FIELD(struct documents_query, inbox, "inbox", QUERY_TEXT),
                QUERY_PAGE(struct documents_query),
                QUERY_END,
        };
        struct documents_query *q;
        if (!CALL_NEW(c, q))
                return error_no_memory(e);
        q->page.limit = PAGE_LIMIT_DEFAULT;
        TRY(query_read(c, fields, q, e));
        TRY(call_may(c, "documents:read", SPAN_NONE, e));
        c->state = q;
        return call_defer(c, documents_work, call_then_reply, e);
}

static enum status answer_document(struct call *c, struct domain_command *cmd, struct error *e)
{
        const struct document_create *made = (struct document_create *)cmd;
        TRY(document_write(c->db, span_of(made->new_id), &c->out, e));
        call_reply_out(c, 201);
        return STATUS_OK;
}

static enum status check_id(struct span id, const char *where, struct error *e)
{
        if (document_id_is_valid(id))
                return STATUS_OK;
        return error_set(e, STATUS_INVALID, "invalid-document-id", where,
                         "A document's id is 1 to 128 characters of A-Z a-z 0-9 . _ ~ -");
}

enum status documents_post(struct call *c, struct error *e)
{
        struct document {
                struct span inbox, name, id;
        } body = {0};
        static const struct json_field fields[] = {
                JSON_FIELD(struct document, inbox, "inbox", JSON_AS_TEXT,
                           JSON_REQUIRED | JSON_NONEMPTY),
                JSON_FIELD(struct document, name, "name", JSON_AS_TEXT,
                           JSON_REQUIRED | JSON_NONEMPTY),
                JSON_FIELD(struct document, id, "id", JSON_AS_TEXT, JSON_NULLABLE),
                JSON_FIELD_END,
        };
        struct span inbox, inbox_name;
        TRY(call_may(c, "documents:create", SPAN_NONE, e));
        TRY(call_body(c, fields, &body, e));
        if (body.id.p)
                TRY(check_id(body.id, "/id", e));
        c->target = body.id;
        TRY(inbox_find(c->db, body.inbox, c->arena, &inbox, &inbox_name, e));
        struct span resource = call_resource(c, "inboxes", inbox);
        TRY(api_hide(call_may(c, "documents:create", resource, e),
                     grants_allow(c->who, "documents:read", resource), "inbox-not-found", e));

        struct document_create *cmd;
        TRY(document_create_new(c->domain, c->settings, &cmd, e));
        cmd->inbox = inbox;
        cmd->name = body.name;
        cmd->id = body.id;
        return call_submit(c, &cmd->base, answer_document, e);
}

enum status documents_get(struct call *c, struct error *e)
{
        c->target = api_param(c, "id");
        TRY(check_id(c->target, "id", e));
        enum status allowed =
                call_may(c, "documents:read", call_resource(c, "documents", c->target), e);
        TRY(api_hide(allowed, false, "document-not-found", e));
        TRY(document_write(c->db, c->target, &c->out, e));
        call_reply_out(c, 200);
        return STATUS_OK;
}

static enum status answer_done(struct call *c, struct domain_command *cmd, struct error *e)
{
        (void)e;
        json_obj_open(&c->out);
        json_member_int(&c->out, "revoked", ((struct document_done *)cmd)->revoked);
        json_obj_close(&c->out);
        call_reply_out(c, 200);
        return STATUS_OK;
}

/* The document need not have a row, so a plain 403 tells nothing of it. */
static enum status change_done(struct call *c, bool is_reopen, struct error *e)
{
        c->target = api_param(c, "id");
        TRY(check_id(c->target, "id", e));
        TRY(call_may(c, "documents:done", call_resource(c, "documents", c->target), e));
        struct document_done *cmd;
        TRY(document_done_new(c->domain, c->settings, &cmd, e));
        cmd->id = c->target;
        cmd->is_reopen = is_reopen;
        return call_submit(c, &cmd->base, answer_done, e);
}

enum status documents_done(struct call *c, struct error *e)
{
        return change_done(c, false, e);
}

enum status documents_reopen(struct call *c, struct error *e)
{
        return change_done(c, true, e);
}
