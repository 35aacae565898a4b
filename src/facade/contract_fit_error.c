/*
 * Errors as Flask-RESTX writes them: {"message": ...}, and where a member of the body is at fault
 * {"errors": {field: text}, "message": "Input payload validation failed"}.
 */
#include "facade/contract_fit.h"

/* "/roles/0/role" as "roles.0.role". */
static void write_field(struct buf *out, const char *pointer)
{
        char field[128];
        size_t n = 0;
        for (const char *p = pointer + 1; *p && *p != ' ' && n < sizeof field - 1; p++)
                field[n++] = *p == '/' ? '.' : *p;
        json_key_span(out, span_make(field, n));
}

void cf_write_error(struct http_request *req, const struct error *e, struct buf *body)
{
        (void)req;
        json_obj_open(body);
        if (error_http(e) == 400 && e->where[0] == '/' && e->where[1]) {
                json_key(body, "errors");
                json_obj_open(body);
                write_field(body, e->where);
                json_text(body, span_of(e->text));
                json_obj_close(body);
                json_member_text(body, "message", SPAN("Input payload validation failed"));
        } else {
                json_member_text(body, "message", span_of(e->text));
        }
        json_obj_close(body);
}
