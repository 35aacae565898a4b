/* airisk: what its files share. */
#ifndef FACADE_AIRISK_H
#define FACADE_AIRISK_H

#include "facade/issue.h"

/* Answers in AIRisk's shape: 401 as problem+json, 400 as plain text. */
void airisk_refuse(struct issue *i, const struct error *e);
/* INVALID whose words are "Invalid WHAT". */
enum status airisk_invalid(struct error *e, const char *what);
/* The redirect, with what it says; status 302 or 303. */
void airisk_redirect(struct issue *i, unsigned status, struct span location);
/* INVALID when the query has a name twice (RFC 6749 3.1): known or not, since which one counts
 * would be a guess. */
enum status airisk_query_check(struct issue *i, struct error *e) MUST_CHECK;
/* A parameter of the query; one that is empty is absent (RFC 6749 3.1). */
struct span airisk_query(struct issue *i, const char *name);
/* NULL, or the error (RFC 6749 4.1.2.1) that goes back to the client's own address: what the query
 * asks for beside client, address and user. */
const char *airisk_why_not(struct issue *i);
/* Client and registered redirect_uri, or the error that is answered without any redirect. */
enum status airisk_target(struct issue *i, struct span client_id, struct span redirect_uri,
                          struct principal *ret_client, struct error *e) MUST_CHECK;

/* airisk_page.c */
void airisk_page_get(struct http_request *req);
void airisk_page_post(struct http_request *req);

#endif
