/*
 * codec_secrets: the secrets that live outside the database.
 *
 * One file, one `name.N base64` (or `name.N = base64`) a line, `#` comments:
 *
 *     pepper.1 = 32 bytes      keyed hash of API keys and tokens
 *     seal.1 = 32 bytes        AES-256-GCM of what must be read again
 *     checkpoint.1 = 32 bytes  Ed25519 seed, signs the audit chain
 *     token.1 = 32 bytes       Ed25519 seed, signs access tokens
 *
 * Of each name the highest N makes new things, every N still verifies; rows
 * carry their N. At least one of each must be there.
 *
 * Thread: any thread may read a struct secrets, also while one thread reloads
 *         it: versions are only ever added, and what was borrowed stays good
 *         until secrets_free.
 * Errors: NOT_FOUND "secret-file-missing"; DENIED "secret-file-mode" (group or
 *         others may read it, unless it lies under $CREDENTIALS_DIRECTORY);
 *         INVALID "secret-file-invalid" with where = "file:line"; CONFLICT
 *         "secret-file-exists"; INTERNAL "secret-file-io".
 */
#ifndef CHATELAINE_CODEC_SECRETS_H
#define CHATELAINE_CODEC_SECRETS_H

#include <chatelaine/codec_crypto.h>

struct secrets;
enum secret_kind { SECRET_PEPPER, SECRET_SEAL, SECRET_CHECKPOINT, SECRET_TOKEN, SECRET_KINDS };
#define SECRET_VERSIONS_MAX 64 /* of one kind in one file */

enum status secrets_load(const char *path, struct secrets **ret, struct error *e) MUST_CHECK;
/*
 * What the file has got since (secrets_rotate). CONFLICT "secret-version-lost" when it lacks a
 * version that is in use, or has another value for it: nothing changes then. One thread at a time.
 */
enum status secrets_reload(struct secrets *s, const char *path, struct error *e) MUST_CHECK;
/* Version 1 of each kind in a new file, mode 0600, fsynced. */
enum status secrets_create(const char *path, struct error *e) MUST_CHECK;
/*
 * Adds a new pepper, seal and token version; the file is replaced whole (write,
 * fsync, rename, fsync of the directory). LIMIT "secret-file-full".
 */
enum status secrets_rotate(const char *path, struct error *e) MUST_CHECK;
void secrets_free(struct secrets *s); /* wipes */

/* Versions of a kind, newest first, into out (room for SECRET_VERSIONS_MAX); returns how many. */
size_t secrets_versions(const struct secrets *s, enum secret_kind kind,
                        uint32_t out[SECRET_VERSIONS_MAX]);

/*
 * HMAC-SHA-256 of an API key or token under pepper.`version`; 0 = the newest.
 * ret_version may be NULL. NOT_FOUND "secret-version-unknown" for a version
 * that the file does not have.
 */
enum status secrets_hash(const struct secrets *s, struct span key, uint32_t version,
                         uint8_t out[32], uint32_t *ret_version, struct error *e) MUST_CHECK;

/*
 * Append what belongs into column `column` of row `row_id` of `table`: 4 bytes
 * seal version (big end first), nonce, ciphertext, tag. Bound to that place:
 * opened elsewhere it is "seal-broken".
 */
enum status secrets_seal(const struct secrets *s, const char *table, const char *column,
                         struct span row_id, struct span plain, struct buf *out,
                         struct error *e) MUST_CHECK;
/* INVALID "seal-broken", NOT_FOUND "secret-version-unknown". Use buf_fini_secret on `out`. */
enum status secrets_open(const struct secrets *s, const char *table, const char *column,
                         struct span row_id, struct span sealed, struct buf *out,
                         struct error *e) MUST_CHECK;

/*
 * SECRET_CHECKPOINT or SECRET_TOKEN; 0 = the newest; borrowed; NULL when there
 * is none. ret_version may be NULL.
 */
const struct pkey *secrets_pkey(const struct secrets *s, enum secret_kind kind, uint32_t version,
                                uint32_t *ret_version);
/* Sign with the newest checkpoint key. */
enum status secrets_checkpoint_sign(const struct secrets *s, struct span message,
                                    uint8_t out[ED25519_SIGNATURE_SIZE], uint32_t *ret_version,
                                    struct error *e) MUST_CHECK;

#endif
