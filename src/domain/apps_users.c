/* GET /app/user: what linked-services' serializer shows of a user. */
#include "domain/apps.h"

#include <chatelaine/codec_json.h>

/* $3: 1 = only those with an agreement; $2: one of them, 0 = all. */
static const char visible[] =
        "SELECT u.number, u.name FROM users u WHERE u.is_active = 1"
        " AND ($2 = 0 OR u.number = $2) AND ($3 = 0 OR EXISTS"
        " (SELECT 1 FROM agreements a WHERE a.app_id = $1 AND a.user_number = u.number))"
        " ORDER BY u.number";

/* People have no address of their own here; many are named by theirs. */
static void write_user(struct store_stmt *st, struct buf *out)
{
        struct span name = store_text(st, 1);
        bool is_address = name.len && memchr(name.p, '@', name.len);
        json_obj_open(out);
        json_member_int(out, "id", store_int(st, 0));
        json_member_text(out, "username", name);
        json_member_text(out, "email", is_address ? name : SPAN_NONE);
        json_member_text(out, "first_name", SPAN(""));
        json_member_text(out, "last_name", SPAN(""));
        json_obj_close(out);
}

static enum status write_visible(struct store_conn *db, const struct app_row *app, int64_t number,
                                 struct buf *out, size_t *ret_n, struct error *e)
{
        struct store_stmt *st;
        size_t n = 0;
        TRY(store_query(db, visible, &st, e, "iii", app->id, number,
                        (int64_t)app->require_agreement));
        for (; out->status == STATUS_OK && store_next(st); n++)
                write_user(st, out);
        TRY(store_done(st, e));
        *ret_n = n;
        return buf_check(out, e);
}

enum status app_users(struct store_conn *db, const struct app_row *app, bool has_user,
                      int64_t user_number, struct buf *out, struct error *e)
{
        size_t n;
        json_arr_open(out);
        TRY(write_visible(db, app, has_user ? user_number : 0, out, &n, e));
        json_arr_close(out);
        return buf_check(out, e);
}

enum status app_user(struct store_conn *db, const struct app_row *app, bool has_user,
                     int64_t user_number, int64_t number, struct buf *out, struct error *e)
{
        size_t n = 0;
        if (has_user && number != user_number)
                return error_set(e, STATUS_DENIED, "user-with-no-access", NULL,
                                 "This user does not have access to this resource");
        if (number > 0)
                TRY(write_visible(db, app, number, out, &n, e));
        if (n == 0)
                return error_set(e, STATUS_NOT_FOUND, "user-not-found", NULL, "User not found");
        return STATUS_OK;
}
