/*
 * publish: journal to Kafka, in order, at least once, under stable event ids.
 *
 *     committed ─▶ read rows after the mark ─▶ produce (opaque = seq)
 *                                             │ delivery report OK: confirmed
 *     mark = end of the unbroken confirmed prefix, saved by a ledger command
 *     a failed message: stop, purge, resume at mark + 1
 *     a fatal error:   a new producer, resume at mark + 1
 *     a topic is gone: when nothing is under way, a new producer, which makes it again
 *
 * Thread: one of its own. With brokers = "none" nothing is produced and the marks
 * follow the head; "embedded" runs librdkafka's mock cluster in this process.
 */
#ifndef CHATELAINE_PUBLISH_H
#define CHATELAINE_PUBLISH_H

#include <chatelaine/base_config.h>
#include <chatelaine/ledger.h>

struct publisher;
/* Check kafka properties and make the producer; does not wait for a broker. INVALID names the
 * property. */
enum status publish_start(const struct config *c, struct store *s, struct ledger *l,
                          struct publisher **ret, struct error *e) MUST_CHECK;
/* The largest event that message.max.bytes lets through (1,000,000 unless the properties say
 * otherwise). */
enum status publish_event_bytes_max(const struct config *c, size_t *ret,
                                    struct error *e) MUST_CHECK;
void publish_wake(struct publisher *p); /* any thread: there are new rows */
/* Publish rows from..through again under their old ids, in order; waits for the delivery reports.
 * Any thread but a loop. */
enum status publish_again(struct publisher *p, int64_t from, int64_t through, int64_t *ret_count,
                          struct error *e) MUST_CHECK;
/* Lowest mark: what the purge may not pass. */
int64_t publish_mark(const struct publisher *p);
/* Flush at most `ms`, save the marks, join. A publish_again that waits, or comes later, is LIMIT
 * (503, "draining"). */
void publish_stop(struct publisher *p, int ms);
/* After publish_stop, when nobody can call any more. */
void publish_free(struct publisher *p);

/* The version of librdkafka. */
const char *publish_library(void);

#endif
