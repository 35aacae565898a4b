#ifndef HTTP_GZIP_H
#define HTTP_GZIP_H

#include <chatelaine/base_buf.h>

/*
 * Unzip a whole body (RFC 1952, at most 16 members). *ret_data is malloc'd, the
 * caller's. LIMIT (413) when it would exceed max_bytes; INVALID when it is
 * malformed, cut short, or followed by anything else.
 */
enum status gzip_inflate(struct span in, size_t max_bytes, char **ret_data, size_t *ret_len,
                         struct error *e) MUST_CHECK;

#endif
