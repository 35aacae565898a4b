/* The evaluator: from statements to yes or no. */
#include "domain/resources.h"
#include "domain/roles.h"

/* ---- loading ---- */

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
        l->rights.has_statements = true;
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

enum status grants_load(struct store_conn *db, const char *subject, struct arena *a,
                        struct rights *ret, struct error *e)
{
        struct loading l = {.arena = a};
        struct store_stmt *st;
        TRY(store_query(db,
                        "SELECT s.resource, s.role, s.permission, p.action, p.abilities"
                        " FROM statements s LEFT JOIN role_permissions p ON p.role_id = s.role"
                        " WHERE s.subject = $1",
                        &st, e, "s", subject));
        enum status status = STATUS_OK;
        while (status == STATUS_OK && store_next(st))
                status = put_statement(&l, st, e);
        enum status done = store_done(st, status == STATUS_OK ? e : NULL);
        if (status != STATUS_OK || done != STATUS_OK)
                return status != STATUS_OK ? status : done;
        *ret = l.rights;
        return STATUS_OK;
}

/* ---- deciding ---- */

struct question {
        struct span action;
        unsigned abilities;   /* one of them is enough */
        struct span resource; /* absent: anywhere */
        struct span own_inbox;
};

static bool right_answers(const struct right *r, const struct question *q)
{
        return (r->abilities & q->abilities) && action_implies(r->action, q->action) &&
               (!q->resource.p || resource_reaches(r->resource, q->resource, q->own_inbox));
}

static bool rights_answer(const struct rights *rights, const struct question *q)
{
        for (size_t i = 0; i < rights->n; i++)
                if (right_answers(&rights->list[i], q))
                        return true;
        return false;
}

static bool principal_answers(const struct principal *p, const struct question *q)
{
        if (p->is_all)
                return true;
        if (!rights_answer(&p->rights, q) || (p->is_cut && !rights_answer(&p->user_rights, q)))
                return false;
        for (const struct cut *c = p->cuts; c; c = c->next)
                if (!rights_answer(&c->rights, q))
                        return false;
        return true;
}

/* Where the document that `resource` names is at home. No database, no document, no row: absent. */
static enum status ask_inbox(const struct principal *p, struct span resource, struct arena *a,
                             struct span *ret, struct error *e)
{
        struct span document = resource_document(resource);
        *ret = SPAN_NONE;
        if (p->is_all || !p->db || !document.p)
                return STATUS_OK;
        return document_inbox(p->db, document, a, ret, e);
}

enum status grants_check(const struct principal *p, const char *permission, struct span resource,
                         struct error *e)
{
        CLEANUP(arena_fini) struct arena a;
        arena_init(&a, 1024);
        struct question q = {
                .action = span_of(permission), .abilities = ABILITY_ALLOW, .resource = resource};
        TRY(ask_inbox(p, resource, &a, &q.own_inbox, e));
        if (principal_answers(p, &q))
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

/* Whoever gives rights away that can themselves be given on needs `delegate`. */
static unsigned needed(unsigned abilities)
{
        return abilities & (ABILITY_GRANT | ABILITY_DELEGATE) ? ABILITY_DELEGATE
                                                              : ABILITY_ALLOW | ABILITY_GRANT;
}

static enum status may_give(const struct principal *p, struct span action, unsigned abilities,
                            struct span resource, struct span own_inbox, struct error *e)
{
        for (const char *const *native = permission_native(action); *native; native++) {
                struct question q = {span_of(*native), needed(abilities), resource, own_inbox};
                if (!principal_answers(p, &q))
                        return error_set(e, STATUS_DENIED, "may-not-give", NULL,
                                         "You may not give %s on %.*s.", *native, (int)resource.len,
                                         resource.p);
        }
        return STATUS_OK;
}

enum status grants_may_give_permission(const struct principal *p, struct span permission,
                                       struct span resource, struct error *e)
{
        CLEANUP(arena_fini) struct arena a;
        arena_init(&a, 1024);
        struct span inbox;
        TRY(ask_inbox(p, resource, &a, &inbox, e));
        return may_give(p, permission, ABILITY_ALLOW, resource, inbox, e);
}

enum status grants_may_give(const struct principal *p, struct span role, struct span resource,
                            struct error *e)
{
        CLEANUP(arena_fini) struct arena a;
        arena_init(&a, 256 * 1024);
        struct rights held;
        struct span inbox;
        TRY(role_rights(p->db, role, &a, &held, e));
        TRY(ask_inbox(p, resource, &a, &inbox, e));
        for (size_t i = 0; i < held.n; i++)
                TRY(may_give(p, held.list[i].action, held.list[i].abilities, resource, inbox, e));
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
                            struct span resource, struct span own_inbox, struct error *e)
{
        for (const char *const *native = permission_native(held->action); *native; native++)
                if (!is_lendable(span_of(*native)))
                        return may_give(p, held->action, held->abilities, resource, own_inbox, e);
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
        for (size_t i = 0; i < held.n; i++)
                TRY(may_lend(p, &held.list[i], resource, inbox, e));
        return STATUS_OK;
}
