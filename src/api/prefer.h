/*
 * prefer: the Prefer header (RFC 7240), the two preferences that the webhook
 * endpoints know. Several headers and comma lists count as one; the first of a
 * repeated preference wins; unknown preferences and parameters are passed over.
 */
#ifndef API_PREFER_H
#define API_PREFER_H

#include <chatelaine/http.h>

struct prefer {
        bool is_representation; /* return=representation */
        bool is_lenient;        /* handling=lenient */
};
struct prefer prefer_read(const struct http_request *req);
/* Preference-Applied, when there is something to say. */
void prefer_applied(struct http_request *req, const struct prefer *p);

/* For tests: one header value into what is known so far. */
struct prefer_seen {
        bool has_return, has_handling;
};
void prefer_take(struct span header, struct prefer *p, struct prefer_seen *seen);

#endif
