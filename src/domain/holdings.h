/*
 * What a subject holds, asked of the rows question by question: nothing here grows with the number
 * of statements that the subject has elsewhere.
 */
#ifndef DOMAIN_HOLDINGS_H
#define DOMAIN_HOLDINGS_H

#include "domain/resources.h"

#include <chatelaine/domain_grants.h>

/* One action of one statement that reaches the resource asked for; of a role that is gone, or that
 * holds nothing, the action "" with no ability. */
struct holding {
        struct right right;
        struct span role;      /* its id; absent: a permission alone */
        struct span record_id; /* absent: given directly, or not asked for */
        int64_t position;      /* the record's statement, from 0; -1 without record */
        struct span group_id;  /* absent: named itself */
        bool is_public;        /* everybody's (resource_config.h) */
};

/*
 * All holdings of the subject and of its groups that reach the resource, those on the nearest
 * ancestor first. false from `row` ends early; what it gets lives for its call, and it asks nothing
 * here itself.
 */
struct lookup {
        const char *subject;
        struct span resource, own_inbox; /* own_inbox: of resource_home */
        bool has_source;                 /* with record_id and position: what a reason needs */
        bool *is_ended; /* set when the subject is a user of ours who is deactivated: then it holds
                           nothing, and no row is given; NULL: that is not asked */
};
enum status holdings_each(struct store_conn *db, const struct lookup *q,
                          bool (*row)(void *ctx, const struct holding *h), void *ctx,
                          struct error *e) MUST_CHECK;

/* Is the action held anywhere, with one of the abilities? */
enum status holdings_anywhere(struct store_conn *db, const char *subject, struct span action,
                              unsigned abilities, bool *ret, struct error *e) MUST_CHECK;

/* The inbox of the document that `resource` names; absent: no document, or one without row. */
enum status resource_home(struct store_conn *db, struct span resource, struct arena *a,
                          struct span *ret, struct error *e) MUST_CHECK;

/* Does `held`, or what it stands for here, imply `asked`? */
bool action_means(struct span held, struct span asked);
/* The same of a holding: what is PUBLIC is for whatever reads. */
bool holding_means(const struct holding *h, struct span asked);

#endif
