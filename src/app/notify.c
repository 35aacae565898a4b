#include "app/notify.h"

#include <inttypes.h>
#include <systemd/sd-daemon.h>

void notify_ready(void)
{
        sd_notify(0, "READY=1");
}

void notify_reloading(int64_t mono_us)
{
        sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRId64, mono_us);
}

void notify_stopping(void)
{
        sd_notify(0, "STOPPING=1");
}

void notify_alive(void)
{
        sd_notify(0, "WATCHDOG=1");
}

int64_t notify_interval_ms(void)
{
        uint64_t us = 0;

        return sd_watchdog_enabled(0, &us) > 0 ? (int64_t)(us / 2000) : 0;
}

int notify_sockets(char ***ret_names)
{
        int n = sd_listen_fds_with_names(1, ret_names);

        return n > 0 ? n : 0;
}
