/* Questions about anyone's rights, statement by statement. */
#include "domain/access.h"
#include "domain/members.h"
#include "domain/resource_config.h"

#include <chatelaine/domain_clients.h>
#include <stdio.h>

#define CLIENT_SPELLED "Authress:ServiceClients/"

/* ---- who ---- */

static bool user_id_is_valid(struct span id)
{
        bool is_valid = id.p && id.len > 0 && id.len <= USER_ID_MAX;
        for (size_t i = 0; is_valid && i < id.len; i++) {
                char c = id.p[i];
                is_valid = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || (c && strchr("+._|/~:@ -", c));
        }
        return is_valid;
}

enum status access_subject(struct span user_id, char out[ACCESS_SUBJECT_SIZE], struct error *e)
{
        struct span id = user_id;
        bool is_client = client_id_is(id);
        if (!user_id_is_valid(id))
                return error_set(e, STATUS_INVALID, "invalid-user-id", NULL,
                                 "A userId is 1 to %d letters, digits, spaces and +._|/~:@-",
                                 USER_ID_MAX);
        if (span_starts(id, CLIENT_SPELLED) && id.len > sizeof CLIENT_SPELLED - 1) {
                id = span_make(id.p + sizeof CLIENT_SPELLED - 1,
                               id.len - (sizeof CLIENT_SPELLED - 1));
                is_client = true;
        }
        snprintf(out, ACCESS_SUBJECT_SIZE, "%s/%.*s", is_client ? "clients" : "users", (int)id.len,
                 id.p);
        return STATUS_OK;
}

struct span access_user_id(const char *subject)
{
        const char *slash = strchr(subject, '/');
        return span_of(slash ? slash + 1 : subject);
}

void access_subject_of(const struct caller *c, char out[ACCESS_SUBJECT_SIZE])
{
        out[0] = '\0';
        if (c->user_id[0])
                snprintf(out, ACCESS_SUBJECT_SIZE, "users/%s", c->user_id);
        else if (c->kind == CALLER_USER || c->kind == CALLER_CLIENT)
                snprintf(out, ACCESS_SUBJECT_SIZE, "%ss/%s", caller_kind_name(c->kind), c->id);
        else if (c->kind == CALLER_SESSION && strncmp(c->origin, "clients/", 8) == 0)
                snprintf(out, ACCESS_SUBJECT_SIZE, "%s", c->origin);
}

enum status access_whole_subject(const struct principal *p, char out[ACCESS_SUBJECT_SIZE],
                                 struct error *e)
{
        access_subject_of(&p->caller, out);
        if (out[0] && !principal_is_narrow(p) && !p->caller.on_behalf_of[0])
                return STATUS_OK;
        return error_set(e, STATUS_DENIED, "forbidden", NULL,
                         "Only a user or a client itself may do this, not by a key or by a "
                         "narrowed session.");
}

enum status access_may_ask(const struct principal *p, struct span user_id, struct error *e)
{
        char subject[ACCESS_SUBJECT_SIZE], own[ACCESS_SUBJECT_SIZE];
        char resource[sizeof "Authress:UserPermissions/" + USER_ID_MAX];
        TRY(access_subject(user_id, subject, e));
        access_subject_of(&p->caller, own);
        if (strcmp(subject, own) == 0 || client_has_option(p, CLIENT_ASKS_OF_USERS))
                return STATUS_OK;
        struct span id = access_user_id(subject);
        snprintf(resource, sizeof resource, "Authress:UserPermissions/%.*s", (int)id.len, id.p);
        return grants_check(p, "read", span_of(resource), e);
}

/* ---- what is asked ---- */

enum status access_action(struct span text, struct arena *a, struct span *ret, struct error *e)
{
        char *folded = arena_dup(a, text.p ? text : SPAN(""));
        if (!folded)
                return error_no_memory(e);
        for (char *c = folded; *c; c++)
                if (*c >= 'A' && *c <= 'Z')
                        *c = (char)(*c - 'A' + 'a');
        return action_read(span_make(folded, text.len), ret, e);
}

struct each {
        bool (*row)(void *ctx, const struct holding *h);
        void *ctx;
        bool is_over;
};

static bool each_row(void *ctx, const struct holding *h)
{
        struct each *each = ctx;
        each->is_over = !each->row(each->ctx, h);
        return !each->is_over;
}

/* A user of ours who is deactivated holds nothing; any other is nobody that we know more of. */
static enum status ask_each(struct store_conn *db, const char *subject, struct span resource,
                            bool has_source, bool (*row)(void *ctx, const struct holding *h),
                            void *ctx, struct error *e)
{
        CLEANUP(arena_fini) struct arena a;
        struct each each = {.row = row, .ctx = ctx};
        struct lookup q = {.subject = subject, .has_source = has_source, .is_ended = &each.is_over};
        arena_init(&a, 4096);
        TRY(resource_read(resource, &q.resource, e));
        TRY(resource_home(db, q.resource, &a, &q.own_inbox, e));
        TRY(holdings_each(db, &q, each_row, &each, e));
        return each.is_over ? STATUS_OK : public_each(db, q.resource, q.own_inbox, row, ctx, e);
}

enum status access_each(struct store_conn *db, const char *subject, struct span resource,
                        bool (*row)(void *ctx, const struct holding *h), void *ctx, struct error *e)
{
        return ask_each(db, subject, resource, false, row, ctx, e);
}

/* ---- check, explain ---- */

struct checking {
        struct span action;
        bool is_allowed;
        struct arena *arena; /* NULL = nobody asks why */
        struct access_reason reason;
        bool is_out_of_memory;
};

static bool keep(struct checking *c, struct span text, struct span *ret)
{
        *ret = arena_span(c->arena, text);
        return ret->p || !text.p;
}

static bool check_row(void *ctx, const struct holding *h)
{
        struct checking *c = ctx;
        struct access_reason *r = &c->reason;
        c->is_allowed = (h->right.abilities & ABILITY_ALLOW) && holding_means(h, c->action);
        if (!c->is_allowed)
                return true;
        if (c->arena) {
                r->statement = h->position;
                r->is_public = h->is_public;
                c->is_out_of_memory = !keep(c, h->record_id, &r->record_id) ||
                                      !keep(c, h->role, &r->role) ||
                                      !keep(c, h->right.action, &r->action) ||
                                      !keep(c, h->right.resource, &r->resource) ||
                                      !keep(c, h->group_id, &r->group_id);
        }
        return false;
}

static enum status check(struct store_conn *db, const char *subject, struct span permission,
                         struct span resource, struct checking *c, struct error *e)
{
        CLEANUP(arena_fini) struct arena a;
        arena_init(&a, 4096);
        TRY(access_action(permission, &a, &c->action, e));
        TRY(ask_each(db, subject, resource, c->arena != NULL, check_row, c, e));
        return c->is_out_of_memory ? error_no_memory(e) : STATUS_OK;
}

enum status access_check(struct store_conn *db, const char *subject, struct span permission,
                         struct span resource, bool *ret, struct error *e)
{
        struct checking c = {.arena = NULL};
        TRY(check(db, subject, permission, resource, &c, e));
        *ret = c.is_allowed;
        return STATUS_OK;
}

enum status access_explain(struct store_conn *db, const char *subject, struct span permission,
                           struct span resource, struct arena *a, struct access_reason *ret,
                           bool *ret_is_allowed, struct error *e)
{
        struct checking c = {.arena = a};
        TRY(check(db, subject, permission, resource, &c, e));
        *ret = c.reason;
        *ret_is_allowed = c.is_allowed;
        return STATUS_OK;
}

/* ---- permissions, roles ---- */

struct listing {
        struct right *list; /* by action, in order */
        size_t n, room;
        struct arena *arena;
        struct span resource; /* roles: the very one that is asked for */
        bool is_out_of_memory;
};

static int span_order(struct span a, struct span b)
{
        int order = memcmp(a.p, b.p, a.len < b.len ? a.len : b.len);
        return order ? order : (a.len > b.len) - (a.len < b.len);
}

static bool make_room(struct listing *l)
{
        if (l->n < l->room)
                return true;
        size_t room = l->room ? 2 * l->room : 16;
        struct right *list = arena_alloc(l->arena, room * sizeof *list);
        if (!list)
                return false;
        if (l->n)
                memcpy(list, l->list, l->n * sizeof *list);
        l->list = list;
        l->room = room;
        return true;
}

/* Each name once, in order. */
static bool put_name(struct listing *l, struct span name, unsigned abilities)
{
        size_t low = 0, high = l->n;
        while (low < high) {
                size_t middle = (low + high) / 2;
                int order = span_order(l->list[middle].action, name);
                if (order == 0) {
                        l->list[middle].abilities |= abilities;
                        return true;
                }
                if (order < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        struct span copy = arena_span(l->arena, name);
        l->is_out_of_memory = !copy.p || !make_room(l);
        if (l->is_out_of_memory)
                return false;
        memmove(l->list + low + 1, l->list + low, (l->n++ - low) * sizeof *l->list);
        l->list[low] = (struct right){.action = copy, .abilities = abilities};
        return true;
}

static bool permissions_row(void *ctx, const struct holding *h)
{
        return !h->right.abilities || put_name(ctx, h->right.action, h->right.abilities);
}

enum status access_permissions(struct store_conn *db, const char *subject, struct span resource,
                               struct arena *a, struct right **ret, size_t *ret_n, struct error *e)
{
        struct listing l = {.arena = a};
        TRY(access_each(db, subject, resource, permissions_row, &l, e));
        if (l.is_out_of_memory)
                return error_no_memory(e);
        *ret = l.list;
        *ret_n = l.n;
        return STATUS_OK;
}

static bool roles_row(void *ctx, const struct holding *h)
{
        struct listing *l = ctx;
        bool is_explicit = h->role.p && span_equal(h->right.resource, l->resource);
        return !is_explicit || put_name(l, h->role, 0);
}

enum status access_roles(struct store_conn *db, const char *subject, struct span resource,
                         struct arena *a, struct span **ret, size_t *ret_n, struct error *e)
{
        struct listing l = {.arena = a};
        TRY(resource_read(resource, &l.resource, e));
        TRY(access_each(db, subject, resource, roles_row, &l, e));
        struct span *list = l.is_out_of_memory ? NULL : arena_alloc(a, (l.n + 1) * sizeof *list);
        if (!list)
                return error_no_memory(e);
        for (size_t i = 0; i < l.n; i++)
                list[i] = l.list[i].action;
        *ret = list;
        *ret_n = l.n;
        return STATUS_OK;
}
