/* Questions about anyone, as the room's other files ask them. */
#ifndef DOMAIN_ACCESS_H
#define DOMAIN_ACCESS_H

#include "domain/holdings.h"

#include <chatelaine/domain_access.h>

/* An action in any case, in lower case in the arena. */
enum status access_action(struct span text, struct arena *a, struct span *ret,
                          struct error *e) MUST_CHECK;
/* holdings_each of a subject that is live, of a resource as it was sent. */
enum status access_each(struct store_conn *db, const char *subject, struct span resource,
                        bool (*row)(void *ctx, const struct holding *h), void *ctx,
                        struct error *e) MUST_CHECK;

/* The subject of a caller who is all of it; DENIED "forbidden". */
enum status access_whole_subject(const struct principal *p, char out[ACCESS_SUBJECT_SIZE],
                                 struct error *e) MUST_CHECK;

#endif
