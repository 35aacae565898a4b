/* notify: what systemd is told and gives (sd_notify(3), sd_listen_fds(3)). The only use of
 * libsystemd. */
#ifndef CHATELAINE_APP_NOTIFY_H
#define CHATELAINE_APP_NOTIFY_H

#include <stdint.h>

void notify_ready(void);
void notify_reloading(int64_t mono_us);
void notify_stopping(void);
void notify_alive(void);
/* Half of the watchdog's interval in ms, how often notify_alive is due; 0 = nobody watches. */
int64_t notify_interval_ms(void);
/* Sockets 3.. handed over; their names (FileDescriptorName=), freed with free() each and whole. 0 =
 * none. */
int notify_sockets(char ***ret_names);

#endif
