/* Invites: made, found, deleted, over. */
#include "domain/invites.h"
#include "domain/names.h"

#include <stdio.h>

#define RESOURCE "Authress:Invites"
#define ARENA_BYTES_MAX ((size_t)2 << 20)

/* ---- what a caller sends ---- */

static enum status read_expiry(const struct principal *p, const struct json *root, int64_t now_ms,
                               int64_t *ret, struct error *e)
{
        const struct json *member = json_get(root, "expiryTime");
        struct span text = json_span(member);
        int64_t at;
        bool is_naive;
        *ret = 0;
        if (!member || json_is_null(member))
                return STATUS_OK;
        if (clock_parse_iso8601(text, &at, &is_naive, NULL) != STATUS_OK ||
            at < now_ms + INVITE_LIFE_LEAST_MS || at > now_ms + INVITE_LIFE_MOST_MS)
                return error_set(e, STATUS_INVALID, "invalid-expiryTime", "/expiryTime",
                                 "It is an ISO 8601 time, from 5 minutes to 30 days from now.");
        TRY(grants_check(p, "invites:create", SPAN(RESOURCE), e));
        *ret = at;
        return STATUS_OK;
}

static enum status check_nobody(const struct record *r, struct error *e)
{
        for (size_t i = 0; i < r->n_statements; i++)
                if (r->statements[i].users.n || r->statements[i].groups.n)
                        return error_set(e, STATUS_INVALID, "invalid-statements", "/statements",
                                         "An invite's statements name neither users nor groups.");
        return STATUS_OK;
}

enum status invite_record(struct span statements, struct span user_id, struct span admin_id,
                          struct arena *a, struct record *ret, struct error *e)
{
        CLEANUP(buf_fini) struct buf json;
        const struct {
                const char *list;
                struct span id;
        } people[] = {{"users", user_id}, {"admins", admin_id}};
        buf_init(&json, RECORD_BYTES_MAX);
        json_obj_open(&json);
        json_member_text(&json, "name", SPAN("Invite"));
        for (size_t i = 0; i < sizeof people / sizeof *people; i++) {
                if (!people[i].id.p)
                        continue;
                json_key(&json, people[i].list);
                json_arr_open(&json);
                json_obj_open(&json);
                json_member_text(&json, "userId", people[i].id);
                json_obj_close(&json);
                json_arr_close(&json);
        }
        json_member_raw(&json, "statements", statements);
        json_obj_close(&json);
        if (json.status == STATUS_LIMIT)
                return error_set_http(e, STATUS_LIMIT, 413, "record-too-large", NULL,
                                      "An invite has at most %d bytes.", RECORD_BYTES_MAX);
        TRY(buf_check(&json, e));
        return record_read(buf_view(&json), a, ret, e);
}

enum status invite_read(const struct principal *p, struct span json, int64_t now_ms,
                        struct arena *a, struct invite *ret, struct error *e)
{
        CLEANUP(buf_fini) struct buf statements;
        struct json *CLEANUP(json_freep) root = NULL;
        struct record record;
        struct invite i;
        buf_init(&statements, RECORD_BYTES_MAX);
        TRY(members_parse(json, RECORD_BYTES_MAX, "record-too-large", &root, e));
        if (json_get(root, "statements"))
                json_dump(json_get(root, "statements"), &statements);
        TRY(buf_check(&statements, e));
        i.statements = arena_span(a, statements.len ? buf_view(&statements) : SPAN("null"));
        if (!i.statements.p)
                return error_no_memory(e);
        TRY(invite_record(i.statements, SPAN_NONE, SPAN_NONE, a, &record, e));
        TRY(check_nobody(&record, e));
        TRY(record_is_brief(&record, e));
        TRY(read_expiry(p, root, now_ms, &i.expires_at, e));
        TRY(record_may_give(p, &record, NULL, e));
        *ret = i;
        return STATUS_OK;
}

/* ---- rows ---- */

static enum status not_found(struct error *e)
{
        return error_set(e, STATUS_NOT_FOUND, "invite-not-found", NULL,
                         "There is no such invite, or it is over.");
}

static enum status find_by_hash(struct store_conn *db, const uint8_t hash[32], uint32_t pepper,
                                struct arena *a, struct invite_row *ret, struct error *e)
{
        struct store_stmt *st;
        bool is_found, has_all = true;
        TRY(store_query(db,
                        "SELECT id, body, created_by, created_at, expires_at FROM invites"
                        " WHERE hash = $1 AND pepper = $2",
                        &st, e, "bi", span_make(hash, 32), (int64_t)pepper));
        is_found = store_next(st);
        if (is_found) {
                *ret = (struct invite_row){.id = arena_span(a, store_text(st, 0)),
                                           .statements = arena_span(a, store_text(st, 1)),
                                           .created_by = arena_span(a, store_text(st, 2)),
                                           .created_at = store_int(st, 3),
                                           .expires_at = store_int(st, 4)};
                has_all = ret->id.p && ret->statements.p && ret->created_by.p;
        }
        TRY(store_done(st, e));
        if (!is_found)
                return not_found(e);
        return has_all ? STATUS_OK : error_no_memory(e);
}

enum status invite_find(struct domain *d, struct store_conn *db, struct span name, int64_t now_ms,
                        struct arena *a, struct invite_row *ret, struct error *e)
{
        uint32_t versions[SECRET_VERSIONS_MAX];
        size_t n = secrets_versions(domain_secrets(d), SECRET_PEPPER, versions);
        struct error why;
        if (!token_check(INVITE_PREFIX, name))
                return not_found(e);
        for (size_t i = 0; i < n; i++) {
                uint8_t hash[32];
                TRY(secrets_hash(domain_secrets(d), name, versions[i], hash, NULL, e));
                enum status s = find_by_hash(db, hash, versions[i], a, ret, &why);
                if (s == STATUS_OK)
                        return now_ms < ret->expires_at ? STATUS_OK : not_found(e);
                if (s != STATUS_NOT_FOUND && e)
                        *e = why;
                if (s != STATUS_NOT_FOUND)
                        return s;
        }
        return not_found(e);
}

/* ---- create ---- */

void invite_maker(const struct caller *c, char out[ACCESS_SUBJECT_SIZE])
{
        char subject[ACCESS_SUBJECT_SIZE];
        bool is_of_key = c->kind == CALLER_SESSION && c->key_id[0];
        access_subject_of(c, subject);
        if (c->kind == CALLER_KEY || is_of_key)
                snprintf(out, ACCESS_SUBJECT_SIZE, "keys/%s",
                         c->kind == CALLER_KEY ? c->id : c->key_id);
        else if (subject[0])
                snprintf(out, ACCESS_SUBJECT_SIZE, "%s", subject);
        else
                caller_name(c, out);
}

static enum status invite_create_run(struct ledger_tx *tx, struct domain_command *base,
                                     struct error *e)
{
        struct invite_create *c = (struct invite_create *)base;
        char maker[ACCESS_SUBJECT_SIZE];
        int64_t n = 0;
        invite_maker(&base->caller, maker);
        domain_target(base, "invite", span_of(c->id));
        TRY(store_int_of(tx->db,
                         "SELECT count(*) FROM invites WHERE created_by = $1 AND expires_at > $2",
                         &n, e, "si", maker, tx->now_ms));
        if (n >= INVITES_MAX)
                return error_set(e, STATUS_LIMIT, "too-many-invites", NULL,
                                 "At most %d invites of one maker may be open.", INVITES_MAX);
        c->expires_at = c->invite.expires_at ? c->invite.expires_at : tx->now_ms + INVITE_LIFE_MS;
        return store_exec(
                tx->db,
                "INSERT INTO invites (id, hash, pepper, body, created_by, created_at, expires_at)"
                " VALUES ($1, $2, $3, $4, $5, $6, $7)",
                NULL, e, "sbitsii", c->id, span_make(c->hash, sizeof c->hash), (int64_t)c->pepper,
                c->invite.statements, maker, tx->now_ms, c->expires_at);
}

static void invite_create_fini(struct domain_command *base)
{
        struct invite_create *c = (struct invite_create *)base;
        wipe(c->name, sizeof c->name);
}

enum status invite_create_new(struct domain *d, struct settings *s, const struct invite *invite,
                              struct invite_create **ret, struct error *e)
{
        struct invite_create *c;
        TRY(domain_command_new(d, s, sizeof *c, ARENA_BYTES_MAX, &c, e));
        c->base.run = invite_create_run;
        c->base.fini = invite_create_fini;
        c->base.audit.action = "invite.create";
        c->invite = *invite;
        c->invite.statements = arena_span(&c->base.arena, invite->statements);
        id_hex24(c->id);
        token_make(INVITE_PREFIX, c->name);
        enum status status = c->invite.statements.p
                                     ? secrets_hash(domain_secrets(d), span_of(c->name), 0, c->hash,
                                                    &c->pepper, e)
                                     : error_no_memory(e);
        if (status != STATUS_OK) {
                domain_command_free(&c->base);
                return status;
        }
        *ret = c;
        return STATUS_OK;
}

/* ---- delete ---- */

enum status invite_may_delete(const struct principal *p, const struct invite_row *i,
                              struct error *e)
{
        char maker[ACCESS_SUBJECT_SIZE];
        invite_maker(&p->caller, maker);
        return span_is(i->created_by, maker) ? STATUS_OK
                                             : grants_check(p, "delete", SPAN(RESOURCE), e);
}

enum status invite_remove_in(struct ledger_tx *tx, struct span id, struct error *e)
{
        int64_t n = 0;
        TRY(store_exec(tx->db, "DELETE FROM invites WHERE id = $1 AND expires_at > $2", &n, e, "ti",
                       id, tx->now_ms));
        return n ? STATUS_OK : not_found(e);
}

static enum status invite_delete_run(struct ledger_tx *tx, struct domain_command *base,
                                     struct error *e)
{
        struct invite_delete *c = (struct invite_delete *)base;
        domain_target(base, "invite", c->id);
        return invite_remove_in(tx, c->id, e);
}

enum status invite_delete_new(struct domain *d, struct settings *s, struct invite_delete **ret,
                              struct error *e)
{
        struct invite_delete *c;
        TRY(domain_command_new(d, s, sizeof *c, 4096, &c, e));
        c->base.run = invite_delete_run;
        c->base.audit.action = "invite.delete";
        c->base.base.is_revocation = true;
        *ret = c;
        return STATUS_OK;
}

enum status invites_purge_in(struct ledger_tx *tx, int64_t before_ms, unsigned limit,
                             int64_t *ret_n, bool *ret_more, struct error *e)
{
        TRY(store_exec(tx->db,
                       "DELETE FROM invites WHERE id IN (SELECT id FROM invites"
                       " WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)",
                       ret_n, e, "ii", before_ms, (int64_t)limit));
        *ret_more = *ret_n == (int64_t)limit;
        return STATUS_OK;
}
