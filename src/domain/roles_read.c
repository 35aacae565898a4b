/* Roles as others read them, and who may have to do with them. */
#include "domain/access.h"
#include "domain/names.h"
#include "domain/rights.h"
#include "domain/roles.h"

#include <chatelaine/codec_json.h>
#include <stdio.h>

static enum status read_role(struct store_conn *db, const struct role_row *row, struct arena *a,
                             struct role *ret, struct error *e)
{
        struct rights held;
        TRY(role_rights_of(db, row, a, &held, e));
        *ret = (struct role){
                .id = row->id,
                .name = row->name,
                .description = row->description,
                .permissions = held.list,
                .n_permissions = held.n,
                .is_built_in = row->builtin != NULL,
                .created_at = row->created_at,
                .updated_at = row->updated_at,
        };
        return STATUS_OK;
}

enum status role_get(struct store_conn *db, struct span id_or_name, struct arena *a,
                     struct role *ret, struct error *e)
{
        struct role_row row;
        TRY(role_find(db, id_or_name, a, &row, e));
        return read_role(db, &row, a, ret, e);
}

/* ---- pages ---- */

static unsigned builtin_count(void)
{
        unsigned n = 0;
        while (builtin_roles[n].name)
                n++;
        return n;
}

/* Positions: "b" and an index among the built-in roles, then "r" and the id of the last row. */
struct paging {
        unsigned builtin; /* the next built-in one */
        struct span last; /* the row before the next; "" = none */
};

static enum status read_position(struct span cursor, struct arena *a, struct paging *ret,
                                 struct error *e)
{
        const char *position;
        int64_t from = 0;
        TRY(cursor_read_text(cursor, a, &position, e));
        *ret = (struct paging){.last = SPAN("")};
        if (position[0] == 'r') {
                *ret = (struct paging){builtin_count(), span_of(position + 1)};
                return STATUS_OK;
        }
        if (position[0] &&
            (position[0] != 'b' || span_int64(span_of(position + 1), &from, NULL) != STATUS_OK ||
             from < 0 || from > builtin_count()))
                return error_set(e, STATUS_INVALID, "invalid-cursor", "cursor",
                                 "The cursor is not one that this server gave.");
        ret->builtin = (unsigned)from;
        return STATUS_OK;
}

/* The next row is asked for one by one: reading a role asks for its permissions meanwhile. */
static enum status next_row(struct store_conn *db, struct paging *at, struct arena *a,
                            struct role_row *ret, bool *ret_is_found, struct error *e)
{
        const struct builtin_role *b = &builtin_roles[at->builtin];
        if (b->name) {
                *ret = (struct role_row){
                        .id = span_of(b->name), .name = span_of(b->name), .builtin = b};
                *ret_is_found = true;
                at->builtin++;
                return STATUS_OK;
        }
        TRY(role_find_by(db, "SELECT " ROLE_COLUMNS " FROM roles WHERE id > $1 ORDER BY id LIMIT 1",
                         at->last, a, ret, ret_is_found, e));
        if (*ret_is_found)
                at->last = ret->id;
        return STATUS_OK;
}

static enum status write_position(const struct paging *at, struct arena *a, struct span *ret,
                                  struct error *e)
{
        CLEANUP(buf_fini) struct buf cursor;
        char index[16];
        buf_init(&cursor, 2048);
        snprintf(index, sizeof index, "b%u", at->builtin);
        const char *position = builtin_roles[at->builtin].name
                                       ? index
                                       : arena_printf(a, "r%.*s", (int)at->last.len, at->last.p);
        if (position)
                cursor_write_text(&cursor, span_of(position));
        *ret = arena_span(a, buf_view(&cursor));
        return position && ret->p ? buf_check(&cursor, e) : error_no_memory(e);
}

enum status role_page(struct store_conn *db, const struct page *p, struct arena *a,
                      struct role **ret, size_t *ret_n, struct span *ret_next, struct error *e)
{
        struct paging at, before;
        struct role_row row;
        bool is_found = true;
        size_t n = 0;
        struct span next = SPAN_NONE;
        struct role *list = arena_alloc(a, (p->limit + 1) * sizeof *list);
        if (!list)
                return error_no_memory(e);
        TRY(read_position(p->cursor, a, &at, e));
        for (;;) {
                before = at;
                TRY(next_row(db, &at, a, &row, &is_found, e));
                if (!is_found || n == p->limit)
                        break;
                TRY(read_role(db, &row, a, &list[n++], e));
        }
        if (is_found)
                TRY(write_position(&before, a, &next, e));
        *ret = list;
        *ret_n = n;
        *ret_next = next;
        return STATUS_OK;
}

/* ---- as JSON ---- */

static void write_role(const struct role *role, struct buf *out)
{
        json_obj_open(out);
        json_member_text(out, "id", role->id);
        json_member_text(out, "name", role->name);
        json_key(out, "permissions");
        json_arr_open(out);
        for (size_t i = 0; i < role->n_permissions; i++)
                json_text(out, role->permissions[i].action);
        json_arr_close(out);
        json_member_bool(out, "built_in", role->is_built_in);
        json_obj_close(out);
}

enum status role_write(struct store_conn *db, struct span id_or_name, struct buf *out,
                       struct error *e)
{
        CLEANUP(arena_fini) struct arena a;
        struct role role;
        arena_init(&a, 1 << 20);
        TRY(role_get(db, id_or_name, &a, &role, e));
        write_role(&role, out);
        return buf_check(out, e);
}

enum status role_list(struct store_conn *db, const struct page *p, struct buf *out, struct error *e)
{
        CLEANUP(arena_fini) struct arena a;
        struct role *list;
        size_t n;
        struct span next;
        arena_init(&a, (size_t)64 << 20);
        TRY(role_page(db, p, &a, &list, &n, &next, e));
        page_open(out);
        for (size_t i = 0; i < n; i++)
                write_role(&list[i], out);
        json_arr_close(out);
        json_member_text(out, "next_cursor", next);
        json_obj_close(out);
        return buf_check(out, e);
}

/* ---- who may ---- */

enum status role_is_held(struct store_conn *db, struct span id, bool *ret, struct error *e)
{
        struct store_stmt *st;
        TRY(store_query(db, "SELECT 1 FROM statements WHERE role = $1 LIMIT 1", &st, e, "t", id));
        *ret = store_next(st);
        return store_done(st, e);
}

enum status role_may(const struct principal *p, enum role_act act, struct span id, struct error *e)
{
        static const struct {
                const char *authress, *native;
        } acts[] = {
                [ROLE_READ] = {"read", "roles:read"},
                [ROLE_CREATE] = {"create", "roles:write"},
                [ROLE_UPDATE] = {"update", "roles:write"},
                [ROLE_DELETE] = {"delete", "roles:write"},
        };
        CLEANUP(arena_fini) struct arena a;
        arena_init(&a, 4096);
        if (grants_allow(p, acts[act].native, SPAN("roles")))
                return STATUS_OK;
        const char *resource = id.p ? arena_printf(&a, "Authress:Roles/%.*s", (int)id.len, id.p)
                                    : "Authress:Roles";
        if (!resource)
                return error_no_memory(e);
        return grants_check(p, acts[act].authress, span_of(resource), e);
}

/* Does the role hold all of `asked` already? */
static bool has_already(const struct role *was, const struct right *asked)
{
        unsigned left = asked->abilities;
        for (size_t i = 0; i < was->n_permissions; i++)
                if (action_means(was->permissions[i].action, asked->action))
                        left &= ~was->permissions[i].abilities;
        return left == 0;
}

enum status role_may_give(const struct principal *p, const struct role *was,
                          const struct right *permissions, size_t n, bool *ret_is_unheld,
                          struct error *e)
{
        CLEANUP(arena_fini) struct arena a;
        bool is_held;
        arena_init(&a, 1 << 20);
        TRY(role_is_held(p->db, was->id, &is_held, e));
        for (size_t i = 0; is_held && i < n; i++) {
                struct right asked = permissions[i];
                TRY(access_action(asked.action, &a, &asked.action, e));
                if (!has_already(was, &asked))
                        TRY(grants_may_give_everywhere(p, &asked, e));
        }
        *ret_is_unheld = !is_held;
        return STATUS_OK;
}
