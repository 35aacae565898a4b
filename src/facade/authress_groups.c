/* /v1/groups: users who hold together what records give to their group. */
#include "facade/authress.h"

#include <chatelaine/domain_groups.h>

#define LIMIT_DEFAULT 20

static enum status write_group(struct call *c, const struct group_row *row, struct error *e)
{
        json_obj_open(&c->out);
        TRY(group_write_members(row, &c->out, e));
        au_account(c);
        au_self(c, "/v1/groups/", row->id);
        json_obj_close(&c->out);
        return STATUS_OK;
}

static enum status reply_group(struct call *c, const struct group_row *row, unsigned status,
                               struct error *e)
{
        TRY(write_group(c, row, e));
        call_reply_out(c, status);
        return STATUS_OK;
}

/* ---- GET ---- */

struct listing {
        struct au_listing list;
        struct span filter;
};

static bool list_row(void *ctx, const struct group_row *row)
{
        struct au_listing *l = ctx;
        l->status = write_group(l->call, row, l->error);
        return l->status == STATUS_OK;
}

static enum status list_rows(struct au_listing *l, struct store_conn *db, struct span *ret_next,
                             struct error *e)
{
        struct span filter = ((struct listing *)l)->filter;
        (void)db; /* l->call->who has it */
        return group_list(l->call->who, &l->page, filter, list_row, l, l->call->arena, ret_next, e);
}

enum status au_groups_list(struct call *c, struct error *e)
{
        struct listing *l;
        if (!CALL_NEW(c, l))
                return error_no_memory(e);
        TRY(au_page(c, LIMIT_DEFAULT, &l->list.page, &l->filter, e));
        return au_list(c, &l->list, "groups", list_rows, e);
}

enum status au_groups_get(struct call *c, struct error *e)
{
        struct group_row row;
        c->target = http_param(c->req, "groupId");
        TRY(group_open(c->who, GROUP_READ, c->target, c->arena, &row, e));
        return reply_group(c, &row, 200, e);
}

/* ---- POST, PUT, DELETE ---- */

static enum status answer_created(struct call *c, struct domain_command *cmd, struct error *e)
{
        return reply_group(c, &((struct group_create *)cmd)->row, 201, e);
}

enum status au_groups_post(struct call *c, struct error *e)
{
        struct user_group group;
        struct group_create *cmd;
        TRY(group_open(c->who, GROUP_CREATE, SPAN_NONE, NULL, NULL, e));
        TRY(group_read(http_body(c->req), c->arena, &group, e));
        c->target = group.id.p ? group.id : group.name;
        TRY(group_create_new(c->domain, c->settings, &group, &cmd, e));
        return call_submit(c, &cmd->base, answer_created, e);
}

static enum status answer_updated(struct call *c, struct domain_command *cmd, struct error *e)
{
        return reply_group(c, &((struct group_update *)cmd)->row, 200, e);
}

enum status au_groups_put(struct call *c, struct error *e)
{
        struct group_row was;
        struct user_group group;
        struct group_update *cmd;
        int64_t unmodified_since_ms;
        c->target = http_param(c->req, "groupId");
        TRY(au_unmodified_since(c, &unmodified_since_ms, e));
        TRY(group_open(c->who, GROUP_UPDATE, c->target, c->arena, &was, e));
        TRY(group_read(http_body(c->req), c->arena, &group, e));
        TRY(group_may_give(c->who, &group, &was, e));
        TRY(group_update_new(c->domain, c->settings, &was, &group, &cmd, e));
        cmd->unmodified_since_ms = unmodified_since_ms;
        return call_submit(c, &cmd->base, answer_updated, e);
}

enum status au_groups_delete(struct call *c, struct error *e)
{
        struct group_row was;
        struct group_delete *cmd;
        c->target = http_param(c->req, "groupId");
        TRY(group_open(c->who, GROUP_DELETE, c->target, c->arena, &was, e));
        TRY(group_delete_new(c->domain, c->settings, &cmd, e));
        cmd->id = c->target;
        return call_submit(c, &cmd->base, call_answer_empty, e);
}
