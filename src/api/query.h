/*
 * query: the query string into a struct, through a table, as json_dispatch does
 * for bodies. A name that the table lacks, a name given twice, or a value of the
 * wrong form is INVALID "invalid-parameter" with where = its name.
 */
#ifndef API_QUERY_H
#define API_QUERY_H

#include "api/call.h"

enum query_type {
        QUERY_TEXT,  /* struct span; "" is refused */
        QUERY_INT,   /* struct query_int: not negative */
        QUERY_TIME,  /* int64_t: RFC 3339 to Unix milliseconds */
        QUERY_LIMIT, /* unsigned: 1 to PAGE_LIMIT_MAX */
};
struct query_int {
        bool is_given;
        int64_t value;
};

#define PAGE_LIMIT_DEFAULT 50
#define PAGE_LIMIT_MAX 1000

struct query_field {
        const char *name; /* NULL ends the table */
        enum query_type type;
        size_t offset;
};
#define QUERY_FIELD(strct, member, name_, type_)                                    \
        {                                                                           \
                .name = (name_), .type = (type_), .offset = offsetof(strct, member) \
        }
/* `limit` and `cursor` of a struct that has a `struct page page`. */
#define QUERY_PAGE(strct)                                     \
        QUERY_FIELD(strct, page.limit, "limit", QUERY_LIMIT), \
                QUERY_FIELD(strct, page.cursor, "cursor", QUERY_TEXT)
#define QUERY_END            \
        {                    \
                .name = NULL \
        }

/* Destinations of absent names stay as they are. */
enum status query_read(struct call *c, const struct query_field *fields, void *base,
                       struct error *e) MUST_CHECK;
/* A list without filters: only limit and cursor. */
enum status query_page(struct call *c, struct page *ret, struct error *e) MUST_CHECK;

#endif
