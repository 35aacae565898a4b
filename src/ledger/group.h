/*
 * group: the commands of one transaction, run and committed.
 *
 * Thread: the ledger's.
 */
#ifndef CHATELAINE_LEDGER_GROUP_H
#define CHATELAINE_LEDGER_GROUP_H

#include <chatelaine/ledger.h>

/*
 * Run the list in one transaction. OK when it is committed; each command's status
 * and error are set in either case, done is not called.
 */
enum status group_run(struct ledger_tx *tx, struct command *first, struct error *e) MUST_CHECK;
/* Hand each command back to where it came from. They are not the ledger's any more. */
void group_complete(struct command *first);
/* A commit that changes nothing: can the database be written again? */
enum status group_probe(struct ledger_tx *tx, struct error *e) MUST_CHECK;

#endif
