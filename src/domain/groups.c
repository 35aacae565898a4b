/* Groups: read, kept, judged, listed. */
#include "domain/groups.h"
#include "domain/names.h"
#include "domain/rights.h"

#include <stdio.h>

#define RESOURCE "Authress:Groups"
#define GROUP_COLUMNS "id, body, created_at, updated_at"
#define BODY_BYTES_MAX ((size_t)8 * GROUP_BYTES_MAX) /* lists that were left out, escapes */
#define LOOKED_AT_MAX 2000

static enum status not_found(struct error *e)
{
        return error_set(e, STATUS_NOT_FOUND, "group-not-found", NULL, "There is no such group.");
}

void group_subject(struct span id, char out[GROUP_SUBJECT_SIZE])
{
        snprintf(out, GROUP_SUBJECT_SIZE, "groups/%.*s", (int)id.len, id.p);
}

/* ---- as a caller sends it, and as it is kept ---- */

static enum status read_group(struct span json, size_t bytes_max, struct arena *a,
                              struct user_group *ret, struct error *e)
{
        struct json *CLEANUP(json_freep) root = NULL;
        struct user_group g = {.id = SPAN_NONE};
        TRY(members_parse(json, bytes_max, "group-too-large", &root, e));
        TRY(member_text(root, "groupId", GROUP_ID_MAX, a, &g.id, e));
        if (g.id.p && g.id.len == 0)
                g.id = SPAN_NONE; /* what Go sends for none */
        if (g.id.p)
                TRY(group_id_check(g.id, e));
        TRY(member_name(root, a, &g.name, e));
        TRY(member_list_read(root, "", &member_group_users, a, &g.users, e));
        TRY(member_list_read(root, "", &member_admins, a, &g.admins, e));
        TRY(member_tags(root, a, &g.tags, e));
        TRY(group_body(&g, a, e));
        *ret = g;
        return STATUS_OK;
}

enum status group_read(struct span json, struct arena *a, struct user_group *ret, struct error *e)
{
        return read_group(json, GROUP_BYTES_MAX, a, ret, e);
}

enum status group_read_kept(struct span body, struct arena *a, struct user_group *ret,
                            struct error *e)
{
        return read_group(body, BODY_BYTES_MAX, a, ret, e);
}

enum status group_body(struct user_group *g, struct arena *a, struct error *e)
{
        CLEANUP(buf_fini) struct buf out;
        buf_init(&out, BODY_BYTES_MAX);
        json_obj_open(&out);
        json_member_text(&out, "name", g->name);
        member_list_write(&member_group_users, &g->users, &out);
        member_list_write(&member_admins, &g->admins, &out);
        json_member_raw(&out, "tags", g->tags.p ? g->tags : SPAN("{}"));
        json_obj_close(&out);
        TRY(buf_check(&out, e));
        g->body = arena_span(a, buf_view(&out));
        return g->body.p ? STATUS_OK : error_no_memory(e);
}

enum status group_write_members(const struct group_row *g, struct buf *out, struct error *e)
{
        json_member_text(out, "groupId", g->id);
        if (g->body.len > 2) {
                buf_char(out, ',');
                buf_append(out, g->body.p + 1, g->body.len - 2);
        }
        json_member_time(out, "lastUpdated", g->updated_at);
        return buf_check(out, e);
}

/* ---- rows ---- */

static bool read_row(struct store_stmt *st, struct arena *a, struct group_row *ret)
{
        *ret = (struct group_row){
                .id = arena_span(a, store_text(st, 0)),
                .body = arena_span(a, store_text(st, 1)),
                .created_at = store_int(st, 2),
                .updated_at = store_int(st, 3),
        };
        return ret->id.p && ret->body.p;
}

/* Ends the query `st`. */
static enum status one_row(struct store_stmt *st, struct arena *a, struct group_row *ret,
                           struct error *e)
{
        struct group_row row;
        bool is_found = store_next(st), has_all = is_found && read_row(st, a, &row);
        TRY(store_done(st, e));
        if (!is_found)
                return not_found(e);
        if (!has_all)
                return error_no_memory(e);
        *ret = row;
        return STATUS_OK;
}

enum status group_get(struct store_conn *db, struct span id, struct arena *a, struct group_row *ret,
                      struct error *e)
{
        struct store_stmt *st;
        TRY(store_query(db, "SELECT " GROUP_COLUMNS " FROM user_groups WHERE id = $1", &st, e, "t",
                        id));
        return one_row(st, a, ret, e);
}

/* ---- who may ---- */

static enum status is_member(const struct principal *p, const char *group, bool *ret,
                             struct error *e)
{
        char subject[ACCESS_SUBJECT_SIZE];
        struct store_stmt *st;
        *ret = false;
        access_subject_of(&p->caller, subject);
        if (!subject[0] || !p->db || principal_is_narrow(p))
                return STATUS_OK;
        TRY(store_query(p->db,
                        "SELECT 1 FROM group_members WHERE subject = $1 AND group_subject = $2",
                        &st, e, "ss", subject, group));
        *ret = store_next(st);
        return store_done(st, e);
}

static enum status may(const struct principal *p, enum group_act act, struct span id,
                       struct error *e)
{
        static const char *const permissions[][2] = {
                [GROUP_CREATE] = {"create", NULL},
                [GROUP_READ] = {"read", NULL},
                [GROUP_UPDATE] = {"update", NULL},
                [GROUP_DELETE] = {"update", "delete"},
        };
        char resource[sizeof RESOURCE "/" + GROUP_ID_MAX], subject[GROUP_SUBJECT_SIZE];
        bool is_theirs = false;
        group_subject(id, subject);
        snprintf(resource, sizeof resource, RESOURCE "/%.*s", (int)id.len, id.p);
        TRY(admins_have(p, subject, &is_theirs, e));
        if (!is_theirs && act == GROUP_READ)
                TRY(is_member(p, subject, &is_theirs, e));
        if (is_theirs ||
            (permissions[act][1] && grants_allow(p, permissions[act][1], span_of(resource))))
                return STATUS_OK;
        return grants_check(p, permissions[act][0], span_of(resource), e);
}

enum status group_open(const struct principal *p, enum group_act act, struct span id,
                       struct arena *a, struct group_row *ret, struct error *e)
{
        if (act == GROUP_CREATE)
                return grants_check(p, "create", SPAN(RESOURCE), e);
        if (group_id_check(id, NULL) != STATUS_OK)
                return not_found(e);
        TRY(may(p, act, id, e));
        return group_get(p->db, id, a, ret, e);
}

/* ---- what a group's members get ---- */

static bool has_text(const struct json_texts *texts, struct span text)
{
        for (size_t i = 0; i < texts->n; i++)
                if (span_equal(texts->items[i], text))
                        return true;
        return false;
}

static bool names_somebody_new(const struct user_group *asked, const struct user_group *had)
{
        for (size_t i = 0; i < asked->users.n; i++)
                if (!has_text(&had->users, asked->users.items[i]))
                        return true;
        for (size_t i = 0; i < asked->admins.n; i++)
                if (!has_text(&had->admins, asked->admins.items[i]))
                        return true;
        return false;
}

/* A role that is gone gives nothing. */
static enum status may_give_all(const struct principal *p, const char *subject, struct error *e)
{
        struct store_stmt *st;
        enum status s = STATUS_OK;
        TRY(store_query(p->db,
                        "SELECT DISTINCT role, resource FROM statements"
                        " WHERE subject = $1 AND role IS NOT NULL",
                        &st, e, "s", subject));
        while (s == STATUS_OK && store_next(st)) {
                s = grants_may_give_by_record(p, store_text(st, 0), store_text(st, 1), e);
                if (s == STATUS_NOT_FOUND)
                        s = STATUS_OK;
        }
        enum status done = store_done(st, s == STATUS_OK ? e : NULL);
        return s != STATUS_OK ? member_refused(e, s, NULL, "/users") : done;
}

enum status group_may_give(const struct principal *p, const struct user_group *asked,
                           const struct group_row *was, struct error *e)
{
        CLEANUP(arena_fini) struct arena a;
        struct user_group had;
        char subject[GROUP_SUBJECT_SIZE];
        bool is_admin;
        arena_init(&a, (size_t)4 << 20);
        group_subject(was->id, subject);
        TRY(admins_have(p, subject, &is_admin, e));
        if (is_admin || p->is_all)
                return STATUS_OK;
        TRY(group_read_kept(was->body, &a, &had, e));
        return names_somebody_new(asked, &had) ? may_give_all(p, subject, e) : STATUS_OK;
}

/* ---- pages ---- */

static enum status next_row(struct store_conn *db, const char *after, struct arena *a,
                            struct group_row *ret, bool *ret_is_found, struct error *e)
{
        struct store_stmt *st;
        TRY(store_query(db,
                        "SELECT " GROUP_COLUMNS " FROM user_groups WHERE id > $1"
                        " ORDER BY id LIMIT 1",
                        &st, e, "s", after));
        enum status s = one_row(st, a, ret, e);
        *ret_is_found = s == STATUS_OK;
        return s == STATUS_NOT_FOUND ? STATUS_OK : s;
}

static enum status is_asked(const struct principal *p, const struct group_row *row,
                            struct span text, bool *ret, struct error *e)
{
        *ret = false;
        if (!members_have_text(row->id, row->body, text))
                return STATUS_OK;
        enum status s = may(p, GROUP_READ, row->id, e);
        *ret = s == STATUS_OK;
        return s == STATUS_DENIED ? STATUS_OK : s;
}

enum status group_list(const struct principal *p, const struct page *page, struct span text,
                       bool (*row)(void *ctx, const struct group_row *g), void *ctx,
                       struct arena *a, struct span *ret_next, struct error *e)
{
        char after[GROUP_ID_MAX + 1], last[GROUP_ID_MAX + 1];
        unsigned n = 0, looked_at = 0;
        bool is_found = true, wants_more = true;
        const char *start;
        TRY(cursor_read_text(page->cursor, a, &start, e));
        snprintf(after, sizeof after, "%s", start);
        snprintf(last, sizeof last, "%s", start);
        while (wants_more) {
                CLEANUP(arena_fini) struct arena own;
                struct group_row g;
                bool is_one;
                arena_init(&own, (size_t)4 << 20);
                TRY(next_row(p->db, after, &own, &g, &is_found, e));
                if (!is_found)
                        break;
                snprintf(after, sizeof after, "%.*s", (int)g.id.len, g.id.p);
                TRY(is_asked(p, &g, text, &is_one, e));
                if (is_one && n++ == page->limit)
                        break;
                if (is_one)
                        wants_more = row(ctx, &g);
                snprintf(last, sizeof last, "%s", after);
                wants_more = wants_more && ++looked_at < LOOKED_AT_MAX;
        }
        return page_next(is_found ? span_of(last) : SPAN_NONE, a, ret_next, e);
}
