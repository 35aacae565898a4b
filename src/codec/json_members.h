/*
 * json_members: the members of the objects that are open in a walk over
 * accepted JSON, a stack that grows as the walk goes in and shrinks as it
 * comes out.
 */
#ifndef CHATELAINE_CODEC_JSON_MEMBERS_H
#define CHATELAINE_CODEC_JSON_MEMBERS_H

#include <chatelaine/base_buf.h>

struct member {
        uint32_t name, value; /* offsets of the raw name and the value */
};

struct members {
        const char *text; /* what the offsets count from */
        struct member *items;
        size_t n, cap;
};

/* False without memory. */
bool members_push(struct members *m, const char *name, const char *value);
/* Sort items[from..n) by name (UTF-16 order), equal names by place. */
void members_sort(struct members *m, size_t from);
bool members_same_name(const struct members *m, size_t i, size_t j);
void members_fini(struct members *m);

#endif
