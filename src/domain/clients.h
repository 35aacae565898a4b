/* Service clients, inside. */
#ifndef DOMAIN_CLIENTS_H
#define DOMAIN_CLIENTS_H

#include "domain/users.h"

#include <chatelaine/domain_clients.h>

/* For client_row_read, the first columns of a query; false: no memory. */
#define CLIENT_COLUMNS_OF(c)                                                                   \
        c "id, " c "name, " c "created_by, " c "created_at, " c "updated_at, " c "options, " c \
          "tags, " c "rate_duration, " c "rate_quota"
#define CLIENT_COLUMNS CLIENT_COLUMNS_OF("")
#define CLIENT_N_COLUMNS 9
bool client_row_read(struct store_stmt *st, struct arena *a, struct client_row *ret);

enum status client_not_found(struct error *e); /* "client-not-found" */

/* INVALID "invalid-name", "invalid-tags", "invalid-rate-limit". */
enum status client_profile_check(const struct client_profile *p, struct error *e) MUST_CHECK;
/* Set what the profile says. */
enum status client_profile_set(struct ledger_tx *tx, struct span id, const struct client_profile *p,
                               struct error *e) MUST_CHECK;

#endif
