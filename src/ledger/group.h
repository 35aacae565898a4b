/*
 * group: the commands of one transaction, applied and committed.
 *
 * Thread: the ledger's.
 */
#ifndef CHATELAINE_LEDGER_GROUP_H
#define CHATELAINE_LEDGER_GROUP_H

#include <chatelaine/ledger.h>

struct group {
        struct command *first, *last;
        unsigned n;
        int64_t rows;
        uint64_t number;
        int64_t began_us, head; /* the journal's, behind it */
        bool is_open;
        bool is_repeatable; /* each of its commands */
        struct journal_mark before;
};

/*
 *     group_begin, (group_add, group_apply)..., group_commit
 *
 * After a failure: group_fail, group_undo. Each command's status and error are set in either case;
 * done is not called.
 */
enum status group_begin(struct ledger_tx *tx, struct group *g, struct error *e) MUST_CHECK;
/* The list is the group's, whatever becomes of it; NULL is taken. */
void group_add(struct group *g, struct command *first);
/* Run the list, which was added last. */
enum status group_apply(struct ledger_tx *tx, struct group *g, struct command *first,
                        struct error *e) MUST_CHECK;
enum status group_commit(struct ledger_tx *tx, struct group *g, struct error *e) MUST_CHECK;
/* The same result for all of them. */
void group_fail(const struct group *g, enum status s, const struct error *e);
/* Nothing was done, and the group is empty. */
void group_undo(struct ledger_tx *tx, struct group *g);
/* Hand each command back to where it came from. They are not the ledger's any more. */
void group_complete(struct command *first);
/* A change that changes nothing: can the database be written again? */
enum status group_probe(struct ledger_tx *tx, struct error *e) MUST_CHECK;

#endif
