/* The writer's memory of the journal's head. */
#ifndef CHATELAINE_JOURNAL_HEAD_H
#define CHATELAINE_JOURNAL_HEAD_H

#include "journal/chain.h"

struct journal {
        /*
         * seq: the last row's. chain and digest: the heads of the two chains. checkpoint_seq: what
         * the last checkpoint covers; covered_seq: the row of its event, or where nothing but
         * checkpoints follows: with seq there, there is nothing new to sign.
         */
        struct journal_mark head;
        const struct secrets *secrets;
        size_t event_bytes_max;
        struct sha256 sha; /* chain_hash's, chain_digest's */
        struct buf body;   /* scratch of append: an audit row's canonical data */
};

/* Append a row that is no link of the chain and not in the digest: a checkpoint's event. */
enum status journal_append_checkpoint(struct journal *j, struct store_conn *db,
                                      const struct checkpoint *c, struct span data,
                                      struct error *e) MUST_CHECK;

#endif
