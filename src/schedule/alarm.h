/*
 * alarm: sleep until a wall time, a wake-up, or a step of the clock.
 *
 * The timer is absolute on CLOCK_REALTIME and is cancelled when that clock is set, so that a step
 * forward wakes at once and a step back does not wake too early. Time that is bent where the
 * kernel does not see it (a virtualised clock) is noticed at ALARM_LONGEST_MS.
 *
 * Thread: alarm_ring from any, the rest from one.
 */
#ifndef SCHEDULE_ALARM_H
#define SCHEDULE_ALARM_H

#include <chatelaine/base_status.h>

#define ALARM_LONGEST_MS 5000

struct alarm {
        int timer, bell;
};
enum status alarm_init(struct alarm *a, struct error *e) MUST_CHECK;
void alarm_fini(struct alarm *a);
/* At the latest `within_ms` from now, whatever the wall clock does. */
void alarm_sleep(struct alarm *a, int64_t until_ms, int64_t within_ms);
void alarm_ring(struct alarm *a);

#endif
