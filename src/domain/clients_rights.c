/* What a client may, and what others may do to it. */
#include "domain/clients.h"
#include "domain/rights.h"

#include <stdio.h>

enum status client_principal(struct store_conn *db, const struct client_row *c, struct arena *a,
                             struct principal *ret, struct error *e)
{
        struct principal p = {.db = db, .caller = {.kind = CALLER_CLIENT}};
        struct client_row *own = arena_alloc(a, sizeof *own);
        char subject[SUBJECT_SIZE];
        if (!own)
                return error_no_memory(e);
        *own = *c;
        p.client = own;
        snprintf(p.caller.id, sizeof p.caller.id, "%.*s", (int)c->id.len, c->id.p);
        subject_of("clients", c->id, subject);
        TRY(grants_load(db, subject, a, &p.rights, e));
        *ret = p;
        return STATUS_OK;
}

/* ---- a copy ---- */

static bool copy_text(struct span text, struct arena *a, struct span *ret)
{
        *ret = arena_span(a, text);
        return ret->p || !text.p;
}

static bool copy_rights(const struct rights *from, struct arena *a, struct rights *ret)
{
        struct rights r = *from;
        if (r.n && !(r.list = arena_alloc(a, r.n * sizeof *r.list)))
                return false;
        for (size_t i = 0; i < r.n; i++) {
                r.list[i].abilities = from->list[i].abilities;
                if (!copy_text(from->list[i].action, a, &r.list[i].action) ||
                    !copy_text(from->list[i].resource, a, &r.list[i].resource))
                        return false;
        }
        if (r.subject && !(r.subject = arena_dup(a, span_of(r.subject))))
                return false;
        *ret = r;
        return true;
}

bool client_principal_copy(const struct principal *p, struct arena *a, struct principal *ret)
{
        struct principal copy = *p;
        struct client_row *row = arena_alloc(a, sizeof *row);
        if (!row)
                return false;
        *row = *p->client;
        copy.client = row;
        if (!copy_text(row->id, a, &row->id) || !copy_text(row->name, a, &row->name) ||
            !copy_text(row->created_by, a, &row->created_by) ||
            !copy_text(row->tags, a, &row->tags) ||
            !copy_text(row->rate_duration, a, &row->rate_duration) ||
            !copy_rights(&p->rights, a, &copy.rights))
                return false;
        *ret = copy;
        return true;
}

/* ---- what it may ---- */

bool client_has_option(const struct principal *p, enum client_option option)
{
        return p->client && !p->cuts && (p->client->options & option);
}

/* Whoever can hand out rights, or be everybody: no pattern is enough to act as them. */
static enum status is_powerful(struct store_conn *db, const struct rights *rights, bool *ret,
                               struct error *e)
{
        static const char *const powers[] = {"impersonate", "keys:any-at-all", "users:any-at-all"};
        *ret = false;
        for (size_t k = 0; k < sizeof powers / sizeof *powers && !*ret; k++) {
                struct question q = {.action = span_of(powers[k]), .abilities = ABILITY_ANY};
                TRY(rights_answer(db, rights, &q, ret, e));
        }
        return STATUS_OK;
}

static enum status names_exactly(struct store_conn *db, const struct rights *rights,
                                 const char *resource, bool *ret, struct error *e)
{
        struct question q = {.action = SPAN("impersonate"),
                             .abilities = ABILITY_ANY,
                             .resource = span_of(resource),
                             .is_exact = true};
        return rights_answer(db, rights, &q, ret, e);
}

enum status client_may_impersonate(struct store_conn *db, const struct principal *client,
                                   struct span user_id, struct error *e)
{
        CLEANUP(arena_fini) struct arena a;
        char resource[SUBJECT_SIZE];
        struct user_row user;
        struct rights rights;
        bool is_so;
        arena_init(&a, 256 * 1024);
        subject_of("users", user_id, resource);
        if (!client_has_option(client, CLIENT_ACTS_AS_USERS))
                TRY(grants_check(client, "impersonate", span_of(resource), e));
        TRY(user_find(db, user_id, &a, &user, e));
        if (!user.is_active || !span_equal(user.id, user_id))
                return error_set(e, STATUS_NOT_FOUND, "user-not-found", NULL,
                                 "There is no such user.");
        TRY(grants_load(db, resource, &a, &rights, e));
        TRY(is_powerful(db, &rights, &is_so, e));
        if (!is_so)
                return STATUS_OK;
        TRY(names_exactly(db, &client->rights, resource, &is_so, e));
        if (!is_so)
                return error_set(e, STATUS_DENIED, "forbidden", NULL,
                                 "impersonate is not allowed on %s: this user must be named by "
                                 "the grant.",
                                 resource);
        return STATUS_OK;
}

/* ---- what others may do to it ---- */

#define COLLECTION "Authress:ServiceClients/"

static const struct {
        const char *native, *action;
        const char *beneath; /* the client */
} acts[] = {
        [CLIENT_CREATE] = {"clients:write", "create", ""},
        [CLIENT_READ] = {"clients:read", "read", ""},
        [CLIENT_UPDATE] = {"clients:write", "update", ""},
        [CLIENT_DELETE] = {"clients:write", "delete", ""},
        [CLIENT_ACCESS_KEYS] = {"clients:write", "update", "/access-keys"},
};

static bool is_allowed(const struct principal *p, enum client_act act, struct span id)
{
        char own[SUBJECT_SIZE], theirs[SUBJECT_SIZE];
        subject_of("clients", id, own);
        snprintf(theirs, sizeof theirs, COLLECTION "%.*s%s", (int)id.len, id.p, acts[act].beneath);
        return grants_allow(p, acts[act].native, span_of(own)) ||
               grants_allow(p, acts[act].action, span_of(theirs));
}

enum status client_may(const struct principal *p, enum client_act act, struct span id,
                       struct error *e)
{
        if (!client_id_is(id))
                return client_not_found(e);
        if (is_allowed(p, act, id))
                return STATUS_OK;
        if (act != CLIENT_CREATE && !is_allowed(p, CLIENT_READ, id))
                return client_not_found(e);
        return error_set(e, STATUS_DENIED, "forbidden", NULL,
                         "%s is not allowed on " COLLECTION "%.*s%s.", acts[act].action,
                         (int)id.len, id.p, acts[act].beneath);
}

/* ---- what they may give it ---- */

enum status client_may_give_options(const struct principal *p, unsigned options, struct error *e)
{
        unsigned own = p->is_all ? CLIENT_OPTIONS_ALL : 0;
        if (p->client && !p->cuts)
                own |= p->client->options;
        if (grants_allow(p, "read", SPAN("Authress:UserPermissions/*")))
                own |= CLIENT_ASKS_OF_USERS;
        if (grants_allow(p, "impersonate", SPAN("users/*")))
                own |= CLIENT_ACTS_AS_USERS;
        if (!(options & ~own))
                return STATUS_OK;
        return error_set(e, STATUS_DENIED, "may-not-give", "/options",
                         options & ~own & CLIENT_ASKS_OF_USERS
                                 ? "You may not give grantUserPermissionsAccess."
                                 : "You may not give grantTokenGeneration.");
}

static bool is_itself(const struct principal *p, const struct client_row *c)
{
        return p->client && !p->cuts && span_equal(p->client->id, c->id);
}

enum status client_may_hold(struct store_conn *db, const struct principal *p,
                            const struct client_row *c, struct error *e)
{
        char subject[SUBJECT_SIZE];
        if (p->is_all || is_itself(p, c))
                return STATUS_OK;
        subject_of("clients", c->id, subject);
        TRY(client_may_give_options(p, c->options, e));
        return grants_may_give_all(p, db, subject, e);
}
