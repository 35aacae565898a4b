/* backoff: how long to wait after the n-th failure in a row (n from 0): doubling, with jitter. */
#ifndef OUTBOUND_BACKOFF_H
#define OUTBOUND_BACKOFF_H

#include <stdint.h>

#define BACKOFF_FIRST_MS 1000
#define BACKOFF_LAST_MS (15 * 60 * 1000)
#define RETRY_AFTER_MAX_S 3600

/* At least half of the step, at most all of it; no less than the other side asked for. */
int64_t backoff_ms(int64_t failures, int64_t retry_after_s);

#endif
