/*
 * linked-services: the users that an app may see.
 *
 * An app with scope read:user. With a user in its token (Link's sub) that one
 * alone; without, the users who agreed to it, or all for an app that needs no
 * agreement. Another's number is 403 "user-with-no-access", one that is not
 * there 404 "user-not-found".
 */
#include "facade/authress.h"
#include "facade/contract_fit.h"
#include "facade/oauth2.h"

#include <chatelaine/auth.h>
#include <chatelaine/codec_json.h>
#include <chatelaine/facade.h>

#define USERS_BYTES_MAX ((size_t)16 << 20)

/* ---- errors ---- */

/* RFC 9457, and `status_code` beside `detail`. */
static void write_error(struct http_request *req, const struct error *e, struct buf *body)
{
        buf_char(body, '{');
        http_problem_members(req, e, body);
        json_member_int(body, "status_code", error_http(e));
        buf_char(body, '}');
}

#define AUTHRESS(prefix)                                \
        {                                               \
                prefix, au_write_error, AU_CONTENT_TYPE \
        }

const struct http_error_shape facade_error_shapes[] = {
        {"/app", write_error, "application/problem+json"},
        {"/v1/webhooks", write_error, "application/problem+json"},
        {"/oauth2", oauth2_error_write, "application/json"},
        AUTHRESS("/api/authentication"),
        AUTHRESS("/v1/accounts"),
        AUTHRESS("/v1/applications"),
        AUTHRESS("/v1/claims"),
        AUTHRESS("/v1/clients"),
        AUTHRESS("/v1/connections"),
        AUTHRESS("/v1/extensions"),
        AUTHRESS("/v1/groups"),
        AUTHRESS("/v1/identities"),
        AUTHRESS("/v1/invites"),
        AUTHRESS("/v1/records"),
        AUTHRESS("/v1/requests"),
        AUTHRESS("/v1/resources"),
        AUTHRESS("/v1/roles"),
        AUTHRESS("/v1/tenants"),
        AUTHRESS("/v1/users"),
        {"/admin", cf_write_error, "application/json"},
        {"/api", cf_write_error, "application/json"},
        {"/auth", cf_write_error, "application/json"},
        {NULL, NULL, NULL},
};

static void refuse(struct http_request *req, const struct request_view *view,
                   const struct caller *who, const struct error *e)
{
        if (refusal_is_due(e, false)) {
                struct error recorded;
                struct audit audit = {.action = "user.read", .target_kind = "user"};
                audit_request(&audit, view);
                auth_on_record(e, &recorded);
                refusal_note(auth_loop_domain(http_loop_state(req)), who, &audit, &recorded);
        }
        http_reply_error(req, e);
}

/* ---- GET /app/user, /app/user/{number} ---- */

typedef enum status (*write_users)(struct http_request *req, struct store_conn *db,
                                   const struct auth_app *app, struct buf *out, struct error *e);

static enum status write_all(struct http_request *req, struct store_conn *db,
                             const struct auth_app *app, struct buf *out, struct error *e)
{
        (void)req;
        return app_users(db, &app->app, app->has_user, app->user_number, out, e);
}

static enum status write_one(struct http_request *req, struct store_conn *db,
                             const struct auth_app *app, struct buf *out, struct error *e)
{
        int64_t number;
        if (span_int64(http_param(req, "number"), &number, NULL) != STATUS_OK)
                return error_set(e, STATUS_NOT_FOUND, "user-not-found", NULL, "User not found");
        return app_user(db, &app->app, app->has_user, app->user_number, number, out, e);
}

static void serve(struct http_request *req, write_users write)
{
        struct auth_loop *loop = http_loop_state(req);
        struct request_view view;
        struct auth_app app;
        struct caller who;
        struct error err;
        struct buf CLEANUP(buf_fini) out;
        buf_init(&out, USERS_BYTES_MAX);
        http_view(req, &view);
        enum status status =
                auth_app(auth_loop_auth(loop), loop, &view, "read:user", &app, &who, &err);
        if (status == STATUS_OK)
                status = auth_app_rate(auth_loop_auth(loop), &app, 0, &err);
        if (status == STATUS_OK)
                status = write(req, auth_loop_db(loop), &app, &out, &err);
        if (status == STATUS_OK)
                status = buf_check(&out, &err);
        if (status != STATUS_OK)
                refuse(req, &view, &who, &err);
        else
                http_reply(req, 200, "application/json", buf_view(&out));
}

static void get_users(struct http_request *req)
{
        serve(req, write_all);
}

static void get_user(struct http_request *req)
{
        serve(req, write_one);
}

const struct http_route linked_services_routes[] = {
        {.method = HTTP_GET, .path = "/app/user", .faces = FACE_WEBHOOKS, .handler = get_users},
        {.method = HTTP_GET,
         .path = "/app/user/{number}",
         .faces = FACE_WEBHOOKS,
         .handler = get_user},
        {.path = NULL},
};
