/* Roles that callers make; the built-in ones answer first. */
#include "domain/roles.h"
#include "domain/access.h"
#include "domain/names.h"

#include <chatelaine/codec_text.h>

#define PERMISSIONS_MAX 1000
#define DESCRIPTION_MAX 4096

static enum status not_found(struct error *e)
{
        return error_set(e, STATUS_NOT_FOUND, "role-not-found", NULL, "There is no such role.");
}

enum status role_find_by(struct store_conn *db, const char *sql, struct span value, struct arena *a,
                         struct role_row *ret, bool *ret_is_found, struct error *e)
{
        struct store_stmt *st;
        struct role_row row = {.builtin = NULL};
        TRY(store_query(db, sql, &st, e, "t", value));
        bool is_found = store_next(st);
        if (is_found) {
                row.id = arena_span(a, store_text(st, 0));
                row.name = arena_span(a, store_text(st, 1));
                row.created_at = store_int(st, 2);
                row.updated_at = store_int(st, 3);
                row.description = arena_span(a, store_text(st, 4));
        }
        TRY(store_done(st, e));
        if (is_found && (!row.id.p || !row.name.p))
                return error_no_memory(e);
        *ret = row;
        *ret_is_found = is_found;
        return STATUS_OK;
}

enum status role_find(struct store_conn *db, struct span id_or_name, struct arena *a,
                      struct role_row *ret, struct error *e)
{
        const struct builtin_role *builtin = builtin_role(id_or_name);
        if (builtin) {
                *ret = (struct role_row){.id = span_of(builtin->name),
                                         .name = span_of(builtin->name),
                                         .builtin = builtin};
                return STATUS_OK;
        }
        struct role_row row;
        bool is_found = false;
        if (!id_or_name.p)
                return not_found(e);
        TRY(role_find_by(db, "SELECT " ROLE_COLUMNS " FROM roles WHERE id = $1", id_or_name, a,
                         &row, &is_found, e));
        if (!is_found)
                TRY(role_find_by(db, "SELECT " ROLE_COLUMNS " FROM roles WHERE name = $1",
                                 id_or_name, a, &row, &is_found, e));
        if (!is_found)
                return not_found(e);
        *ret = row;
        return STATUS_OK;
}

static enum status count_permissions(struct store_conn *db, struct span role_id, int64_t *ret,
                                     struct error *e)
{
        return store_int_of(db, "SELECT count(*) FROM role_permissions WHERE role_id = $1", ret, e,
                            "t", role_id);
}

static enum status table_rights(struct store_conn *db, struct span role_id, struct arena *a,
                                struct rights *ret, struct error *e)
{
        int64_t room = 0;
        TRY(count_permissions(db, role_id, &room, e));
        struct rights r = {.list = arena_alloc(a, (size_t)(room + 1) * sizeof *r.list)};
        if (!r.list)
                return error_no_memory(e);
        struct store_stmt *st;
        bool has_memory = true;
        TRY(store_query(db,
                        "SELECT action, abilities FROM role_permissions"
                        " WHERE role_id = $1 ORDER BY action",
                        &st, e, "t", role_id));
        while (has_memory && (int64_t)r.n < room && store_next(st)) {
                struct span action = arena_span(a, store_text(st, 0));
                has_memory = action.p != NULL;
                r.list[r.n++] =
                        (struct right){.action = action, .abilities = (unsigned)store_int(st, 1)};
        }
        TRY(store_done(st, e));
        if (!has_memory)
                return error_no_memory(e);
        *ret = r;
        return STATUS_OK;
}

static enum status builtin_rights(const struct builtin_role *role, struct arena *a,
                                  struct rights *ret, struct error *e)
{
        struct rights r = {.n = 0};
        while (role->actions[r.n])
                r.n++;
        r.list = arena_alloc(a, r.n * sizeof *r.list);
        if (!r.list)
                return error_no_memory(e);
        for (size_t i = 0; i < r.n; i++)
                r.list[i] = (struct right){.action = span_of(role->actions[i]),
                                           .abilities = role->abilities};
        *ret = r;
        return STATUS_OK;
}

enum status role_rights_of(struct store_conn *db, const struct role_row *role, struct arena *a,
                           struct rights *ret, struct error *e)
{
        return role->builtin ? builtin_rights(role->builtin, a, ret, e)
                             : table_rights(db, role->id, a, ret, e);
}

enum status role_rights(struct store_conn *db, struct span id_or_name, struct arena *a,
                        struct rights *ret, struct error *e)
{
        struct role_row role;
        TRY(role_find(db, id_or_name, a, &role, e));
        return role_rights_of(db, &role, a, ret, e);
}

/* ---- making ---- */

static enum status role_is_free(struct store_conn *db, struct span id_or_name, struct arena *a,
                                struct error *e)
{
        struct role_row row;
        enum status s = role_find(db, id_or_name, a, &row, e);
        if (s == STATUS_OK)
                return error_set(e, STATUS_CONFLICT, "role-exists", NULL,
                                 "There is a role of that name already.");
        return s == STATUS_NOT_FOUND ? STATUS_OK : s;
}

static enum status add_permission(struct ledger_tx *tx, struct span id, struct span action,
                                  unsigned abilities, struct error *e)
{
        if (!abilities)
                return error_set(e, STATUS_INVALID, "invalid-permission", NULL,
                                 "A permission is allowed, granted or delegated.");
        return store_exec(tx->db,
                          "INSERT INTO role_permissions (role_id, action, abilities)"
                          " VALUES ($1, $2, $3) ON CONFLICT (role_id, action)"
                          " DO UPDATE SET abilities = role_permissions.abilities | $3",
                          NULL, e, "tti", id, action, (int64_t)abilities);
}

enum status role_add_permissions(struct ledger_tx *tx, struct span id,
                                 const struct span *permissions, const unsigned *abilities,
                                 size_t n, struct error *e)
{
        if (n > PERMISSIONS_MAX)
                return error_set(e, STATUS_INVALID, "too-many-permissions", "/permissions",
                                 "A role has at most %d permissions.", PERMISSIONS_MAX);
        for (size_t i = 0; i < n; i++) {
                CLEANUP(arena_fini) struct arena a;
                struct span action;
                arena_init(&a, 1024);
                TRY(abilities ? access_action(permissions[i], &a, &action, e)
                              : action_read(permissions[i], &action, e));
                TRY(add_permission(tx, id, action, abilities ? abilities[i] : ABILITY_ALLOW, e));
        }
        return STATUS_OK;
}

enum status role_check_description(struct span description, struct error *e)
{
        if (description.len <= DESCRIPTION_MAX && (!description.p || utf8_is_valid(description)))
                return STATUS_OK;
        return error_set(e, STATUS_INVALID, "invalid-description", "/description",
                         "A description is at most %d bytes.", DESCRIPTION_MAX);
}

/* Statements outlive their role: whoever takes the id of one that is gone would bring them to life.
 */
static enum status id_is_new(struct store_conn *db, struct span id, struct error *e)
{
        bool is_held;
        TRY(role_is_held(db, id, &is_held, e));
        if (is_held)
                return error_set(e, STATUS_CONFLICT, "role-exists", "/id",
                                 "There has been a role of that id, and somebody holds it.");
        return STATUS_OK;
}

static enum status role_create_run(struct ledger_tx *tx, struct domain_command *base,
                                   struct error *e)
{
        struct role_create *c = (struct role_create *)base;
        struct span id = c->id.p ? c->id : span_of(c->new_id);
        (c->id.p ? domain_target : domain_target_new)(base, "role", id);
        TRY(name_check(c->name, "/name", e));
        TRY(name_check(id, "/id", e));
        TRY(role_check_description(c->description, e));
        TRY(role_is_free(tx->db, id, &base->arena, e));
        TRY(role_is_free(tx->db, c->name, &base->arena, e));
        TRY(id_is_new(tx->db, id, e));
        TRY(store_exec(tx->db,
                       "INSERT INTO roles (id, name, description, created_at, updated_at)"
                       " VALUES ($1, $2, $3, $4, $4)",
                       NULL, e, "ttti", id, c->name, c->description, tx->now_ms));
        return role_add_permissions(tx, id, c->permissions, c->abilities, c->n_permissions, e);
}

enum status role_create_new(struct domain *d, struct settings *s, struct role_create **ret,
                            struct error *e)
{
        struct role_create *c;
        TRY(domain_command_new(d, s, sizeof *c, 1 << 20, &c, e));
        c->base.run = role_create_run;
        c->base.audit.action = "role.create";
        id_hex24(c->new_id);
        *ret = c;
        return STATUS_OK;
}
