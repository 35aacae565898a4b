/*
 * call: what the native endpoints add to auth_call.h: their table's rows, how they come in, and
 * what they ask again and again.
 */
#ifndef API_CALL_H
#define API_CALL_H

#include <chatelaine/api.h>
#include <chatelaine/auth_call.h>

enum api_entry {
        ENTRY_CALLER, /* somebody: key, Basic, socket; c->who says who */
        ENTRY_OPEN,   /* anybody, or an app that the endpoint itself checks; c->who is NULL */
        ENTRY_SOCKET, /* the admin socket alone */
};

struct api_endpoint {
        enum http_method method;
        const char *path;
        unsigned faces, media;
        enum api_entry entry;
        call_serve serve;
        const char *action, *target_kind; /* of its audit event; NULL where nothing changes */
};

struct api {
        struct api_options options;
        struct http_route *routes;
        struct api_bound *bound; /* what the routes' arg points to */
};
struct api_bound {
        const struct api *api;
        struct call_endpoint endpoint;
};

/* The handler of every route. */
void api_enter(struct http_request *req);

static inline const struct api *api_of(const struct call *c)
{
        return ((const struct api_bound *)http_route_arg(c->req))->api;
}
/* {name} of the path, decoded. */
static inline struct span api_param(const struct call *c, const char *name)
{
        return http_param(c->req, name);
}

/* `status`, its error at `where`: for what is read without knowing where it stood. */
enum status api_at(enum status status, const char *where, struct error *e) MUST_CHECK;
/*
 * No oracle: `allowed` is what a change asked for; where it was denied and the caller may not see
 * the thing either (`visible`), the answer is NOT_FOUND `slug`, as if it were not there.
 */
enum status api_hide(enum status allowed, bool visible, const char *slug,
                     struct error *e) MUST_CHECK;

#endif
