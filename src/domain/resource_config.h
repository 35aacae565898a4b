/* What holds for everybody, as the room's other files ask it. */
#ifndef DOMAIN_RESOURCE_CONFIG_H
#define DOMAIN_RESOURCE_CONFIG_H

#include "domain/holdings.h"

#include <chatelaine/domain_resource_config.h>

/* The holdings of everybody that reach `resource`, as holdings_each. */
enum status public_each(struct store_conn *db, struct span resource, struct span own_inbox,
                        bool (*row)(void *ctx, const struct holding *h), void *ctx,
                        struct error *e) MUST_CHECK;

#endif
