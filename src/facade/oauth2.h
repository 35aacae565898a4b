/* oauth2: what its files share. */
#ifndef FACADE_OAUTH2_H
#define FACADE_OAUTH2_H

#include "facade/issue.h"

typedef void (*oauth2_serve)(struct issue *i);

/* oauth2_token.c */
void oauth2_token(struct issue *i);
/* oauth2_tokens.c: who may do what to a token that is there */
void oauth2_revoke(struct issue *i);
void oauth2_introspect(struct issue *i);

/* The error in RFC 6749's words, answered. */
void oauth2_refuse(struct issue *i, const struct error *e);
enum status oauth2_bad_request(struct error *e, const char *text);
/* JSON that is not to be stored anywhere. */
void oauth2_reply(struct issue *i, const struct buf *body);

/* For facade_error_shapes. */
void oauth2_error_write(struct http_request *req, const struct error *e, struct buf *body);

#endif
