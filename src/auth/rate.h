/*
 * rate: how many requests and items an app may send a second: a token bucket
 * each, as large as a second's worth. A request is let in while its buckets are
 * above zero and may take them below: a batch larger than a second's worth is
 * paid off before the next. Bounded; thread-safe.
 */
#ifndef CHATELAINE_AUTH_RATE_H
#define CHATELAINE_AUTH_RATE_H

#include <chatelaine/base_buf.h>

struct rates;
enum status rates_new(struct rates **ret, struct error *e) MUST_CHECK;
void rates_free(struct rates *r);

#endif
