/* Access keys come to be, follow each other, and end on demand. */
#include "domain/clients.h"
#include "domain/keys.h"
#include "domain/names.h"

#include <chatelaine/domain_access_keys.h>

#include <stdio.h>

#define ARENA_BYTES_MAX ((size_t)1 << 20)
#define RESOURCES_MAX 100

/* The keys row that a client's kid names, whatever its state. */
static enum status find_row(struct ledger_tx *tx, struct span client_id, struct span kid,
                            struct arena *a, struct key_row *ret, struct error *e)
{
        struct store_stmt *st;
        struct span id = SPAN_NONE;
        TRY(store_query(tx->db, "SELECT key_id FROM access_keys WHERE client_id = $1 AND kid = $2",
                        &st, e, "tt", client_id, kid));
        if (store_next(st))
                id = arena_span(a, store_text(st, 0));
        TRY(store_done(st, e));
        if (id.p)
                TRY(key_get(tx->db, id, tx->now_ms, a, ret, e));
        if (!id.p || ret->state >= KEY_EXPIRED)
                return error_set(e, STATUS_NOT_FOUND, "access-key-not-found", NULL,
                                 "There is no such access key.");
        return STATUS_OK;
}

/* ---- make ---- */

static enum status make_pair(struct access_key_create *c, struct error *e)
{
        struct pkey *CLEANUP(pkey_freep) pair = NULL;
        TRY(pkey_generate(&pair, e));
        TRY(pkey_public(pair, c->public_bytes, e));
        TRY(pkey_seed(pair, c->seed, e));
        c->has_seed = true;
        return STATUS_OK;
}

/* keys.hash is another key's for no two rows; nothing is ever found by it. */
static enum status make_hash(struct access_key_create *c, struct error *e)
{
        char name[128];
        int n = snprintf(name, sizeof name, "%.*s.%s.%s", (int)c->client_id.len, c->client_id.p,
                         c->kid, c->id);
        return secrets_hash(domain_secrets(c->base.domain), span_make(name, (size_t)n), 0, c->hash,
                            &c->pepper, e);
}

static enum status create_prepare(struct domain_command *base, struct error *e)
{
        struct access_key_create *c = (struct access_key_create *)base;
        if (!client_id_is(c->client_id))
                return client_not_found(e);
        TRY(c->public_key.p ? access_public_read(c->public_key, c->public_bytes, e)
                            : make_pair(c, e));
        return make_hash(c, e);
}

static enum status check_limit(struct ledger_tx *tx, const struct access_key_create *c,
                               struct error *e)
{
        int64_t n = 0;
        TRY(store_int_of(tx->db,
                         "SELECT count(*) FROM access_keys a JOIN keys k ON k.id = a.key_id"
                         " WHERE a.client_id = $1 AND k.state IN (0, 2) AND k.dies_at > $2",
                         &n, e, "ti", c->client_id, tx->now_ms));
        if (n >= ACCESS_KEYS_MAX && !c->replaces.p)
                return error_set_http(e, STATUS_INVALID, 422, "access-key-limit", NULL,
                                      "A client has at most %d active access keys: delete one.",
                                      ACCESS_KEYS_MAX);
        return STATUS_OK;
}

/*
 * By what the client holds, itself and by its groups, on documents. One that holds more than
 * ACCESS_KEY_DOCUMENTS_MAX is a service, not a document's: none of them binds its keys.
 */
static enum status bind_as_client(struct ledger_tx *tx, struct access_key_create *c,
                                  struct error *e)
{
        struct span held[ACCESS_KEY_DOCUMENTS_MAX + 1];
        char subject[SUBJECT_SIZE];
        struct store_stmt *st;
        size_t n = 0;
        subject_of("clients", c->client_id, subject);
        TRY(store_query(tx->db,
                        "SELECT DISTINCT s.resource FROM statements s WHERE (s.subject = $1"
                        " OR s.subject IN (SELECT group_subject FROM group_members"
                        " WHERE subject = $1)) AND s.stem >= 'documents/' AND s.stem < 'documents0'"
                        " LIMIT $2",
                        &st, e, "si", subject, (int64_t)(sizeof held / sizeof *held)));
        while (n < sizeof held / sizeof *held && store_next(st)) {
                held[n] = arena_span(&c->base.arena, store_text(st, 0));
                if (!held[n++].p)
                        break;
        }
        TRY(store_done(st, e));
        if (n && !held[n - 1].p)
                return error_no_memory(e);
        for (size_t i = 0; i < n && n <= ACCESS_KEY_DOCUMENTS_MAX; i++)
                TRY(key_bind(tx, c->id, held[i], false, e));
        return STATUS_OK;
}

static enum status insert_new(struct ledger_tx *tx, struct access_key_create *c, struct error *e)
{
        const struct settings *settings = c->base.settings;
        struct key_expiry x = {.at = c->expires_at,
                               .in_ms = c->expires_in_ms,
                               .otherwise_ms = settings->config->keys.longest_life_ms,
                               .parent = INT64_MAX};
        char caller[CALLER_NAME_SIZE];
        caller_name(&c->base.caller, caller);
        TRY(key_expiry_decide(settings, &x, tx->now_ms, &c->ret_expires_at, e));
        struct key_new k = {.id = c->id,
                            .hash = c->hash,
                            .pepper = c->pepper,
                            .user_id = c->client_id,
                            .name = span_of(c->kid),
                            .minted_by = span_of(caller),
                            .dies_at = c->ret_expires_at,
                            .settings = settings};
        TRY(key_insert(tx, &k, e));
        for (size_t i = 0; i < c->n_resources; i++)
                TRY(key_bind_open(tx, c->id, c->resources[i], true, e));
        TRY(bind_as_client(tx, c, e));
        TRY(key_event(tx, KEY_EVENT("created"), span_of(c->id), c->base.audit.traceparent, e));
        int64_t warn_at = key_warn_at(settings, c->ret_expires_at, tx->now_ms);
        c->base.due_ms = warn_at ? warn_at : c->ret_expires_at;
        return STATUS_OK;
}

static enum status insert_successor(struct ledger_tx *tx, struct access_key_create *c,
                                    struct error *e)
{
        struct key_row old;
        struct key_new k = {.id = c->id,
                            .hash = c->hash,
                            .pepper = c->pepper,
                            .name = span_of(c->kid),
                            .settings = c->base.settings};
        if (c->n_resources || c->expires_at || c->expires_in_ms)
                return error_set(e, STATUS_INVALID, "invalid-field", "/replaces",
                                 "A key that follows another has its resources and expiry.");
        TRY(find_row(tx, c->client_id, c->replaces, &c->base.arena, &old, e));
        c->base.audit.action = "key.rotate";
        TRY(key_succeed(tx, &c->base, &k, &old, c->grace_ms, &c->base.due_ms, e));
        c->ret_expires_at = old.expires_at;
        return STATUS_OK;
}

static enum status create_run(struct ledger_tx *tx, struct domain_command *base, struct error *e)
{
        struct access_key_create *c = (struct access_key_create *)base;
        struct client_row client;
        int64_t n = 0;
        domain_target(base, "key", span_of(c->id));
        TRY(client_get(tx->db, c->client_id, &base->arena, &client, e));
        if (c->n_resources > RESOURCES_MAX)
                return error_set(e, STATUS_INVALID, "too-many-grants", "/resources",
                                 "A key has at most %d resources.", RESOURCES_MAX);
        TRY(check_limit(tx, c, e));
        TRY(store_exec(tx->db,
                       "INSERT INTO access_keys (client_id, kid, key_id, public_key)"
                       " VALUES ($1, $2, $3, $4) ON CONFLICT (client_id, kid) DO NOTHING",
                       &n, e, "tssb", c->client_id, c->kid, c->id,
                       span_make(c->public_bytes, sizeof c->public_bytes)));
        if (!n) /* one in two thousand million */
                return error_set(e, STATUS_RETRY, "try-again", NULL, "Try again.");
        TRY(c->replaces.p ? insert_successor(tx, c, e) : insert_new(tx, c, e));
        c->ret_created_at = tx->now_ms;
        return STATUS_OK;
}

static void create_fini(struct domain_command *base)
{
        struct access_key_create *c = (struct access_key_create *)base;
        wipe(c->seed, sizeof c->seed);
}

enum status access_key_create_new(struct domain *d, struct settings *s,
                                  struct access_key_create **ret, struct error *e)
{
        struct access_key_create *c;
        TRY(key_command_new(d, s, sizeof *c, &c, e));
        c->base.prepare = create_prepare;
        c->base.run = create_run;
        c->base.fini = create_fini;
        c->base.audit.action = "key.mint";
        c->base.base.rows = 8;
        c->grace_ms = -1;
        id_hex24(c->id);
        access_kid_make(c->kid);
        *ret = c;
        return STATUS_OK;
}

void access_key_create_text(const struct access_key_create *c, struct buf *out)
{
        struct access_key_text k = {.client_id = c->client_id,
                                    .kid = span_of(c->kid),
                                    .account_id = span_of(c->base.settings->config->account_id)};
        if (!c->has_seed)
                return;
        memcpy(k.seed, c->seed, sizeof k.seed);
        access_key_write(&k, out);
        wipe(k.seed, sizeof k.seed);
}

/* ---- end ---- */

static enum status delete_run(struct ledger_tx *tx, struct domain_command *base, struct error *e)
{
        struct access_key_delete *c = (struct access_key_delete *)base;
        struct key_row row;
        struct span ids[1];
        int64_t revoked;
        domain_target(base, "client", c->client_id);
        TRY(find_row(tx, c->client_id, c->kid, &base->arena, &row, e));
        domain_target(base, "key", row.id);
        ids[0] = row.id;
        struct key_selector one = {.ids = ids, .n_ids = 1, .is_by_id_strict = true};
        TRY(keys_revoke_in(tx, &one, KEY_REASON_REVOKED, base->audit.traceparent, &revoked, e));
        base->audit.count = revoked;
        return STATUS_OK;
}

enum status access_key_delete_new(struct domain *d, struct settings *s,
                                  struct access_key_delete **ret, struct error *e)
{
        struct access_key_delete *c;
        TRY(domain_command_new(d, s, sizeof *c, 16384, &c, e));
        c->base.run = delete_run;
        c->base.audit.action = "key.revoke";
        c->base.base.is_revocation = true;
        *ret = c;
        return STATUS_OK;
}
