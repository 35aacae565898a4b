/* Access keys as rows: found, turned into principals, published. */
#include "domain/clients.h"
#include "domain/keys.h"

#include <chatelaine/codec_json.h>
#include <chatelaine/codec_jwt.h>
#include <chatelaine/domain_access_keys.h>

#include <stdio.h>

#define LIVE "k.state < 2 AND k.dies_at > "

bool key_is_access(const struct key_row *k)
{
        return client_id_is(k->user_id); /* users' ids are 24 hex */
}

static enum status not_found(struct error *e)
{
        return error_set(e, STATUS_NOT_FOUND, "access-key-not-found", NULL,
                         "There is no such access key.");
}

static bool read_row(struct store_stmt *st, struct arena *a, struct access_key *ret)
{
        struct access_key k = {.dies_at = store_int(st, CLIENT_N_COLUMNS + 3)};
        struct span id = store_text(st, CLIENT_N_COLUMNS),
                    kid = store_text(st, CLIENT_N_COLUMNS + 1),
                    bytes = store_blob(st, CLIENT_N_COLUMNS + 2);
        if (bytes.len != sizeof k.public_key || !client_row_read(st, a, &k.client))
                return false;
        memcpy(k.public_key, bytes.p, sizeof k.public_key);
        snprintf(k.id, sizeof k.id, "%.*s", (int)id.len, id.p);
        snprintf(k.kid, sizeof k.kid, "%.*s", (int)kid.len, kid.p);
        *ret = k;
        return true;
}

enum status access_key_find(struct store_conn *db, struct span client_id, struct span kid,
                            int64_t now_ms, struct arena *a, struct access_key *ret,
                            struct error *e)
{
        struct store_stmt *st;
        struct access_key row;
        TRY(store_query(
                db,
                "SELECT " CLIENT_COLUMNS_OF(
                        "c.") ", k.id, a.kid, a.public_key, k.dies_at FROM access_keys a"
                              " JOIN keys k ON k.id = a.key_id JOIN clients c ON c.id = a.client_id"
                              " WHERE a.client_id = $1 AND a.kid = $2 AND " LIVE "$3",
                &st, e, "tti", client_id, kid, now_ms));
        bool is_found = store_next(st), has_all = is_found && read_row(st, a, &row);
        TRY(store_done(st, e));
        if (!is_found)
                return not_found(e);
        if (!has_all)
                return error_no_memory(e);
        *ret = row;
        return STATUS_OK;
}

enum status access_key_principal(struct store_conn *db, const struct access_key *k, struct arena *a,
                                 struct principal *ret, struct error *e)
{
        TRY(client_principal(db, &k->client, a, ret, e));
        snprintf(ret->caller.key_id, sizeof ret->caller.key_id, "%s", k->id);
        return STATUS_OK;
}

/* ---- written ---- */

enum status access_keys_write(struct store_conn *db, struct span client_id, int64_t now_ms,
                              struct buf *out, struct error *e)
{
        struct store_stmt *st;
        TRY(store_query(db,
                        "SELECT a.kid, k.created_at FROM access_keys a JOIN keys k"
                        " ON k.id = a.key_id WHERE a.client_id = $1 AND " LIVE "$2"
                        " ORDER BY k.created_at, a.kid",
                        &st, e, "ti", client_id, now_ms));
        json_arr_open(out);
        while (store_next(st)) {
                json_obj_open(out);
                json_member_text(out, "keyId", store_text(st, 0));
                json_member_text(out, "clientId", client_id);
                json_member_time(out, "generationDate", store_int(st, 1));
                json_obj_close(out);
        }
        json_arr_close(out);
        TRY(store_done(st, e));
        return buf_check(out, e);
}

static enum status write_jwk(struct store_stmt *st, struct buf *out, struct error *e)
{
        struct buf CLEANUP(buf_fini) jwk;
        struct pkey *CLEANUP(pkey_freep) key = NULL;
        char kid[ACCESS_KID_SIZE];
        struct span name = store_text(st, 0), bytes = store_blob(st, 1);
        buf_init(&jwk, 1024);
        snprintf(kid, sizeof kid, "%.*s", (int)name.len, name.p);
        TRY(pkey_from_public((const uint8_t *)bytes.p, &key, e));
        TRY(jwk_write(key, kid, &jwk, e));
        json_raw(out, buf_view(&jwk));
        return STATUS_OK;
}

enum status access_keys_jwks(struct store_conn *db, struct span client_id, struct span kid,
                             int64_t now_ms, struct buf *out, struct error *e)
{
        struct store_stmt *st;
        enum status s = STATUS_OK;
        int64_t n = 0;
        TRY(store_int_of(db, "SELECT count(*) FROM clients WHERE id = $1", &n, e, "t", client_id));
        if (!n)
                return client_not_found(e);
        TRY(store_query(db,
                        "SELECT a.kid, a.public_key FROM access_keys a JOIN keys k"
                        " ON k.id = a.key_id WHERE a.client_id = $1 AND " LIVE "$2"
                        " AND (cast($3 as text) IS NULL OR a.kid = $3) ORDER BY a.kid",
                        &st, e, "tit", client_id, now_ms, kid));
        json_obj_open(out);
        json_key(out, "keys");
        json_arr_open(out);
        while (s == STATUS_OK && store_next(st))
                s = write_jwk(st, out, e);
        enum status done = store_done(st, s == STATUS_OK ? e : NULL);
        if (s != STATUS_OK || done != STATUS_OK)
                return s != STATUS_OK ? s : done;
        json_arr_close(out);
        json_obj_close(out);
        return buf_check(out, e);
}

/* ---- inside a transaction ---- */

enum status access_key_forget(struct ledger_tx *tx, const char *key_id, struct error *e)
{
        return store_exec(tx->db, "DELETE FROM access_keys WHERE key_id = $1", NULL, e, "s",
                          key_id);
}

enum status access_keys_bind_in(struct ledger_tx *tx, struct span subject, struct span resource,
                                struct error *e)
{
        struct span client_id, kind = span_split(subject, '/', &client_id);
        struct span document = resource_document(resource);
        if (!span_is(kind, "clients") || !document.p)
                return STATUS_OK;
        return store_exec(tx->db,
                          "INSERT INTO key_resources (key_id, resource, document_id, is_named)"
                          " SELECT k.id, $1, $2, 0 FROM keys k"
                          " WHERE k.user_id = $3 AND k.state < 3 AND k.dies_at > $4"
                          " AND (SELECT count(*) FROM key_resources r WHERE r.key_id = k.id"
                          " AND r.is_named = 0) < $5"
                          " ON CONFLICT (key_id, resource) DO NOTHING",
                          NULL, e, "tttii", resource, document, client_id, tx->now_ms,
                          (int64_t)ACCESS_KEY_DOCUMENTS_MAX);
}
