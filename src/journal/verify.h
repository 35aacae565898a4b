/*
 * verify: the walk over the journal that recomputes both chains.
 *
 *     start: a checkpoint's end, row 1, or the oldest row that the purge left
 *       │
 *       ▼   each row: no gap; its link; the digest        each checkpoint's end: signature,
 *     row ─▶ row ─▶ row ─▶ ... ─▶ row = checkpoint.seq ─▶ both heads equal what was signed
 *                                  │
 *                                  └▶ its event follows and says the same
 *
 * Rows are read in slices, not in one transaction: a walk of minutes would stop the WAL from being
 * recycled. Where the purge overtakes the walk, it starts anew at the oldest row.
 */
#ifndef CHATELAINE_JOURNAL_VERIFY_H
#define CHATELAINE_JOURNAL_VERIFY_H

#include "journal/chain.h"

#define VERIFY_KEYS_MAX 16

/* Who may have signed: by number from the secrets, or any of the keys that the auditor kept. */
struct signers {
        const struct secrets *secrets;
        struct pkey *keys[VERIFY_KEYS_MAX];
        size_t n_keys;
};

/* CONFLICT "audit-broken" at row `seq`. */
enum status verify_broken(int64_t seq, const char *what, struct error *e);
/* The key that signed it; NULL when none did. */
const struct pkey *signers_verify(const struct signers *s, const struct checkpoint *c);
enum status verify_walk(struct store_conn *db, const struct signers *signers, int64_t from,
                        struct journal_verdict *ret, struct error *e) MUST_CHECK;

/*
 * The first checkpoint with seq >= `from`, as *ret, with the seq of the one before it; *ret_found
 * false when there is none. CONFLICT "audit-broken" when its row cannot be one.
 */
enum status checkpoint_find(struct store_conn *db, int64_t from, struct checkpoint *ret,
                            bool *ret_found, struct error *e) MUST_CHECK;

#endif
