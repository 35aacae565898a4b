#include <chatelaine/base_buf.h>

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define ALIGNMENT ((size_t)16)
#define BLOCK_BYTES ((size_t)8192)
/* What is larger has a block of its own, so that at most half of a shared block is lost. */
#define SHARED_MAX (BLOCK_BYTES / 2)
/* Free blocks of a thread: as much as a loop of busy connections has in use at once. Under the
 * address sanitizer none, so that it sees each use of what is freed. */
#if defined(__SANITIZE_ADDRESS__)
#define SPARE_MAX 0
#else
#define SPARE_MAX 64
#endif

struct arena_block {
        struct arena_block *next;
        size_t used, size;
        _Alignas(16) unsigned char bytes[];
};

/* ---- a thread's free blocks ---- */

struct spare {
        struct arena_block *first;
        int n;
        bool is_known; /* to the end of the thread */
};

static _Thread_local struct spare spare;
static pthread_key_t spare_key;
static pthread_once_t spare_once = PTHREAD_ONCE_INIT;
static bool has_spare_key;

static void spare_free(void *p)
{
        struct spare *s = p;
        while (s->first) {
                struct arena_block *next = s->first->next;
                free(s->first);
                s->first = next;
        }
        *s = (struct spare){0};
}

static void spare_make_key(void)
{
        has_spare_key = pthread_key_create(&spare_key, spare_free) == 0;
}

/* False: it would outlive its thread. */
static bool spare_is_known(void)
{
        if (!spare.is_known) {
                pthread_once(&spare_once, spare_make_key);
                spare.is_known = has_spare_key && pthread_setspecific(spare_key, &spare) == 0;
        }
        return spare.is_known;
}

static struct arena_block *spare_take(void)
{
        struct arena_block *block = spare.first;
        if (block) {
                spare.first = block->next;
                spare.n--;
        }
        return block;
}

static void block_free(struct arena_block *block)
{
        if (block->size != BLOCK_BYTES || spare.n >= SPARE_MAX || !spare_is_known()) {
                free(block);
                return;
        }
        block->next = spare.first;
        spare.first = block;
        spare.n++;
}

/* ---- arenas ---- */

void arena_init(struct arena *a, size_t max_bytes)
{
        *a = (struct arena){.max_bytes = max_bytes};
}

void arena_fini(struct arena *a)
{
        if (!a)
                return;
        while (a->blocks) {
                struct arena_block *next = a->blocks->next;
                block_free(a->blocks);
                a->blocks = next;
        }
        a->used_bytes = 0;
}

void arena_reset(struct arena *a)
{
        struct arena_block *kept = NULL;

        for (struct arena_block **at = &a->blocks; *at; at = &(*at)->next) {
                if ((*at)->size == BLOCK_BYTES) {
                        kept = *at;
                        *at = kept->next;
                        break;
                }
        }
        arena_fini(a);
        a->has_failed = false;
        if (kept) {
                *kept = (struct arena_block){.size = BLOCK_BYTES};
                a->blocks = kept;
        }
}

static struct arena_block *block_new(size_t size)
{
        struct arena_block *block = size == BLOCK_BYTES ? spare_take() : NULL;
        if (!block && size <= SIZE_MAX - sizeof *block)
                block = malloc(sizeof *block + size);
        if (block)
                *block = (struct arena_block){.size = size};
        return block;
}

/* The block to take `size` from. The first in the list is the one that is being filled. */
static struct arena_block *block_for(struct arena *a, size_t size)
{
        struct arena_block *first = a->blocks;
        if (first && first->size - first->used >= size)
                return first;
        struct arena_block *fresh = block_new(size > SHARED_MAX ? size : BLOCK_BYTES);
        if (!fresh)
                return NULL;
        if (first && size > SHARED_MAX) {
                fresh->next = first->next;
                first->next = fresh;
        } else {
                fresh->next = first;
                a->blocks = fresh;
        }
        return fresh;
}

void *arena_alloc(struct arena *a, size_t size)
{
        size_t left = a->max_bytes - a->used_bytes;
        if (size == 0)
                size = 1;
        size_t rounded = (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
        struct arena_block *block = size > left || rounded < size ? NULL : block_for(a, rounded);
        if (!block) {
                a->has_failed = true;
                return NULL;
        }
        void *p = block->bytes + block->used;
        block->used += rounded;
        a->used_bytes += rounded < left ? rounded : left;
        memset(p, 0, rounded);
        return p;
}

struct span arena_span(struct arena *a, struct span s)
{
        if (!s.p || s.len == SIZE_MAX)
                return SPAN_NONE;
        char *copy = arena_alloc(a, s.len + 1);
        if (!copy)
                return SPAN_NONE;
        memcpy(copy, s.p, s.len);
        return span_make(copy, s.len);
}

char *arena_dup(struct arena *a, struct span s)
{
        return (char *)arena_span(a, s).p;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
        va_list ap;
        va_start(ap, fmt);
        int len = vsnprintf(NULL, 0, fmt, ap);
        va_end(ap);
        char *text = len < 0 ? NULL : arena_alloc(a, (size_t)len + 1);
        if (!text)
                return NULL;
        va_start(ap, fmt);
        vsnprintf(text, (size_t)len + 1, fmt, ap);
        va_end(ap);
        return text;
}
