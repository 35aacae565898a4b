/*
 * facade: the paths of the systems that this one stands in for. Thin: they
 * translate shapes and own no rules.
 *
 *     linked_services.c    GET /app/user, /app/user/{number}
 *     airisk*.c            /api/oauth2, /api/oauth2/Token, /api/ListUsers, /select-user
 *     oauth2*.c            /oauth2/..., /.well-known/... (RFC 6749, 7009, 7636, 7662, 8414, 8693,
 * 9068)
 *     authress*.c          /v1/users, roles, records, groups, clients, ... (application/links+json)
 *     contract_fit_*.c     /admin/..., /api/..., and GET /, the page of share links
 *
 * Webhooks of linked-services' apps are the native endpoints' (api).
 *
 * The loops' state (http_loop_state) is auth's struct auth_loop.
 */
#ifndef CHATELAINE_FACADE_H
#define CHATELAINE_FACADE_H

#include <chatelaine/http.h>

/* For http_wiring.route_tables. */
extern const struct http_route linked_services_routes[];
extern const struct http_route oauth2_routes[];
extern const struct http_route airisk_routes[];
extern const struct http_route contract_fit_routes[];
extern const struct http_route authress_routes[];

/*
 * For http_wiring.error_shapes: problem+json with `status_code` too, as
 * linked-services' clients read it, under /app/ and for /v1/webhooks; RFC 6749's under /oauth2/;
 * Contract.fit's and Authress's on their paths. Ended by prefix NULL.
 */
extern const struct http_error_shape facade_error_shapes[];

#endif
