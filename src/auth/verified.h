/*
 * verified: credentials of service clients whose cryptography has held before, so that a client
 * that sends the same token with each request does not cost an Ed25519 operation (125 us) each.
 *
 *     HMAC under a key of this process (the whole text) ─▶ whose key it held for, and until when
 *
 * It answers only "this text was signed by that public key": whether client and key live, and
 * whether the key is still that one, is asked of the rows at each use. What was judged under other
 * settings (issuer, account) is judged again. Direct-mapped and bounded; of one loop, no lock.
 */
#ifndef CHATELAINE_AUTH_VERIFIED_H
#define CHATELAINE_AUTH_VERIFIED_H

#include <chatelaine/domain_access_keys.h>

struct verified_entry {
        char client_id[CLIENT_ID_SIZE], kid[ACCESS_KID_SIZE];
        uint8_t public_key[ED25519_SIZE];
        int64_t not_before_ms, ends_at; /* of the token; a key's text: always */
};

struct verified;
enum status verified_new(struct verified **ret, struct error *e) MUST_CHECK;
void verified_free(struct verified *v);
/* NULL: never, or it made room for another, or under other settings. Good until the next call. */
const struct verified_entry *verified_find(struct verified *v, struct span text,
                                           const struct settings *now);
void verified_add(struct verified *v, struct span text, struct settings *now,
                  const struct verified_entry *entry);

#endif
