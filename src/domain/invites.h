/* Invites, inside. */
#ifndef DOMAIN_INVITES_H
#define DOMAIN_INVITES_H

#include "domain/access.h"
#include "domain/records.h"

#include <chatelaine/domain_invites.h>

/* Who made it, as rows say it: "keys/ID", "users/ID", "clients/ID", "unix". */
void invite_maker(const struct caller *c, char out[ACCESS_SUBJECT_SIZE]);
/* The record that an invite gives, for nobody yet when both are absent. */
enum status invite_record(struct span statements, struct span user_id, struct span admin_id,
                          struct arena *a, struct record *ret, struct error *e) MUST_CHECK;
/* NOT_FOUND "invite-not-found": it is over, or was used. */
enum status invite_remove_in(struct ledger_tx *tx, struct span id, struct error *e) MUST_CHECK;

#endif
