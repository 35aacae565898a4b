/* Access records: made, changed, deleted. */
#include "domain/names.h"
#include "domain/records.h"

#define ARENA_BYTES_MAX ((size_t)64 << 20)

/* Copied by reading it again: what is kept is what is checked. */
static enum status take_record(struct domain_command *c, const struct record *from,
                               struct record *ret, struct error *e)
{
        TRY(record_read_kept(from->body, &c->arena, ret, e));
        if (!from->id.p)
                return STATUS_OK;
        ret->id = arena_span(&c->arena, from->id);
        return ret->id.p ? STATUS_OK : error_no_memory(e);
}

static enum status make_rows(struct domain_command *base, const struct record *record,
                             struct span id, struct record_rows **ret, struct error *e)
{
        struct record_rows *rows = arena_alloc(&base->arena, sizeof *rows);
        if (!rows)
                return error_no_memory(e);
        TRY(record_rows_make(record, id, &base->arena, rows, e));
        base->base.rows = (unsigned)(rows->n + rows->n_people + 2 * rows->n_members) + 1;
        *ret = rows;
        return STATUS_OK;
}

/* ---- create ---- */

static enum status insert(struct ledger_tx *tx, struct domain_command *base,
                          const struct record *record, struct record_rows *rows,
                          struct record_row *ret, struct error *e)
{
        char caller[CALLER_NAME_SIZE], object[RECORD_OBJECT_SIZE];
        int64_t n = 0;
        caller_name(&base->caller, caller);
        record_object(record->id, object);
        TRY(store_exec(tx->db,
                       "INSERT INTO records (id, status, body, created_by, created_at, updated_at)"
                       " VALUES ($1, 0, $2, $3, $4, $4) ON CONFLICT (id) DO NOTHING",
                       &n, e, "ttsi", record->id, record->body, caller, tx->now_ms));
        if (n == 0)
                return error_set(e, STATUS_CONFLICT, "record-exists", "/recordId",
                                 "There is a record of that id already.");
        TRY(record_rows_write(tx, record->id, rows, &base->arena, e));
        TRY(admins_replace(tx, object, &record->admins, e));
        *ret = (struct record_row){.id = record->id,
                                   .body = record->body,
                                   .created_at = tx->now_ms,
                                   .updated_at = tx->now_ms};
        return STATUS_OK;
}

static enum status make_id(struct domain_command *base, struct record *record, struct error *e)
{
        char id[sizeof RECORD_PREFIX - 1 + ID_HEX24_SIZE] = RECORD_PREFIX;
        if (record->id.p)
                return STATUS_OK;
        id_hex24(id + sizeof RECORD_PREFIX - 1);
        record->id = arena_span(&base->arena, span_of(id));
        return record->id.p ? STATUS_OK : error_no_memory(e);
}

/* 20,000 rows are made here, not while the writer waits. */
static enum status record_create_prepare(struct domain_command *base, struct error *e)
{
        struct record_create *c = (struct record_create *)base;
        bool is_added;
        TRY(make_id(base, &c->record, e));
        TRY(admins_add_creator(base, &c->record.admins, &is_added, e));
        if (is_added)
                TRY(record_body(&c->record, &base->arena, e));
        return c->rows ? STATUS_OK : make_rows(base, &c->record, c->record.id, &c->rows, e);
}

static enum status record_create_run(struct ledger_tx *tx, struct domain_command *base,
                                     struct error *e)
{
        struct record_create *c = (struct record_create *)base;
        domain_target(base, "record", c->record.id);
        if (c->before)
                TRY(c->before(tx, c, e));
        return insert(tx, base, &c->record, c->rows, &c->row, e);
}

enum status record_create_new(struct domain *d, struct settings *s, const struct record *record,
                              struct record_create **ret, struct error *e)
{
        struct record_create *c;
        TRY(domain_command_new(d, s, sizeof *c, ARENA_BYTES_MAX, &c, e));
        c->base.run = record_create_run;
        c->base.prepare = record_create_prepare;
        c->base.audit.action = "record.create";
        enum status status = take_record(&c->base, record, &c->record, e);
        if (status != STATUS_OK) {
                domain_command_free(&c->base);
                return status;
        }
        *ret = c;
        return STATUS_OK;
}

/* ---- update ---- */

/* Whoever leaves the admins out does not mean to lock themselves out. */
static enum status keep_admins(struct record_update *c, struct span had, struct error *e)
{
        struct record kept;
        TRY(record_read_kept(had, &c->base.arena, &kept, e));
        c->record.admins = kept.admins;
        return record_body(&c->record, &c->base.arena, e);
}

static const char given_everywhere[] =
        "SELECT 1 FROM statements WHERE record_id = $1 AND resource = '*' LIMIT 1";

static enum status record_update_prepare(struct domain_command *base, struct error *e)
{
        struct record_update *c = (struct record_update *)base;
        return c->rows ? STATUS_OK : make_rows(base, &c->record, c->row.id, &c->rows, e);
}

static enum status record_update_run(struct ledger_tx *tx, struct domain_command *base,
                                     struct error *e)
{
        struct record_update *c = (struct record_update *)base;
        struct record_row row;
        char object[RECORD_OBJECT_SIZE];
        bool is_watched;
        domain_target(base, "record", c->row.id);
        record_object(c->row.id, object);
        TRY(record_get(tx->db, c->row.id, &base->arena, &row, e));
        if (row.is_deleted)
                return error_set(e, STATUS_NOT_FOUND, "record-not-found", NULL,
                                 "There is no such record any more.");
        TRY(lock_check("record-changed", row.updated_at, c->unmodified_since_ms,
                       c->is_judged_anyhow ? row.updated_at : c->row.updated_at, e));
        TRY(administrators_watch(tx, given_everywhere, row.id, &is_watched, e));
        if (c->keeps_admins && row.updated_at != c->row.updated_at)
                TRY(keep_admins(c, row.body, e));
        row.body = c->record.body;
        row.updated_at = lock_next(tx, row.updated_at);
        TRY(store_exec(tx->db, "UPDATE records SET body = $1, updated_at = $2 WHERE id = $3", NULL,
                       e, "tit", row.body, row.updated_at, row.id));
        TRY(record_rows_write(tx, row.id, c->rows, &base->arena, e));
        TRY(admins_replace(tx, object, &c->record.admins, e));
        TRY(administrators_check(tx, is_watched, e));
        c->row = row;
        return STATUS_OK;
}

enum status record_update_new(struct domain *d, struct settings *s, const struct record_row *was,
                              const struct record *record, struct record_update **ret,
                              struct error *e)
{
        struct record_update *c;
        TRY(domain_command_new(d, s, sizeof *c, ARENA_BYTES_MAX, &c, e));
        c->base.run = record_update_run;
        c->base.prepare = record_update_prepare;
        c->base.audit.action = "record.update";
        c->unmodified_since_ms = -1;
        c->row.updated_at = was->updated_at;
        c->row.id = arena_span(&c->base.arena, was->id);
        enum status status =
                c->row.id.p ? take_record(&c->base, record, &c->record, e) : error_no_memory(e);
        c->keeps_admins = !record->admins.items;
        if (status == STATUS_OK && c->keeps_admins)
                status = keep_admins(c, was->body, e);
        if (status != STATUS_OK) {
                domain_command_free(&c->base);
                return status;
        }
        *ret = c;
        return STATUS_OK;
}

/* ---- delete ---- */

/* Its admins stay: they may still read it. */
static enum status record_delete_run(struct ledger_tx *tx, struct domain_command *base,
                                     struct error *e)
{
        struct record_delete *c = (struct record_delete *)base;
        struct record_row row;
        bool is_watched;
        domain_target(base, "record", c->id);
        TRY(record_get(tx->db, c->id, &base->arena, &row, e));
        if (row.is_deleted)
                return error_set(e, STATUS_NOT_FOUND, "record-not-found", NULL,
                                 "There is no such record any more.");
        TRY(administrators_watch(tx, given_everywhere, c->id, &is_watched, e));
        TRY(record_rows_delete(tx, c->id, e));
        TRY(administrators_check(tx, is_watched, e));
        return store_exec(tx->db, "UPDATE records SET status = 1, updated_at = $1 WHERE id = $2",
                          NULL, e, "it", lock_next(tx, row.updated_at), c->id);
}

enum status record_delete_new(struct domain *d, struct settings *s, struct record_delete **ret,
                              struct error *e)
{
        struct record_delete *c;
        TRY(domain_command_new(d, s, sizeof *c, (size_t)1 << 20, &c, e));
        c->base.run = record_delete_run;
        c->base.audit.action = "record.delete";
        c->base.base.is_revocation = true;
        *ret = c;
        return STATUS_OK;
}
