#include "auth/app.h"

#include <stdio.h>

/* linked-services' texts; what is not here is "Unauthorized". */
static const struct {
        const char *slug, *text;
} texts[] = {
        {"unknown-auth-schema", "Unknown auth schema or this schema is forbidden"},
        {"algorithm-not-implemented", "Algorithm not implemented"},
        {"expired", "Expired token"},
        {"webhook-headers-missing",
         "webhook-id (1 to 255 characters), webhook-timestamp and webhook-signature are needed"},
};

static const char *text_of(const char *slug)
{
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
                if (strcmp(texts[i].slug, slug) == 0)
                        return texts[i].text;
        return "Unauthorized";
}

enum status app_refuse(struct error *e, const char *slug)
{
        return error_set_http(e, STATUS_DENIED, 401, slug, NULL, "%s", text_of(slug));
}

enum status app_refuse_key(struct error *e, size_t n_tried)
{
        return app_refuse(e, n_tried > 1 ? "wrong-legacy-app-token" : "wrong-app-token");
}

#define WHERE_EXPIRED "exp"

enum status app_refuse_expired(struct error *e)
{
        return error_set_http(e, STATUS_DENIED, 401, "wrong-app-token", WHERE_EXPIRED, "%s",
                              text_of("wrong-app-token"));
}

void auth_on_record(const struct error *e, struct error *ret)
{
        *ret = *e;
        if (strcmp(e->slug, "wrong-app-token") == 0 && strcmp(e->where, WHERE_EXPIRED) == 0)
                (void)app_refuse(ret, "expired");
}

enum status app_row_of(struct auth_loop *l, const struct request_view *req, struct span slug,
                       struct app_row *ret, struct error *e)
{
        uint64_t generation = auth_generation(l);
        if (app_keys_recall_row(l->app_keys, slug, generation, ret)) {
                ret->slug = arena_span(req->arena, ret->slug);
                return ret->slug.p ? STATUS_OK : error_no_memory(e);
        }
        enum status s = app_find(l->db, slug, req->arena, ret, e);
        if (s == STATUS_OK)
                app_keys_keep_row(l->app_keys, generation, ret);
        return s == STATUS_NOT_FOUND ? app_refuse(e, "app-not-found") : s;
}

void app_caller(const struct app_row *app, struct caller *ret)
{
        *ret = (struct caller){.kind = CALLER_APP, .app_id = app->id, .app_version = app->version};
        size_t len = app->slug.len < sizeof ret->id ? app->slug.len : sizeof ret->id - 1;
        memcpy(ret->id, app->slug.p, len);
}

enum status app_live_keys(struct auth_loop *l, const struct app_row *app, int64_t now_ms,
                          struct app_live ret[APP_LIVE_MAX], size_t *ret_n, struct error *e)
{
        return app_keys_live(l->app_keys, domain_secrets(l->auth->domain), app, now_ms, ret, ret_n,
                             e);
}

enum status app_scope_check(struct auth_loop *l, const struct request_view *req, const char *scope,
                            struct auth_app *app, struct error *e)
{
        TRY(app_scopes_of(l->db, &app->app, app->mode, app->has_user, app->user_number, req->arena,
                          &app->scopes, e));
        bool has = strcmp(scope, "webhook") == 0 ? app_scopes_have_webhook(&app->scopes)
                                                 : app_scopes_have(&app->scopes, scope);
        return has ? STATUS_OK : app_refuse(e, "forbidden-scope");
}

enum status auth_app(struct auth *a, struct auth_loop *l, const struct request_view *req,
                     const char *scope, struct auth_app *ret, struct caller *ret_who,
                     struct error *e)
{
        struct app_header h;
        struct auth_app app = {0};

        (void)a;
        *ret_who = (struct caller){.kind = CALLER_NOBODY};
        TRY(app_header_read(req, &h, e));
        TRY(app_row_of(l, req, h.app, &app.app, e));
        if (h.scheme == APP_SCHEME_LINK)
                TRY(link_check(l, req, &h, scope, &app, ret_who, e));
        else
                TRY(signature_check(l, req, &h, scope, &app, ret_who, e));
        *ret = app;
        return STATUS_OK;
}
