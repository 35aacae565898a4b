/* A resource that is nobody's becomes somebody's, by a record. */
#include "domain/access.h"
#include "domain/resource_config.h"

#include <chatelaine/domain_claims.h>

#define OWNER "Authress:Owner"

/* What the command knows of itself in the transaction. */
struct claiming {
        struct span collection, resource;
};

static enum status not_claimable(struct span collection, struct error *e)
{
        return error_set(e, STATUS_DENIED, "not-claimable", "/collectionResource",
                         "%.*s is not marked CLAIM.", (int)collection.len, collection.p);
}

static enum status check_collection(struct store_conn *db, struct span collection, struct error *e)
{
        struct resource_config c;
        TRY(resource_config_get(db, collection, &c, e));
        return c.is_claimable ? STATUS_OK : not_claimable(collection, e);
}

/* What this server manages itself is made by its own calls, not claimed. */
static enum status check_foreign(struct span collection, struct error *e)
{
        return span_starts(collection, "Authress:") ? not_claimable(collection, e) : STATUS_OK;
}

/* Sessions hold nothing of their own. */
static enum status is_named(struct store_conn *db, const char *where, const char *low,
                            const char *high, bool *ret, struct error *e)
{
        struct store_stmt *st;
        TRY(store_query(db, where, &st, e, "ss", low, high));
        *ret = store_next(st);
        return store_done(st, e);
}

#define NAMED_BY "SELECT 1 FROM statements WHERE substr(subject, 1, 9) <> 'sessions/'"

/* Rows of ours are somebody's, whether a statement names them or not. */
static const struct {
        const char *collection, *row;
} rows[] = {
        {"clients", "SELECT 1 FROM clients WHERE id = $1"},
        {"inboxes", "SELECT 1 FROM inboxes WHERE id = $1"},
        {"keys", "SELECT 1 FROM keys WHERE id = $1"},
        {"roles", "SELECT 1 FROM roles WHERE id = $1"},
        {"users", "SELECT 1 FROM users WHERE id = $1"},
        {"webhooks", "SELECT 1 FROM apps WHERE slug = $1"},
};

static enum status is_row(struct store_conn *db, struct span resource, bool *ret, struct error *e)
{
        struct store_stmt *st;
        struct span document = resource_document(resource), id = document;
        const char *sql = document.p ? "SELECT 1 FROM documents WHERE id = $1" : NULL;
        struct span rest, first = span_split(resource, '/', &rest);
        for (size_t i = 0; i < sizeof rows / sizeof *rows && !sql; i++) {
                id = rest;
                if (span_is(first, rows[i].collection))
                        sql = rows[i].row;
        }
        *ret = false;
        if (!sql)
                return STATUS_OK;
        TRY(store_query(db, sql, &st, e, "t", id));
        *ret = store_next(st);
        return store_done(st, e);
}

/* A row of ours, or named by a statement on it or beneath it. */
static enum status check_unclaimed(struct store_conn *db, struct span resource, struct error *e)
{
        CLEANUP(arena_fini) struct arena a;
        bool is_taken;
        arena_init(&a, 8192);
        TRY(is_row(db, resource, &is_taken, e));
        struct span stem = resource_stem(resource);
        const char *own = arena_dup(&a, stem);
        const char *low = arena_printf(&a, "%.*s/", (int)stem.len, stem.p);
        const char *high = arena_printf(&a, "%.*s0", (int)stem.len, stem.p); /* "0" is behind "/" */
        if (!own || !low || !high)
                return error_no_memory(e);
        if (!is_taken)
                TRY(is_named(db, NAMED_BY " AND stem = $1 AND stem <= $2 LIMIT 1", own, own,
                             &is_taken, e));
        if (!is_taken)
                TRY(is_named(db, NAMED_BY " AND stem >= $1 AND stem < $2 LIMIT 1", low, high,
                             &is_taken, e));
        if (is_taken)
                return error_set(e, STATUS_CONFLICT, "already-claimed", "/resourceId",
                                 "Somebody has access to that resource already.");
        return STATUS_OK;
}

static enum status claim_check(struct ledger_tx *tx, struct record_create *c, struct error *e)
{
        const struct claiming *claiming = c->before_ctx;
        TRY(check_collection(tx->db, claiming->collection, e));
        return check_unclaimed(tx->db, claiming->resource, e);
}

/* ---- what is asked for ---- */

static enum status read_claim(const struct claim *claim, struct arena *a, struct claiming *ret,
                              struct error *e)
{
        struct span id = claim->id, resource;
        TRY(resource_read(claim->collection, &ret->collection, e));
        if (memchr(ret->collection.p, '*', ret->collection.len))
                return error_set(e, STATUS_INVALID, "invalid-resource", "/collectionResource",
                                 "It is one resource, without \"*\".");
        if (!id.len || id.len > CLAIM_ID_MAX || memchr(id.p, '/', id.len) ||
            memchr(id.p, '*', id.len))
                return error_set(e, STATUS_INVALID, "invalid-resource", "/resourceId",
                                 "It is one segment of a resource, without \"*\".");
        const char *text = arena_printf(a, "%.*s/%.*s", (int)ret->collection.len, ret->collection.p,
                                        (int)id.len, id.p);
        if (!text)
                return error_no_memory(e);
        TRY(resource_read(span_of(text), &resource, e));
        ret->resource = resource;
        return STATUS_OK;
}

static void write_user(struct buf *out, const char *list, struct span user_id)
{
        json_key(out, list);
        json_arr_open(out);
        json_obj_open(out);
        json_member_text(out, "userId", user_id);
        json_obj_close(out);
        json_arr_close(out);
}

/* {name, users, admins, statements} for whoever claims. */
static void write_record(struct span user_id, struct span resource, struct buf *out)
{
        json_obj_open(out);
        json_member_text(out, "name", SPAN("Claim"));
        json_member_text(out, "description", resource);
        write_user(out, "users", user_id);
        write_user(out, "admins", user_id);
        json_key(out, "statements");
        json_arr_open(out);
        json_obj_open(out);
        json_key(out, "roles");
        json_arr_open(out);
        json_text(out, SPAN(OWNER));
        json_arr_close(out);
        json_key(out, "resources");
        json_arr_open(out);
        json_obj_open(out);
        json_member_text(out, "resourceUri", resource);
        json_obj_close(out);
        json_arr_close(out);
        json_obj_close(out);
        json_arr_close(out);
        json_obj_close(out);
}

static enum status make(const struct claiming *claiming, const char *subject, struct domain *d,
                        struct settings *s, struct arena *a, struct record_create **ret,
                        struct error *e)
{
        CLEANUP(buf_fini) struct buf json;
        struct record record;
        struct record_create *c;
        buf_init(&json, 8192);
        write_record(access_user_id(subject), claiming->resource, &json);
        TRY(buf_check(&json, e));
        TRY(record_read(buf_view(&json), a, &record, e));
        TRY(record_create_new(d, s, &record, &c, e));
        struct claiming *kept = arena_alloc(&c->base.arena, sizeof *kept);
        if (kept) {
                kept->collection = arena_span(&c->base.arena, claiming->collection);
                kept->resource = arena_span(&c->base.arena, claiming->resource);
        }
        if (!kept || !kept->collection.p || !kept->resource.p) {
                domain_command_free(&c->base);
                return error_no_memory(e);
        }
        c->before = claim_check;
        c->before_ctx = kept;
        c->base.audit.action = "claim.create";
        *ret = c;
        return STATUS_OK;
}

enum status claim_may(const struct principal *p, struct span collection, struct error *e)
{
        char subject[ACCESS_SUBJECT_SIZE];
        TRY(access_whole_subject(p, subject, e));
        return check_collection(p->db, collection, e);
}

enum status claim_new(const struct principal *p, struct domain *d, struct settings *s,
                      const struct claim *claim, struct record_create **ret, struct error *e)
{
        CLEANUP(arena_fini) struct arena a;
        struct claiming claiming;
        char subject[ACCESS_SUBJECT_SIZE];
        arena_init(&a, (size_t)1 << 20);
        TRY(access_whole_subject(p, subject, e));
        TRY(read_claim(claim, &a, &claiming, e));
        TRY(check_foreign(claiming.collection, e));
        TRY(check_collection(p->db, claiming.collection, e));
        TRY(check_unclaimed(p->db, claiming.resource, e));
        return make(&claiming, subject, d, s, &a, ret, e);
}
