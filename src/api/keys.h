/*
 * keys: what the endpoints of keys share.
 *
 * Rights on one key are held on keys/K, on users/U (its user), or on a resource
 * that it is bound to (domain_keys key_may). A key that the caller may not see
 * (keys:read) is answered as one that does not exist.
 */
#ifndef API_KEYS_H
#define API_KEYS_H

#include "api/call.h"

#include <chatelaine/domain_keys.h>
#include <chatelaine/domain_users.h>

/* The key {id} of the path, on which the caller holds `permission`. NOT_FOUND, DENIED. */
enum status keys_one(struct call *c, const char *permission, struct key_row *ret,
                     struct error *e) MUST_CHECK;
/* The same for an id from elsewhere. */
enum status keys_by_id(struct call *c, struct span id, const char *permission, struct key_row *ret,
                       struct error *e) MUST_CHECK;

#endif
