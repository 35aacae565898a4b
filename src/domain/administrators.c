/*
 * Somebody must be left who may do everything: whoever locks the last administrator out is locked
 * out too, but for the admin socket.
 */
#include "domain/rights.h"
#include "domain/users.h"

enum status is_administrator(struct store_conn *db, const struct user_row *user, bool *ret,
                             struct error *e)
{
        char subject[SUBJECT_SIZE];
        const struct rights rights = {.subject = subject};
        const struct question all = {
                .action = SPAN("*"), .abilities = ABILITY_ALLOW, .resource = SPAN("*")};
        subject_of("users", user->id, subject);
        if (user->is_active)
                return rights_answer(db, &rights, &all, ret, e);
        *ret = false;
        return STATUS_OK;
}

/* The built-in roles that hold "*" are named in the text; it ends at the first that is found, and
 * the first administrator has the first statement. */
enum status administrator_remains(struct store_conn *db, struct error *e)
{
        int64_t n = 0;
        enum status s = store_int_of(
                db,
                "SELECT 1 FROM statements s"
                " LEFT JOIN role_permissions p ON p.role_id = s.role AND p.action = '*'"
                " LEFT JOIN group_members m ON m.group_subject = s.subject"
                " JOIN users u ON u.id = substr(coalesce(m.subject, s.subject), 7)"
                " WHERE s.resource = '*' AND u.is_active = 1"
                " AND substr(coalesce(m.subject, s.subject), 1, 6) = 'users/'"
                " AND (s.role IN ('admin', 'Authress:Owner') OR s.permission = '*'"
                " OR p.role_id IS NOT NULL) LIMIT 1",
                &n, e, "");
        if (s == STATUS_NOT_FOUND)
                return error_set(e, STATUS_CONFLICT, "last-administrator", NULL,
                                 "Nobody would be left who may do everything: make another "
                                 "administrator first.");
        return s;
}
