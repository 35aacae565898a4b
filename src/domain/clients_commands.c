/* Service clients: made, given a new secret, deleted. */
#include "domain/clients.h"
#include "domain/names.h"

#include <chatelaine/codec_text.h>
#include <chatelaine/domain_keys.h>
#include <chatelaine/domain_sessions.h>
#include <stdio.h>

#define ARENA_BYTES_MAX ((size_t)1 << 20)
#define REDIRECT_MAX 1024

/* 20 of 36 characters, each of even chance: 103 bits. */
static void make_id(char out[CLIENT_ID_SIZE])
{
        size_t n = (size_t)snprintf(out, CLIENT_ID_SIZE, CLIENT_PREFIX);
        base36_random(out + n, CLIENT_ID_SIZE - 1 - n);
        out[CLIENT_ID_SIZE - 1] = '\0';
}

static enum status make_secret(struct domain *d, char secret[KEY_SIZE], uint8_t hash[32],
                               uint32_t *pepper, struct error *e)
{
        token_make(CLIENT_SECRET_PREFIX, secret);
        return secrets_hash(domain_secrets(d), span_of(secret), 0, hash, pepper, e);
}

/* ---- create ---- */

/* With a host behind `scheme`, and nobody's password. */
static bool is_web(struct span uri, const char *scheme)
{
        size_t n = strlen(scheme);
        if (!span_starts(uri, scheme) || uri.len == n || strchr("/?:", uri.p[n]))
                return false;
        for (; n < uri.len && !strchr("/?", uri.p[n]); n++)
                if (uri.p[n] == '@')
                        return false;
        return true;
}

/* RFC 6749 3.1.2: an absolute URI without fragment; and nothing that ends a header or a list. */
static enum status check_redirect(struct span uri, struct error *e)
{
        struct span rest, scheme = span_split(uri, ':', &rest);
        bool is_good = rest.p && scheme.len > 1 && uri.len <= REDIRECT_MAX &&
                       (is_web(uri, "https://") || is_web(uri, "http://") ||
                        memchr(scheme.p, '.', scheme.len)); /* private-use schemes: RFC 8252 7.1 */
        for (size_t i = 0; is_good && i < uri.len; i++) {
                unsigned char c = (unsigned char)uri.p[i];
                is_good = c > 0x20 && c < 0x7f && !strchr("#,\"<>\\^`{|}", c);
        }
        if (is_good)
                return STATUS_OK;
        return error_set(e, STATUS_INVALID, "invalid-redirect-uri", "/redirect_uris",
                         "A redirect URI is absolute (https://..., http://..., or a scheme with a "
                         "dot), without fragment and without comma.");
}

static enum status add_redirects(struct ledger_tx *tx, const struct client_create *c,
                                 struct error *e)
{
        if (c->n_redirect_uris > CLIENT_REDIRECTS_MAX)
                return error_set(e, STATUS_INVALID, "too-many-redirect-uris", "/redirect_uris",
                                 "A client has at most %d redirect URIs.", CLIENT_REDIRECTS_MAX);
        for (size_t i = 0; i < c->n_redirect_uris; i++) {
                TRY(check_redirect(c->redirect_uris[i], e));
                TRY(store_exec(tx->db,
                               "INSERT INTO client_redirects (client_id, uri) VALUES ($1, $2)"
                               " ON CONFLICT (client_id, uri) DO NOTHING",
                               NULL, e, "st", c->id, c->redirect_uris[i]));
        }
        return STATUS_OK;
}

/* Whoever claims a resource has it in full. */
static enum status make_owner(struct ledger_tx *tx, const char *id, const char *subject,
                              struct error *e)
{
        char resource[SUBJECT_SIZE];
        int n = snprintf(resource, sizeof resource, "Authress:ServiceClients/%s", id);
        struct grant owner = {.role = SPAN("Authress:Owner"),
                              .resource = span_make(resource, (size_t)n)};
        return grants_add(tx, subject, &owner, 1, e);
}

static enum status client_create_prepare(struct domain_command *base, struct error *e)
{
        return client_profile_check(&((struct client_create *)base)->profile, e);
}

static enum status client_create_run(struct ledger_tx *tx, struct domain_command *base,
                                     struct error *e)
{
        struct client_create *c = (struct client_create *)base;
        char subject[SUBJECT_SIZE], caller[CALLER_NAME_SIZE];
        domain_target_new(base, "client", span_of(c->id));
        caller_name(&base->caller, caller);
        if (c->name.p)
                TRY(name_check(c->name, "/name", e));
        TRY(store_exec(tx->db,
                       "INSERT INTO clients (id, name, hash, pepper, created_by, created_at,"
                       " updated_at) VALUES ($1, $2, $3, $4, $5, $6, $6)",
                       NULL, e, "stbisi", c->id, c->name.p ? c->name : SPAN(""),
                       span_make(c->hash, sizeof c->hash), (int64_t)c->pepper, caller, tx->now_ms));
        TRY(client_profile_set(tx, span_of(c->id), &c->profile, e));
        TRY(add_redirects(tx, c, e));
        if (c->is_claim)
                TRY(make_owner(tx, c->id, caller, e));
        subject_of("clients", span_of(c->id), subject);
        return grants_add(tx, subject, c->grants, c->n_grants, e);
}

static void client_create_fini(struct domain_command *base)
{
        struct client_create *c = (struct client_create *)base;
        wipe(c->secret, sizeof c->secret);
}

enum status client_create_new(struct domain *d, struct settings *s, struct client_create **ret,
                              struct error *e)
{
        struct client_create *c;
        TRY(domain_command_new(d, s, sizeof *c, ARENA_BYTES_MAX, &c, e));
        c->base.prepare = client_create_prepare;
        c->base.run = client_create_run;
        c->base.fini = client_create_fini;
        c->base.audit.action = "client.create";
        make_id(c->id);
        enum status status = make_secret(d, c->secret, c->hash, &c->pepper, e);
        if (status != STATUS_OK) {
                domain_command_free(&c->base);
                return status;
        }
        *ret = c;
        return STATUS_OK;
}

/* ---- a new secret ---- */

static enum status client_key_run(struct ledger_tx *tx, struct domain_command *base,
                                  struct error *e)
{
        struct client_key *c = (struct client_key *)base;
        struct session_selector sessions = {.client = c->id};
        struct client_row row;
        domain_target(base, "client", c->id);
        TRY(client_get(tx->db, c->id, &base->arena, &row, e));
        TRY(store_exec(tx->db,
                       "UPDATE clients SET hash = $1, pepper = $2, updated_at = $3 WHERE id = $4",
                       NULL, e, "biit", span_make(c->hash, sizeof c->hash), (int64_t)c->pepper,
                       tx->now_ms, c->id));
        return sessions_end_in(tx, &sessions, SESSION_REASON_CLIENT_ENDED, base->audit.traceparent,
                               NULL, e);
}

static void client_key_fini(struct domain_command *base)
{
        struct client_key *c = (struct client_key *)base;
        wipe(c->secret, sizeof c->secret);
}

enum status client_key_new(struct domain *d, struct settings *s, struct client_key **ret,
                           struct error *e)
{
        struct client_key *c;
        TRY(domain_command_new(d, s, sizeof *c, ARENA_BYTES_MAX, &c, e));
        c->base.run = client_key_run;
        c->base.fini = client_key_fini;
        c->base.audit.action = "client.key";
        enum status status = make_secret(d, c->secret, c->hash, &c->pepper, e);
        if (status != STATUS_OK) {
                domain_command_free(&c->base);
                return status;
        }
        *ret = c;
        return STATUS_OK;
}

/* ---- delete ---- */

static enum status client_delete_run(struct ledger_tx *tx, struct domain_command *base,
                                     struct error *e)
{
        struct client_delete *c = (struct client_delete *)base;
        struct session_selector sessions = {.client = c->id};
        struct key_selector own = {.user = c->id};
        int64_t access_keys = 0;
        char subject[SUBJECT_SIZE];
        struct client_row row;
        domain_target(base, "client", c->id);
        TRY(client_get(tx->db, c->id, &base->arena, &row, e));
        subject_of("clients", c->id, subject);
        TRY(keys_revoke_minted_in(tx, span_of(subject), KEY_REASON_CLIENT_DELETED,
                                  base->audit.traceparent, &c->revoked, e));
        TRY(keys_revoke_in(tx, &own, KEY_REASON_CLIENT_DELETED, base->audit.traceparent,
                           &access_keys, e));
        c->revoked += access_keys;
        TRY(sessions_end_in(tx, &sessions, SESSION_REASON_CLIENT_ENDED, base->audit.traceparent,
                            NULL, e));
        TRY(grants_remove_subject(tx, subject, e));
        TRY(store_exec(tx->db, "DELETE FROM client_redirects WHERE client_id = $1", NULL, e, "t",
                       c->id));
        base->audit.count = c->revoked;
        return store_exec(tx->db, "DELETE FROM clients WHERE id = $1", NULL, e, "t", c->id);
}

enum status client_delete_new(struct domain *d, struct settings *s, struct client_delete **ret,
                              struct error *e)
{
        struct client_delete *c;
        TRY(domain_command_new(d, s, sizeof *c, ARENA_BYTES_MAX, &c, e));
        c->base.run = client_delete_run;
        c->base.audit.action = "client.delete";
        c->base.base.is_revocation = true;
        *ret = c;
        return STATUS_OK;
}
