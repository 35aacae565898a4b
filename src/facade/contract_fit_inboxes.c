/*
 * Inboxes as {id, name, project}. Chatelaine has no projects: an inbox bears the id of one as a
 * label, and one that was made elsewhere bears NO_PROJECT.
 *
 *     list, read    what the caller may see (view_list or review)
 *     make          create_inbox on "inboxes"
 *     change        view_list on the inbox, as upstream has it
 *     delete        create_inbox on the inbox; its keys are revoked
 */
#include "facade/contract_fit.h"

#include <chatelaine/domain_documents.h>

#define NO_PROJECT "000000000000000000000000"
#define PROJECT_CHARACTERS 24

static enum status write_inbox(struct store_conn *db, struct span id, struct span name,
                               struct buf *out, struct error *e)
{
        CLEANUP(arena_fini) struct arena a;
        arena_init(&a, 4096);
        struct span project;
        TRY(inbox_project(db, id, &a, &project, e));
        json_obj_open(out);
        json_member_text(out, "id", id);
        json_member_text(out, "name", name);
        json_member_text(out, "project", project.p ? project : SPAN(NO_PROJECT));
        json_obj_close(out);
        return buf_check(out, e);
}

static enum status list_page(struct call *c, struct store_conn *db, const struct page *p,
                             struct buf *out, struct error *e)
{
        return inbox_list(db, p, c->who, out, e);
}

static enum status list_item(struct call *c, struct store_conn *db, const struct json *item,
                             struct error *e)
{
        return write_inbox(db, json_get_text(item, "id"), json_get_text(item, "name"), &c->out, e);
}

static enum status list_work(struct call *c, struct store_conn *db, struct error *e)
{
        static const struct cf_list list = {list_page, list_item};
        return cf_list(c, db, &list, e);
}

enum status cf_inboxes_list(struct call *c, struct error *e)
{
        return call_defer(c, list_work, call_then_reply, e);
}

static enum status reply_inbox(struct call *c, struct span id, unsigned status, struct error *e)
{
        struct span found, name;
        TRY(inbox_find(c->db, id, c->arena, &found, &name, e));
        TRY(write_inbox(c->db, found, name, &c->out, e));
        call_reply_out(c, status);
        return STATUS_OK;
}

enum status cf_inbox_is_there(struct call *c, struct span id, struct error *e)
{
        struct span name, found;
        TRY(inbox_find(c->db, id, c->arena, &found, &name, e));
        if (!span_equal(found, id)) /* a name: this API knows ids alone */
                return error_set(e, STATUS_NOT_FOUND, "inbox-not-found", NULL,
                                 "There is no such inbox.");
        return STATUS_OK;
}

/* The inbox of the path by its id, on which the caller holds `permission`; else 403, there or not.
 */
static enum status one(struct call *c, const char *permission, struct error *e)
{
        c->target = http_param(c->req, "id");
        TRY(call_may(c, permission, call_resource(c, "inboxes", c->target), e));
        return cf_inbox_is_there(c, c->target, e);
}

enum status cf_inboxes_get(struct call *c, struct error *e)
{
        TRY(one(c, "documents:list", e));
        return reply_inbox(c, c->target, 200, e);
}

/* ---- POST, PATCH, DELETE ---- */

struct inbox_body {
        struct span name, project;
};

static enum status check_project(struct span project, struct error *e)
{
        bool is_id = project.len == PROJECT_CHARACTERS && document_id_is_valid(project);
        if (!project.p || is_id)
                return STATUS_OK;
        return error_set(e, STATUS_NOT_FOUND, "project-not-found", NULL,
                         "There is no such project: its id has %d characters.", PROJECT_CHARACTERS);
}

static enum status answer_created(struct call *c, struct domain_command *cmd, struct error *e)
{
        return reply_inbox(c, span_of(((struct inbox_create *)cmd)->id), 201, e);
}

enum status cf_inboxes_post(struct call *c, struct error *e)
{
        static const struct json_field fields[] = {
                JSON_FIELD(struct inbox_body, name, "name", JSON_AS_TEXT,
                           JSON_REQUIRED | JSON_NONEMPTY),
                JSON_FIELD(struct inbox_body, project, "project", JSON_AS_TEXT, JSON_REQUIRED),
                JSON_FIELD_END,
        };
        struct inbox_body body = {0};
        TRY(call_may(c, "inboxes:create", SPAN("inboxes"), e));
        TRY(call_body(c, fields, &body, e));
        TRY(check_project(body.project, e));
        struct inbox_create *cmd;
        TRY(inbox_create_new(c->domain, c->settings, &cmd, e));
        cmd->name = body.name;
        cmd->project = body.project;
        return call_submit(c, &cmd->base, answer_created, e);
}

static enum status answer_changed(struct call *c, struct domain_command *cmd, struct error *e)
{
        (void)cmd;
        return reply_inbox(c, c->target, 200, e);
}

enum status cf_inboxes_patch(struct call *c, struct error *e)
{
        static const struct json_field fields[] = {
                JSON_FIELD(struct inbox_body, name, "name", JSON_AS_TEXT, JSON_NONEMPTY),
                JSON_FIELD(struct inbox_body, project, "project", JSON_AS_TEXT, 0),
                JSON_FIELD_END,
        };
        struct inbox_body body = {0};
        TRY(one(c, "documents:list", e));
        TRY(call_body(c, fields, &body, e));
        TRY(check_project(body.project, e));
        struct inbox_change *cmd;
        TRY(inbox_change_new(c->domain, c->settings, &cmd, e));
        cmd->id = c->target;
        cmd->name = body.name;
        cmd->project = body.project;
        return call_submit(c, &cmd->base, answer_changed, e);
}

enum status cf_inboxes_delete(struct call *c, struct error *e)
{
        TRY(one(c, "inboxes:create", e));
        struct inbox_delete *cmd;
        TRY(inbox_delete_new(c->domain, c->settings, &cmd, e));
        cmd->id = c->target;
        return call_submit(c, &cmd->base, call_answer_empty, e);
}
