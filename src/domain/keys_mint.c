/* A key comes to be. */
#include "domain/keys.h"
#include "domain/names.h"
#include "domain/resources.h"
#include "domain/upstreams.h"

#include <chatelaine/domain_documents.h>

#include <stdio.h>

#define ARENA_BYTES_MAX ((size_t)1 << 20)
#define GRANTS_MAX 100
#define RESOURCES_MAX 100
#define IDEMPOTENCY_MS (24 * 3600 * INT64_C(1000))

/* ---- idempotency ---- */

/* The same name from the same caller within a day: the first one's id, and no second key. */
static enum status find_repeat(struct ledger_tx *tx, struct key_mint *c, const char *caller,
                               struct error *e)
{
        struct store_stmt *st;
        bool is_same = false;
        TRY(store_query(tx->db,
                        "SELECT request_hash, key_id FROM idempotency_keys"
                        " WHERE caller = $1 AND name = $2 AND ends_at > $3",
                        &st, e, "sti", caller, c->idempotency_key, tx->now_ms));
        bool is_found = store_next(st);
        if (is_found) {
                struct span id = store_text(st, 1);
                is_same = span_equal(store_blob(st, 0),
                                     span_make(c->request_hash, sizeof c->request_hash));
                snprintf(c->id, sizeof c->id, "%.*s", (int)id.len, id.p);
        }
        TRY(store_done(st, e));
        if (is_found && !is_same)
                return error_set_http(e, STATUS_INVALID, 422, "idempotency-mismatch",
                                      "Idempotency-Key",
                                      "This Idempotency-Key came with another request before.");
        c->is_repeat = is_found;
        return STATUS_OK;
}

static enum status remember(struct ledger_tx *tx, const struct key_mint *c, const char *caller,
                            struct error *e)
{
        return store_exec(tx->db,
                          "INSERT INTO idempotency_keys (caller, name, request_hash, key_id,"
                          " ends_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (caller, name)"
                          " DO UPDATE SET request_hash = excluded.request_hash,"
                          " key_id = excluded.key_id, ends_at = excluded.ends_at",
                          NULL, e, "stbsi", caller, c->idempotency_key,
                          span_make(c->request_hash, sizeof c->request_hash), c->id,
                          tx->now_ms + IDEMPOTENCY_MS);
}

static enum status answer_repeat(struct ledger_tx *tx, struct key_mint *c, struct error *e)
{
        wipe(c->key, sizeof c->key);
        enum status s = store_int_of(tx->db, "SELECT dies_at FROM keys WHERE id = $1",
                                     &c->ret_expires_at, e, "s", c->id);
        return s == STATUS_NOT_FOUND ? STATUS_OK
                                     : s; /* purged meanwhile: the id still says which it was */
}

/* ---- what is asked for ---- */

/* The key that mints, itself or through its session; NULL = none. */
static const char *parent_of(const struct caller *caller)
{
        if (caller->kind == CALLER_KEY)
                return caller->id;
        return caller->kind == CALLER_SESSION && caller->key_id[0] ? caller->key_id : NULL;
}

/* INT64_MAX when no key minted this one. */
static enum status parent_expiry(struct ledger_tx *tx, const struct caller *caller, int64_t *ret,
                                 struct error *e)
{
        const char *parent = parent_of(caller);
        *ret = INT64_MAX;
        if (!parent)
                return STATUS_OK;
        return store_int_of(tx->db, "SELECT expires_at FROM keys WHERE id = $1", ret, e, "s",
                            parent);
}

enum status key_expiry_decide(const struct settings *s, const struct key_expiry *x, int64_t now,
                              int64_t *ret, struct error *e)
{
        int64_t longest = s->config->keys.longest_life_ms, at;
        bool is_default = x->in_ms == 0 && x->at == 0;
        if (x->in_ms < 0 || (!x->in_ms && !is_default && x->at <= now))
                return error_set(e, STATUS_INVALID, "expiry-in-past", NULL,
                                 "The key would have expired already.");
        if (x->in_ms > longest || (!x->in_ms && x->at - now > longest))
                return error_set(e, STATUS_INVALID, "expiry-too-long", NULL,
                                 "No key lives longer than %lld seconds.",
                                 (long long)(longest / 1000));
        at = is_default ? now + x->otherwise_ms : x->in_ms ? now + x->in_ms : x->at;
        if (is_default && at > x->parent)
                at = x->parent;
        if (at > x->parent)
                return error_set(e, STATUS_INVALID, "expiry-over-parent", NULL,
                                 "A key does not outlive the key that minted it.");
        *ret = at;
        return STATUS_OK;
}

static enum status decide_expiry(struct ledger_tx *tx, const struct key_mint *c, int64_t *ret,
                                 struct error *e)
{
        const struct config *config = c->base.settings->config;
        struct key_expiry x = {.at = c->expires_at,
                               .in_ms = c->expires_in_ms,
                               .otherwise_ms = c->is_longest_default
                                                       ? config->keys.longest_life_ms
                                                       : config->keys.default_life_ms};
        TRY(parent_expiry(tx, &c->base.caller, &x.parent, e));
        return key_expiry_decide(c->base.settings, &x, tx->now_ms, ret, e);
}

static enum status check_open(struct ledger_tx *tx, struct span resource, struct error *e)
{
        struct span document = resource_document(resource);
        bool is_done = false;
        if (!document.p)
                return STATUS_OK;
        TRY(document_is_done(tx->db, document, &is_done, e));
        if (is_done)
                return error_set(e, STATUS_CONFLICT, "document-done", NULL,
                                 "Document %.*s is done: it must be reopened first.",
                                 (int)document.len, document.p);
        return STATUS_OK;
}

enum status key_bind_open(struct ledger_tx *tx, const char *key_id, struct span text, bool is_named,
                          struct error *e)
{
        struct span resource;
        TRY(resource_read(text, &resource, e));
        TRY(check_open(tx, resource, e));
        return key_bind(tx, key_id, resource, is_named, e);
}

static enum status check_fields(const struct key_mint *c, struct error *e)
{
        if (c->n_grants > GRANTS_MAX || c->n_resources > RESOURCES_MAX)
                return error_set(e, STATUS_INVALID, "too-many-grants", NULL,
                                 "A key has at most %d grants and %d resources.", GRANTS_MAX,
                                 RESOURCES_MAX);
        if (c->name.p && c->name.len)
                TRY(name_check(c->name, "/name", e));
        if (c->app.p)
                TRY(name_check(c->app, "/app", e));
        if (c->idempotency_key.p && (!c->idempotency_key.len || c->idempotency_key.len > 255))
                return error_set(e, STATUS_INVALID, "invalid-idempotency-key", "Idempotency-Key",
                                 "An Idempotency-Key has 1 to 255 characters.");
        return STATUS_OK;
}

static enum status find_user(struct ledger_tx *tx, struct key_mint *c, struct user_row *ret,
                             struct error *e)
{
        TRY(user_find(tx->db, c->user, &c->base.arena, ret, e));
        if (!ret->is_active)
                return error_set(e, STATUS_CONFLICT, "user-inactive", "/user",
                                 "The user is not active.");
        return STATUS_OK;
}

/* ---- the command ---- */

/* Each grant is a role that the user holds itself, by the same id, on no narrower a resource. */
static enum status check_within(struct ledger_tx *tx, const struct key_mint *c,
                                const struct user_row *user, struct error *e)
{
        char subject[SUBJECT_SIZE];
        subject_of("users", user->id, subject);
        for (size_t i = 0; i < c->n_grants; i++) {
                bool is_held;
                TRY(grants_hold(tx->db, subject, &c->grants[i], &is_held, e));
                if (!is_held)
                        return error_set(e, STATUS_DENIED, "role-not-held", NULL,
                                         "User %.*s does not hold role %.*s there.",
                                         (int)user->name.len, user->name.p,
                                         (int)c->grants[i].role.len, c->grants[i].role.p);
        }
        return STATUS_OK;
}

static enum status suspend(struct ledger_tx *tx, const char *id, struct error *e)
{
        TRY(store_exec(tx->db, "UPDATE keys SET state = $1 WHERE id = $2", NULL, e, "is",
                       (int64_t)KEY_SUSPENDED, id));
        return key_counted(tx, KEY_ACTIVE, KEY_SUSPENDED, e);
}

static enum status insert(struct ledger_tx *tx, struct key_mint *c, const struct user_row *user,
                          const char *caller, struct error *e)
{
        struct key_new k = {
                .id = c->id,
                .hash = c->hash,
                .pepper = c->pepper,
                .user_id = user->id,
                .app = c->app,
                .name = c->name,
                .minted_by = span_of(caller),
                .parent_key_id = span_of(parent_of(&c->base.caller)),
                .dies_at = c->ret_expires_at,
                .settings = c->base.settings,
        };
        char subject[SUBJECT_SIZE];
        subject_of("keys", span_of(c->id), subject);
        TRY(key_insert(tx, &k, e));
        TRY(grants_add(tx, subject, c->grants, c->n_grants, e));
        for (size_t i = 0; i < c->n_resources; i++)
                TRY(key_bind_open(tx, c->id, c->resources[i], true, e));
        for (size_t i = 0; i < c->n_grants; i++)
                TRY(key_bind_open(tx, c->id, c->grants[i].resource, false, e));
        if (c->upstream.p)
                TRY(upstream_insert(tx, c, e));
        return STATUS_OK;
}

static enum status key_mint_run(struct ledger_tx *tx, struct domain_command *base, struct error *e)
{
        struct key_mint *c = (struct key_mint *)base;
        char caller[CALLER_NAME_SIZE];
        struct user_row user;
        caller_name(&base->caller, caller);
        TRY(check_fields(c, e));
        if (c->idempotency_key.p)
                TRY(find_repeat(tx, c, caller, e));
        domain_target_new(base, "key", span_of(c->id));
        if (c->is_repeat)
                return answer_repeat(tx, c, e);

        TRY(find_user(tx, c, &user, e));
        TRY(decide_expiry(tx, c, &c->ret_expires_at, e));
        if (c->is_within_user)
                TRY(check_within(tx, c, &user, e));
        TRY(insert(tx, c, &user, caller, e));
        if (c->is_inactive)
                TRY(suspend(tx, c->id, e));
        if (c->idempotency_key.p)
                TRY(remember(tx, c, caller, e));
        TRY(key_event(tx, KEY_EVENT("created"), span_of(c->id), base->audit.traceparent, e));
        int64_t warn_at = key_warn_at(base->settings, c->ret_expires_at, tx->now_ms);
        base->due_ms = warn_at ? warn_at : c->ret_expires_at;
        return STATUS_OK;
}

static enum status key_mint_prepare(struct domain_command *base, struct error *e)
{
        struct key_mint *c = (struct key_mint *)base;
        return c->upstream.p ? upstream_seal(c, e) : STATUS_OK;
}

static void key_mint_fini(struct domain_command *base)
{
        struct key_mint *c = (struct key_mint *)base;
        wipe(c->key, sizeof c->key);
}

/* A command that makes a key needs settings to measure its life by. */
enum status key_command_new(struct domain *d, struct settings *s, size_t size, void *ret_command,
                            struct error *e)
{
        struct settings *current = s ? settings_ref(s) : domain_settings(d);
        enum status status = domain_command_new(d, current, size, ARENA_BYTES_MAX, ret_command, e);
        settings_unref(current);
        return status;
}

enum status key_command_make(struct domain_command *c, char key[KEY_SIZE], char id[ID_HEX24_SIZE],
                             uint8_t hash[32], uint32_t *pepper, struct error *e)
{
        id_hex24(id);
        key_make(key);
        enum status s = secrets_hash(domain_secrets(c->domain), span_of(key), 0, hash, pepper, e);
        if (s != STATUS_OK)
                domain_command_free(c);
        return s;
}

enum status key_mint_new(struct domain *d, struct settings *s, struct key_mint **ret,
                         struct error *e)
{
        struct key_mint *c;
        TRY(key_command_new(d, s, sizeof *c, &c, e));
        c->base.run = key_mint_run;
        c->base.prepare = key_mint_prepare;
        c->base.fini = key_mint_fini;
        c->base.audit.action = "key.mint";
        c->base.base.rows = 8;
        TRY(key_command_make(&c->base, c->key, c->id, c->hash, &c->pepper, e));
        *ret = c;
        return STATUS_OK;
}
