/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What systemd is told of a service (sd_notify(3): datagrams to $NOTIFY_SOCKET). Without systemd nothing happens.
 */
#ifndef HOPSPAN_NOTIFY_H
#define HOPSPAN_NOTIFY_H

/* "READY=1", "STOPPING=1", "WATCHDOG=1", "STATUS=..."; several in lines. */
void notify_send(const char *state);

/* How often "WATCHDOG=1" is due, at the latest: half of $WATCHDOG_USEC; 0: nobody waits for it. */
unsigned long notify_watchdog_ms(void);

#endif
