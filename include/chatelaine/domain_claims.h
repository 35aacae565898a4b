/*
 * domain_claims: somebody takes a resource that is nobody's.
 *
 * Whoever asks first for COLLECTION/ID, where COLLECTION is marked CLAIM
 * (domain_resource_config.h), becomes its owner by a record that is made for it. It is nobody's
 * when no statement names it, or anything beneath it; what lies above does not count.
 *
 * Who may: users and clients themselves themselves: neither by a key nor by a narrowed session.
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

#endif
