/* Other issuers' keys, as the check of a token sees them. */
#ifndef DOMAIN_TRUST_H
#define DOMAIN_TRUST_H

#include "domain/domain.h"

#include <chatelaine/domain_trust.h>
#include <stdatomic.h>

/* Counted: unref it. NULL: none was fetched yet. */
struct trust_keys *trust_keys_of(struct domain *d, const struct trust_source *s);
/*
 * Those that may have signed a token with this header, borrowed from k. *ret_is_known: one has the
 * kid that the header names, whatever its alg.
 */
size_t trust_keys_fit(const struct trust_keys *k, const struct json *header, int64_t now_ms,
                      struct jwt_key ret[TRUST_TRIES_MAX], bool *ret_is_known);
/* They should be fetched again. */
void trust_keys_want(struct domain *d, struct trust_keys *k);

#endif
