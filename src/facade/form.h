/* form: a body of names and values, as a form (application/x-www-form-urlencoded) or a flat JSON
 * object. */
#ifndef FACADE_FORM_H
#define FACADE_FORM_H

#include <chatelaine/http.h>

#define FORM_FIELDS_MAX 64

struct form {
        struct form_field {
                struct span name, value;
        } fields[FORM_FIELDS_MAX];
        size_t n;
};

/*
 * Into the request's arena. INVALID "invalid-request": malformed, a name twice (RFC 6749 3.2), too
 * many. Of JSON members that are no strings only numbers count; others are passed over.
 */
enum status form_read(struct http_request *req, struct form *ret, struct error *e) MUST_CHECK;
/* Absent when it was not sent, or is empty (RFC 6749 3.2: as if it were not there). */
struct span form_get(const struct form *f, const char *name);

#endif
