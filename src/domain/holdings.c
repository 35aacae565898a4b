#include "domain/holdings.h"
#include "domain/roles.h"

/*
 * By [is the subject judged][with the records they come from]: that the user is deactivated, the
 * subject's own, those of its groups, one after the other: what ends early has not looked for the
 * rest. Without records, all is in the index statements_by_subject: no row of the table is read.
 */
#define ENDED                                                                                   \
        "SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1 FROM users u WHERE u.id = $3" \
        " AND u.is_active = 0 UNION ALL "
#define COLUMNS "SELECT s.resource, s.role, s.permission, p.action, p.abilities"
#define SOURCE ", s.record_id, s.position"
#define NO_SOURCE ", NULL, NULL"
#define ROLES " LEFT JOIN role_permissions p ON p.role_id = s.role"
#define OWN ", NULL, 0 FROM statements s" ROLES " WHERE s.subject = $1 AND s.stem = $2 UNION ALL "
/* CROSS: SQLite joins in this order, else it begins with all that others hold on the stem. */
#define GROUPS                                                                    \
        ", m.group_subject, 0 FROM group_members m CROSS JOIN statements s" ROLES \
        " WHERE m.subject = $1 AND s.subject = m.group_subject AND s.stem = $2"
#define HELD(source) COLUMNS source OWN COLUMNS source GROUPS
static const char *const lookups[2][2] = {{HELD(NO_SOURCE), HELD(SOURCE)},
                                          {ENDED HELD(NO_SOURCE), ENDED HELD(SOURCE)}};

struct looking {
        struct store_conn *db;
        const struct lookup *q;
        bool (*row)(void *ctx, const struct holding *h);
        void *ctx;
        bool is_over;
};

static void give(struct looking *l, struct holding *h, struct span action, unsigned abilities)
{
        h->right.action = action;
        h->right.abilities = abilities;
        l->is_over = l->is_over || !l->row(l->ctx, h);
}

static void give_row(struct looking *l, struct store_stmt *st)
{
        struct span group = store_text(st, 7);
        struct holding h = {.right.resource = store_text(st, 0),
                            .role = store_text(st, 1),
                            .record_id = store_text(st, 5),
                            .position = store_is_null(st, 6) ? -1 : store_int(st, 6)};
        if (!resource_reaches(h.right.resource, l->q->resource, l->q->own_inbox))
                return;
        if (group.p && span_starts(group, "groups/")) /* or a record, as its users' group */
                (void)span_split(group, '/', &h.group_id);
        const struct builtin_role *role = h.role.p ? builtin_role(h.role) : NULL;
        for (size_t i = 0; role && role->actions[i]; i++)
                give(l, &h, span_of(role->actions[i]), role->abilities);
        if (!store_is_null(st, 2))
                give(l, &h, store_text(st, 2), ABILITY_ALLOW);
        if (!role && store_is_null(st, 2))
                give(l, &h, store_is_null(st, 3) ? SPAN("") : store_text(st, 3),
                     store_is_null(st, 3) ? 0 : (unsigned)store_int(st, 4));
}

/* The id of a user of ours, if it is one; NULL: no user. */
static const char *user_of(const char *subject)
{
        return strncmp(subject, "users/", 6) == 0 ? subject + 6 : NULL;
}

static void take_row(struct looking *l, struct store_stmt *st)
{
        bool *is_ended = l->q->is_ended;
        if (is_ended && store_int(st, 8))
                *is_ended = l->is_over = true;
        else
                give_row(l, st);
}

/* Whether the user is deactivated is asked once, with the first stem. */
static enum status look(struct looking *l, struct span stem, bool is_judged, struct error *e)
{
        struct store_stmt *st;
        const char *sql = lookups[is_judged][l->q->has_source], *subject = l->q->subject;
        if (is_judged)
                TRY(store_query(l->db, sql, &st, e, "sts", subject, stem, user_of(subject)));
        else
                TRY(store_query(l->db, sql, &st, e, "st", subject, stem));
        while (!l->is_over && store_next(st))
                take_row(l, st);
        return store_done(st, e);
}

enum status holdings_each(struct store_conn *db, const struct lookup *q,
                          bool (*row)(void *ctx, const struct holding *h), void *ctx,
                          struct error *e)
{
        CLEANUP(arena_fini) struct arena a;
        struct looking l = {.db = db, .q = q, .row = row, .ctx = ctx};
        struct resource_stems stems;
        arena_init(&a, 16 * 1024);
        TRY(resource_stems(q->resource, q->own_inbox, &a, &stems, e));
        for (size_t i = 0; i < stems.n && !l.is_over; i++)
                TRY(look(&l, stems.list[i], i == 0 && q->is_ended, e));
        return STATUS_OK;
}

bool holding_means(const struct holding *h, struct span asked)
{
        static const char tail[] = ":read";
        size_t n = sizeof tail - 1;
        bool is_reading = asked.len > n && memcmp(asked.p + asked.len - n, tail, n) == 0;
        return action_means(h->right.action, asked) || (h->is_public && is_reading);
}

/* ---- anywhere ---- */

#define SUBJECT_OR_GROUPS                                 \
        "s.subject IN (SELECT cast($1 as text) UNION ALL" \
        " SELECT group_subject FROM group_members WHERE subject = $1)"

static enum status builtin_anywhere(struct store_conn *db, const char *subject, struct span action,
                                    unsigned abilities, bool *ret, struct error *e)
{
        for (const struct builtin_role *r = builtin_roles; r->name && !*ret; r++) {
                bool is_asked = false;
                for (size_t i = 0; r->actions[i]; i++)
                        is_asked = is_asked || action_implies(span_of(r->actions[i]), action);
                if (!is_asked || !(r->abilities & abilities))
                        continue;
                struct store_stmt *st;
                TRY(store_query(db,
                                "SELECT 1 FROM statements s WHERE s.role = $2"
                                " AND " SUBJECT_OR_GROUPS " LIMIT 1",
                                &st, e, "ss", subject, r->name));
                *ret = store_next(st);
                TRY(store_done(st, e));
        }
        return STATUS_OK;
}

/* Actions that somebody made, and their abilities: of roles, and permissions alone. */
static enum status rows_anywhere(struct store_conn *db, const char *sql, const char *subject,
                                 struct span action, unsigned abilities, bool *ret, struct error *e)
{
        struct store_stmt *st;
        if (*ret)
                return STATUS_OK;
        TRY(store_query(db, sql, &st, e, "s", subject));
        while (!*ret && store_next(st))
                *ret = ((unsigned)store_int(st, 1) & abilities) &&
                       action_means(store_text(st, 0), action);
        return store_done(st, e);
}

enum status holdings_anywhere(struct store_conn *db, const char *subject, struct span action,
                              unsigned abilities, bool *ret, struct error *e)
{
        bool is_held = false;
        TRY(builtin_anywhere(db, subject, action, abilities, &is_held, e));
        TRY(rows_anywhere(db,
                          "SELECT p.action, p.abilities FROM role_permissions p WHERE EXISTS"
                          " (SELECT 1 FROM statements s WHERE s.role = p.role_id"
                          " AND " SUBJECT_OR_GROUPS ")",
                          subject, action, abilities, &is_held, e));
        TRY(rows_anywhere(db,
                          "SELECT DISTINCT s.permission, 1 FROM statements s"
                          " WHERE s.permission IS NOT NULL AND " SUBJECT_OR_GROUPS,
                          subject, action, abilities, &is_held, e));
        *ret = is_held;
        return STATUS_OK;
}

enum status resource_home(struct store_conn *db, struct span resource, struct arena *a,
                          struct span *ret, struct error *e)
{
        struct span document = resource_document(resource);
        *ret = SPAN_NONE;
        return document.p ? document_inbox(db, document, a, ret, e) : STATUS_OK;
}
