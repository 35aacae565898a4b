#include "api/grants.h"

#include <chatelaine/domain_users.h>

#include <stdio.h>

struct grant_body {
        struct span role, permission, resource;
};

/* The error of an element, with the place of its member. */
static enum status at_member(struct error *e, enum status status, const char *at, size_t i,
                             const char *member)
{
        snprintf(e->where, sizeof e->where, "%s/%zu%s", at, i, member);
        return status;
}

static enum status grant_read(struct call *c, const struct json *item, const char *at, size_t i,
                              const char *default_resource, struct grant *ret, struct error *e)
{
        static const struct json_field fields[] = {
                JSON_FIELD(struct grant_body, role, "role", JSON_AS_TEXT, JSON_NONEMPTY),
                JSON_FIELD(struct grant_body, permission, "permission", JSON_AS_TEXT,
                           JSON_NONEMPTY),
                JSON_FIELD(struct grant_body, resource, "resource", JSON_AS_TEXT, JSON_NULLABLE),
                JSON_FIELD_END,
        };
        char place[64];
        snprintf(place, sizeof place, "%s/%zu", at, i);
        struct grant_body body = {.resource = span_of(default_resource)};
        TRY(json_dispatch_at(item, place, fields, &body, c->arena, e));
        if (!body.resource.p) {
                enum status status = error_set(e, STATUS_INVALID, "missing-field", NULL,
                                               "A grant names its resource.");
                return at_member(e, status, at, i, "/resource");
        }
        if (!body.role.p == !body.permission.p) {
                enum status status = error_set(
                        e, STATUS_INVALID, body.role.p ? "invalid-field" : "missing-field", NULL,
                        "A grant names a role, or a permission alone.");
                return at_member(e, status, at, i, "/role");
        }
        enum status status = resource_read(body.resource, &ret->resource, e);
        if (status != STATUS_OK)
                return at_member(e, status, at, i, "/resource");
        if (body.permission.p)
                status = action_read(body.permission, &ret->permission, e);
        if (status != STATUS_OK)
                return at_member(e, status, at, i, "/permission");
        ret->role = body.role;
        return STATUS_OK;
}

enum status grants_read(struct call *c, const struct json *array, const char *at,
                        const char *default_resource, struct grant **ret, size_t *ret_n,
                        struct error *e)
{
        size_t n = json_size(array);
        if (n > GRANTS_MAX)
                return error_set(e, STATUS_INVALID, "too-many-grants", at, "At most %d grants.",
                                 GRANTS_MAX);
        struct grant *list = arena_alloc(c->arena, n * sizeof *list);
        if (!list)
                return error_no_memory(e);
        for (size_t i = 0; i < n; i++)
                TRY(grant_read(c, json_at(array, i), at, i, default_resource, &list[i], e));
        *ret = list;
        *ret_n = n;
        return STATUS_OK;
}

enum status grants_within(const struct call *c, const char *at, const struct grant *list, size_t n,
                          struct error *e)
{
        for (size_t i = 0; i < n; i++) {
                const struct grant *g = &list[i];
                enum status status = g->role.p ? grants_may_give(c->who, g->role, g->resource, e)
                                               : grants_may_give_permission(c->who, g->permission,
                                                                            g->resource, e);
                if (status != STATUS_OK)
                        return at_member(e, status, at, i, g->role.p ? "/role" : "/permission");
        }
        return STATUS_OK;
}

enum status resources_read(struct call *c, const struct json_texts *texts, const char *at,
                           struct span **ret, struct error *e)
{
        if (texts->n > GRANTS_MAX)
                return error_set(e, STATUS_INVALID, "too-many-resources", at,
                                 "At most %d resources.", GRANTS_MAX);
        struct span *list = arena_alloc(c->arena, texts->n * sizeof *list);
        if (!list)
                return error_no_memory(e);
        for (size_t i = 0; i < texts->n; i++) {
                enum status status = resource_read(texts->items[i], &list[i], e);
                if (status != STATUS_OK)
                        return at_member(e, status, at, i, "");
        }
        *ret = list;
        return STATUS_OK;
}

enum status resources_within(const struct call *c, const char *at, const struct span *list,
                             size_t n, struct error *e)
{
        for (size_t i = 0; i < n; i++) {
                enum status status = grants_may_bind(c->who, list[i], e);
                if (status != STATUS_OK)
                        return at_member(e, status, at, i, "");
        }
        return STATUS_OK;
}

enum status user_within(const struct call *c, struct span id_or_name, struct error *e)
{
        struct user_row user;
        enum status status = user_find(c->db, id_or_name, c->arena, &user, e);
        if (status != STATUS_OK)
                return status == STATUS_NOT_FOUND ? STATUS_OK : status;
        return api_at(grants_may_name(c->who, user.id, e), "/user", e);
}
