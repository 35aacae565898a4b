/* base/utf8: what a log line or a label may carry of other people's bytes. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stddef.h>

/* Bytes of the well-formed character (RFC 3629) that begins at p[0], of `len` bytes; 0 = none does.
 */
size_t utf8_length(const char *p, size_t len);

#define UTF8_REPLACEMENT "\xef\xbf\xbd"

#endif
