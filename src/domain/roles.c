/* Roles that callers make; the built-in ones answer first. */
#include "domain/roles.h"
#include "domain/names.h"

#include <chatelaine/codec_json.h>

#include <stdio.h>

#define PERMISSIONS_MAX 1000

static enum status not_found(struct error *e)
{
        return error_set(e, STATUS_NOT_FOUND, "role-not-found", NULL, "There is no such role.");
}

/* One row of `sql`, which asks for id, name, created_at, updated_at. */
static enum status find_by(struct store_conn *db, const char *sql, struct span value,
                           struct arena *a, struct role_row *ret, bool *ret_is_found,
                           struct error *e)
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
        TRY(find_by(db, "SELECT id, name, created_at, updated_at FROM roles WHERE id = $1",
                    id_or_name, a, &row, &is_found, e));
        if (!is_found)
                TRY(find_by(db,
                            "SELECT id, name, created_at, updated_at FROM roles WHERE name = $1",
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

enum status role_rights(struct store_conn *db, struct span id_or_name, struct arena *a,
                        struct rights *ret, struct error *e)
{
        struct role_row role;
        TRY(role_find(db, id_or_name, a, &role, e));
        return role.builtin ? builtin_rights(role.builtin, a, ret, e)
                            : table_rights(db, role.id, a, ret, e);
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

enum status role_add_permissions(struct ledger_tx *tx, struct span id,
                                 const struct span *permissions, size_t n, struct error *e)
{
        if (n > PERMISSIONS_MAX)
                return error_set(e, STATUS_INVALID, "too-many-permissions", "/permissions",
                                 "A role has at most %d permissions.", PERMISSIONS_MAX);
        for (size_t i = 0; i < n; i++) {
                struct span action;
                TRY(action_read(permissions[i], &action, e));
                TRY(store_exec(tx->db,
                               "INSERT INTO role_permissions (role_id, action, abilities)"
                               " VALUES ($1, $2, $3) ON CONFLICT (role_id, action) DO NOTHING",
                               NULL, e, "tti", id, action, (int64_t)ABILITY_ALLOW));
        }
        return STATUS_OK;
}

/* Statements outlive their role: whoever takes the id of one that is gone would bring them to life.
 */
static enum status id_is_new(struct store_conn *db, struct span id, struct error *e)
{
        int64_t n = 0;
        TRY(store_int_of(db, "SELECT count(*) FROM statements WHERE role = $1", &n, e, "t", id));
        if (n)
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
        TRY(role_is_free(tx->db, id, &base->arena, e));
        TRY(role_is_free(tx->db, c->name, &base->arena, e));
        TRY(id_is_new(tx->db, id, e));
        TRY(store_exec(tx->db,
                       "INSERT INTO roles (id, name, created_at, updated_at)"
                       " VALUES ($1, $2, $3, $3)",
                       NULL, e, "tti", id, c->name, tx->now_ms));
        return role_add_permissions(tx, id, c->permissions, c->n_permissions, e);
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

/* ---- reading ---- */

static enum status write_row(struct store_conn *db, const struct role_row *role, struct buf *out,
                             struct error *e)
{
        CLEANUP(arena_fini) struct arena a;
        arena_init(&a, 1 << 20);
        struct rights held;
        TRY(role->builtin ? builtin_rights(role->builtin, &a, &held, e)
                          : table_rights(db, role->id, &a, &held, e));
        json_obj_open(out);
        json_member_text(out, "id", role->id);
        json_member_text(out, "name", role->name);
        json_key(out, "permissions");
        json_arr_open(out);
        for (size_t i = 0; i < held.n; i++)
                json_text(out, held.list[i].action);
        json_arr_close(out);
        json_member_bool(out, "built_in", role->builtin != NULL);
        json_obj_close(out);
        return buf_check(out, e);
}

enum status role_write(struct store_conn *db, struct span id_or_name, struct buf *out,
                       struct error *e)
{
        CLEANUP(arena_fini) struct arena a;
        arena_init(&a, 4096);
        struct role_row role;
        TRY(role_find(db, id_or_name, &a, &role, e));
        return write_row(db, &role, out, e);
}

/*
 * Positions: "b" and an index among the built-in roles, then "r" and the id of a row. The next
 * row is asked for one by one: writing a row asks for its permissions meanwhile.
 */
static enum status list_builtin(unsigned from, unsigned limit, struct buf *out, unsigned *ret_n,
                                struct error *e)
{
        unsigned n = 0;
        for (const struct builtin_role *r = builtin_roles + from; r->name && n < limit; r++, n++) {
                struct role_row row = {
                        .id = span_of(r->name), .name = span_of(r->name), .builtin = r};
                TRY(write_row(NULL, &row, out, e));
        }
        *ret_n = n;
        return STATUS_OK;
}

static unsigned builtin_count(void)
{
        unsigned n = 0;
        while (builtin_roles[n].name)
                n++;
        return n;
}

static enum status next_row(struct store_conn *db, struct span after, struct arena *a,
                            struct role_row *ret, bool *ret_is_found, struct error *e)
{
        return find_by(db,
                       "SELECT id, name, created_at, updated_at FROM roles WHERE id > $1"
                       " ORDER BY id LIMIT 1",
                       after, a, ret, ret_is_found, e);
}

enum status role_list(struct store_conn *db, const struct page *p, struct buf *out, struct error *e)
{
        CLEANUP(arena_fini) struct arena a;
        arena_init(&a, 4 << 20);
        const char *position;
        TRY(cursor_read_text(p->cursor, &a, &position, e));
        unsigned n = 0, at = builtin_count();
        struct span last = position[0] == 'r' ? span_of(position + 1) : SPAN("");
        page_open(out);
        if (position[0] != 'r') {
                int64_t from = 0;
                if (position[0] && (position[0] != 'b' ||
                                    span_int64(span_of(position + 1), &from, NULL) != STATUS_OK ||
                                    from < 0 || from > at))
                        return error_set(e, STATUS_INVALID, "invalid-cursor", "cursor",
                                         "The cursor is not one that this server gave.");
                TRY(list_builtin((unsigned)from, p->limit, out, &n, e));
                at = (unsigned)from + n;
        }
        bool is_more = true;
        struct role_row row;
        for (; n < p->limit; n++, last = row.id) {
                TRY(next_row(db, last, &a, &row, &is_more, e));
                if (!is_more)
                        break;
                TRY(write_row(db, &row, out, e));
        }
        if (is_more && at == builtin_count())
                TRY(next_row(db, last, &a, &row, &is_more, e));
        if (!is_more)
                return page_close(out, SPAN_NONE, e);
        const char *next = last.len               ? arena_printf(&a, "r%.*s", (int)last.len, last.p)
                           : at < builtin_count() ? arena_printf(&a, "b%u", at)
                                                  : "r";
        return next ? page_close(out, span_of(next), e) : error_no_memory(e);
}
