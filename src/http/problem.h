#ifndef HTTP_PROBLEM_H
#define HTTP_PROBLEM_H

#include <chatelaine/base_buf.h>

/*
 * RFC 9457: {"type","title","status","detail","slug","request_id"} and the
 * place of the error, when it has one: "pointer" for a JSON pointer, with
 * "offset" where the text itself is broken, else "where". Text that is no UTF-8 is mended with
 * U+FFFD.
 */
void problem_write(const struct error *e, unsigned status, const char *request_id, struct buf *out);
/* The same without braces. */
void problem_members(const struct error *e, unsigned status, const char *request_id,
                     struct buf *out);

#endif
