/* People: made, changed, deleted. */
#include "domain/names.h"
#include "domain/users.h"

#include <chatelaine/domain_keys.h>
#include <chatelaine/domain_sessions.h>

#define ARENA_BYTES_MAX ((size_t)1 << 20)

/* A name must not be taken for an id, for a client ("sc_") or end at Basic's ":". */
static enum status check_name(struct span name, struct error *e)
{
        TRY(name_check(name, "/name", e));
        if (id_is_hex24(name) || span_starts(name, "sc_") || memchr(name.p, ':', name.len))
                return error_set(e, STATUS_INVALID, "invalid-name", "/name",
                                 "A user's name has no \":\", does not begin with \"sc_\" and is "
                                 "not 24 hex digits.");
        return STATUS_OK;
}

static enum status name_is_free(struct store_conn *db, struct span name, struct error *e)
{
        int64_t n = 0;
        TRY(store_int_of(db, "SELECT count(*) FROM users WHERE name = $1", &n, e, "t", name));
        if (n)
                return error_set(e, STATUS_CONFLICT, "user-exists", "/name",
                                 "There is a user of that name already.");
        return STATUS_OK;
}

static enum status next_number(struct store_conn *db, int64_t *ret, struct error *e)
{
        return store_int_of(db,
                            "INSERT INTO counters (name, value) VALUES ('users', 1)"
                            " ON CONFLICT (name) DO UPDATE SET value = counters.value + 1"
                            " RETURNING value",
                            ret, e, "");
}

static enum status user_create_run(struct ledger_tx *tx, struct domain_command *base,
                                   struct error *e)
{
        struct user_create *c = (struct user_create *)base;
        char subject[SUBJECT_SIZE];
        domain_target_new(base, "user", span_of(c->id));
        TRY(check_name(c->name, e));
        TRY(name_is_free(tx->db, c->name, e));
        TRY(next_number(tx->db, &c->number, e));
        TRY(store_exec(
                tx->db,
                "INSERT INTO users (id, number, name, password, password_changed_at,"
                " is_active, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $5, $5)",
                NULL, e, "sitsii", c->id, c->number, c->name,
                c->password_hash[0] ? c->password_hash : NULL, tx->now_ms,
                (int64_t)!c->is_inactive));
        subject_of("users", span_of(c->id), subject);
        return grants_add(tx, subject, c->grants, c->n_grants, e);
}

enum status user_create_new(struct domain *d, struct settings *s, struct user_create **ret,
                            struct error *e)
{
        struct user_create *c;
        TRY(domain_command_new(d, s, sizeof *c, ARENA_BYTES_MAX, &c, e));
        c->base.run = user_create_run;
        c->base.audit.action = "user.create";
        id_hex24(c->id);
        *ret = c;
        return STATUS_OK;
}

/* The user that a command names, by id or name; its id in the audit target. */
static enum status find_target(struct ledger_tx *tx, struct domain_command *base,
                               struct span id_or_name, struct user_row *ret, struct error *e)
{
        domain_target(base, "user", id_or_name);
        TRY(user_find(tx->db, id_or_name, &base->arena, ret, e));
        domain_target(base, "user", ret->id);
        return STATUS_OK;
}

/* A password that changed ends what it opened; a user who is deactivated all that is theirs. */
static enum status end_sessions(struct ledger_tx *tx, const struct user_change *c, struct span id,
                                struct error *e)
{
        struct session_selector sel = {.user = id, .is_password_only = c->is_active != 0};
        if (c->is_active != 0 && !c->password_hash[0])
                return STATUS_OK;
        return sessions_end_in(tx, &sel,
                               c->is_active == 0 ? SESSION_REASON_USER_ENDED
                                                 : SESSION_REASON_PASSWORD_CHANGED,
                               c->base.audit.traceparent, NULL, e);
}

static enum status rename_user(struct ledger_tx *tx, const struct user_row *row, struct span name,
                               struct error *e)
{
        if (span_equal(row->name, name))
                return STATUS_OK;
        TRY(check_name(name, e));
        TRY(name_is_free(tx->db, name, e));
        return store_exec(tx->db, "UPDATE users SET name = $1 WHERE id = $2", NULL, e, "tt", name,
                          row->id);
}

static enum status user_change_run(struct ledger_tx *tx, struct domain_command *base,
                                   struct error *e)
{
        struct user_change *c = (struct user_change *)base;
        char subject[SUBJECT_SIZE];
        struct user_row row;
        bool was_administrator;
        TRY(find_target(tx, base, c->id, &row, e));
        TRY(is_administrator(tx->db, &row, &was_administrator, e));
        if (c->name.p)
                TRY(rename_user(tx, &row, c->name, e));
        if (c->password_hash[0])
                TRY(store_exec(tx->db,
                               "UPDATE users SET password = $1, password_changed_at = $2"
                               " WHERE id = $3",
                               NULL, e, "sit", c->password_hash, tx->now_ms, row.id));
        if (c->is_active >= 0)
                TRY(store_exec(tx->db, "UPDATE users SET is_active = $1 WHERE id = $2", NULL, e,
                               "it", (int64_t)(c->is_active > 0), row.id));
        TRY(end_sessions(tx, c, row.id, e));
        subject_of("users", row.id, subject);
        if (c->has_grants)
                TRY(grants_replace(tx, subject, c->grants, c->n_grants, e));
        if (was_administrator)
                TRY(administrator_remains(tx->db, e));
        return store_exec(tx->db, "UPDATE users SET updated_at = $1 WHERE id = $2", NULL, e, "it",
                          tx->now_ms, row.id);
}

enum status user_change_new(struct domain *d, struct settings *s, struct user_change **ret,
                            struct error *e)
{
        struct user_change *c;
        TRY(domain_command_new(d, s, sizeof *c, ARENA_BYTES_MAX, &c, e));
        c->base.run = user_change_run;
        c->base.audit.action = "user.change";
        c->is_active = -1;
        *ret = c;
        return STATUS_OK;
}

static enum status user_delete_run(struct ledger_tx *tx, struct domain_command *base,
                                   struct error *e)
{
        struct user_delete *c = (struct user_delete *)base;
        char subject[SUBJECT_SIZE];
        struct user_row row;
        bool was_administrator;
        TRY(find_target(tx, base, c->id, &row, e));
        TRY(is_administrator(tx->db, &row, &was_administrator, e));
        struct key_selector keys = {.user = row.id};
        TRY(keys_revoke_in(tx, &keys, KEY_REASON_USER_DELETED, base->audit.traceparent, &c->revoked,
                           e));
        struct session_selector sessions = {.user = row.id};
        TRY(sessions_end_in(tx, &sessions, SESSION_REASON_USER_ENDED, base->audit.traceparent, NULL,
                            e));
        subject_of("users", row.id, subject);
        TRY(grants_remove_subject(tx, subject, e));
        TRY(store_exec(tx->db, "DELETE FROM agreement_scopes WHERE user_number = $1", NULL, e, "i",
                       row.number));
        TRY(store_exec(tx->db, "DELETE FROM agreements WHERE user_number = $1", NULL, e, "i",
                       row.number));
        TRY(store_exec(tx->db, "DELETE FROM users WHERE id = $1", NULL, e, "t", row.id));
        return was_administrator ? administrator_remains(tx->db, e) : STATUS_OK;
}

enum status user_delete_new(struct domain *d, struct settings *s, struct user_delete **ret,
                            struct error *e)
{
        struct user_delete *c;
        TRY(domain_command_new(d, s, sizeof *c, ARENA_BYTES_MAX, &c, e));
        c->base.run = user_delete_run;
        c->base.audit.action = "user.delete";
        c->base.base.is_revocation = true;
        *ret = c;
        return STATUS_OK;
}
