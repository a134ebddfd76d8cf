/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The clock that all programs of a network namespace read: the pinned map "clock". */
#ifndef HOPSPAN_CLOCK_H
#define HOPSPAN_CLOCK_H

#include <stdint.h>

/* Sets how far it is off, and what the kernel's TAI lacks; made where there is none. 0 or -errno. */
int clock_set(const char *folder, int64_t offset_ns);

/* 0 where there is no clock. */
int64_t clock_offset_ns(const char *folder);

#endif
