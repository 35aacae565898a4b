/* Agreements of an app: apps:read and apps:write on the app. */
#include "api/apps.h"
#include "api/endpoints.h"
#include "api/query.h"

enum status agreements_list(struct call *c, struct error *e)
{
        struct page page;
        struct app_row app;
        TRY(query_page(c, &page, e));
        TRY(apps_one(c, "apps:read", &app, e));
        TRY(agreement_list(c->db, app.slug, &page, &c->out, e));
        call_reply_out(c, 200);
        return STATUS_OK;
}

struct agreement_body {
        struct query_int user; /* `value` from the body, all of it from the query */
        struct json_texts optional_scopes;
};

static enum status answer_agreed(struct call *c, struct domain_command *cmd, struct error *e)
{
        (void)e;
        const struct agreement_change *made = (struct agreement_change *)cmd;
        json_obj_open(&c->out);
        json_member_int(&c->out, "user_id", made->user_number);
        json_key(&c->out, "optional_scopes");
        json_arr_open(&c->out);
        for (size_t i = 0; i < made->n; i++)
                json_text(&c->out, made->optional_scopes[i]);
        json_arr_close(&c->out);
        json_obj_close(&c->out);
        call_reply_out(c, 201);
        return STATUS_OK;
}

/* Names the user by number; scopes that the app does not offer are the command's to refuse. */
enum status agreements_post(struct call *c, struct error *e)
{
        static const struct json_field fields[] = {
                JSON_FIELD(struct agreement_body, user.value, "user_id", JSON_AS_INT,
                           JSON_REQUIRED),
                JSON_FIELD(struct agreement_body, optional_scopes, "optional_scopes", JSON_AS_TEXTS,
                           JSON_NULLABLE),
                JSON_FIELD_END,
        };
        struct agreement_body body = {0};
        struct app_row app;
        TRY(apps_one(c, "apps:write", &app, e));
        TRY(call_body(c, fields, &body, e));
        struct agreement_change *cmd;
        TRY(agreement_change_new(c->domain, c->settings, &cmd, e));
        cmd->slug = app.slug;
        cmd->user_number = body.user.value;
        cmd->optional_scopes = body.optional_scopes.items;
        cmd->n = body.optional_scopes.n;
        return call_submit(c, &cmd->base, answer_agreed, e);
}

/* The user in the query, or in a body as POST has it: not every client sends a body with DELETE. */
enum status agreements_delete(struct call *c, struct error *e)
{
        static const struct query_field query[] = {
                QUERY_FIELD(struct agreement_body, user, "user_id", QUERY_INT),
                QUERY_END,
        };
        static const struct json_field fields[] = {
                JSON_FIELD(struct agreement_body, user.value, "user_id", JSON_AS_INT,
                           JSON_REQUIRED),
                JSON_FIELD_END,
        };
        struct agreement_body body = {0};
        struct app_row app;
        TRY(apps_one(c, "apps:write", &app, e));
        TRY(query_read(c, query, &body, e));
        if (!body.user.is_given)
                TRY(call_body(c, fields, &body, e));
        struct agreement_change *cmd;
        TRY(agreement_change_new(c->domain, c->settings, &cmd, e));
        cmd->slug = app.slug;
        cmd->user_number = body.user.value;
        cmd->is_delete = true;
        return call_submit(c, &cmd->base, call_answer_empty, e);
}
