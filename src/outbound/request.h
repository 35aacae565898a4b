/* request: what a step of a connector writes, and what a sink posts. Wiped when it is done with. */
#ifndef OUTBOUND_REQUEST_H
#define OUTBOUND_REQUEST_H

#include <chatelaine/base_buf.h>

struct curl_slist;

struct request {
        const char *method;
        struct buf url, body;
        struct curl_slist *headers;
        bool has_body, has_failed; /* a header found no memory */
};

void request_init(struct request *r, size_t body_bytes_max);
void request_fini(struct request *r);
/* base without its trailing "/", then path. */
void request_url(struct request *r, const char *base, const char *path);
/* A part of a path, or of a form, percent-encoded. */
void request_part(struct buf *out, struct span text);
void request_header(struct request *r, const char *name, struct span value);
/* Authorization: Basic, or with `scheme`. */
void request_basic(struct request *r, struct span username, struct span password);
enum status request_check(const struct request *r, struct error *e) MUST_CHECK;

#endif
