/*
 * The routes of Authress's API. What of it is not served here has a route too, and says so with
 * 501: this server holds rights and keys; people log in elsewhere.
 */
#include "facade/authress.h"

#define ROUTE(verb, route, bodies, endpoint)                                                       \
        {                                                                                          \
                .method = HTTP_##verb, .path = (route), .faces = FACE_AUTHRESS, .media = (bodies), \
                .handler = au_enter, .arg = (endpoint)                                             \
        }
/* For somebody; `open` for anybody. */
#define SERVED(verb, route, bodies, serve, action, target) \
        ROUTE(verb, route, bodies, (&(const struct call_endpoint){serve, false, action, target}))
#define OPEN(verb, route, bodies, serve, action, target) \
        ROUTE(verb, route, bodies, (&(const struct call_endpoint){serve, true, action, target}))
#define UNSERVED(verb, route) OPEN(verb, route, 0, au_unserved, NULL, NULL)

enum status au_unserved(struct call *c, struct error *e)
{
        return error_set_http(e, STATUS_INVALID, 501, "not-implemented", NULL,
                              "%s %s is not implemented here.", http_method_name(c->req),
                              http_route_path(c->req));
}

// clang-format off
const struct http_route authress_routes[] = {
        SERVED(GET, "/v1/users/{userId}/resources/{resourceUri}/permissions/{permission}", 0, au_users_authorize, NULL, "user"),
        SERVED(GET, "/v1/users/{userId}/resources/{resourceUri}/permissions", 0, au_users_permissions, NULL, "user"),
        SERVED(GET, "/v1/users/{userId}/resources/{resourceUri}/roles", 0, au_users_roles, NULL, "user"),
        SERVED(GET, "/v1/users/{userId}/resources", 0, au_users_resources, NULL, "user"),

        UNSERVED(GET, "/v1/accounts"),
        UNSERVED(GET, "/v1/accounts/{accountId}"),
        UNSERVED(GET, "/v1/applications"),
        UNSERVED(POST, "/v1/applications"),
        UNSERVED(DELETE, "/v1/applications/{applicationId}"),
        UNSERVED(GET, "/v1/applications/{applicationId}"),
        UNSERVED(PUT, "/v1/applications/{applicationId}"),
        UNSERVED(POST, "/v1/applications/{applicationId}/users/{userId}/delegation"),
        UNSERVED(GET, "/v1/connections"),
        UNSERVED(POST, "/v1/connections"),
        UNSERVED(GET, "/v1/connections/"),
        UNSERVED(DELETE, "/v1/connections/{connectionId}"),
        UNSERVED(GET, "/v1/connections/{connectionId}"),
        UNSERVED(PUT, "/v1/connections/{connectionId}"),
        UNSERVED(GET, "/v1/connections/{connectionId}/users/{userId}/credentials"),
        UNSERVED(GET, "/v1/extensions"),
        UNSERVED(POST, "/v1/extensions"),
        UNSERVED(GET, "/v1/extensions/"),
        UNSERVED(DELETE, "/v1/extensions/{extensionId}"),
        UNSERVED(GET, "/v1/extensions/{extensionId}"),
        UNSERVED(PUT, "/v1/extensions/{extensionId}"),
        UNSERVED(GET, "/v1/identities"),
        UNSERVED(POST, "/v1/identities"),
        UNSERVED(GET, "/v1/tenants"),
        UNSERVED(POST, "/v1/tenants"),
        UNSERVED(DELETE, "/v1/tenants/{tenantId}"),
        UNSERVED(GET, "/v1/tenants/{tenantId}"),
        UNSERVED(PUT, "/v1/tenants/{tenantId}"),
        UNSERVED(PATCH, "/v1/tenants/{tenantId}/users"),
        UNSERVED(GET, "/v1/users"),
        UNSERVED(DELETE, "/v1/users/{userId}"),
        UNSERVED(GET, "/v1/users/{userId}"),
        UNSERVED(POST, "/v1/users/{userId}/tokens"),
        UNSERVED(DELETE, "/v1/users/{userId}/tokens/{tokenId}"),
        {.path = NULL},
};
// clang-format on
