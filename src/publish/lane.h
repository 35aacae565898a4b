/*
 * lane: one topic's way through the journal.
 *
 *        mark             next                head of the journal
 *     ─────┤ in flight ... ├─────── unread ──────┤
 *          └ first: the oldest row that Kafka has not confirmed
 *
 * Rows are produced in order and confirmed in any; the mark is the end of the
 * unbroken prefix of confirmed rows. When a message fails, the lane drains: nothing
 * more is produced until every message has been reported, then it resumes at mark + 1.
 *
 *     flowing ──a message failed──▶ draining ──all reported──▶ waiting ──retry_at──▶ flowing
 *
 * After a failure of its own (not a purge that another lane needed) one message alone
 * tries the way; its success opens it again.
 *
 * Thread: the publisher's.
 */
#ifndef CHATELAINE_PUBLISH_LANE_H
#define CHATELAINE_PUBLISH_LANE_H

#include <chatelaine/journal.h>

struct in_flight {
        int64_t seq, time_ms;
        uint32_t bytes;
        bool is_confirmed;
};

struct lane {
        enum topic topic;
        int64_t next;
        struct in_flight *ring; /* cap is a power of 2 */
        size_t first, n, cap;
        size_t bytes;       /* of the ring's messages that are not confirmed */
        size_t outstanding; /* messages whose report has not come, of before a failure too */
        bool is_draining, is_trying;
        unsigned backoff_ms;
        int64_t retry_at_mono_ms;
        int64_t waiting_since_ms; /* time of the oldest row seen and not confirmed; 0 = none */
};

void lane_init(struct lane *l, enum topic topic, int64_t mark);
void lane_fini(struct lane *l);

int64_t lane_mark(const struct lane *l);
/* May rows be produced now? */
bool lane_is_open(const struct lane *l, int64_t mono_ms);
/* The row was handed to librdkafka. NO_MEMORY: it must not be. */
enum status lane_reserve(struct lane *l, struct error *e) MUST_CHECK; /* before */
void lane_produced(struct lane *l, int64_t seq, int64_t time_ms, uint32_t bytes);
/* All rows up to `seq` have been read, and none more was this topic's. */
void lane_read_through(struct lane *l, int64_t seq);
/* The delivery report of `seq`. */
void lane_confirmed(struct lane *l, int64_t seq);
/* Its failure; is_purged: our own purge, which costs no wait. True: the lane has just begun to
 * drain. */
bool lane_failed(struct lane *l, bool is_purged, int64_t mono_ms);
/* librdkafka would not even take a message; nothing new is outstanding. */
void lane_refused(struct lane *l, int64_t mono_ms);
/* All messages are gone with their producer. */
void lane_abandon(struct lane *l);

#endif
