/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * TAI from the CPU's time stamp counter: one counter read per burst instead of a system clock per packet.
 *
 * The counter's rate is measured against CLOCK_MONOTONIC all the time (DPDK's own figure is rounded), its zero is taken
 * anew from CLOCK_TAI ten times a second, so a slewed or stepped system clock is followed.
 */
#ifndef HOPSPAN_DPDK_CLOCK_H
#define HOPSPAN_DPDK_CLOCK_H

#include <rte_cycles.h>
#include <stdbool.h>
#include <stdint.h>

/* The counter at a moment of one of the system's clocks. */
struct clock_pair {
	uint64_t ticks;
	int64_t ns;
};

struct clock {
	struct clock_pair tai;	/* where the counter stood at which TAI */
	struct clock_pair rate; /* where the measurement of the rate began: CLOCK_MONOTONIC */
	int64_t missing_ns;	/* what the kernel's CLOCK_TAI lacks to TAI */
	int64_t offset_ns;	/* how far this node's clock is to be off */
	int64_t unix_to_tai_ns; /* what the kernel's CLOCK_REALTIME lacks to TAI: whole seconds */
	uint64_t ns_per_tick;	/* times 2^32 */
	uint64_t next_ticks;	/* when clock_adjust() is due */
};

/* Takes some ms. */
void clock_start(struct clock *clock);

/* To be called ten times a second. */
void clock_adjust(struct clock *clock);

static inline bool clock_is_due(const struct clock *clock, uint64_t ticks)
{
	return (int64_t)(ticks - clock->next_ticks) >= 0;
}

static inline uint64_t clock_ns(const struct clock *clock, uint64_t ticks)
{
	return (uint64_t)((unsigned __int128)ticks * clock->ns_per_tick >> 32);
}

/* TAI in ns since its epoch; `ticks` may lie some time before the last adjustment. */
static inline int64_t clock_tai_ns(const struct clock *clock, uint64_t ticks)
{
	int64_t since = (int64_t)(ticks - clock->tai.ticks);

	return since < 0 ? clock->tai.ns - (int64_t)clock_ns(clock, (uint64_t)-since)
			 : clock->tai.ns + (int64_t)clock_ns(clock, (uint64_t)since);
}

#endif
