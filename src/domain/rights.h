/* A question to what somebody holds, listed or in rows. */
#ifndef DOMAIN_RIGHTS_H
#define DOMAIN_RIGHTS_H

#include "domain/holdings.h"

#define ABILITY_ANY (ABILITY_ALLOW | ABILITY_GRANT | ABILITY_DELEGATE)

struct question {
        struct span action;
        unsigned abilities;    /* one of them is enough */
        struct span resource;  /* absent: anywhere */
        struct span own_inbox; /* of resource_home */
        bool is_exact;         /* only by a statement on that very resource */
};
enum status rights_answer(struct store_conn *db, const struct rights *rights,
                          const struct question *q, bool *ret, struct error *e) MUST_CHECK;
enum status principal_answer(const struct principal *p, const struct question *q, bool *ret,
                             struct error *e) MUST_CHECK;
/* grants_may_give as records have it: only who holds `grant` or `delegate` gives what is allowed,
 * only who holds `delegate` gives those two. */
enum status grants_may_give_by_record(const struct principal *p, struct span role,
                                      struct span resource, struct error *e) MUST_CHECK;
/* The same for an action with its abilities on `*`. DENIED "may-not-give". */
enum status grants_may_give_everywhere(const struct principal *p, const struct right *right,
                                       struct error *e) MUST_CHECK;

#endif
