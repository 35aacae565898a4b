/* A key is followed by another, or rests for a while. */
#include "domain/keys.h"
#include "domain/names.h"
#include "domain/upstreams.h"

#include <chatelaine/domain_access_keys.h>

#include <stdio.h>

static enum status check_rotatable(const struct key_row *k, struct error *e)
{
        if (k->state >= KEY_EXPIRED)
                return error_set(e, STATUS_CONFLICT, "key-ended", NULL, "The key is %s.",
                                 key_state_name(k->state));
        if (k->successor_id.p)
                return error_set(e, STATUS_CONFLICT, "key-rotated", NULL,
                                 "The key has a successor already.");
        if (k->state == KEY_SUSPENDED)
                return error_set(e, STATUS_CONFLICT, "key-suspended", NULL,
                                 "The key is suspended: its successor would not be.");
        return STATUS_OK;
}

static enum status copy_rights(struct ledger_tx *tx, const char *to_id, struct span from_id,
                               struct error *e)
{
        char from[SUBJECT_SIZE], to[SUBJECT_SIZE];
        subject_of("keys", from_id, from);
        subject_of("keys", span_of(to_id), to);
        TRY(store_exec(tx->db,
                       "INSERT INTO statements (subject, resource, stem, role, permission)"
                       " SELECT cast($1 as text), resource, stem, role, permission FROM statements"
                       " WHERE subject = $2 ORDER BY id",
                       NULL, e, "ss", to, from));
        return store_exec(tx->db,
                          "INSERT INTO key_resources (key_id, resource, document_id, is_named)"
                          " SELECT cast($1 as text), resource, document_id, is_named"
                          " FROM key_resources WHERE key_id = $2",
                          NULL, e, "st", to_id, from_id);
}

/* The old key goes on until its grace ends; no warning, for its successor is there. */
static enum status start_grace(struct ledger_tx *tx, const char *new_id, const struct key_row *old,
                               int64_t dies_at, struct error *e)
{
        TRY(store_exec(
                tx->db,
                "UPDATE keys SET state = 1, successor_id = $1, dies_at = $2, updated_at = $3,"
                " warn_at = NULL WHERE id = $4",
                NULL, e, "siit", new_id, dies_at, tx->now_ms, old->id));
        return key_counted(tx, old->state, KEY_ROTATING, e);
}

enum status key_succeed(struct ledger_tx *tx, const struct domain_command *by,
                        const struct key_new *made, const struct key_row *old, int64_t grace_ms,
                        int64_t *ret_dies_at, struct error *e)
{
        struct key_new k = *made;
        char caller[CALLER_NAME_SIZE];
        TRY(check_rotatable(old, e));
        int64_t grace = grace_ms < 0 ? k.settings->config->keys.grace_ms : grace_ms;
        int64_t left = old->expires_at - tx->now_ms;
        int64_t dies_at = tx->now_ms + (grace < left ? grace : left);
        caller_name(&by->caller, caller);
        k.user_id = old->user_id;
        k.app = old->app;
        k.minted_by = span_of(caller);
        k.parent_key_id = old->parent_key_id;
        k.predecessor_id = old->id;
        k.dies_at = old->expires_at;
        if (!k.name.p)
                k.name = old->name;
        TRY(key_insert(tx, &k, e));
        TRY(copy_rights(tx, k.id, old->id, e));
        TRY(start_grace(tx, k.id, old, dies_at, e));
        TRY(upstream_hand_on(tx, old->id, k.id, e));
        TRY(key_event(tx, KEY_EVENT("rotated"), old->id, by->audit.traceparent, e));
        TRY(key_event(tx, KEY_EVENT("created"), span_of(k.id), by->audit.traceparent, e));
        *ret_dies_at = dies_at;
        return STATUS_OK;
}

static enum status key_rotate_run(struct ledger_tx *tx, struct domain_command *base,
                                  struct error *e)
{
        struct key_rotate *c = (struct key_rotate *)base;
        struct key_row old;
        struct key_new k = {
                .id = c->new_id, .hash = c->hash, .pepper = c->pepper, .settings = base->settings};
        TRY(key_target(tx, base, c->id, &old, e));
        if (key_is_access(&old))
                return error_set(e, STATUS_CONFLICT, "access-key", NULL,
                                 "An access key is followed by another at its client: POST "
                                 "/v1/clients/{id}/access-keys with `replaces`.");
        return key_succeed(tx, base, &k, &old, c->grace_ms, &base->due_ms, e);
}

static void key_rotate_fini(struct domain_command *base)
{
        struct key_rotate *c = (struct key_rotate *)base;
        wipe(c->key, sizeof c->key);
}

enum status key_rotate_new(struct domain *d, struct settings *s, struct key_rotate **ret,
                           struct error *e)
{
        struct key_rotate *c;
        TRY(key_command_new(d, s, sizeof *c, &c, e));
        c->base.run = key_rotate_run;
        c->base.fini = key_rotate_fini;
        c->base.audit.action = "key.rotate";
        c->base.base.rows = 8;
        c->grace_ms = -1;
        TRY(key_command_make(&c->base, c->key, c->new_id, c->hash, &c->pepper, e));
        *ret = c;
        return STATUS_OK;
}

/* ---- suspend, resume ---- */

static enum status key_suspend_run(struct ledger_tx *tx, struct domain_command *base,
                                   struct error *e)
{
        struct key_suspend *c = (struct key_suspend *)base;
        struct key_row k;
        if (c->is_active)
                base->audit.action = "key.resume";
        TRY(key_target(tx, base, c->id, &k, e));
        if (k.state >= KEY_EXPIRED)
                return error_set(e, STATUS_CONFLICT, "key-ended", NULL, "The key is %s.",
                                 key_state_name(k.state));
        enum key_state to = !c->is_active      ? KEY_SUSPENDED
                            : k.successor_id.p ? KEY_ROTATING
                                               : KEY_ACTIVE;
        if (to == k.state)
                return STATUS_OK;
        TRY(store_exec(tx->db, "UPDATE keys SET state = $1, updated_at = $2 WHERE id = $3", NULL, e,
                       "iit", (int64_t)to, tx->now_ms, k.id));
        TRY(key_counted(tx, k.state, to, e));
        return key_event(tx, KEY_EVENT("updated"), k.id, base->audit.traceparent, e);
}

static enum status key_suspend_prepare(struct domain_command *base, struct error *e)
{
        (void)e;
        base->base.is_revocation = !((struct key_suspend *)base)->is_active;
        return STATUS_OK;
}

enum status key_suspend_new(struct domain *d, struct settings *s, struct key_suspend **ret,
                            struct error *e)
{
        struct key_suspend *c;
        TRY(domain_command_new(d, s, sizeof *c, 16384, &c, e));
        c->base.prepare = key_suspend_prepare;
        c->base.run = key_suspend_run;
        c->base.audit.action = "key.suspend";
        *ret = c;
        return STATUS_OK;
}
