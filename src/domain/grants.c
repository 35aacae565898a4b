/* The evaluator: from statements to yes or no. */
#include "domain/rights.h"
#include "domain/roles.h"

/* ---- loading ---- */

#define LISTED_MAX 128

struct loading {
        struct rights rights;
        size_t room;
        struct arena *arena;
};

static enum status put_right(struct loading *l, struct span action, unsigned abilities,
                             struct span resource, struct error *e)
{
        if (l->rights.n == l->room) {
                size_t room = l->room ? 2 * l->room : 8;
                struct right *list = arena_alloc(l->arena, room * sizeof *list);
                if (!list)
                        return error_no_memory(e);
                if (l->rights.n)
                        memcpy(list, l->rights.list, l->rights.n * sizeof *list);
                l->rights.list = list;
                l->room = room;
        }
        l->rights.list[l->rights.n++] =
                (struct right){.action = action, .abilities = abilities, .resource = resource};
        return STATUS_OK;
}

/* An action and what it means here: Contract.fit's names are held under both names. */
static enum status put_action(struct loading *l, struct span action, unsigned abilities,
                              struct span resource, struct error *e)
{
        struct span copy = arena_span(l->arena, action);
        if (!copy.p)
                return error_no_memory(e);
        TRY(put_right(l, copy, abilities, resource, e));
        for (const char *const *native = permission_native(action); *native; native++) {
                if (span_is(action, *native))
                        continue;
                TRY(put_right(l, span_of(*native), abilities, resource, e));
        }
        return STATUS_OK;
}

static enum status put_statement(struct loading *l, struct store_stmt *st, struct error *e)
{
        struct span resource = arena_span(l->arena, store_text(st, 0));
        if (!resource.p)
                return error_no_memory(e);
        if (!store_is_null(st, 2))
                return put_action(l, store_text(st, 2), ABILITY_ALLOW, resource, e);
        const struct builtin_role *role =
                store_is_null(st, 1) ? NULL : builtin_role(store_text(st, 1));
        for (size_t i = 0; role && role->actions[i]; i++)
                TRY(put_right(l, span_of(role->actions[i]), role->abilities, resource, e));
        if (!store_is_null(st, 3)) /* a role of the table; one that is gone grants nothing */
                return put_action(l, store_text(st, 3), (unsigned)store_int(st, 4), resource, e);
        return STATUS_OK;
}

#define HELD "SELECT s.resource, s.role, s.permission, p.action, p.abilities, 0 FROM "
#define ROLES " LEFT JOIN role_permissions p ON p.role_id = s.role"
/* One after the other, without a table in between: the subject's own statements, its groups', and
 * whether records have given the user something once (removing it adds nothing to its keys). */
#define HELD_BY                                                                       \
        HELD "statements s" ROLES " WHERE s.subject = $1"                             \
             " UNION ALL " HELD                                                       \
             "group_members m JOIN statements s ON s.subject = m.group_subject" ROLES \
             " WHERE m.subject = $1"                                                  \
             " UNION ALL SELECT '', NULL, NULL, NULL, NULL, 1 FROM users u"           \
             " WHERE u.id = $2 AND u.is_cut <> 0"
static const char held_by[] = HELD_BY;
/* A group's admin can make itself a member. */
static const char within_reach_of[] =
        HELD_BY " UNION ALL " HELD "admins a JOIN statements s ON s.subject = a.object" ROLES
                " WHERE a.subject = $1 AND substr(a.object, 1, 7) = 'groups/'";

static enum status load(struct store_conn *db, const char *sql, const char *subject,
                        size_t listed_max, struct arena *a, struct rights *ret, struct error *e)
{
        struct loading l = {.arena = a};
        struct store_stmt *st;
        const char *user_id = strncmp(subject, "users/", 6) == 0 ? subject + 6 : NULL;
        TRY(store_query(db, sql, &st, e, "ss", subject, user_id));
        enum status status = STATUS_OK;
        while (status == STATUS_OK && l.rights.n <= listed_max && store_next(st)) {
                l.rights.has_statements = true;
                if (!store_int(st, 5))
                        status = put_statement(&l, st, e);
        }
        enum status done = store_done(st, status == STATUS_OK ? e : NULL);
        if (status != STATUS_OK || done != STATUS_OK)
                return status != STATUS_OK ? status : done;
        if (l.rights.n > listed_max) {
                const char *copy = arena_dup(a, span_of(subject));
                if (!copy)
                        return error_no_memory(e);
                l.rights = (struct rights){.subject = copy, .has_statements = true};
        }
        *ret = l.rights;
        return STATUS_OK;
}

enum status grants_load(struct store_conn *db, const char *subject, struct arena *a,
                        struct rights *ret, struct error *e)
{
        return load(db, held_by, subject, LISTED_MAX, a, ret, e);
}

enum status grants_load_all(struct store_conn *db, const char *subject, struct arena *a,
                            struct rights *ret, struct error *e)
{
        return load(db, within_reach_of, subject, SIZE_MAX - 1, a, ret, e);
}

/* ---- deciding ---- */

static bool right_answers(const struct right *r, const struct question *q)
{
        return (r->abilities & q->abilities) && action_implies(r->action, q->action) &&
               (!q->resource.p ||
                (q->is_exact ? span_equal(r->resource, q->resource)
                             : resource_reaches(r->resource, q->resource, q->own_inbox)));
}

struct answering {
        const struct question *q;
        bool is_held;
};

static bool answer_row(void *ctx, const struct holding *h)
{
        struct answering *a = ctx;
        const struct question *q = a->q;
        a->is_held = (h->right.abilities & q->abilities) &&
                     action_means(h->right.action, q->action) &&
                     (!q->is_exact || span_equal(h->right.resource, q->resource));
        return !a->is_held;
}

enum status rights_answer(struct store_conn *db, const struct rights *rights,
                          const struct question *q, bool *ret, struct error *e)
{
        struct answering answering = {.q = q};
        bool is_held = false;
        for (size_t i = 0; i < rights->n && !is_held; i++)
                is_held = right_answers(&rights->list[i], q);
        if (rights->subject && q->resource.p) {
                struct lookup lookup = {rights->subject, q->resource, q->own_inbox, false, NULL};
                TRY(holdings_each(db, &lookup, answer_row, &answering, e));
                is_held = answering.is_held;
        } else if (rights->subject) {
                TRY(holdings_anywhere(db, rights->subject, q->action, q->abilities, &is_held, e));
        }
        *ret = is_held;
        return STATUS_OK;
}

enum status principal_answer(const struct principal *p, const struct question *q, bool *ret,
                             struct error *e)
{
        bool is_held = true;
        if (!p->is_all)
                TRY(rights_answer(p->db, &p->rights, q, &is_held, e));
        if (is_held && p->is_cut && !p->is_all)
                TRY(rights_answer(p->db, &p->user_rights, q, &is_held, e));
        for (const struct cut *c = p->cuts; c && is_held && !p->is_all; c = c->next)
                TRY(rights_answer(p->db, &c->rights, q, &is_held, e));
        *ret = is_held;
        return STATUS_OK;
}

/* Where the document that `resource` names is at home. No database, no document, no row: absent. */
static enum status ask_inbox(const struct principal *p, struct span resource, struct arena *a,
                             struct span *ret, struct error *e)
{
        *ret = SPAN_NONE;
        return p->is_all || !p->db ? STATUS_OK : resource_home(p->db, resource, a, ret, e);
}

enum status grants_check(const struct principal *p, const char *permission, struct span resource,
                         struct error *e)
{
        CLEANUP(arena_fini) struct arena a;
        bool is_held;
        arena_init(&a, 1024);
        struct question q = {
                .action = span_of(permission), .abilities = ABILITY_ALLOW, .resource = resource};
        TRY(ask_inbox(p, resource, &a, &q.own_inbox, e));
        TRY(principal_answer(p, &q, &is_held, e));
        if (is_held)
                return STATUS_OK;
        return error_set(e, STATUS_DENIED, "forbidden", NULL, "%s is not allowed on %.*s.",
                         permission, resource.p ? (int)resource.len : 8,
                         resource.p ? resource.p : "anything");
}

bool grants_allow(const struct principal *p, const char *permission, struct span resource)
{
        return grants_check(p, permission, resource, NULL) == STATUS_OK;
}

/* ---- giving ---- */

/*
 * What gives a right away. Keys and roles given directly: whoever may do it gives it on. Records
 * have Authress's words: `grant` gives what is only done, `delegate` also what is given on.
 */
enum giving { GIVING_DIRECTLY, GIVING_BY_RECORD };

static unsigned needed(unsigned abilities, enum giving giving)
{
        if (abilities & (ABILITY_GRANT | ABILITY_DELEGATE))
                return ABILITY_DELEGATE;
        return giving == GIVING_DIRECTLY ? ABILITY_ALLOW | ABILITY_GRANT
                                         : ABILITY_GRANT | ABILITY_DELEGATE;
}

static enum status may_give(const struct principal *p, const struct right *right,
                            struct span own_inbox, enum giving giving, struct error *e)
{
        for (const char *const *native = permission_native(right->action); *native; native++) {
                struct question q = {.action = span_of(*native),
                                     .abilities = needed(right->abilities, giving),
                                     .resource = right->resource,
                                     .own_inbox = own_inbox};
                bool is_held;
                TRY(principal_answer(p, &q, &is_held, e));
                if (!is_held)
                        return error_set(e, STATUS_DENIED, "may-not-give", NULL,
                                         "You may not give %s on %.*s.", *native,
                                         (int)right->resource.len, right->resource.p);
        }
        return STATUS_OK;
}

static enum status may_give_role(const struct principal *p, struct span role, struct span resource,
                                 enum giving giving, struct error *e)
{
        CLEANUP(arena_fini) struct arena a;
        arena_init(&a, 256 * 1024);
        struct rights held;
        struct span inbox;
        TRY(role_rights(p->db, role, &a, &held, e));
        TRY(ask_inbox(p, resource, &a, &inbox, e));
        for (size_t i = 0; i < held.n; i++) {
                held.list[i].resource = resource;
                TRY(may_give(p, &held.list[i], inbox, giving, e));
        }
        return STATUS_OK;
}

enum status grants_may_give_permission(const struct principal *p, struct span permission,
                                       struct span resource, struct error *e)
{
        CLEANUP(arena_fini) struct arena a;
        arena_init(&a, 1024);
        struct right right = {permission, ABILITY_ALLOW, resource};
        struct span inbox;
        TRY(ask_inbox(p, resource, &a, &inbox, e));
        return may_give(p, &right, inbox, GIVING_DIRECTLY, e);
}

enum status grants_may_give(const struct principal *p, struct span role, struct span resource,
                            struct error *e)
{
        return may_give_role(p, role, resource, GIVING_DIRECTLY, e);
}

enum status grants_may_give_by_record(const struct principal *p, struct span role,
                                      struct span resource, struct error *e)
{
        return may_give_role(p, role, resource, GIVING_BY_RECORD, e);
}

enum status grants_may_give_everywhere(const struct principal *p, const struct right *right,
                                       struct error *e)
{
        struct right everywhere = {right->action, right->abilities, SPAN("*")};
        return may_give(p, &everywhere, SPAN_NONE, GIVING_BY_RECORD, e);
}

enum status grants_may_give_all(const struct principal *p, struct store_conn *db,
                                const char *subject, struct error *e)
{
        CLEANUP(arena_fini) struct arena a;
        arena_init(&a, (size_t)8 << 20);
        struct rights held;
        TRY(grants_load_all(db, subject, &a, &held, e));
        for (size_t i = 0; i < held.n; i++) {
                CLEANUP(arena_fini) struct arena own;
                struct span inbox;
                arena_init(&own, 1024);
                TRY(ask_inbox(p, held.list[i].resource, &own, &inbox, e));
                TRY(may_give(p, &held.list[i], inbox, GIVING_DIRECTLY, e));
        }
        return STATUS_OK;
}

/* ---- lending: a key for a user who holds the role itself ---- */

/*
 * What a key's role may hold without its minter holding it: rights on documents, and names that
 * only another system understands. Not what administers: that would let whoever mints act as any
 * administrator.
 */
static bool is_lendable(struct span action)
{
        static const char *const administrative[] = {"edit_", "delete_", "create_"};
        for (size_t i = 0; i < sizeof administrative / sizeof *administrative; i++)
                if (span_starts(action, administrative[i]))
                        return false;
        return span_starts(action, "documents:") ||
               !(memchr(action.p, ':', action.len) || memchr(action.p, '*', action.len));
}

static enum status may_lend(const struct principal *p, const struct right *held,
                            struct span own_inbox, struct error *e)
{
        for (const char *const *native = permission_native(held->action); *native; native++)
                if (!is_lendable(span_of(*native)))
                        return may_give(p, held, own_inbox, GIVING_DIRECTLY, e);
        return STATUS_OK;
}

enum status grants_may_lend(const struct principal *p, struct span role, struct span resource,
                            struct error *e)
{
        CLEANUP(arena_fini) struct arena a;
        arena_init(&a, 256 * 1024);
        struct rights held;
        struct span inbox;
        TRY(role_rights(p->db, role, &a, &held, e));
        TRY(grants_check(p, "keys:create", resource, e));
        TRY(ask_inbox(p, resource, &a, &inbox, e));
        for (size_t i = 0; i < held.n; i++) {
                held.list[i].resource = resource;
                TRY(may_lend(p, &held.list[i], inbox, e));
        }
        return STATUS_OK;
}
