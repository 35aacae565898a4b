/* People: their rows as others read them. */
#include "domain/users.h"
#include "domain/names.h"

#include <chatelaine/codec_json.h>

#include <stdio.h>

#define USER_COLUMNS \
        "id, name, password, number, created_at, updated_at, password_changed_at, is_active"

void subject_of(const char *kind, struct span id, char out[SUBJECT_SIZE])
{
        snprintf(out, SUBJECT_SIZE, "%s/%.*s", kind, (int)id.len, id.p ? id.p : "");
}

static enum status read_row(struct store_stmt *st, struct arena *a, struct user_row *ret)
{
        struct span password = store_text(st, 2);
        *ret = (struct user_row){
                .id = arena_span(a, store_text(st, 0)),
                .name = arena_span(a, store_text(st, 1)),
                .password = arena_span(a, password),
                .number = store_int(st, 3),
                .created_at = store_int(st, 4),
                .updated_at = store_int(st, 5),
                .password_changed_at = store_int(st, 6),
                .is_active = store_int(st, 7) != 0,
        };
        bool has_all = ret->id.p && ret->name.p && (ret->password.p || !password.p);
        return has_all ? STATUS_OK : STATUS_NO_MEMORY;
}

/* Ends the query `st`. */
static enum status one_row(struct store_stmt *st, struct arena *a, struct user_row *ret,
                           struct error *e)
{
        struct user_row row;
        enum status s = store_next(st) ? read_row(st, a, &row) : STATUS_NOT_FOUND;
        TRY(store_done(st, e));
        if (s == STATUS_NO_MEMORY)
                return error_no_memory(e);
        if (s == STATUS_NOT_FOUND)
                return error_set(e, s, "user-not-found", NULL, "There is no such user.");
        *ret = row;
        return STATUS_OK;
}

enum status user_find(struct store_conn *db, struct span id_or_name, struct arena *a,
                      struct user_row *ret, struct error *e)
{
        struct store_stmt *st;
        TRY(store_query(db, "SELECT " USER_COLUMNS " FROM users WHERE id = $1", &st, e, "t",
                        id_or_name));
        enum status s = one_row(st, a, ret, e);
        if (s != STATUS_NOT_FOUND)
                return s;
        TRY(store_query(db, "SELECT " USER_COLUMNS " FROM users WHERE name = $1", &st, e, "t",
                        id_or_name));
        return one_row(st, a, ret, e);
}

enum status user_by_number(struct store_conn *db, int64_t number, struct arena *a,
                           struct user_row *ret, struct error *e)
{
        struct store_stmt *st;
        TRY(store_query(db, "SELECT " USER_COLUMNS " FROM users WHERE number = $1", &st, e, "i",
                        number));
        return one_row(st, a, ret, e);
}

enum status user_write(struct store_conn *db, const struct user_row *u, struct buf *out,
                       struct error *e)
{
        char subject[SUBJECT_SIZE];
        subject_of("users", u->id, subject);
        json_obj_open(out);
        json_member_text(out, "id", u->id);
        json_member_int(out, "number", u->number);
        json_member_text(out, "name", u->name);
        json_member_bool(out, "active", u->is_active);
        json_key(out, "roles");
        TRY(grants_write(db, subject, out, e));
        json_member_time(out, "created_at", u->created_at);
        json_member_time(out, "updated_at", u->updated_at);
        json_obj_close(out);
        return buf_check(out, e);
}

/* One at a time: writing a user asks for its statements meanwhile. */
static enum status next_user(struct store_conn *db, int64_t after, struct arena *a,
                             struct user_row *ret, bool *ret_is_found, struct error *e)
{
        struct store_stmt *st;
        TRY(store_query(db,
                        "SELECT " USER_COLUMNS " FROM users WHERE number > $1"
                        " ORDER BY number LIMIT 1",
                        &st, e, "i", after));
        enum status s = one_row(st, a, ret, e);
        *ret_is_found = s == STATUS_OK;
        return s == STATUS_NOT_FOUND ? STATUS_OK : s;
}

enum status user_list(struct store_conn *db, const struct page *p, struct buf *out, struct error *e)
{
        int64_t last = 0;
        TRY(cursor_read_int(p->cursor, &last, e));
        page_open(out);
        bool is_found = true;
        for (unsigned n = 0; is_found; n++) {
                CLEANUP(arena_fini) struct arena a;
                arena_init(&a, 4096);
                struct user_row row;
                TRY(next_user(db, last, &a, &row, &is_found, e));
                if (!is_found || n == p->limit)
                        break;
                TRY(user_write(db, &row, out, e));
                last = row.number;
        }
        return page_close_int(out, is_found, last, e);
}
