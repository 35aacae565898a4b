/*
 * client_rate: the rate limit of service clients: so many requests in any window of a length,
 * counted as in the window before, by how much of it still lies within one length, and this one.
 * In memory: a restart forgets what was sent. Bounded; thread-safe.
 */
#ifndef CHATELAINE_AUTH_CLIENT_RATE_H
#define CHATELAINE_AUTH_CLIENT_RATE_H

#include <chatelaine/domain_clients.h>

struct client_rates;
enum status client_rates_new(struct client_rates **ret, struct error *e) MUST_CHECK;
void client_rates_free(struct client_rates *r);
/* One request more; a client without a limit costs nothing. LIMIT (429) "client-rate" with
 * retry_after. */
enum status client_rates_take(struct client_rates *r, const struct client_row *c,
                              struct error *e) MUST_CHECK;

#endif
