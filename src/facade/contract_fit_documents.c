/*
 * Documents as rows: where they lie, what reviewers say of them, and whether they are done. No
 * file, page or prediction is stored.
 *
 *     list                view_list on the inbox
 *     read                documents:read on the document (review)
 *     status_data         documents:lock too (review); another's lock: release_lock
 *     feedback            submit on the document: it is done, its keys and their sessions end
 */
#include "facade/contract_fit.h"

#include <chatelaine/domain_documents.h>

#include <stdio.h>

#define PER_PAGE_MAX 1000

/* Those of {value, by, since}, and the flags of status_data, by their rows' names. */
static const char *const state_names[] = {"lock", "escalate", "reject", "submitted"};
static const char *const flags[] = {
        "archived",        "data",     "ready_accepted",  "ready_attempts",  "reject_accepted",
        "reject_attempts", "sampling", "submit_accepted", "submit_attempts", "success",
};
#define N_STATES (sizeof state_names / sizeof *state_names)
#define N_FLAGS (sizeof flags / sizeof *flags)

static bool is_number(const char *flag)
{
        const char *end = strstr(flag, "_attempts");
        return end && !end[9];
}

/* ---- a document's JSON ---- */

struct document_view {
        const struct json *row; /* domain_documents' */
        struct document_state_row *states;
        size_t n_states;
};

static const struct document_state_row *find_state(const struct document_view *v, const char *name)
{
        for (size_t i = 0; i < v->n_states; i++)
                if (span_is(v->states[i].name, name))
                        return &v->states[i];
        return NULL;
}

static bool is_on(const struct document_view *v, const char *name)
{
        const struct document_state_row *s = find_state(v, name);
        return s && s->value;
}

static void write_state(const struct document_view *v, const char *name, struct buf *out)
{
        const struct document_state_row *s = find_state(v, name);
        json_obj_open(out);
        json_member_bool(out, "value", s && s->value);
        if (s) {
                json_member_text(out, "by", s->set_by);
                json_member_time(out, "since", s->set_at);
        }
        json_obj_close(out);
}

static void write_status(const struct document_view *v, struct buf *out)
{
        json_obj_open(out);
        json_member_bool(out, "feedback", span_is(json_get_text(v->row, "status"), "done"));
        json_member_bool(out, "lock", is_on(v, "lock"));
        json_member_bool(out, "escalate", is_on(v, "escalate"));
        json_member_bool(out, "reject", is_on(v, "reject"));
        for (size_t i = 0; i < N_FLAGS; i++) {
                const struct document_state_row *s = find_state(v, flags[i]);
                if (is_number(flags[i]))
                        json_member_int(out, flags[i], s ? s->value : 0);
                else
                        json_member_bool(out, flags[i], s && s->value);
        }
        json_obj_close(out);
}

static void write_view(const struct document_view *v, struct buf *out)
{
        struct span name = json_get_text(v->row, "name"), inbox = json_get_text(v->row, "inbox");
        json_obj_open(out);
        json_member_text(out, "id", json_get_text(v->row, "id"));
        json_member_text(out, "inbox", inbox.p ? inbox : SPAN(""));
        json_member_text(out, "original_filename", name.p ? name : SPAN(""));
        json_member_int(out, "page_count", 0);
        for (size_t i = 0; i < N_STATES; i++) {
                json_key(out, state_names[i]);
                write_state(v, state_names[i], out);
        }
        json_key(out, "opened_by");
        json_arr_open(out);
        if (is_on(v, "opened_by"))
                write_state(v, "opened_by", out);
        json_arr_close(out);
        json_key(out, "status_data");
        write_status(v, out);
        json_obj_close(out);
}

static enum status write_row(struct store_conn *db, const struct json *row, struct buf *out,
                             struct error *e)
{
        CLEANUP(arena_fini) struct arena a;
        arena_init(&a, 65536);
        struct document_view v = {.row = row};
        TRY(document_states(db, json_get_text(row, "id"), &a, &v.states, &v.n_states, e));
        write_view(&v, out);
        return buf_check(out, e);
}

static enum status reply_document(struct call *c, struct error *e)
{
        struct buf CLEANUP(buf_fini) text;
        struct json CLEANUP(json_freep) *row = NULL;
        buf_init(&text, 65536);
        TRY(document_write(c->db, c->target, &text, e));
        TRY(json_parse(buf_view(&text), 8, &row, e));
        TRY(write_row(c->db, row, &c->out, e));
        call_reply_out(c, 200);
        return STATUS_OK;
}

/* ---- reading one ---- */

/* The document of the path, on which the caller holds `permission`; else 403, there or not. */
static enum status one(struct call *c, const char *permission, struct error *e)
{
        struct span id = http_param(c->req, "id");
        if (!document_id_is_valid(id))
                return error_set(e, STATUS_NOT_FOUND, "document-not-found", NULL,
                                 "There is no such document.");
        c->target = id;
        return call_may(c, permission, call_resource(c, "documents", id), e);
}

enum status cf_documents_get(struct call *c, struct error *e)
{
        TRY(one(c, "documents:read", e));
        return reply_document(c, e);
}

/* What stands for a version: the document as it is, which has one version for ever. */
enum status cf_documents_version(struct call *c, struct error *e)
{
        return cf_documents_get(c, e);
}

/* No text is stored; that of a document that is there is empty. */
enum status cf_documents_text(struct call *c, struct error *e)
{
        struct buf CLEANUP(buf_fini) row;
        buf_init(&row, 65536);
        TRY(one(c, "documents:read", e));
        TRY(document_write(c->db, c->target, &row, e));
        json_obj_open(&c->out);
        json_member_text(&c->out, "text", SPAN(""));
        json_obj_close(&c->out);
        call_reply_out(c, 200);
        return STATUS_OK;
}

/* ---- lists ---- */

struct documents_query {
        struct span inbox;
        int64_t page, per_page; /* 0 = all */
        int64_t total;
};

static enum status list_page(struct call *c, struct store_conn *db, const struct page *p,
                             struct buf *out, struct error *e)
{
        const struct documents_query *q = c->state;
        return document_list(db, q->inbox, p, c->who, out, e);
}

static enum status list_item(struct call *c, struct store_conn *db, const struct json *item,
                             struct error *e)
{
        struct documents_query *q = c->state;
        int64_t from = q->per_page ? (q->page - 1) * q->per_page : 0;
        int64_t to = q->per_page ? from + q->per_page : INT64_MAX;
        int64_t at = q->total++;
        return at >= from && at < to ? write_row(db, item, &c->out, e) : STATUS_OK;
}

static enum status list_rows(struct call *c, struct store_conn *db, struct error *e)
{
        static const struct cf_list list = {list_page, list_item};
        return cf_list(c, db, &list, e);
}

static enum status page_rows(struct call *c, struct store_conn *db, struct error *e)
{
        struct documents_query *q = c->state;
        json_obj_open(&c->out);
        json_key(&c->out, "results");
        TRY(list_rows(c, db, e));
        json_member_int(&c->out, "page", q->page);
        json_member_int(&c->out, "per_page", q->per_page);
        json_member_int(&c->out, "total", q->total);
        json_obj_close(&c->out);
        return buf_check(&c->out, e);
}

static enum status begin_list(struct call *c, struct documents_query **ret, struct error *e)
{
        struct documents_query *q;
        if (!CALL_NEW(c, q))
                return error_no_memory(e);
        q->inbox = http_param(c->req, "id");
        c->state = q;
        c->target = q->inbox;
        TRY(call_may(c, "documents:list", call_resource(c, "inboxes", q->inbox), e));
        TRY(cf_inbox_is_there(c, q->inbox, e));
        *ret = q;
        return STATUS_OK;
}

enum status cf_documents_list(struct call *c, struct error *e)
{
        struct documents_query *q;
        TRY(begin_list(c, &q, e));
        return call_defer(c, list_rows, call_then_reply, e);
}

static enum status read_number(struct call *c, const char *name, int64_t preset, int64_t max,
                               int64_t *ret, struct error *e)
{
        struct span text = http_query(c->req, name);
        *ret = preset;
        if (!text.p)
                return STATUS_OK;
        if (span_int64(text, ret, NULL) == STATUS_OK && *ret >= 1 && *ret <= max)
                return STATUS_OK;
        char where[32];
        snprintf(where, sizeof where, "/%s", name);
        return error_set(e, STATUS_INVALID, "invalid-parameter", where,
                         "It is a number from 1 to %lld.", (long long)max);
}

enum status cf_documents_paginated(struct call *c, struct error *e)
{
        struct documents_query *q;
        TRY(begin_list(c, &q, e));
        TRY(read_number(c, "page", 1, INT32_MAX, &q->page, e));
        TRY(read_number(c, "per_page", 20, PER_PAGE_MAX, &q->per_page, e));
        return call_defer(c, page_rows, call_then_reply, e);
}

/* ---- POST /documents/{id}/feedback ---- */

static enum status answer_done(struct call *c, struct domain_command *cmd, struct error *e)
{
        (void)cmd;
        return reply_document(c, e);
}

/* What the feedback says is for whoever predicts: the body must be an object, no more. */
enum status cf_documents_feedback(struct call *c, struct error *e)
{
        TRY(one(c, "documents:done", e));
        TRY(call_parse(c, e));
        if (!json_is_object(c->body))
                return error_set(e, STATUS_INVALID, "invalid-field", NULL,
                                 "The body is an object.");
        struct document_done *cmd;
        TRY(document_done_new(c->domain, c->settings, &cmd, e));
        cmd->id = c->target;
        return call_submit(c, &cmd->base, answer_done, e);
}

/* ---- POST /documents/{id}/status_data ---- */

struct status_body {
        const struct json *states[N_STATES + 1]; /* and opened_by */
        const struct json *status_data, *ignored;
};

static enum status put(struct document_state_set *cmd, const char *name, int64_t value)
{
        cmd->states[cmd->n_states++] = (struct document_state){name, value};
        return STATUS_OK;
}

/* {value}: who and since when are ours to say. */
static enum status put_state(struct document_state_set *cmd, const char *name,
                             const struct json *state, struct error *e)
{
        char where[64];
        const struct json *value = json_get(state, "value");
        snprintf(where, sizeof where, "/%s/value", name);
        if (!json_is_boolean(value))
                return error_set(e, STATUS_INVALID, "invalid-field", where, "It is true or false.");
        return put(cmd, name, json_is_true(value));
}

static const char *known_flag(struct span name)
{
        for (size_t i = 0; i < N_STATES - 1; i++) /* all but submitted */
                if (span_is(name, state_names[i]))
                        return state_names[i];
        for (size_t i = 0; i < N_FLAGS; i++)
                if (span_is(name, flags[i]))
                        return flags[i];
        return NULL;
}

static enum status put_flags(struct document_state_set *cmd, const struct json *status_data,
                             struct error *e)
{
        void *iter = NULL;
        struct span name;
        const struct json *value;
        while (json_each(status_data, &iter, &name, &value)) {
                const char *flag = known_flag(name);
                char where[96];
                snprintf(where, sizeof where, "/status_data/%.*s",
                         (int)(name.len < 64 ? name.len : 64), name.p);
                if (span_is(name, "feedback"))
                        return error_set(e, STATUS_INVALID, "invalid-field", where,
                                         "A document is done by POST .../feedback.");
                if (!flag)
                        return error_set(e, STATUS_INVALID, "unknown-field", where,
                                         "There is no such status.");
                if (is_number(flag) ? !json_is_integer(value) : !json_is_boolean(value))
                        return error_set(e, STATUS_INVALID, "invalid-field", where, "It is %s.",
                                         is_number(flag) ? "a number" : "true or false");
                TRY(put(cmd, flag, is_number(flag) ? json_integer(value) : json_is_true(value)));
        }
        return STATUS_OK;
}

static enum status fill_states(struct call *c, const struct status_body *body,
                               struct document_state_set *cmd, struct error *e)
{
        cmd->id = c->target;
        cmd->may_release = call_may(c, "release_lock", call_resource(c, "documents", c->target),
                                    NULL) == STATUS_OK;
        cmd->states =
                arena_alloc(c->arena, (N_STATES + 1 + N_STATES + N_FLAGS) * sizeof *cmd->states);
        if (!cmd->states)
                return error_no_memory(e);
        for (size_t i = 0; i <= N_STATES; i++)
                if (body->states[i])
                        TRY(put_state(cmd, i < N_STATES ? state_names[i] : "opened_by",
                                      body->states[i], e));
        return put_flags(cmd, body->status_data, e);
}

enum status cf_documents_status(struct call *c, struct error *e)
{
        static const struct json_field fields[] = {
                JSON_FIELD(struct status_body, states[0], "lock", JSON_AS_OBJECT, 0),
                JSON_FIELD(struct status_body, states[1], "escalate", JSON_AS_OBJECT, 0),
                JSON_FIELD(struct status_body, states[2], "reject", JSON_AS_OBJECT, 0),
                JSON_FIELD(struct status_body, states[3], "submitted", JSON_AS_OBJECT, 0),
                JSON_FIELD(struct status_body, states[4], "opened_by", JSON_AS_OBJECT, 0),
                JSON_FIELD(struct status_body, status_data, "status_data", JSON_AS_OBJECT, 0),
                JSON_FIELD(struct status_body, ignored, "last_version", JSON_AS_VALUE, 0),
                JSON_FIELD(struct status_body, ignored, "timings", JSON_AS_VALUE, 0),
                JSON_FIELD_END,
        };
        struct status_body body = {0};
        TRY(one(c, "documents:read", e));
        TRY(call_may(c, "documents:lock", call_resource(c, "documents", c->target), e));
        TRY(call_body(c, fields, &body, e));
        struct document_state_set *cmd;
        TRY(document_state_set_new(c->domain, c->settings, &cmd, e));
        enum status status = fill_states(c, &body, cmd, e);
        if (status != STATUS_OK) {
                domain_command_free(&cmd->base);
                return status;
        }
        return call_submit(c, &cmd->base, answer_done, e);
}
