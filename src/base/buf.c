#include <chatelaine/base_buf.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define FIRST_CAP 1000 /* what glibc keeps a thread at hand: most texts need no more */

void wipe(void *p, size_t len)
{
        if (p)
                explicit_bzero(p, len);
}

void buf_init(struct buf *b, size_t max_bytes)
{
        *b = (struct buf){.max = max_bytes};
}

void buf_fini(struct buf *b)
{
        if (!b)
                return;
        free(b->data);
        buf_init(b, b->max);
}

void buf_fini_secret(struct buf *b)
{
        if (!b)
                return;
        wipe(b->data, b->cap);
        buf_fini(b);
}

void buf_reset(struct buf *b)
{
        b->len = 0;
        b->status = STATUS_OK;
        if (b->data)
                b->data[0] = '\0';
}

/* Memory for `need` bytes and the NUL. Not realloc: it could leave a copy of a secret behind. */
static bool grow(struct buf *b, size_t need)
{
        size_t cap = b->cap ? b->cap : FIRST_CAP;
        while (cap <= need)
                cap = cap > SIZE_MAX / 2 ? need + 1 : cap * 2;
        if (cap > b->max)
                cap = b->max + 1;

        char *data = malloc(cap);
        if (!data) {
                b->status = STATUS_NO_MEMORY;
                return false;
        }
        if (b->data) {
                memcpy(data, b->data, b->len + 1);
                wipe(b->data, b->len);
                free(b->data);
        } else {
                data[0] = '\0';
        }
        b->data = data;
        b->cap = cap;
        return true;
}

char *buf_room(struct buf *b, size_t len)
{
        if (b->status != STATUS_OK)
                return NULL;
        if (b->max == SIZE_MAX || len > b->max - b->len) {
                b->status = STATUS_LIMIT;
                return NULL;
        }
        if (b->len + len >= b->cap && !grow(b, b->len + len))
                return NULL;
        return b->data + b->len;
}

void buf_grew(struct buf *b, size_t len)
{
        b->len += len;
        b->data[b->len] = '\0';
}

void buf_append_slow(struct buf *b, const void *p, size_t len)
{
        char *room = buf_room(b, len);
        if (!room)
                return;
        if (len)
                memcpy(room, p, len);
        buf_grew(b, len);
}

size_t int64_write(int64_t n, char out[INT64_TEXT_MAX])
{
        char digits[INT64_TEXT_MAX];
        uint64_t left = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
        size_t at = sizeof digits;

        do {
                digits[--at] = (char)('0' + left % 10);
                left /= 10;
        } while (left);
        if (n < 0)
                digits[--at] = '-';
        memcpy(out, digits + at, sizeof digits - at);
        return sizeof digits - at;
}

void buf_int(struct buf *b, int64_t n)
{
        char text[INT64_TEXT_MAX];
        buf_append(b, text, int64_write(n, text));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
        va_list ap;
        va_start(ap, fmt);
        int len = vsnprintf(NULL, 0, fmt, ap);
        va_end(ap);
        if (len < 0) {
                if (b->status == STATUS_OK)
                        b->status = STATUS_INTERNAL;
                return;
        }
        char *room = buf_room(b, (size_t)len);
        if (!room)
                return;
        va_start(ap, fmt);
        vsnprintf(room, (size_t)len + 1, fmt, ap);
        va_end(ap);
        buf_grew(b, (size_t)len);
}

struct span buf_view(const struct buf *b)
{
        return b->data ? span_make(b->data, b->len) : SPAN("");
}

enum status buf_check(const struct buf *b, struct error *e)
{
        switch (b->status) {
        case STATUS_OK: return STATUS_OK;
        case STATUS_LIMIT:
                return error_set(e, STATUS_LIMIT, "too-large", NULL, "More than %zu bytes.",
                                 b->max);
        case STATUS_NO_MEMORY: return error_no_memory(e);
        default: return error_set(e, b->status, "internal", NULL, "A text could not be formatted.");
        }
}
