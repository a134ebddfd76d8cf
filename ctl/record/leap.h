/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * TAI and UTC, in one place. IOAM's PTP stamps count from the TAI epoch, spans from the Unix epoch.
 */
#ifndef HOPSPAN_LEAP_H
#define HOPSPAN_LEAP_H

#include <stdint.h>

/*
 * TAI - UTC in seconds at `unix_s`, from tzdata's leap-seconds.list ($HOPSPAN_LEAP_SECONDS names another file); 37
 * where there is none.
 */
int leap_seconds(int64_t unix_s);

/*
 * What must be added to the kernel's CLOCK_TAI to make it TAI, in ns: 0 once a time daemon has set the kernel's
 * offset, else the leap seconds.
 */
int64_t leap_missing_ns(void);

#endif
