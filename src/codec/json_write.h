/* json_write: pieces that the writers of JSON share. */
#ifndef CHATELAINE_CODEC_JSON_WRITE_H
#define CHATELAINE_CODEC_JSON_WRITE_H

#include <chatelaine/codec_json.h>

/* One character inside a string: escaped when RFC 8259 asks for it (the short escapes, \u00xx),
 * else as UTF-8. */
void json_put_char(struct buf *b, uint32_t c);

#endif
