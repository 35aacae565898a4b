#include "json_members.h"

#include "json_value.h"

#include <stdlib.h>

bool members_push(struct members *m, const char *name, const char *value)
{
        if (m->n == m->cap) {
                size_t cap = m->cap ? m->cap * 2 : 16;
                struct member *items = reallocarray(m->items, cap, sizeof *items);
                if (!items)
                        return false;
                m->items = items;
                m->cap = cap;
        }
        m->items[m->n++] = (struct member){.name = (uint32_t)(name - m->text),
                                           .value = (uint32_t)(value - m->text)};
        return true;
}

static int order(const void *a, const void *b, void *text)
{
        const struct member *x = a, *y = b;
        int by_name = json_name_order((const char *)text + x->name, (const char *)text + y->name);
        return by_name ? by_name : x->name < y->name ? -1 : x->name > y->name;
}

void members_sort(struct members *m, size_t from)
{
        if (m->n - from > 1)
                qsort_r(m->items + from, m->n - from, sizeof *m->items, order, (void *)m->text);
}

bool members_same_name(const struct members *m, size_t i, size_t j)
{
        return json_name_order(m->text + m->items[i].name, m->text + m->items[j].name) == 0;
}

void members_fini(struct members *m)
{
        free(m->items);
        *m = (struct members){0};
}
