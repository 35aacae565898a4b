/* A cursor is base64url of a letter for its kind and the position, so that one kind is never read
 * as the other. */
#include <chatelaine/codec_text.h>
#include <chatelaine/domain.h>

#define CURSOR_MAX 1024

static enum status invalid(struct error *e)
{
        return error_set(e, STATUS_INVALID, "invalid-cursor", "cursor",
                         "The cursor is not one that this server gave.");
}

static enum status read_cursor(struct span cursor, char kind, struct buf *out, struct error *e)
{
        if (cursor.len > CURSOR_MAX || base64url_decode(out, cursor, NULL) != STATUS_OK ||
            out->len < 1 || out->data[0] != kind || memchr(out->data, '\0', out->len))
                return invalid(e);
        return STATUS_OK;
}

static void write_cursor(struct buf *out, char kind, struct span position)
{
        CLEANUP(buf_fini) struct buf plain;
        buf_init(&plain, CURSOR_MAX);
        buf_char(&plain, kind);
        buf_span(&plain, position);
        base64url_encode(out, buf_view(&plain));
}

enum status cursor_read_int(struct span cursor, int64_t *ret, struct error *e)
{
        CLEANUP(buf_fini) struct buf plain;
        buf_init(&plain, CURSOR_MAX);
        if (!cursor.p) {
                *ret = 0;
                return STATUS_OK;
        }
        TRY(read_cursor(cursor, 'i', &plain, e));
        struct span digits = span_make(plain.data + 1, plain.len - 1);
        return span_int64(digits, ret, NULL) == STATUS_OK ? STATUS_OK : invalid(e);
}

enum status cursor_read_text(struct span cursor, struct arena *a, const char **ret, struct error *e)
{
        CLEANUP(buf_fini) struct buf plain;
        buf_init(&plain, CURSOR_MAX);
        if (!cursor.p) {
                *ret = "";
                return STATUS_OK;
        }
        TRY(read_cursor(cursor, 't', &plain, e));
        struct span position = span_make(plain.data + 1, plain.len - 1);
        if (!utf8_is_valid(position))
                return invalid(e);
        const char *copy = arena_dup(a, position);
        if (!copy)
                return error_no_memory(e);
        *ret = copy;
        return STATUS_OK;
}

void cursor_write_int(struct buf *out, int64_t position)
{
        char digits[24];
        int n = snprintf(digits, sizeof digits, "%lld", (long long)position);
        write_cursor(out, 'i', span_make(digits, (size_t)n));
}

void cursor_write_text(struct buf *out, struct span position)
{
        write_cursor(out, 't', position);
}
