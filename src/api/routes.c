/* Every native endpoint at a glance, and the room's life. */
#include "api/endpoints.h"

#include <stdlib.h>

#define BATCH (MEDIA_JSON | MEDIA_CLOUDEVENT | MEDIA_CLOUDEVENT_BATCH | MEDIA_NDJSON)
#define APPS FACE_WEBHOOKS
#define BOTH (FACE_WEBHOOKS | FACE_NATIVE)
#define OURS FACE_NATIVE
#define HEALTH FACE_HEALTH

// clang-format off
static const struct api_endpoint endpoints[] = {
        {HTTP_POST,   "/v1/webhooks",                    BOTH, BATCH,      ENTRY_OPEN,   webhooks_post,          "webhook.ingest",    "app"},
        {HTTP_POST,   "/app/webhook",                    APPS, BATCH,      ENTRY_OPEN,   webhooks_post,          "webhook.ingest",    "app"},
        {HTTP_POST,   "/app/webhook/{slug}",             APPS, BATCH,      ENTRY_OPEN,   webhooks_post_standard, "webhook.ingest",    "app"},
        {HTTP_GET,    "/v1/webhooks",                    OURS, 0,          ENTRY_CALLER, webhooks_list,          NULL,                "webhook"},
        {HTTP_GET,    "/v1/webhooks/{log_id}",           OURS, 0,          ENTRY_CALLER, webhooks_get,           NULL,                "webhook"},
        {HTTP_POST,   "/v1/webhooks/{log_id}/replay",    OURS, 0,          ENTRY_CALLER, webhooks_replay,        "webhook.replay",    "webhook"},

        {HTTP_POST,   "/v1/keys",                        OURS, MEDIA_JSON, ENTRY_CALLER, keys_mint,              "key.mint",          "key"},
        {HTTP_GET,    "/v1/keys",                        OURS, 0,          ENTRY_CALLER, keys_list,              NULL,                "key"},
        {HTTP_POST,   "/v1/keys/revoke",                 OURS, MEDIA_JSON, ENTRY_CALLER, keys_revoke,            "key.revoke",        "selector"},
        {HTTP_POST,   "/v1/keys/verify",                 OURS, MEDIA_JSON, ENTRY_CALLER, keys_verify,            NULL,                "key"},
        {HTTP_GET,    "/v1/keys/{id}",                   OURS, 0,          ENTRY_CALLER, keys_get,               NULL,                "key"},
        {HTTP_PATCH,  "/v1/keys/{id}",                   OURS, MEDIA_JSON, ENTRY_CALLER, keys_patch,             "key.suspend",       "key"},
        {HTTP_DELETE, "/v1/keys/{id}",                   OURS, 0,          ENTRY_CALLER, keys_delete,            "key.revoke",        "key"},
        {HTTP_POST,   "/v1/keys/{id}/rotate",            OURS, MEDIA_JSON, ENTRY_CALLER, keys_rotate,            "key.rotate",        "key"},
        {HTTP_POST,   "/v1/keys/{id}/retry",             OURS, 0,          ENTRY_CALLER, keys_retry,             "key.upstream_retry", "key"},
        {HTTP_POST,   "/v1/links",                       OURS, MEDIA_JSON, ENTRY_CALLER, links_post,             "key.mint",          "key"},

        {HTTP_GET,    "/v1/inboxes",                     OURS, 0,          ENTRY_CALLER, inboxes_list,           NULL,                "inbox"},
        {HTTP_POST,   "/v1/inboxes",                     OURS, MEDIA_JSON, ENTRY_CALLER, inboxes_post,           "inbox.create",      "inbox"},
        {HTTP_GET,    "/v1/documents",                   OURS, 0,          ENTRY_CALLER, documents_list,         NULL,                "document"},
        {HTTP_POST,   "/v1/documents",                   OURS, MEDIA_JSON, ENTRY_CALLER, documents_post,         "document.create",   "document"},
        {HTTP_GET,    "/v1/documents/{id}",              OURS, 0,          ENTRY_CALLER, documents_get,          NULL,                "document"},
        {HTTP_POST,   "/v1/documents/{id}/done",         OURS, 0,          ENTRY_CALLER, documents_done,         "document.done",     "document"},
        {HTTP_POST,   "/v1/documents/{id}/reopen",       OURS, 0,          ENTRY_CALLER, documents_reopen,       "document.reopen",   "document"},

        {HTTP_GET,    "/v1/apps",                        OURS, 0,          ENTRY_CALLER, apps_list,              NULL,                "app"},
        {HTTP_POST,   "/v1/apps",                        OURS, MEDIA_JSON, ENTRY_CALLER, apps_post,              "app.create",        "app"},
        {HTTP_GET,    "/v1/apps/{slug}",                 OURS, 0,          ENTRY_CALLER, apps_get,               NULL,                "app"},
        {HTTP_PATCH,  "/v1/apps/{slug}",                 OURS, MEDIA_JSON, ENTRY_CALLER, apps_patch,             "app.change",        "app"},
        {HTTP_DELETE, "/v1/apps/{slug}",                 OURS, 0,          ENTRY_CALLER, apps_delete,            "app.delete",        "app"},
        {HTTP_POST,   "/v1/apps/{slug}/rotate",          OURS, MEDIA_JSON, ENTRY_CALLER, apps_rotate,            "app.rotate",        "app"},
        {HTTP_GET,    "/v1/apps/{slug}/agreements",      OURS, 0,          ENTRY_CALLER, agreements_list,        NULL,                "app"},
        {HTTP_POST,   "/v1/apps/{slug}/agreements",      OURS, MEDIA_JSON, ENTRY_CALLER, agreements_post,        "agreement.accept",  "app"},
        {HTTP_DELETE, "/v1/apps/{slug}/agreements",      OURS, MEDIA_JSON, ENTRY_CALLER, agreements_delete,      "agreement.withdraw", "app"},

        {HTTP_GET,    "/v1/admin/users",                 OURS, 0,          ENTRY_CALLER, users_list,             NULL,                "user"},
        {HTTP_POST,   "/v1/admin/users",                 OURS, MEDIA_JSON, ENTRY_CALLER, users_post,             "user.create",       "user"},
        {HTTP_GET,    "/v1/admin/users/{id}",            OURS, 0,          ENTRY_CALLER, users_get,              NULL,                "user"},
        {HTTP_PATCH,  "/v1/admin/users/{id}",            OURS, MEDIA_JSON, ENTRY_CALLER, users_patch,            "user.change",       "user"},
        {HTTP_DELETE, "/v1/admin/users/{id}",            OURS, 0,          ENTRY_CALLER, users_delete,           "user.delete",       "user"},
        {HTTP_GET,    "/v1/admin/roles",                 OURS, 0,          ENTRY_CALLER, roles_list,             NULL,                "role"},
        {HTTP_POST,   "/v1/admin/roles",                 OURS, MEDIA_JSON, ENTRY_CALLER, roles_post,             "role.create",       "role"},
        {HTTP_GET,    "/v1/admin/roles/{id}",            OURS, 0,          ENTRY_CALLER, roles_get,              NULL,                "role"},
        {HTTP_GET,    "/v1/admin/clients",               OURS, 0,          ENTRY_CALLER, clients_list,           NULL,                "client"},
        {HTTP_POST,   "/v1/admin/clients",               OURS, MEDIA_JSON, ENTRY_CALLER, clients_post,           "client.create",     "client"},
        {HTTP_GET,    "/v1/admin/clients/{id}",          OURS, 0,          ENTRY_CALLER, clients_get,            NULL,                "client"},
        {HTTP_DELETE, "/v1/admin/clients/{id}",          OURS, 0,          ENTRY_CALLER, clients_delete,         "client.delete",     "client"},
        {HTTP_POST,   "/v1/admin/clients/{id}/key",      OURS, 0,          ENTRY_CALLER, clients_key,            "client.key",        "client"},

        {HTTP_GET,    "/v1/events",                      OURS, 0,          ENTRY_CALLER, events_get,             NULL,                "events"},

        {HTTP_POST,   "/v1/admin/backup",                OURS, MEDIA_JSON, ENTRY_SOCKET, admin_backup,           "backup",            "file"},
        {HTTP_POST,   "/v1/admin/secrets/rotate",        OURS, MEDIA_JSON, ENTRY_SOCKET, admin_rotate_secrets,   "secret.rotate",     "secrets"},
        {HTTP_POST,   "/v1/admin/events/republish",      OURS, MEDIA_JSON, ENTRY_SOCKET, admin_republish,        "events.republish",  "events"},
        {HTTP_GET,    "/v1/admin/audit/verify",          OURS, 0,          ENTRY_SOCKET, admin_audit_verify,     NULL,                "audit"},
        {HTTP_GET,    "/v1/admin/audit/public-key",      OURS, 0,          ENTRY_SOCKET, admin_audit_key,        NULL,                "audit"},
        {HTTP_GET,    "/v1/admin/routes",                OURS, 0,          ENTRY_SOCKET, admin_routes,           NULL,                "routes"},

        {HTTP_GET,    "/healthz",                        HEALTH, 0,        ENTRY_OPEN,   health_alive,           NULL,                NULL},
        {HTTP_GET,    "/readyz",                         HEALTH, 0,        ENTRY_OPEN,   health_ready,           NULL,                NULL},
        {HTTP_GET,    "/metrics",                        HEALTH, 0,        ENTRY_OPEN,   health_metrics,         NULL,                NULL},
};
// clang-format on

#define N_ENDPOINTS (sizeof endpoints / sizeof *endpoints)

enum status api_new(const struct api_options *o, struct api **ret, struct error *e)
{
        struct api *a = calloc(1, sizeof *a);
        if (!a)
                return error_no_memory(e);
        a->options = *o;
        a->bound = calloc(N_ENDPOINTS, sizeof *a->bound);
        a->routes = calloc(N_ENDPOINTS + 1, sizeof *a->routes);
        if (!a->bound || !a->routes) {
                api_free(a);
                return error_no_memory(e);
        }
        for (size_t i = 0; i < N_ENDPOINTS; i++) {
                const struct api_endpoint *ep = &endpoints[i];
                a->bound[i] = (struct api_bound){.api = a,
                                                 .endpoint = {ep->serve, ep->entry == ENTRY_OPEN,
                                                              ep->action, ep->target_kind}};
                a->routes[i] = (struct http_route){.method = ep->method,
                                                   .path = ep->path,
                                                   .faces = ep->faces,
                                                   .media = ep->media,
                                                   .handler = api_enter,
                                                   .arg = &a->bound[i],
                                                   .is_admin_only = ep->entry == ENTRY_SOCKET};
        }
        *ret = a;
        return STATUS_OK;
}

void api_free(struct api *a)
{
        if (!a)
                return;
        free(a->routes);
        free(a->bound);
        free(a);
}

const struct http_route *api_routes(const struct api *a)
{
        return a->routes;
}
