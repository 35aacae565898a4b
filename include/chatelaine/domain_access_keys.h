/*
 * domain_access_keys: the keys by which service clients prove who they are to Authress's API and
 * sign tokens of their own.
 *
 *     access_keys   (client, kid) ─▶ public key            what verifies
 *     keys          id, user = the client, state, dates    what lives and ends
 *
 * An access key is a key like any other in all but what is checked: its row of keys has its life.
 * So it expires, warns, is suspended, succeeded, revoked by selector, by a document that is done,
 * with its client, is told of by the same events, counted, listed at /v1/keys (user = client id,
 * name = kid) and purged by the same code. What it may is what its client may; a key without an
 * expiry asked for has the longest life that the configuration allows.
 *
 * Bound to documents: by `resources`, and by those that its client holds something on, itself or by
 * a group, when the key is made: when one of them is done, the key ends, as an API key does that
 * has a grant there. A statement that the client itself gets later binds the keys that live then
 * (access_keys_bind_in). A client that holds something on more than ACCESS_KEY_DOCUMENTS_MAX is a
 * service, not a document's: then its rights bind no key.
 *
 * Only the public half is stored. The pair is made here, and the text shown once; or the public key
 * is brought, and nobody but its owner ever has the other half.
 */
#ifndef CHATELAINE_DOMAIN_ACCESS_KEYS_H
#define CHATELAINE_DOMAIN_ACCESS_KEYS_H

#include <chatelaine/codec_access_key.h>
#include <chatelaine/domain_clients.h>
#include <chatelaine/domain_keys.h>

#define ACCESS_KEY_DOCUMENTS_MAX 100
#define ACCESS_KEYS_MAX 5 /* active ones of a client; one in its grace does not count */

struct access_key {
        struct client_row client;
        char id[ID_HEX24_SIZE]; /* of keys */
        char kid[ACCESS_KID_SIZE];
        uint8_t public_key[ED25519_SIZE];
        int64_t dies_at;
};

/* Is this row of keys an access key's? */
bool key_is_access(const struct key_row *k);

/* The live key `kid` of that client. NOT_FOUND "access-key-not-found" without telling why: unknown,
 * ended or suspended by its row and the clock, or the client is gone. */
enum status access_key_find(struct store_conn *db, struct span client_id, struct span kid,
                            int64_t now_ms, struct arena *a, struct access_key *ret,
                            struct error *e) MUST_CHECK;
/* The client as CALLER_CLIENT that came with this key. */
enum status access_key_principal(struct store_conn *db, const struct access_key *k, struct arena *a,
                                 struct principal *ret, struct error *e) MUST_CHECK;

/* `[{"keyId", "clientId", "generationDate"}]` of a client's live keys, oldest first: Authress's
 * verificationKeys, without public keys, which its Python SDK cannot read. */
enum status access_keys_write(struct store_conn *db, struct span client_id, int64_t now_ms,
                              struct buf *out, struct error *e) MUST_CHECK;
/* A JWK Set of a client's live keys; `kid` (absent = all) alone. NOT_FOUND "client-not-found". */
enum status access_keys_jwks(struct store_conn *db, struct span client_id, struct span kid,
                             int64_t now_ms, struct buf *out, struct error *e) MUST_CHECK;

/* ---- commands ---- */
struct access_key_create {
        struct domain_command base;
        struct span client_id;
        struct span public_key; /* as access_public_read takes it; absent: a pair is made */
        struct span *resources; /* bound to, besides what the client's statements name */
        size_t n_resources;
        int64_t expires_at, expires_in_ms; /* 0: the longest life */
        struct span replaces; /* kid of the key that this one follows: same bindings, never past its
                                 expiry; absent = none */
        int64_t grace_ms;     /* of the one replaced; -1: the configuration's */
        /* filled by access_key_create_new */
        char kid[ACCESS_KID_SIZE], id[ID_HEX24_SIZE];
        /* filled by prepare */
        uint8_t seed[ED25519_SIZE], public_bytes[ED25519_SIZE], hash[32];
        uint32_t pepper;
        bool has_seed;
        /* result */
        int64_t ret_created_at, ret_expires_at;
};
/*
 * prepare: INVALID "invalid-public-key". run: NOT_FOUND "client-not-found",
 * "access-key-not-found" (replaces); 422 "access-key-limit"; CONFLICT "document-done",
 * "key-rotated", "key-suspended"; INVALID "expiry-too-long", "expiry-in-past",
 * "invalid-resource", "too-many-grants".
 */
enum status access_key_create_new(struct domain *d, struct settings *s,
                                  struct access_key_create **ret, struct error *e) MUST_CHECK;
/* The whole text of a key that was made here, to be shown once after the commit; nothing for one
 * that was brought. Use buf_fini_secret. */
void access_key_create_text(const struct access_key_create *c, struct buf *out);

/* Revokes one, with what hangs from it. NOT_FOUND "access-key-not-found", also when it has ended.
 */
struct access_key_delete {
        struct domain_command base;
        struct span client_id, kid;
};
enum status access_key_delete_new(struct domain *d, struct settings *s,
                                  struct access_key_delete **ret, struct error *e) MUST_CHECK;

/* ---- inside a transaction ---- */
/* `subject` got a statement on `resource`: where it is a client and that names a document, its live
 * keys are bound to it from now on. */
enum status access_keys_bind_in(struct ledger_tx *tx, struct span subject, struct span resource,
                                struct error *e) MUST_CHECK;
/* Its keys row is purged. */
enum status access_key_forget(struct ledger_tx *tx, const char *key_id, struct error *e) MUST_CHECK;

#endif
