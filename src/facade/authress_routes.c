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
        SERVED(GET, "/v1/roles", 0, au_roles_list, NULL, "role"),
        SERVED(POST, "/v1/roles", MEDIA_JSON, au_roles_post, "role.create", "role"),
        SERVED(GET, "/v1/roles/{roleId}", 0, au_roles_get, NULL, "role"),
        SERVED(PUT, "/v1/roles/{roleId}", MEDIA_JSON, au_roles_put, "role.change", "role"),
        SERVED(DELETE, "/v1/roles/{roleId}", 0, au_roles_delete, "role.delete", "role"),
        SERVED(GET, "/v1/records", 0, au_records_list, NULL, "record"),
        SERVED(POST, "/v1/records", MEDIA_JSON, au_records_post, "record.create", "record"),
        SERVED(GET, "/v1/records/{recordId}", 0, au_records_get, NULL, "record"),
        SERVED(PUT, "/v1/records/{recordId}", MEDIA_JSON, au_records_put, "record.update", "record"),
        SERVED(DELETE, "/v1/records/{recordId}", 0, au_records_delete, "record.delete", "record"),
        SERVED(GET, "/v1/groups", 0, au_groups_list, NULL, "group"),
        SERVED(POST, "/v1/groups", MEDIA_JSON, au_groups_post, "group.create", "group"),
        SERVED(GET, "/v1/groups/{groupId}", 0, au_groups_get, NULL, "group"),
        SERVED(PUT, "/v1/groups/{groupId}", MEDIA_JSON, au_groups_put, "group.update", "group"),
        SERVED(DELETE, "/v1/groups/{groupId}", 0, au_groups_delete, "group.delete", "group"),
        SERVED(GET, "/v1/resources", 0, au_resources_list, NULL, "resource"),
        SERVED(GET, "/v1/resources/{resourceUri}", 0, au_resources_get, NULL, "resource"),
        SERVED(PUT, "/v1/resources/{resourceUri}", MEDIA_JSON, au_resources_put, "resource.configure", "resource"),
        SERVED(GET, "/v1/resources/{resourceUri}/users", 0, au_resources_users, NULL, "resource"),
        SERVED(POST, "/v1/claims", MEDIA_JSON, au_claims_post, "claim.create", "resource"),
        SERVED(POST, "/v1/invites", MEDIA_JSON, au_invites_post, "invite.create", "invite"),
        SERVED(GET, "/v1/invites/{inviteId}", 0, au_invites_get, NULL, "invite"),
        SERVED(PATCH, "/v1/invites/{inviteId}", MEDIA_JSON, au_invites_patch, "invite.accept", "invite"),
        SERVED(DELETE, "/v1/invites/{inviteId}", 0, au_invites_delete, "invite.delete", "invite"),
        SERVED(GET, "/v1/requests", 0, au_requests_list, NULL, "request"),
        SERVED(POST, "/v1/requests", MEDIA_JSON, au_requests_post, "request.create", "request"),
        SERVED(GET, "/v1/requests/{requestId}", 0, au_requests_get, NULL, "request"),
        SERVED(PATCH, "/v1/requests/{requestId}", MEDIA_JSON, au_requests_patch, "request.answer", "request"),
        SERVED(DELETE, "/v1/requests/{requestId}", 0, au_requests_delete, "request.delete", "request"),

        UNSERVED(POST, "/api/authentication"),
        UNSERVED(PATCH, "/api/authentication/{authenticationRequestId}"),
        UNSERVED(GET, "/v1/accounts"),
        UNSERVED(GET, "/v1/accounts/{accountId}"),
        UNSERVED(GET, "/v1/applications"),
        UNSERVED(POST, "/v1/applications"),
        UNSERVED(DELETE, "/v1/applications/{applicationId}"),
        UNSERVED(GET, "/v1/applications/{applicationId}"),
        UNSERVED(PUT, "/v1/applications/{applicationId}"),
        UNSERVED(POST, "/v1/applications/{applicationId}/users/{userId}/delegation"),
        SERVED(GET, "/v1/clients", 0, au_clients_list, NULL, "client"),
        SERVED(POST, "/v1/clients", MEDIA_JSON, au_clients_post, "client.create", "client"),
        SERVED(DELETE, "/v1/clients/{clientId}", 0, au_clients_delete, "client.delete", "client"),
        SERVED(GET, "/v1/clients/{clientId}", 0, au_clients_get, NULL, "client"),
        SERVED(PUT, "/v1/clients/{clientId}", MEDIA_JSON, au_clients_put, "client.change", "client"),
        SERVED(POST, "/v1/clients/{clientId}/access-keys", MEDIA_JSON, au_access_keys_post, "key.mint", "client"),
        SERVED(DELETE, "/v1/clients/{clientId}/access-keys/{keyId}", 0, au_access_keys_delete, "key.revoke", "client"),
        OPEN(GET, "/v1/clients/{clientId}/.well-known/openid-configuration", 0, au_client_configuration, NULL, "client"),
        OPEN(GET, "/v1/clients/{clientId}/.well-known/openid-configuration/jwks", 0, au_client_jwks, NULL, "client"),
        OPEN(GET, "/.well-known/openid-configuration", 0, au_configuration, NULL, NULL),
        OPEN(GET, "/.well-known/openid-configuration/jwks", 0, au_jwks, NULL, NULL),
        OPEN(POST, "/api/authentication/oauth/tokens", MEDIA_JSON, au_tokens_post, "token.issue", "session"),
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
