#include "api/call.h"

static const struct call_face face = {NULL};

void api_enter(struct http_request *req)
{
        const struct api_bound *bound = http_route_arg(req);
        struct request_view view;
        http_view(req, &view);
        struct call *c = call_new(&view, req, http_loop_state(req), &face, &bound->endpoint);
        if (c)
                call_enter(c);
}

enum status api_duration(const struct json *value, const char *at, int64_t *ret_ms, struct error *e)
{
        int64_t ms = 0;
        if (!value || json_is_null(value))
                return STATUS_OK;
        if (json_is_integer(value) && json_integer(value) >= 0 &&
            json_integer(value) <= INT64_MAX / 1000) {
                *ret_ms = json_integer(value) * 1000;
                return STATUS_OK;
        }
        if (!json_is_string(value) ||
            clock_parse_duration(json_span(value), &ms, NULL) != STATUS_OK)
                return error_set(e, STATUS_INVALID, "invalid-field", at,
                                 "A duration is a number of seconds, or a text like \"15m\".");
        *ret_ms = ms;
        return STATUS_OK;
}

enum status api_time(struct span text, const char *at, int64_t *ret_ms, struct error *e)
{
        if (text.p && clock_parse_rfc3339(text, ret_ms, NULL) != STATUS_OK)
                return error_set(e, STATUS_INVALID, "invalid-field", at,
                                 "A time is RFC 3339, like \"2030-01-31T12:00:00Z\".");
        return STATUS_OK;
}

enum status api_hide(enum status allowed, bool visible, const char *slug, struct error *e)
{
        if (allowed != STATUS_DENIED || visible)
                return allowed;
        return error_set(e, STATUS_NOT_FOUND, slug, NULL,
                         "There is none of this name that you "
                         "may see.");
}
