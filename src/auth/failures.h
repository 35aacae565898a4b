/*
 * failures: wrong passwords, counted by user name and by address for a minute.
 * A fixed table: at its bound the oldest count of a slot's set makes room.
 * Thread-safe.
 */
#ifndef CHATELAINE_AUTH_FAILURES_H
#define CHATELAINE_AUTH_FAILURES_H

#include <chatelaine/base_buf.h>

struct failures;
enum status failures_new(struct failures **ret, struct error *e) MUST_CHECK;
void failures_free(struct failures *f);
/* LIMIT (429) "too-many-failures" with retry_after_ms: 10 for a name, 30 for an address, a minute.
 */
enum status failures_allow(struct failures *f, struct span name, const char *ip,
                           struct error *e) MUST_CHECK;
void failures_count(struct failures *f, struct span name, const char *ip);
/* After a right password: the name's and the address's counts are dropped. */
void failures_forgive(struct failures *f, struct span name, const char *ip);

#endif
