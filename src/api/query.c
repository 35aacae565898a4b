#include "api/query.h"

static enum status invalid(struct error *e, struct span name, const char *why)
{
        char where[64];
        size_t len = name.len < sizeof where - 1 ? name.len : sizeof where - 1;
        memcpy(where, name.p, len);
        where[len] = '\0';
        return error_set(e, STATUS_INVALID, "invalid-parameter", where, "The query parameter %s.",
                         why);
}

static enum status read_number(struct span value, int64_t max, int64_t *ret)
{
        int64_t n;
        if (span_int64(value, &n, NULL) != STATUS_OK || n < 0 || n > max)
                return STATUS_INVALID;
        *ret = n;
        return STATUS_OK;
}

static enum status read_one(const struct query_field *f, struct span value, void *base,
                            struct error *e)
{
        void *to = (char *)base + f->offset;
        struct span name = span_of(f->name);
        int64_t n = 0;
        switch (f->type) {
        case QUERY_TEXT:
                if (value.len == 0)
                        return invalid(e, name, "is empty");
                *(struct span *)to = value;
                return STATUS_OK;
        case QUERY_INT:
                if (read_number(value, INT64_MAX, &n) != STATUS_OK)
                        return invalid(e, name, "is no whole number from 0");
                *(struct query_int *)to = (struct query_int){true, n};
                return STATUS_OK;
        case QUERY_LIMIT:
                if (read_number(value, PAGE_LIMIT_MAX, &n) != STATUS_OK || n < 1)
                        return invalid(e, name, "is no number from 1 to 1000");
                *(unsigned *)to = (unsigned)n;
                return STATUS_OK;
        case QUERY_TIME:
                if (clock_parse_rfc3339(value, to, NULL) != STATUS_OK)
                        return invalid(e, name, "is no RFC 3339 time");
                return STATUS_OK;
        }
        return STATUS_OK;
}

enum status query_read(struct call *c, const struct query_field *fields, void *base,
                       struct error *e)
{
        uint32_t seen = 0;
        struct span name, value;
        for (size_t i = 0; http_query_each(c->req, i, &name, &value); i++) {
                unsigned k = 0;
                while (fields[k].name && !span_is(name, fields[k].name))
                        k++;
                if (!fields[k].name)
                        return invalid(e, name, "is not known here");
                if (seen & (UINT32_C(1) << k))
                        return invalid(e, name, "is given twice");
                seen |= UINT32_C(1) << k;
                TRY(read_one(&fields[k], value, base, e));
        }
        return STATUS_OK;
}

enum status query_page(struct call *c, struct page *ret, struct error *e)
{
        struct only_page {
                struct page page;
        } query = {.page.limit = PAGE_LIMIT_DEFAULT};
        static const struct query_field fields[] = {QUERY_PAGE(struct only_page), QUERY_END};
        TRY(query_read(c, fields, &query, e));
        *ret = query.page;
        return STATUS_OK;
}
