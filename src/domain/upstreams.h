/* upstreams, inside: what happens to a key's token elsewhere when something happens to the key. */
#ifndef DOMAIN_UPSTREAMS_H
#define DOMAIN_UPSTREAMS_H

#include <chatelaine/domain_keys.h>
#include <chatelaine/domain_upstreams.h>

/* Before the transaction: the upstream is there, the token is one; sealed, in the command's arena.
 */
enum status upstream_seal(struct key_mint *c, struct error *e) MUST_CHECK;

/* On the ledger's thread. */
enum status upstream_insert(struct ledger_tx *tx, const struct key_mint *c,
                            struct error *e) MUST_CHECK;
/* The key has ended: what was none is pending. */
enum status upstream_begin(struct ledger_tx *tx, struct span key_id, struct error *e) MUST_CHECK;
/* The successor has it from now on. */
enum status upstream_hand_on(struct ledger_tx *tx, struct span from, const char *to,
                             struct error *e) MUST_CHECK;
/* The key's row is purged. */
enum status upstream_forget(struct ledger_tx *tx, const char *key_id, struct error *e) MUST_CHECK;

/* "upstream": {name, state, reason} or null. */
enum status upstream_write(struct store_conn *db, struct span key_id, struct buf *out,
                           struct error *e) MUST_CHECK;

#endif
