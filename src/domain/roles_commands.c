/*
 * Roles changed and deleted.
 *
 * Statements of a role that is gone stay where they are and grant nothing: taking them away would
 * leave a user without any, and its keys would not be cut to what it holds any more.
 */
#include "domain/names.h"
#include "domain/roles.h"
#include "domain/users.h"

static enum status find_made(struct ledger_tx *tx, struct domain_command *base,
                             struct span id_or_name, struct role_row *ret, struct error *e)
{
        domain_target(base, "role", id_or_name);
        TRY(role_find(tx->db, id_or_name, &base->arena, ret, e));
        domain_target(base, "role", ret->id);
        if (ret->builtin)
                return error_set(e, STATUS_DENIED, "role-built-in", NULL,
                                 "A built-in role stays as it is.");
        return STATUS_OK;
}

static enum status rename_role(struct ledger_tx *tx, struct domain_command *base,
                               const struct role_row *role, struct span name, struct error *e)
{
        struct role_row other;
        TRY(name_check(name, "/name", e));
        enum status s = role_find(tx->db, name, &base->arena, &other, e);
        if (s == STATUS_OK && !span_equal(other.id, role->id))
                return error_set(e, STATUS_CONFLICT, "role-exists", "/name",
                                 "There is a role of that name already.");
        if (s != STATUS_OK && s != STATUS_NOT_FOUND)
                return s;
        return store_exec(tx->db, "UPDATE roles SET name = $1 WHERE id = $2", NULL, e, "tt", name,
                          role->id);
}

static enum status check_unheld(struct ledger_tx *tx, const struct role_change *c, struct span id,
                                struct error *e)
{
        bool is_held = false;
        if (c->is_unheld)
                TRY(role_is_held(tx->db, id, &is_held, e));
        if (!is_held)
                return STATUS_OK;
        return error_set(e, STATUS_RETRY, "role-changed", NULL,
                         "The role was given to somebody while the request was under way.");
}

static enum status gives_all(struct ledger_tx *tx, struct span id, bool *ret, struct error *e)
{
        int64_t n = 0;
        TRY(store_int_of(
                tx->db, "SELECT count(*) FROM role_permissions WHERE role_id = $1 AND action = '*'",
                &n, e, "t", id));
        *ret = n > 0;
        return STATUS_OK;
}

static enum status role_change_run(struct ledger_tx *tx, struct domain_command *base,
                                   struct error *e)
{
        struct role_change *c = (struct role_change *)base;
        struct role_row role;
        bool gave_all;
        TRY(find_made(tx, base, c->id, &role, e));
        TRY(gives_all(tx, role.id, &gave_all, e));
        if (c->name.p)
                TRY(rename_role(tx, base, &role, c->name, e));
        if (c->has_description) {
                TRY(role_check_description(c->description, e));
                TRY(store_exec(tx->db, "UPDATE roles SET description = $1 WHERE id = $2", NULL, e,
                               "tt", c->description, role.id));
        }
        if (c->has_permissions) {
                TRY(check_unheld(tx, c, role.id, e));
                TRY(store_exec(tx->db, "DELETE FROM role_permissions WHERE role_id = $1", NULL, e,
                               "t", role.id));
                TRY(role_add_permissions(tx, role.id, c->permissions, c->abilities,
                                         c->n_permissions, e));
                if (gave_all)
                        TRY(administrator_remains(tx->db, e));
        }
        return store_exec(tx->db, "UPDATE roles SET updated_at = $1 WHERE id = $2", NULL, e, "it",
                          tx->now_ms, role.id);
}

enum status role_change_new(struct domain *d, struct settings *s, struct role_change **ret,
                            struct error *e)
{
        struct role_change *c;
        TRY(domain_command_new(d, s, sizeof *c, 1 << 20, &c, e));
        c->base.run = role_change_run;
        c->base.audit.action = "role.change";
        *ret = c;
        return STATUS_OK;
}

static enum status role_delete_run(struct ledger_tx *tx, struct domain_command *base,
                                   struct error *e)
{
        struct role_delete *c = (struct role_delete *)base;
        struct role_row role;
        bool gave_all;
        TRY(find_made(tx, base, c->id, &role, e));
        TRY(gives_all(tx, role.id, &gave_all, e));
        TRY(store_exec(tx->db, "DELETE FROM role_permissions WHERE role_id = $1", NULL, e, "t",
                       role.id));
        TRY(store_exec(tx->db, "DELETE FROM roles WHERE id = $1", NULL, e, "t", role.id));
        return gave_all ? administrator_remains(tx->db, e) : STATUS_OK;
}

enum status role_delete_new(struct domain *d, struct settings *s, struct role_delete **ret,
                            struct error *e)
{
        struct role_delete *c;
        TRY(domain_command_new(d, s, sizeof *c, 8192, &c, e));
        c->base.run = role_delete_run;
        c->base.audit.action = "role.delete";
        c->base.base.is_revocation = true;
        *ret = c;
        return STATUS_OK;
}
