/* Resources that are PUBLIC or marked CLAIM, and who is named on one. */
#include "domain/resource_config.h"
#include "domain/names.h"

#include <stdio.h>

#define LOOKED_AT_MAX 10000 /* rows a page */
#define RESOURCE_MAX 512

/* ---- who may ---- */

static enum status not_found(struct error *e)
{
        return error_set_http(e, STATUS_DENIED, 404, "resource-not-found", NULL,
                              "There is no such resource, or it is not yours to see.");
}

static enum status holds_any(const struct principal *p, struct span resource, bool *ret,
                             struct error *e)
{
        CLEANUP(arena_fini) struct arena a;
        char subject[ACCESS_SUBJECT_SIZE];
        struct right *held;
        size_t n = 0;
        arena_init(&a, (size_t)1 << 20);
        access_subject_of(&p->caller, subject);
        if (subject[0])
                TRY(access_permissions(p->db, subject, resource, &a, &held, &n, e));
        *ret = n > 0;
        return STATUS_OK;
}

/* `why` is a refusal; anything else stays as it is. */
static enum status refuse(const struct principal *p, enum resource_config_act act,
                          struct span resource, const struct error *why, struct error *e)
{
        bool is_known = false;
        if (why->status == STATUS_DENIED && act == RESOURCE_CONFIG_WRITE)
                TRY(holds_any(p, resource, &is_known, e));
        if (why->status == STATUS_DENIED && !is_known)
                return not_found(e);
        if (why->status == STATUS_DENIED)
                return error_set(e, STATUS_DENIED, "forbidden", NULL,
                                 "Only who may give everything on %.*s may configure it.",
                                 (int)resource.len, resource.p);
        if (e)
                *e = *why;
        return why->status;
}

static enum status may(const struct principal *p, enum resource_config_act act,
                       struct span resource, struct error *e)
{
        struct error why;
        enum status s = grants_may_give_permission(p, SPAN("*"), resource, &why);
        if (s == STATUS_DENIED && act == RESOURCE_CONFIG_READ)
                s = grants_check(p, "read", resource, &why);
        return s == STATUS_OK ? s : refuse(p, act, resource, &why, e);
}

enum status resource_config_may(const struct principal *p, enum resource_config_act act,
                                struct span resource, struct span *ret, struct error *e)
{
        struct span own;
        TRY(resource_read(resource, &own, e));
        if (memchr(own.p, '*', own.len))
                return error_set(e, STATUS_INVALID, "invalid-resource", "resourceUri",
                                 "A configuration is of one resource, without \"*\".");
        TRY(may(p, act, own, e));
        *ret = own;
        return STATUS_OK;
}

/* ---- rows ---- */

enum status resource_config_get(struct store_conn *db, struct span resource,
                                struct resource_config *ret, struct error *e)
{
        struct store_stmt *st;
        struct resource_config c = {.resource = resource};
        TRY(store_query(db,
                        "SELECT is_public, is_claimable FROM resource_configs WHERE resource = $1",
                        &st, e, "t", resource));
        if (store_next(st)) {
                c.is_public = store_int(st, 0) != 0;
                c.is_claimable = store_int(st, 1) != 0;
        }
        TRY(store_done(st, e));
        *ret = c;
        return STATUS_OK;
}

static enum status has_public(struct store_conn *db, bool *ret, struct error *e)
{
        struct store_stmt *st;
        TRY(store_query(db, "SELECT 1 FROM resource_configs WHERE is_public = 1 LIMIT 1", &st, e,
                        ""));
        *ret = store_next(st);
        return store_done(st, e);
}

enum status public_each(struct store_conn *db, struct span resource, struct span own_inbox,
                        bool (*row)(void *ctx, const struct holding *h), void *ctx, struct error *e)
{
        CLEANUP(arena_fini) struct arena a;
        struct resource_stems stems;
        bool is_over;
        arena_init(&a, 16 * 1024);
        TRY(has_public(db, &is_over, e));
        is_over = !is_over;
        TRY(resource_stems(resource, own_inbox, &a, &stems, e));
        for (size_t i = 0; i < stems.n && !is_over; i++) {
                struct store_stmt *st;
                TRY(store_query(db,
                                "SELECT resource FROM resource_configs"
                                " WHERE stem = $1 AND is_public = 1",
                                &st, e, "t", stems.list[i]));
                while (!is_over && store_next(st)) {
                        struct holding h = {.right = {.action = SPAN("read"),
                                                      .abilities = ABILITY_ALLOW,
                                                      .resource = store_text(st, 0)},
                                            .position = -1,
                                            .is_public = true};
                        if (resource_reaches(h.right.resource, resource, own_inbox))
                                is_over = !row(ctx, &h);
                }
                TRY(store_done(st, e));
        }
        return STATUS_OK;
}

/* ---- lists ---- */

/* The next configured resource behind `after`, which becomes it; absent at the end. */
static enum status next_config(struct store_conn *db, char after[RESOURCE_MAX + 1],
                               struct resource_config *ret, struct error *e)
{
        struct store_stmt *st;
        *ret = (struct resource_config){.resource = SPAN_NONE};
        TRY(store_query(db,
                        "SELECT resource, is_public, is_claimable FROM resource_configs"
                        " WHERE resource > $1 ORDER BY resource LIMIT 1",
                        &st, e, "s", after));
        if (store_next(st)) {
                struct span name = store_text(st, 0);
                snprintf(after, RESOURCE_MAX + 1, "%.*s", (int)name.len, name.p);
                *ret = (struct resource_config){span_of(after), store_int(st, 1) != 0,
                                                store_int(st, 2) != 0};
        }
        return store_done(st, e);
}

static enum status put_cursor(struct span position, struct arena *a, struct span *ret,
                              struct error *e)
{
        CLEANUP(buf_fini) struct buf cursor;
        buf_init(&cursor, 2048);
        cursor_write_text(&cursor, position);
        TRY(buf_check(&cursor, e));
        *ret = arena_span(a, buf_view(&cursor));
        return ret->p ? STATUS_OK : error_no_memory(e);
}

/* Behind the page's last row, or behind the last that was looked at. */
enum status resource_config_list(const struct principal *p, const struct page *page,
                                 bool (*row)(void *ctx, const struct resource_config *c), void *ctx,
                                 struct arena *a, struct span *ret_next, struct error *e)
{
        char after[RESOURCE_MAX + 1];
        const char *start;
        unsigned n = 0, looked_at = 0;
        bool is_going = true;
        *ret_next = SPAN_NONE;
        TRY(cursor_read_text(page->cursor, a, &start, e));
        snprintf(after, sizeof after, "%s", start);
        while (is_going && n < page->limit && looked_at++ < LOOKED_AT_MAX) {
                struct resource_config c;
                struct error why;
                TRY(next_config(p->db, after, &c, e));
                if (!c.resource.p)
                        return STATUS_OK;
                enum status s = may(p, RESOURCE_CONFIG_READ, c.resource, &why);
                if (s == STATUS_DENIED)
                        continue;
                if (s != STATUS_OK && e)
                        *e = why;
                TRY(s);
                is_going = row(ctx, &c);
                n++;
        }
        char last[RESOURCE_MAX + 1];
        struct resource_config more;
        snprintf(last, sizeof last, "%s", after);
        TRY(next_config(p->db, after, &more, e));
        return more.resource.p ? put_cursor(span_of(last), a, ret_next, e) : STATUS_OK;
}

/* Each part in the order of its index, no further than the page. From groups/ to records/: large
 * records have members, as groups have; nobody else between has any. */
#define NAMED_ITSELF                                                                    \
        "SELECT DISTINCT subject AS who FROM statements"                                \
        " WHERE stem = $1 AND resource = $2 AND subject > $3"                           \
        " AND (substr(subject, 1, 6) = 'users/' OR substr(subject, 1, 8) = 'clients/')" \
        " ORDER BY who LIMIT $4"
#define NAMED_BY_GROUP                                                            \
        "SELECT DISTINCT m.subject AS who FROM statements s"                      \
        " JOIN group_members m ON m.group_subject = s.subject"                    \
        " WHERE s.stem = $1 AND s.subject > 'groups/' AND s.subject < 'records0'" \
        " AND s.resource = $2 AND m.subject > $3 ORDER BY who LIMIT $4"

enum status resource_users(struct store_conn *db, struct span resource, const struct page *page,
                           struct arena *a, struct span **ret_subjects, size_t *ret_n,
                           struct span *ret_next, struct error *e)
{
        struct store_stmt *st;
        struct span *list = arena_alloc(a, (page->limit + 1) * sizeof *list);
        const char *after;
        size_t n = 0;
        TRY(cursor_read_text(page->cursor, a, &after, e));
        if (!list)
                return error_no_memory(e);
        TRY(store_query(db,
                        "SELECT i.who FROM (" NAMED_ITSELF ") i UNION"
                        " SELECT g.who FROM (" NAMED_BY_GROUP ") g ORDER BY who LIMIT $4",
                        &st, e, "ttsi", resource_stem(resource), resource, after,
                        (int64_t)page->limit + 1));
        while (n <= page->limit && store_next(st) && (list[n] = arena_span(a, store_text(st, 0))).p)
                n++;
        TRY(store_done(st, e));
        *ret_next = SPAN_NONE;
        if (n > page->limit)
                TRY(put_cursor(list[--n - 1], a, ret_next, e));
        *ret_subjects = list;
        *ret_n = n;
        return STATUS_OK;
}

/* ---- commands ---- */

static enum status put_run(struct ledger_tx *tx, struct domain_command *base, struct error *e)
{
        const struct resource_config *c = &((struct resource_config_put *)base)->config;
        if (!c->is_public && !c->is_claimable)
                return store_exec(tx->db, "DELETE FROM resource_configs WHERE resource = $1", NULL,
                                  e, "t", c->resource);
        return store_exec(tx->db,
                          "INSERT INTO resource_configs"
                          " (resource, stem, is_public, is_claimable, updated_at)"
                          " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (resource) DO UPDATE SET"
                          " is_public = excluded.is_public, is_claimable = excluded.is_claimable,"
                          " updated_at = excluded.updated_at",
                          NULL, e, "ttiii", c->resource, resource_stem(c->resource),
                          (int64_t)c->is_public, (int64_t)c->is_claimable, tx->now_ms);
}

enum status resource_config_put_new(struct domain *d, struct settings *s,
                                    const struct resource_config *config,
                                    struct resource_config_put **ret, struct error *e)
{
        struct resource_config_put *c;
        TRY(domain_command_new(d, s, sizeof *c, 4096, &c, e));
        c->base.run = put_run;
        c->base.audit.action = "resource.configure";
        c->config = *config;
        c->config.resource = arena_span(&c->base.arena, config->resource);
        if (!c->config.resource.p) {
                domain_command_free(&c->base);
                return error_no_memory(e);
        }
        domain_target(&c->base, "resource", c->config.resource);
        c->base.base.is_revocation = !config->is_public && !config->is_claimable;
        *ret = c;
        return STATUS_OK;
}
