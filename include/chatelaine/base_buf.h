/*
 * base_buf: spans, bounded buffers, arenas.
 *
 *   struct span    borrowed bytes, not NUL-terminated
 *   struct buf     bytes that grow to a bound given at birth; an overflow or a
 *                  failed allocation sticks, so that a run of appends is
 *                  checked once, at its end:
 *
 *        data ─▶ ┌──────────── len ───────────┬── room ──┐ ... max
 *                └────────────────────────────┴── cap ───┘
 *
 *   struct arena   memory of one request or command: bump allocation, freed whole
 *
 * None of them is thread-safe; each has one owner.
 */
#ifndef CHATELAINE_BASE_BUF_H
#define CHATELAINE_BASE_BUF_H

#include <chatelaine/base_status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
        const char *p; /* NULL = absent; "" = present and empty */
        size_t len;
};

#define SPAN(literal) ((struct span){.p = (literal), .len = sizeof(literal) - 1})
#define SPAN_NONE ((struct span){.p = NULL, .len = 0})

static inline struct span span_of(const char *text)
{
        return (struct span){.p = text, .len = text ? strlen(text) : 0};
}
static inline struct span span_make(const void *p, size_t len)
{
        return (struct span){.p = p, .len = len};
}
bool span_equal(struct span a, struct span b); /* not constant-time: see codec_crypto for secrets */
bool span_is(struct span a, const char *text);
bool span_is_nocase(struct span a, const char *text);
bool span_starts(struct span a, const char *prefix);
struct span span_trim(struct span a); /* SP, HTAB, CR, LF off both ends */
/* The part before the first `sep`; *rest becomes what follows, or absent when there is none. */
struct span span_split(struct span a, char sep, struct span *rest);
/* Decimal, whole span, no sign but '-', no overflow. */
enum status span_int64(struct span a, int64_t *ret, struct error *e) MUST_CHECK;

/* Decimal into out, no NUL; the length. What snprintf would do in ten times the time. */
#define INT64_TEXT_MAX 20
size_t int64_write(int64_t n, char out[INT64_TEXT_MAX]);

struct buf {
        char *data; /* NUL-terminated when not NULL */
        size_t len, cap, max;
        enum status status; /* OK, LIMIT (over max) or NO_MEMORY; sticks */
};

void buf_init(struct buf *b, size_t max_bytes);
void buf_fini(struct buf *b);        /* frees; b may be used again after buf_init */
void buf_fini_secret(struct buf *b); /* wipes first */
void buf_reset(struct buf *b);       /* keeps the memory */
/* buf_append where it does not fit as it is. */
void buf_append_slow(struct buf *b, const void *p, size_t len);
static inline void buf_append(struct buf *b, const void *p, size_t len)
{
        if (b->cap - b->len <= len || b->status != STATUS_OK || len == 0) {
                buf_append_slow(b, p, len);
                return;
        }
        memcpy(b->data + b->len, p, len); /* cap is never above max and the NUL */
        b->len += len;
        b->data[b->len] = '\0';
}
static inline void buf_text(struct buf *b, const char *text)
{
        buf_append(b, text, strlen(text));
}
static inline void buf_span(struct buf *b, struct span s)
{
        buf_append(b, s.p, s.len);
}
static inline void buf_char(struct buf *b, char c)
{
        buf_append(b, &c, 1);
}
void buf_int(struct buf *b, int64_t n);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
/*
 * Room for `len` bytes at the end, to be written by the caller, then buf_grew(b, n); NULL when the
 * buffer has failed.
 */
char *buf_room(struct buf *b, size_t len);
void buf_grew(struct buf *b, size_t len);
struct span buf_view(const struct buf *b);
/* OK, or the status that stuck, said in e. */
enum status buf_check(const struct buf *b, struct error *e) MUST_CHECK;

#define CLEANUP(fn) __attribute__((cleanup(fn)))

struct arena_block;
struct arena {
        struct arena_block *blocks;
        size_t used_bytes, max_bytes;
        bool has_failed; /* something is absent for want of room, not because nobody named it */
};
void arena_init(struct arena *a, size_t max_bytes);
void arena_fini(struct arena *a);
/* Empty again, with its bound; keeps a block for what comes next. */
void arena_reset(struct arena *a);
/* 16-aligned, zeroed; NULL at the bound. */
void *arena_alloc(struct arena *a, size_t size) MUST_CHECK;
/* NUL-terminated copy; NULL at the bound, or for an absent span. */
char *arena_dup(struct arena *a, struct span s) MUST_CHECK;
/* Copy as a span (NUL behind it); absent on failure. */
struct span arena_span(struct arena *a, struct span s) MUST_CHECK;
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3) MUST_CHECK;

/* memset that the compiler keeps. */
void wipe(void *p, size_t len);

#endif
