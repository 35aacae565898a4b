/*
 * client_rows: one loop's copies of the rows behind the access keys that call it: the key's public
 * half and its end, its client, the client's rights.
 *
 *     (client, kid) ─▶ of which generation, until when, the principal
 *
 * A copy serves while domain_generation is what it was before the rows were read: then a query
 * would find the same. Dates are the asker's to look at, each time. Nothing is kept of a key that
 * was not found, so that only who has a key takes a place.
 *
 * Limits: 128 keys, direct-mapped; 32 KiB each, what is larger is not kept.
 * Thread: the loop's own.
 */
#ifndef CHATELAINE_AUTH_CLIENT_ROWS_H
#define CHATELAINE_AUTH_CLIENT_ROWS_H

#include <chatelaine/domain_access_keys.h>

struct client_rows;
enum status client_rows_new(struct client_rows **ret, struct error *e) MUST_CHECK;
void client_rows_free(struct client_rows *r);

struct client_rows_entry {
        uint64_t generation; /* read before the rows */
        char client_id[CLIENT_ID_SIZE], kid[ACCESS_KID_SIZE];
        uint8_t public_key[ED25519_SIZE];
        int64_t dies_at;
        struct principal principal;
};
/* NULL: look it up, and keep it. Good until the next call. */
const struct client_rows_entry *client_rows_recall(const struct client_rows *r,
                                                   const char *client_id, const char *kid,
                                                   uint64_t generation);
void client_rows_keep(struct client_rows *r, uint64_t generation, const struct access_key *key,
                      const struct principal *p);

#endif
