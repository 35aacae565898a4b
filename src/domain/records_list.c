/*
 * Pages of records. Whoever may read all of them gets them in the order of their ids; anyone else
 * those that it administers and those that its statements name.
 */
#include "domain/names.h"
#include "domain/records.h"

#include <stdio.h>

#define RESOURCE "Authress:AccessRecords"
#define LOOKED_AT_MAX 10000
#define ALL "SELECT " RECORD_COLUMNS " FROM records WHERE id > $1"
#define ONE " ORDER BY id LIMIT 1"

struct listing {
        const struct principal *p;
        const struct record_filter *filter;
        bool is_wide;
        char subject[ACCESS_SUBJECT_SIZE], own[ACCESS_SUBJECT_SIZE];
};

/* The subject that the caller is, and the one that its credential has statements under. */
static void name_subjects(struct listing *l)
{
        const struct caller *c = &l->p->caller;
        access_subject_of(c, l->subject);
        if (c->kind == CALLER_KEY || c->key_id[0])
                snprintf(l->own, sizeof l->own, "keys/%s",
                         c->kind == CALLER_KEY ? c->id : c->key_id);
}

/* Whoever may read all of them: straight through the table. */
static enum status next_of_all(struct listing *l, const char *after, struct arena *a,
                               struct record_row *ret, bool *ret_is_found, struct error *e)
{
        struct store_stmt *st;
        int64_t status = l->filter->is_deleted ? RECORD_DELETED : RECORD_ACTIVE;
        if (l->filter->has_any_state)
                TRY(store_query(l->p->db, ALL ONE, &st, e, "s", after));
        else
                TRY(store_query(l->p->db, ALL " AND status = $2" ONE, &st, e, "si", after, status));
        bool is_found = store_next(st), has_all = is_found && record_row_read(st, a, ret);
        TRY(store_done(st, e));
        *ret_is_found = is_found;
        return is_found && !has_all ? error_no_memory(e) : STATUS_OK;
}

/* The next id that the caller administers or that a statement of its names; "" = none. */
static enum status next_named(struct listing *l, const char *after, struct arena *a,
                              const char **ret, struct error *e)
{
        struct store_stmt *st;
        const char *object = arena_printf(a, "records/%s", after);
        const char *stem = arena_printf(a, RESOURCE "/%s", after), *id = "";
        if (!object || !stem)
                return error_no_memory(e);
        TRY(store_query(
                l->p->db,
                "SELECT min(n.id) FROM (SELECT o.id FROM (SELECT substr(object, 9) AS id"
                " FROM admins WHERE subject = $1 AND object > $2 AND object < 'records0'"
                " ORDER BY object LIMIT 1) o UNION ALL"
                " SELECT t.id FROM (SELECT substr(stem, 24) AS id FROM statements"
                " WHERE subject IN (SELECT cast($1 as text) UNION ALL SELECT cast($3 as text)"
                " UNION ALL SELECT group_subject FROM group_members WHERE subject = $1)"
                " AND stem > $4 AND stem < 'Authress:AccessRecords0'"
                " ORDER BY stem LIMIT 1) t) n",
                &st, e, "ssss", l->subject, object, l->own, stem));
        if (store_next(st) && !store_is_null(st, 0))
                id = arena_dup(a, store_text(st, 0));
        TRY(store_done(st, e));
        *ret = id;
        return id ? STATUS_OK : error_no_memory(e);
}

static enum status next_row(struct listing *l, const char *after, struct arena *a,
                            struct record_row *ret, bool *ret_is_found, struct error *e)
{
        if (l->is_wide)
                return next_of_all(l, after, a, ret, ret_is_found, e);
        for (;;) {
                TRY(next_named(l, after, a, &after, e));
                *ret_is_found = after[0] != '\0';
                if (!*ret_is_found)
                        return STATUS_OK;
                enum status s = record_get(l->p->db, span_of(after), a, ret, e);
                if (s != STATUS_NOT_FOUND)
                        return s;
        }
}

static enum status is_asked(const struct listing *l, const struct record_row *row, bool *ret,
                            struct error *e)
{
        const struct record_filter *f = l->filter;
        *ret = (f->has_any_state || row->is_deleted == f->is_deleted) &&
               members_have_text(row->id, row->body, f->text);
        if (!*ret || l->is_wide)
                return STATUS_OK;
        enum status s = record_may(l->p, RECORD_READ, row->id, e);
        *ret = s == STATUS_OK;
        return s == STATUS_DENIED ? STATUS_OK : s;
}

static bool may_read_all(const struct principal *p)
{
        return grants_allow(p, "read", SPAN(RESOURCE)) ||
               grants_allow(p, "read", SPAN(RESOURCE "/*"));
}

enum status record_list(const struct principal *p, const struct page *page,
                        const struct record_filter *f,
                        bool (*row)(void *ctx, const struct record_row *r), void *ctx,
                        struct arena *a, struct span *ret_next, struct error *e)
{
        struct listing l = {.p = p, .filter = f, .is_wide = may_read_all(p)};
        char after[RECORD_ID_MAX + 1], last[RECORD_ID_MAX + 1];
        unsigned n = 0, looked_at = 0;
        bool is_found = true, wants_more = true;
        const char *start;
        name_subjects(&l);
        TRY(cursor_read_text(page->cursor, a, &start, e));
        snprintf(after, sizeof after, "%s", start);
        snprintf(last, sizeof last, "%s", start);
        while (wants_more) {
                CLEANUP(arena_fini) struct arena own;
                struct record_row r;
                bool is_one = false;
                arena_init(&own, (size_t)16 << 20);
                TRY(next_row(&l, after, &own, &r, &is_found, e));
                if (!is_found)
                        break;
                snprintf(after, sizeof after, "%.*s", (int)r.id.len, r.id.p);
                TRY(is_asked(&l, &r, &is_one, e));
                if (is_one && n == page->limit)
                        break;
                if (is_one && n++ < page->limit)
                        wants_more = row(ctx, &r);
                snprintf(last, sizeof last, "%s", after);
                wants_more = wants_more && ++looked_at < LOOKED_AT_MAX;
        }
        return page_next(is_found ? span_of(last) : SPAN_NONE, a, ret_next, e);
}
