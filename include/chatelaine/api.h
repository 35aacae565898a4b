/*
 * api: the native endpoints of the interface's section 4, the health endpoints,
 * and those of the command line (/v1/admin/..., on the admin socket alone).
 *
 *     struct api *api;
 *     TRY(api_new(&options, &api, e));
 *     tables = {api_routes(api), facade tables ..., NULL};      // http_wiring.route_tables
 *
 * One table (src/api/routes.c) names every endpoint: method, path, who may come
 * in, its audit action. What it needs of the caller's rights stands in a comment
 * at its function and in schemas/http/openapi.yaml.
 *
 *     handler ─▶ auth_caller ─▶ endpoint: query or command
 *                                             │  read connection of the loop
 *                                             │  auth's pool: lists, passwords, slow work
 *                                             └─ domain_submit ─▶ completion ─▶ reply
 *
 * The loops' state (http_loop_state) is auth's struct auth_loop, shared with the facades.
 *
 * Thread: endpoints run on the loops; the hooks below are called as each says.
 */
#ifndef CHATELAINE_API_H
#define CHATELAINE_API_H

#include <chatelaine/auth.h>
#include <chatelaine/domain.h>
#include <chatelaine/http.h>

/* What the process knows and the rooms below do not. `ctx` is the hooks' first argument. */
struct api_hooks {
        void *ctx;
        /* Any loop, must not block. */
        bool (*is_draining)(void *ctx);
        /* A thread of auth's pool; may block. */
        enum status (*backup)(void *ctx, const char *path, struct error *e);
        enum status (*rotate_secrets)(void *ctx,
                                      struct error *e); /* file written, new versions in use */
        enum status (*republish)(void *ctx, int64_t from, int64_t through, int64_t *ret_count,
                                 struct error *e);
};

struct api_options {
        struct domain *domain;
        struct auth *auth;
        const char *version; /* of the program */
        struct api_hooks hooks;
        /* All route tables of the process, for GET /v1/admin/routes; borrowed, NULL-terminated; may
         * be filled after api_new. */
        const struct http_route *const *route_tables;
};

struct api;
enum status api_new(const struct api_options *o, struct api **ret, struct error *e) MUST_CHECK;
void api_free(struct api *a);
/* Lives as long as `a`. */
const struct http_route *api_routes(const struct api *a);

#endif
