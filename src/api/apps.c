#include "api/apps.h"

#include "api/endpoints.h"
#include "api/query.h"

enum status apps_may(const struct call *c, const char *permission, struct span slug,
                     struct error *e)
{
        if (call_may(c, permission, call_resource(c, "webhooks", slug), NULL) == STATUS_OK)
                return STATUS_OK;
        return call_may(c, permission, call_resource(c, "apps", slug), e);
}

enum status apps_one(struct call *c, const char *permission, struct app_row *ret, struct error *e)
{
        c->target = api_param(c, "slug");
        TRY(app_find(c->db, c->target, c->arena, ret, e));
        enum status allowed = apps_may(c, permission, ret->slug, e);
        return api_hide(allowed, apps_may(c, "apps:read", ret->slug, NULL) == STATUS_OK,
                        "app-not-found", e);
}

enum status apps_list(struct call *c, struct error *e)
{
        struct page page;
        TRY(query_page(c, &page, e));
        TRY(call_may(c, "apps:read", SPAN("apps"), e));
        TRY(app_list(c->db, &page, &c->out, e));
        call_reply_out(c, 200);
        return STATUS_OK;
}

enum status apps_get(struct call *c, struct error *e)
{
        struct app_row app;
        TRY(apps_one(c, "apps:read", &app, e));
        TRY(app_write(c->db, &app, &c->out, e));
        call_reply_out(c, 200);
        return STATUS_OK;
}

/* The app {c->target} as it is now; with its secret in front where there is one to show, this once.
 */
static enum status reply_app(struct call *c, unsigned status, bool has_secret,
                             const struct buf *secret, struct error *e)
{
        struct app_row app;
        struct buf CLEANUP(buf_fini) text;
        buf_init(&text, (size_t)1 << 20);
        enum status read = app_find(c->db, c->target, c->arena, &app, e);
        if (read == STATUS_OK)
                read = app_write(c->db, &app, &text, e);
        if (read == STATUS_OK)
                read = buf_check(&text, e);
        if (read != STATUS_OK && !has_secret)
                return read;

        /* A secret that is committed is answered, also where the row cannot be read back. */
        json_obj_open(&c->out);
        if (has_secret)
                json_member_text(&c->out, "secret", secret->len > 0 ? buf_view(secret) : SPAN_NONE);
        if (read == STATUS_OK) {
                if (has_secret)
                        buf_char(&c->out, ',');
                buf_span(&c->out, span_make(text.data + 1, text.len - 1));
        } else {
                json_member_text(&c->out, "slug", c->target);
                json_obj_close(&c->out);
        }
        call_reply_out(c, status);
        return STATUS_OK;
}

/* ---- create ---- */

struct create_body {
        struct span slug, name, algorithm, strategy, key;
        bool require_agreement, replay_guard;
        struct json_texts scopes, optional_scopes;
};

static enum status answer_created(struct call *c, struct domain_command *cmd, struct error *e)
{
        return reply_app(c, 201, true, &((struct app_create *)cmd)->secret_text, e);
}

static enum status create_fill(const struct create_body *body, struct app_create *cmd,
                               struct error *e)
{
        cmd->slug = body->slug;
        cmd->name = body->name;
        cmd->require_agreement = body->require_agreement;
        cmd->replay_guard = body->replay_guard;
        cmd->scopes = body->scopes.items;
        cmd->n_scopes = body->scopes.n;
        cmd->optional_scopes = body->optional_scopes.items;
        cmd->n_optional_scopes = body->optional_scopes.n;
        cmd->key_text = body->key;
        if (body->strategy.p)
                TRY(app_strategy_read(body->strategy, &cmd->strategy, e));
        if (body->algorithm.p)
                TRY(app_algorithm_read(body->algorithm, &cmd->algorithm, e));
        return STATUS_OK;
}

/* apps:write on apps/SLUG. */
enum status apps_post(struct call *c, struct error *e)
{
        static const struct json_field fields[] = {
                JSON_FIELD(struct create_body, slug, "slug", JSON_AS_TEXT,
                           JSON_REQUIRED | JSON_NONEMPTY),
                JSON_FIELD(struct create_body, name, "name", JSON_AS_TEXT, JSON_NULLABLE),
                JSON_FIELD(struct create_body, algorithm, "algorithm", JSON_AS_TEXT, JSON_NULLABLE),
                JSON_FIELD(struct create_body, strategy, "strategy", JSON_AS_TEXT, JSON_NULLABLE),
                JSON_FIELD(struct create_body, require_agreement, "require_agreement", JSON_AS_BOOL,
                           0),
                JSON_FIELD(struct create_body, replay_guard, "replay_guard", JSON_AS_BOOL, 0),
                JSON_FIELD(struct create_body, scopes, "scopes", JSON_AS_TEXTS, JSON_NULLABLE),
                JSON_FIELD(struct create_body, optional_scopes, "optional_scopes", JSON_AS_TEXTS,
                           JSON_NULLABLE),
                JSON_FIELD(struct create_body, key, "key", JSON_AS_TEXT,
                           JSON_NULLABLE | JSON_NONEMPTY),
                JSON_FIELD_END,
        };
        struct create_body body = {.require_agreement = true, .replay_guard = true};
        TRY(call_may(c, "apps:write", SPAN_NONE, e));
        TRY(call_body(c, fields, &body, e));
        c->target = body.slug;
        TRY(apps_may(c, "apps:write", body.slug, e));

        struct app_create *cmd;
        TRY(app_create_new(c->domain, c->settings, &cmd, e));
        enum status status = create_fill(&body, cmd, e);
        if (status != STATUS_OK) {
                domain_command_free(&cmd->base);
                return status;
        }
        return call_submit(c, &cmd->base, answer_created, e);
}

/* ---- change ---- */

struct change_body {
        struct span name, strategy;
        const struct json *require_agreement, *replay_guard;
        struct json_texts scopes, optional_scopes;
};

static enum status answer_changed(struct call *c, struct domain_command *cmd, struct error *e)
{
        (void)cmd;
        return reply_app(c, 200, false, NULL, e);
}

/* -1 = not given. */
static enum status flag_read(const struct json *value, const char *at, int *ret, struct error *e)
{
        *ret = -1;
        if (!value)
                return STATUS_OK;
        if (!json_is_boolean(value))
                return error_set(e, STATUS_INVALID, "invalid-field", at, "It is true or false.");
        *ret = json_is_true(value);
        return STATUS_OK;
}

static enum status change_fill(const struct call *c, const struct change_body *body,
                               struct app_change *cmd, struct error *e)
{
        cmd->name = body->name;
        cmd->scopes = body->scopes.items;
        cmd->n_scopes = body->scopes.n;
        cmd->has_scopes = json_get(c->body, "scopes");
        cmd->optional_scopes = body->optional_scopes.items;
        cmd->n_optional_scopes = body->optional_scopes.n;
        cmd->has_optional_scopes = json_get(c->body, "optional_scopes");
        TRY(flag_read(body->require_agreement, "/require_agreement", &cmd->require_agreement, e));
        TRY(flag_read(body->replay_guard, "/replay_guard", &cmd->replay_guard, e));
        cmd->has_strategy = body->strategy.p;
        if (cmd->has_strategy)
                TRY(app_strategy_read(body->strategy, &cmd->strategy, e));
        return STATUS_OK;
}

enum status apps_patch(struct call *c, struct error *e)
{
        static const struct json_field fields[] = {
                JSON_FIELD(struct change_body, name, "name", JSON_AS_TEXT, 0),
                JSON_FIELD(struct change_body, strategy, "strategy", JSON_AS_TEXT, 0),
                JSON_FIELD(struct change_body, require_agreement, "require_agreement",
                           JSON_AS_VALUE, 0),
                JSON_FIELD(struct change_body, replay_guard, "replay_guard", JSON_AS_VALUE, 0),
                JSON_FIELD(struct change_body, scopes, "scopes", JSON_AS_TEXTS, 0),
                JSON_FIELD(struct change_body, optional_scopes, "optional_scopes", JSON_AS_TEXTS,
                           0),
                JSON_FIELD_END,
        };
        struct change_body body = {0};
        struct app_row app;
        TRY(apps_one(c, "apps:write", &app, e));
        TRY(call_body(c, fields, &body, e));
        struct app_change *cmd;
        TRY(app_change_new(c->domain, c->settings, &cmd, e));
        cmd->slug = app.slug;
        enum status status = change_fill(c, &body, cmd, e);
        if (status != STATUS_OK) {
                domain_command_free(&cmd->base);
                return status;
        }
        return call_submit(c, &cmd->base, answer_changed, e);
}

/* ---- rotate, delete ---- */

struct rotate_body {
        const struct json *grace;
        struct span key, algorithm;
};

static enum status answer_rotated(struct call *c, struct domain_command *cmd, struct error *e)
{
        return reply_app(c, 200, true, &((struct app_rotate *)cmd)->secret_text, e);
}

static enum status rotate_fill(const struct rotate_body *body, struct app_rotate *cmd,
                               struct error *e)
{
        cmd->grace_ms = -1;
        TRY(call_duration(body->grace, "/grace", &cmd->grace_ms, e));
        cmd->key_text = body->key;
        cmd->has_algorithm = body->algorithm.p;
        if (cmd->has_algorithm)
                TRY(app_algorithm_read(body->algorithm, &cmd->algorithm, e));
        return STATUS_OK;
}

enum status apps_rotate(struct call *c, struct error *e)
{
        static const struct json_field fields[] = {
                JSON_FIELD(struct rotate_body, grace, "grace", JSON_AS_VALUE, 0),
                JSON_FIELD(struct rotate_body, key, "key", JSON_AS_TEXT,
                           JSON_NULLABLE | JSON_NONEMPTY),
                JSON_FIELD(struct rotate_body, algorithm, "algorithm", JSON_AS_TEXT, JSON_NULLABLE),
                JSON_FIELD_END,
        };
        struct rotate_body body = {0};
        struct app_row app;
        TRY(apps_one(c, "apps:write", &app, e));
        TRY(call_body(c, fields, &body, e));
        struct app_rotate *cmd;
        TRY(app_rotate_new(c->domain, c->settings, &cmd, e));
        cmd->slug = app.slug;
        enum status status = rotate_fill(&body, cmd, e);
        if (status != STATUS_OK) {
                domain_command_free(&cmd->base);
                return status;
        }
        return call_submit(c, &cmd->base, answer_rotated, e);
}

enum status apps_delete(struct call *c, struct error *e)
{
        struct app_row app;
        TRY(apps_one(c, "apps:write", &app, e));
        struct app_delete *cmd;
        TRY(app_delete_new(c->domain, c->settings, &cmd, e));
        cmd->slug = app.slug;
        return call_submit(c, &cmd->base, call_answer_empty, e);
}
