/* Access records as rows: found, judged, written, listed. */
#include "domain/records.h"
#include "domain/names.h"

#include <stdio.h>

#define RESOURCE "Authress:AccessRecords"

static enum status not_found(struct error *e)
{
        return error_set(e, STATUS_NOT_FOUND, "record-not-found", NULL, "There is no such record.");
}

void record_object(struct span id, char out[RECORD_OBJECT_SIZE])
{
        snprintf(out, RECORD_OBJECT_SIZE, "records/%.*s", (int)id.len, id.p);
}

bool record_row_read(struct store_stmt *st, struct arena *a, struct record_row *ret)
{
        *ret = (struct record_row){
                .id = arena_span(a, store_text(st, 0)),
                .body = arena_span(a, store_text(st, 1)),
                .is_deleted = store_int(st, 2) == RECORD_DELETED,
                .created_at = store_int(st, 3),
                .updated_at = store_int(st, 4),
        };
        return ret->id.p && ret->body.p;
}

enum status record_get(struct store_conn *db, struct span id, struct arena *a,
                       struct record_row *ret, struct error *e)
{
        struct store_stmt *st;
        struct record_row row;
        if (!record_id_is_valid(id))
                return not_found(e);
        TRY(store_query(db, "SELECT " RECORD_COLUMNS " FROM records WHERE id = $1", &st, e, "t",
                        id));
        bool is_found = store_next(st), has_all = is_found && record_row_read(st, a, &row);
        TRY(store_done(st, e));
        if (!is_found)
                return not_found(e);
        if (!has_all)
                return error_no_memory(e);
        *ret = row;
        return STATUS_OK;
}

/* ---- who may ---- */

enum status record_may(const struct principal *p, enum record_act act, struct span id,
                       struct error *e)
{
        static const char *const permissions[][2] = {
                [RECORD_READ] = {"read", NULL},
                [RECORD_UPDATE] = {"update", NULL},
                [RECORD_DELETE] = {"update", "delete"},
        };
        char resource[sizeof RESOURCE "/" + RECORD_ID_MAX], object[RECORD_OBJECT_SIZE];
        bool is_admin = false;
        snprintf(resource, sizeof resource, RESOURCE "/%.*s", (int)id.len, id.p ? id.p : "");
        record_object(id, object);
        TRY(admins_have(p, object, &is_admin, e));
        if (is_admin ||
            (permissions[act][1] && grants_allow(p, permissions[act][1], span_of(resource))))
                return STATUS_OK;
        return grants_check(p, permissions[act][0], span_of(resource), e);
}

enum status record_open(const struct principal *p, enum record_act act, struct span id,
                        struct arena *a, struct record_row *ret, struct error *e)
{
        struct record_row row;
        if (!record_id_is_valid(id))
                return not_found(e);
        TRY(record_may(p, act, id, e));
        TRY(record_get(p->db, id, a, &row, e));
        if (row.is_deleted && act != RECORD_READ)
                return not_found(e);
        *ret = row;
        return STATUS_OK;
}

/* ---- as JSON ---- */

enum status record_write_members(const struct record_row *r, struct buf *out, struct error *e)
{
        json_member_text(out, "recordId", r->id);
        if (r->body.len > 2) {
                buf_char(out, ',');
                buf_append(out, r->body.p + 1, r->body.len - 2);
        }
        json_member_text(out, "status", r->is_deleted ? SPAN("DELETED") : SPAN("ACTIVE"));
        json_member_time(out, "lastUpdated", r->updated_at);
        return buf_check(out, e);
}
