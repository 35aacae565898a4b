/* Keys as rows: found, judged, turned into principals. */
#include "domain/keys.h"
#include "domain/names.h"

#include <chatelaine/domain_access_keys.h>

#include <stdio.h>

static const char *const state_names[KEY_STATES] = {
        [KEY_ACTIVE] = "active",   [KEY_ROTATING] = "rotating", [KEY_SUSPENDED] = "suspended",
        [KEY_EXPIRED] = "expired", [KEY_REVOKED] = "revoked",
};

const char *key_state_name(enum key_state s)
{
        return state_names[s];
}

enum status key_state_read(struct span text, enum key_state *ret, struct error *e)
{
        for (enum key_state s = 0; s < KEY_STATES; s++) {
                if (span_is(text, state_names[s])) {
                        *ret = s;
                        return STATUS_OK;
                }
        }
        return error_set(e, STATUS_INVALID, "invalid-state", "state",
                         "A key's state is active, rotating, suspended, expired or revoked.");
}

bool key_is_valid(const struct key_row *k, int64_t now_ms)
{
        return (k->state == KEY_ACTIVE || k->state == KEY_ROTATING) && now_ms < k->dies_at &&
               k->is_user_active;
}

/* A live row past its date reads as the scheduler will leave it. Only a rotation makes dies_at
 * earlier than expires_at. */
static void as_of(struct key_row *k, int64_t now_ms)
{
        if (k->state >= KEY_EXPIRED || now_ms < k->dies_at)
                return;
        bool is_rotated = k->dies_at < k->expires_at;
        k->state = is_rotated ? KEY_REVOKED : KEY_EXPIRED;
        k->reason = span_of(is_rotated ? KEY_REASON_ROTATED : KEY_REASON_EXPIRED);
        k->ended_at = k->updated_at = k->dies_at;
}

enum status key_row_read(struct store_stmt *st, int64_t now_ms, struct arena *a,
                         struct key_row *ret, struct error *e)
{
        struct key_row k = {
                .state = (enum key_state)store_int(st, 10),
                .created_at = store_int(st, 11),
                .updated_at = store_int(st, 12),
                .expires_at = store_int(st, 13),
                .dies_at = store_int(st, 14),
                .ended_at = store_int(st, 15),
                .is_user_active = store_int(st, 16) != 0,
        };
        struct span *const texts[] = {
                &k.id,     &k.user_id,        &k.user_name,    &k.app,       &k.name,
                &k.reason, &k.predecessor_id, &k.successor_id, &k.minted_by, &k.parent_key_id};
        for (int i = 0; i < (int)(sizeof texts / sizeof texts[0]); i++) {
                struct span text = store_text(st, i);
                *texts[i] = arena_span(a, text);
                if (text.p && !texts[i]->p)
                        return error_no_memory(e);
        }
        as_of(&k, now_ms);
        *ret = k;
        return STATUS_OK;
}

static enum status not_found(struct error *e)
{
        return error_set(e, STATUS_NOT_FOUND, "key-not-found", NULL, "There is no such key.");
}

/* Ends the query `st`. */
static enum status one_row(struct store_stmt *st, int64_t now_ms, struct arena *a,
                           struct key_row *ret, struct error *e)
{
        struct key_row row;
        bool is_found = store_next(st);
        enum status s = is_found ? key_row_read(st, now_ms, a, &row, e) : not_found(e);
        enum status done = store_done(st, s == STATUS_OK || !is_found ? e : NULL);
        if (done != STATUS_OK)
                return done;
        if (s == STATUS_OK)
                *ret = row;
        return s;
}

enum status key_find(struct domain *d, struct store_conn *db, struct span key, struct arena *a,
                     struct key_row *ret, struct error *e)
{
        uint32_t versions[SECRET_VERSIONS_MAX];
        if (!key_check(key))
                return not_found(e);
        size_t n = secrets_versions(domain_secrets(d), SECRET_PEPPER, versions);
        for (size_t i = 0; i < n; i++) {
                uint8_t hash[32];
                struct store_stmt *st;
                TRY(secrets_hash(domain_secrets(d), key, versions[i], hash, NULL, e));
                TRY(store_query(
                        db, "SELECT " KEY_COLUMNS KEY_FROM " WHERE k.hash = $1 AND k.pepper = $2",
                        &st, e, "bi", span_make(hash, sizeof hash), (int64_t)versions[i]));
                enum status s = one_row(st, clock_now_ms(), a, ret, e);
                if (s != STATUS_NOT_FOUND)
                        return s;
        }
        return not_found(e);
}

enum status key_get(struct store_conn *db, struct span id, int64_t now_ms, struct arena *a,
                    struct key_row *ret, struct error *e)
{
        struct store_stmt *st;
        TRY(store_query(db, "SELECT " KEY_COLUMNS KEY_FROM " WHERE k.id = $1", &st, e, "t", id));
        return one_row(st, now_ms, a, ret, e);
}

enum status key_target(struct ledger_tx *tx, struct domain_command *base, struct span id,
                       struct key_row *ret, struct error *e)
{
        domain_target(base, "key", id);
        return key_get(tx->db, id, tx->now_ms, &base->arena, ret, e);
}

/* ---- who may, and what it may ---- */

enum status key_principal(struct store_conn *db, const struct key_row *k, struct arena *a,
                          struct principal *ret, struct error *e)
{
        char subject[SUBJECT_SIZE];
        struct principal p = {.db = db, .caller = {.kind = CALLER_KEY}};
        snprintf(p.caller.id, sizeof p.caller.id, "%.*s", (int)k->id.len, k->id.p);
        snprintf(p.caller.user_id, sizeof p.caller.user_id, "%.*s", (int)k->user_id.len,
                 k->user_id.p);
        subject_of("keys", k->id, subject);
        TRY(grants_load(db, subject, a, &p.rights, e));
        subject_of("users", k->user_id, subject);
        TRY(grants_load(db, subject, a, &p.user_rights, e));
        p.is_cut = p.user_rights.has_statements;
        *ret = p;
        return STATUS_OK;
}

/* Allowed on any resource that the key is bound to? */
static enum status allowed_on_bound(struct store_conn *db, const struct key_row *k,
                                    const struct principal *p, const char *permission, bool *ret,
                                    struct error *e)
{
        struct store_stmt *st;
        bool is_allowed = false;
        TRY(store_query(db, "SELECT resource FROM key_resources WHERE key_id = $1", &st, e, "t",
                        k->id));
        while (!is_allowed && store_next(st))
                is_allowed = grants_allow(p, permission, store_text(st, 0));
        TRY(store_done(st, e));
        *ret = is_allowed;
        return STATUS_OK;
}

/* A rotation hands the key's rights to whoever asked for it. */
static enum status may_give_all(struct store_conn *db, const struct key_row *k,
                                const struct principal *p, struct error *e)
{
        char subject[SUBJECT_SIZE];
        struct store_stmt *st;
        enum status s = STATUS_OK;
        if (p->is_all || (p->caller.kind == CALLER_KEY && span_is(k->id, p->caller.id)))
                return STATUS_OK;
        subject_of("keys", k->id, subject);
        TRY(store_query(db, "SELECT role, permission, resource FROM statements WHERE subject = $1",
                        &st, e, "s", subject));
        while (s == STATUS_OK && store_next(st)) {
                struct span role = store_text(st, 0), resource = store_text(st, 2);
                s = role.p ? grants_may_give(p, role, resource, e)
                           : grants_may_give_permission(p, store_text(st, 1), resource, e);
                if (s == STATUS_NOT_FOUND) /* a role that is gone grants nothing */
                        s = STATUS_OK;
        }
        enum status done = store_done(st, s == STATUS_OK ? e : NULL);
        return s != STATUS_OK ? s : done;
}

enum status key_may(struct store_conn *db, const struct key_row *k, const struct principal *p,
                    const char *permission, struct error *e)
{
        char own[SUBJECT_SIZE], users[SUBJECT_SIZE];
        subject_of("keys", k->id, own);
        subject_of(key_is_access(k) ? "clients" : "users", k->user_id, users);
        bool is_allowed = grants_allow(p, permission, span_of(own)) ||
                          grants_allow(p, permission, span_of(users));
        if (!is_allowed)
                TRY(allowed_on_bound(db, k, p, permission, &is_allowed, e));
        if (!is_allowed)
                return error_set(e, STATUS_DENIED, "forbidden", NULL,
                                 "%s is not allowed on this key.", permission);
        return strcmp(permission, "keys:rotate") == 0 ? may_give_all(db, k, p, e) : STATUS_OK;
}
