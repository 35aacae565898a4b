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
/* Client and registered redirect_uri, or the error that is answered without any redirect. */
enum status airisk_target(struct issue *i, struct span client_id, struct span redirect_uri,
                          struct principal *ret_client, struct error *e) MUST_CHECK;

/* airisk_page.c */
void airisk_page_get(struct http_request *req);
void airisk_page_post(struct http_request *req);

#endif
