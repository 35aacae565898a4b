#include "schedule/alarm.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum status alarm_init(struct alarm *a, struct error *e)
{
        a->timer = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
        a->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (a->timer >= 0 && a->bell >= 0)
                return STATUS_OK;
        enum status s = error_set(e, STATUS_INTERNAL, "no-timer", NULL,
                                  "The scheduler has no timer: %s.", strerrordesc_np(errno));
        alarm_fini(a);
        return s;
}

void alarm_fini(struct alarm *a)
{
        if (a->timer >= 0)
                close(a->timer);
        if (a->bell >= 0)
                close(a->bell);
        a->timer = a->bell = -1;
}

void alarm_ring(struct alarm *a)
{
        /* Full is as good as rung. */
        eventfd_write(a->bell, 1);
}

static void drain(int fd)
{
        uint64_t n;
        while (read(fd, &n, sizeof n) > 0)
                ;
}

void alarm_sleep(struct alarm *a, int64_t until_ms, int64_t within_ms)
{
        struct itimerspec at = {0}; /* zero disarms */
        if (until_ms != INT64_MAX) {
                int64_t ms = until_ms > 1 ? until_ms : 1;
                at.it_value.tv_sec = ms / 1000;
                at.it_value.tv_nsec = ms % 1000 * 1000000;
        }
        timerfd_settime(a->timer, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &at, NULL);
        struct pollfd fds[] = {{.fd = a->timer, .events = POLLIN},
                               {.fd = a->bell, .events = POLLIN}};
        int timeout = within_ms < 0                  ? 0
                      : within_ms > ALARM_LONGEST_MS ? ALARM_LONGEST_MS
                                                     : (int)within_ms;
        poll(fds, 2, timeout);
        /* How often, or that the clock was set (ECANCELED), is all the same: the store is asked
         * again. */
        drain(a->timer);
        drain(a->bell);
}
