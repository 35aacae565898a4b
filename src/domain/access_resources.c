/*
 * The resources that a subject's statements name, by (stem, resource): the order of the index, for
 * the subject and each of its groups by itself, merged.
 */
#include "domain/access.h"

#include <stdio.h>
#include <stdlib.h>

#define LOOKED_AT_MAX 1000 /* rows of one subject a page */

struct place {
        struct span stem, resource;
};

static int place_order(const void *a, const void *b)
{
        const struct place *x = a, *y = b;
        assert(x->stem.p && y->stem.p && x->resource.p && y->resource.p);
        int order = strcmp(x->stem.p, y->stem.p); /* arena_span puts a NUL behind */
        return order ? order : strcmp(x->resource.p, y->resource.p);
}

struct scan {
        struct store_conn *db;
        const struct access_filter *filter;
        struct span beneath;    /* the filter's resource; absent = all */
        size_t segments;        /* of what lies at the top level */
        const char *low, *high; /* stems */
        struct place after;     /* where the page begins */
        const struct span *subjects;
        size_t n_subjects;
        struct span *permissions; /* lower case */
        struct arena *arena;
        struct place *places;
        size_t n, room;
        bool is_more;
};

/* ---- what is asked ---- */

static size_t count_segments(struct span resource)
{
        size_t n = resource.p ? 1 : 0;
        for (size_t i = 0; resource.p && i < resource.len; i++)
                n += resource.p[i] == '/';
        return n;
}

/* Documents are filed under `documents/`, also those of an inbox; "0" comes behind "/". */
static enum status set_bounds(struct scan *s, struct error *e)
{
        struct span stem = s->beneath.p ? resource_stem(s->beneath) : SPAN("");
        bool is_inbox =
                stem.p && span_starts(stem, "inboxes") && (stem.len == 7 || stem.p[7] == '/');
        s->low = is_inbox ? "documents/" : arena_dup(s->arena, stem);
        s->high = stem.len ? arena_printf(s->arena, "%.*s0", (int)stem.len, stem.p) : "\x7f";
        return s->low && s->high ? STATUS_OK : error_no_memory(e);
}

static enum status read_filter(struct scan *s, struct error *e)
{
        const struct access_filter *f = s->filter;
        if (f->resource.p)
                TRY(resource_read(f->resource, &s->beneath, e));
        s->segments = count_segments(s->beneath) + 1;
        if (s->beneath.p && s->beneath.len > 1 && s->beneath.p[s->beneath.len - 1] == '*' &&
            s->beneath.p[s->beneath.len - 2] == '/')
                s->segments--;
        s->permissions = arena_alloc(s->arena, (f->n_permissions + 1) * sizeof *s->permissions);
        if (!s->permissions)
                return error_no_memory(e);
        for (size_t i = 0; i < f->n_permissions; i++)
                TRY(access_action(f->permissions[i], s->arena, &s->permissions[i], e));
        return set_bounds(s, e);
}

/* "0" and a resource filed under "", or "1" and one filed under its stem. */
static enum status read_cursor(struct scan *s, struct span cursor, struct error *e)
{
        const char *position;
        TRY(cursor_read_text(cursor, s->arena, &position, e));
        s->after = (struct place){SPAN(""), SPAN("")};
        if (!position[0])
                return STATUS_OK;
        s->after.resource = span_of(position + 1);
        if (position[0] == '1')
                s->after.stem = resource_stem(s->after.resource);
        return STATUS_OK;
}

static enum status list_subjects(struct scan *s, const char *subject, struct error *e)
{
        int64_t n = 0;
        struct store_stmt *st;
        TRY(store_int_of(s->db, "SELECT count(*) FROM group_members WHERE subject = $1", &n, e, "s",
                         subject));
        struct span *list = arena_alloc(s->arena, ((size_t)n + 1) * sizeof *list);
        if (!list)
                return error_no_memory(e);
        list[s->n_subjects++] = span_of(subject);
        TRY(store_query(s->db, "SELECT group_subject FROM group_members WHERE subject = $1", &st, e,
                        "s", subject));
        while (s->n_subjects <= (size_t)n && store_next(st)) {
                list[s->n_subjects] = arena_span(s->arena, store_text(st, 0));
                if (list[s->n_subjects].p)
                        s->n_subjects++;
        }
        s->subjects = list;
        return store_done(st, e);
}

/* ---- candidates ---- */

static bool put_place(struct scan *s, struct store_stmt *st)
{
        if (s->n == s->room) {
                size_t room = s->room ? 2 * s->room : 64;
                struct place *places = arena_alloc(s->arena, room * sizeof *places);
                if (!places)
                        return false;
                if (s->n)
                        memcpy(places, s->places, s->n * sizeof *places);
                s->places = places;
                s->room = room;
        }
        struct place p = {arena_span(s->arena, store_text(st, 0)),
                          arena_span(s->arena, store_text(st, 1))};
        if (!p.stem.p || !p.resource.p)
                return false;
        s->places[s->n++] = p;
        return true;
}

static enum status scan_subject(struct scan *s, struct span subject, size_t *ret_n, struct error *e)
{
        struct store_stmt *st;
        bool has_memory = true;
        size_t n = 0;
        TRY(store_query(s->db,
                        "SELECT DISTINCT stem, resource FROM statements WHERE subject = $1"
                        " AND stem >= $2 AND stem < $3 AND (stem, resource) > ($4, $5)"
                        " ORDER BY stem, resource LIMIT $6",
                        &st, e, "tsstti", subject, s->low, s->high, s->after.stem,
                        s->after.resource, (int64_t)LOOKED_AT_MAX));
        while (has_memory && store_next(st)) {
                has_memory = put_place(s, st);
                n++;
        }
        TRY(store_done(st, e));
        *ret_n = n;
        return has_memory ? STATUS_OK : error_no_memory(e);
}

/* Of each subject the first that are left; what lies behind the end of one that has more comes with
 * the next page. */
static enum status scan_all(struct scan *s, struct error *e)
{
        struct place end = {SPAN_NONE, SPAN_NONE};
        for (size_t i = 0; i < s->n_subjects; i++) {
                size_t n;
                TRY(scan_subject(s, s->subjects[i], &n, e));
                if (n < LOOKED_AT_MAX)
                        continue;
                if (!end.stem.p || place_order(&s->places[s->n - 1], &end) < 0)
                        end = s->places[s->n - 1];
                s->is_more = true;
        }
        if (s->n)
                qsort(s->places, s->n, sizeof *s->places, place_order);
        while (s->is_more && s->n && place_order(&s->places[s->n - 1], &end) > 0)
                s->n--;
        return STATUS_OK;
}

/* ---- which of them ---- */

struct judging {
        const struct scan *scan;
        bool is_held;
};

static bool judge_row(void *ctx, const struct holding *h)
{
        struct judging *j = ctx;
        size_t n = j->scan->filter->n_permissions;
        j->is_held = n == 0 && h->right.abilities;
        for (size_t i = 0; i < n && !j->is_held; i++)
                j->is_held = (h->right.abilities & ABILITY_ALLOW) &&
                             holding_means(h, j->scan->permissions[i]);
        return !j->is_held;
}

static bool is_asked(const struct scan *s, struct span resource)
{
        size_t n = count_segments(resource);
        if (s->beneath.p && !resource_reaches(s->beneath, resource, SPAN_NONE))
                return false;
        return !s->filter->is_top_level || n == s->segments ||
               (s->beneath.p && n + 1 == s->segments);
}

static enum status write_next(const struct scan *s, const struct place *last, struct span *ret,
                              struct error *e)
{
        CLEANUP(buf_fini) struct buf cursor;
        buf_init(&cursor, 1024);
        const char *position = arena_printf(s->arena, "%c%.*s", last->stem.len ? '1' : '0',
                                            (int)last->resource.len, last->resource.p);
        if (position)
                cursor_write_text(&cursor, span_of(position));
        *ret = arena_span(s->arena, buf_view(&cursor));
        return position && ret->p ? buf_check(&cursor, e) : error_no_memory(e);
}

/* The same resource may be there twice: filed under "" by an old row. */
static enum status pick(struct scan *s, const char *subject, unsigned limit, struct span *list,
                        size_t *ret_n, struct span *ret_next, struct error *e)
{
        size_t n = 0, i = 0;
        *ret_next = SPAN_NONE;
        for (; i < s->n && n < limit; i++) {
                struct judging j = {.scan = s};
                struct span resource = s->places[i].resource;
                if ((i && place_order(&s->places[i - 1], &s->places[i]) == 0) ||
                    !is_asked(s, resource))
                        continue;
                TRY(access_each(s->db, subject, resource, judge_row, &j, e));
                if (j.is_held)
                        list[n++] = resource;
        }
        if (i > 0 && (i < s->n || s->is_more))
                TRY(write_next(s, &s->places[i - 1], ret_next, e));
        *ret_n = n;
        return STATUS_OK;
}

enum status access_resources(struct store_conn *db, const char *subject,
                             const struct access_filter *f, const struct page *p, struct arena *a,
                             struct span **ret, size_t *ret_n, struct span *ret_next,
                             struct error *e)
{
        CLEANUP(arena_fini) struct arena own;
        struct scan s = {.db = db, .filter = f, .arena = &own};
        struct span next;
        size_t n;
        arena_init(&own, (size_t)16 << 20);
        TRY(read_filter(&s, e));
        TRY(read_cursor(&s, p->cursor, e));
        TRY(list_subjects(&s, subject, e));
        TRY(scan_all(&s, e));
        struct span *list = arena_alloc(a, (p->limit + 1) * sizeof *list);
        if (!list)
                return error_no_memory(e);
        TRY(pick(&s, subject, p->limit, list, &n, &next, e));
        for (size_t i = 0; i < n; i++)
                if (!(list[i] = arena_span(a, list[i])).p)
                        return error_no_memory(e);
        if (next.p && !(next = arena_span(a, next)).p)
                return error_no_memory(e);
        *ret = list;
        *ret_n = n;
        *ret_next = next;
        return STATUS_OK;
}
