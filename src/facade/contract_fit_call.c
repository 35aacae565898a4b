/* How requests come in: a key in the query is shown to auth as a header, X-Fields is a mask that
 * every answer goes through. */
#include "facade/contract_fit.h"

#define JSON_DEPTH_MAX 64

static enum status begin(struct call *c, struct error *e)
{
        struct cf_mask *mask = NULL;
        struct span fields = http_header(c->req, "X-Fields");
        if (fields.len)
                TRY(cf_mask_read(fields, c->arena, &mask, e));
        c->face_state = mask;
        return STATUS_OK;
}

static enum status shape(struct call *c, struct buf *ret, struct error *e)
{
        struct json CLEANUP(json_freep) *value = NULL;
        if (!c->face_state)
                return STATUS_OK;
        TRY(json_parse(buf_view(&c->out), JSON_DEPTH_MAX, &value, e));
        cf_mask_write(c->face_state, value, ret);
        return buf_check(ret, e);
}

static const struct call_face face = {.begin = begin, .shape = shape};

void cf_enter(struct http_request *req)
{
        struct request_view view;
        http_view(req, &view);
        struct call *c = call_new(&view, req, http_loop_state(req), &face, http_route_arg(req));
        if (!c)
                return;
        call_show_header(c, SPAN("X-API-Key"), http_query(req, "api_key"));
        call_enter(c);
}
