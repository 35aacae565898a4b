/*
 * What a record gives, judged: nobody gives by a record what is not theirs to give, nor by changing
 * one. What a record gives already, to the same subject, is not given anew.
 */
#include "domain/records.h"
#include "domain/rights.h"

#include <stdlib.h>

static enum status may_give(const struct principal *p, struct span role, struct span given,
                            size_t position, struct error *e)
{
        struct span resource;
        TRY(resource_read(given, &resource, e));
        enum status s = grants_may_give_by_record(p, role, resource, e);
        if (s == STATUS_NOT_FOUND)
                s = error_set(e, STATUS_INVALID, "role-not-found", NULL, "There is no role %.*s.",
                              (int)role.len, role.p);
        return s == STATUS_OK ? s : member_refused(e, s, NULL, "/statements/%zu/roles", position);
}

static enum status may_give_all(const struct principal *p, const struct record *r, struct error *e)
{
        for (size_t i = 0; i < r->n_statements; i++) {
                const struct record_statement *s = &r->statements[i];
                for (size_t k = 0; k < s->resources.n; k++)
                        for (size_t j = 0; j < s->roles.n; j++)
                                TRY(may_give(p, s->roles.items[j], s->resources.items[k], i, e));
        }
        return STATUS_OK;
}

/* ---- what is new ---- */

struct given {
        struct span subject, resource, role;
};

static int span_order(struct span a, struct span b)
{
        int order = memcmp(a.p, b.p, a.len < b.len ? a.len : b.len);
        return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int given_order(const void *a, const void *b)
{
        const struct given *x = a, *y = b;
        int order = span_order(x->subject, y->subject);
        if (order == 0)
                order = span_order(x->resource, y->resource);
        return order ? order : span_order(x->role, y->role);
}

static struct given given_of(const struct record_rows *rows, size_t i)
{
        return (struct given){rows->subjects[i], rows->resources[i], rows->named[rows->role_at[i]]};
}

static enum status list_given(const struct record_row *was, struct arena *a, struct given **ret,
                              size_t *ret_n, struct error *e)
{
        struct record record;
        struct record_rows rows;
        TRY(record_read_kept(was->body, a, &record, e));
        TRY(record_rows_make(&record, SPAN_NONE, a, &rows, e));
        struct given *list = arena_alloc(a, (rows.n + 1) * sizeof *list);
        if (!list)
                return error_no_memory(e);
        for (size_t i = 0; i < rows.n; i++)
                list[i] = given_of(&rows, i);
        if (rows.n)
                qsort(list, rows.n, sizeof *list, given_order);
        *ret = list;
        *ret_n = rows.n;
        return STATUS_OK;
}

/* Rows of one resource and role follow each other: each such pair is asked for once. */
static enum status may_give_new(const struct principal *p, const struct record_rows *rows,
                                const struct given *had, size_t n_had, struct error *e)
{
        struct given last = {SPAN_NONE, SPAN_NONE, SPAN_NONE};
        for (size_t i = 0; i < rows->n; i++) {
                struct given g = given_of(rows, i);
                bool is_judged =
                        span_equal(last.resource, g.resource) && span_equal(last.role, g.role);
                if (is_judged || bsearch(&g, had, n_had, sizeof g, given_order))
                        continue;
                TRY(may_give(p, g.role, g.resource, (size_t)rows->positions[i], e));
                last = g;
        }
        return STATUS_OK;
}

enum status record_may_give(const struct principal *p, const struct record *asked,
                            const struct record_row *was, struct error *e)
{
        CLEANUP(arena_fini) struct arena a;
        struct record_rows rows;
        struct given *had;
        size_t n_had;
        arena_init(&a, (size_t)256 << 20);
        if (p->is_all)
                return STATUS_OK; /* whether its roles are there is looked at when it is written */
        if (!was)
                return may_give_all(p, asked, e);
        TRY(list_given(was, &a, &had, &n_had, e));
        TRY(record_rows_make(asked, SPAN_NONE, &a, &rows, e));
        return may_give_new(p, &rows, had, n_had, e);
}
