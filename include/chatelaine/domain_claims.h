/*
 * domain_claims: somebody takes a resource that is nobody's.
 *
 * Whoever asks first for COLLECTION/ID, where COLLECTION is marked CLAIM
 * (domain_resource_config.h), becomes its owner by a record that is made for it. It is nobody's
 * when no statement names it or anything beneath it (what lies above does not count), and no row of
 * ours is it: a user, a document. Authress:... is this server's own: what is there is made by its
 * own calls. A client is, for one who may claim beneath Authress:ServiceClients (claim_may).
 *
 * Who may: users and clients themselves, by no key and by no narrowed session.
 */
#ifndef CHATELAINE_DOMAIN_CLAIMS_H
#define CHATELAINE_DOMAIN_CLAIMS_H

#include <chatelaine/domain_records.h>

#define CLAIM_ID_MAX 128

struct claim {
        struct span collection; /* a resource in any spelling, without "*" */
        struct span id;         /* one segment of the resource that is claimed, without "*" */
};
/*
 * The record's command: audit claim.create. INVALID "invalid-resource"; DENIED "forbidden",
 * "not-claimable"; also run: CONFLICT "already-claimed", DENIED "not-claimable".
 */
enum status claim_new(const struct principal *p, struct domain *d, struct settings *s,
                      const struct claim *claim, struct record_create **ret,
                      struct error *e) MUST_CHECK;

/* Is `collection` marked CLAIM, and the caller all of itself? DENIED "forbidden", "not-claimable".
 */
enum status claim_may(const struct principal *p, struct span collection,
                      struct error *e) MUST_CHECK;

#endif
