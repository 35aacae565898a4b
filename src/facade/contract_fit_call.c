/* How requests come in: a key in the query is shown to auth as a header, a token without its
 * scheme as one with it, X-Fields is a mask that every answer goes through. */
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

static enum status show_key(struct call *c, struct error *e)
{
        struct span name, value, key = SPAN_NONE;
        for (size_t i = 0; http_query_each(c->req, i, &name, &value); i++) {
                if (!span_is(name, "api_key"))
                        continue;
                if (key.p)
                        return error_set(e, STATUS_INVALID, "ambiguous-credentials", "api_key",
                                         "api_key was sent twice.");
                key = value;
        }
        call_show_header(c, "X-API-Key", key, false);
        return STATUS_OK;
}

/* Contract.fit's description has the JWT in Authorization alone; its clients write Bearer. */
static enum status show_token(struct call *c, struct error *e)
{
        struct span token = http_header(c->req, "Authorization");
        if (!token.len || memchr(token.p, ' ', token.len) || c->shown_value.p)
                return STATUS_OK;
        const char *bearer = arena_printf(c->arena, "Bearer %.*s", (int)token.len, token.p);
        if (!bearer)
                return error_no_memory(e);
        call_show_header(c, "Authorization", span_of(bearer), true);
        return STATUS_OK;
}

void cf_enter(struct http_request *req)
{
        struct request_view view;
        struct error err;
        http_view(req, &view);
        struct call *c = call_new(&view, req, http_loop_state(req), &face, http_route_arg(req));
        if (!c)
                return;
        enum status s = show_key(c, &err);
        if (s == STATUS_OK)
                s = show_token(c, &err);
        if (s != STATUS_OK)
                call_refuse(c, &err);
        else
                call_enter(c);
}
