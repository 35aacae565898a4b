#include "gzip.h"

#include <stdlib.h>
#include <zlib.h>

#define MEMBERS_MAX 16
#define FIRST_BYTES 4096

struct output {
        char *data;
        size_t len, cap, max; /* cap never exceeds max + 1: the one byte too many tells */
};

static enum status grow(struct output *o, struct error *e)
{
        size_t cap = o->cap ? o->cap * 2 : FIRST_BYTES;
        if (cap > o->max + 1)
                cap = o->max + 1;
        char *data = realloc(o->data, cap);
        if (!data)
                return error_no_memory(e);
        o->data = data;
        o->cap = cap;
        return STATUS_OK;
}

static enum status malformed(struct error *e)
{
        return error_set(e, STATUS_INVALID, "invalid-gzip", "Content-Encoding",
                         "The body is not a whole gzip stream.");
}

/* One member, from z->next_in on. */
static enum status inflate_member(z_stream *z, struct output *o, struct error *e)
{
        for (;;) {
                if (o->len == o->cap)
                        TRY(grow(o, e));
                z->next_out = (Bytef *)o->data + o->len;
                z->avail_out = (uInt)(o->cap - o->len);
                int rc = inflate(z, Z_NO_FLUSH);
                o->len = o->cap - z->avail_out;
                if (o->len > o->max)
                        return error_set_http(e, STATUS_LIMIT, 413, "body-too-large", NULL,
                                              "The unzipped body is over the limit of %zu bytes.",
                                              o->max);
                if (rc == Z_STREAM_END)
                        return STATUS_OK;
                if (rc != Z_OK || (z->avail_in == 0 && z->avail_out != 0))
                        return malformed(e);
        }
}

static enum status inflate_all(z_stream *z, struct output *o, struct error *e)
{
        for (unsigned members = 0; members < MEMBERS_MAX; members++) {
                TRY(inflate_member(z, o, e));
                if (z->avail_in == 0)
                        return STATUS_OK;
                if (inflateReset(z) != Z_OK)
                        return malformed(e);
        }
        return malformed(e);
}

enum status gzip_inflate(struct span in, size_t max_bytes, char **ret_data, size_t *ret_len,
                         struct error *e)
{
        z_stream z = {.next_in = (Bytef *)in.p, .avail_in = (uInt)in.len};
        if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK)
                return error_no_memory(e);
        struct output o = {.max = max_bytes};
        enum status s = inflate_all(&z, &o, e);
        inflateEnd(&z);
        if (s != STATUS_OK) {
                free(o.data);
                return s;
        }
        *ret_data = o.data;
        *ret_len = o.len;
        return STATUS_OK;
}
