#include "api/call.h"

#include <stdio.h>

static const struct call_face face = {0};

void api_enter(struct http_request *req)
{
        const struct api_bound *bound = http_route_arg(req);
        struct request_view view;
        http_view(req, &view);
        struct call *c = call_new(&view, req, http_loop_state(req), &face, &bound->endpoint);
        if (c)
                call_enter(c);
}

enum status api_at(enum status status, const char *where, struct error *e)
{
        if (status != STATUS_OK && e)
                snprintf(e->where, sizeof e->where, "%s", where);
        return status;
}

enum status api_hide(enum status allowed, bool visible, const char *slug, struct error *e)
{
        if (allowed != STATUS_DENIED || visible)
                return allowed;
        return error_set(e, STATUS_NOT_FOUND, slug, NULL,
                         "There is none of this name that you "
                         "may see.");
}
