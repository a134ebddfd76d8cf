/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * TAI from a counter that runs by itself: the CPU's time stamp counter, so that time costs one counter read per burst
 * instead of a system clock per packet, or the clock of a device that stamps what it receives.
 *
 * A thread of its own compares each counter with the system's clocks a hundred times a second, and at once when one is
 * set; all others read what it found last, without a lock. How far a reading may be off is part of what was found:
 *
 *	error_ns ^        .'|        .'|        .'     grows by the counter's rate as far as that is not known,
 *	         |     .'   |     .'   |     .'        and by what the system's clock may be slewed meanwhile
 *	         |  .'      |  .'      |  .'           half as wide as the reading of the two clocks was
 *	         +----------+----------+--------> ticks
 *
 * The bound holds against the system's clock as it was when last looked at: what that is set by is seen as soon as the
 * thread has run, and counted as a step.
 */
#ifndef HOPSPAN_DPDK_CLOCK_H
#define HOPSPAN_DPDK_CLOCK_H

#include <rte_branch_prediction.h>
#include <rte_cycles.h>
#include <stdbool.h>
#include <stdint.h>

/* A counter beside TAI, at one moment, and how both go on. ns_per_tick and error_per_tick are ns times 2^32. */
struct clock_scale {
	uint64_t ticks;
	int64_t tai_ns;
	uint64_t ns_per_tick;
	uint64_t error_ns, error_per_tick;
	int64_t unix_to_tai_ns; /* what CLOCK_REALTIME lacks to TAI: whole seconds, and the node's offset */
};

/* The counter at a moment of one of the system's clocks, somewhere within `width` ticks around. */
struct clock_pair {
	uint64_t ticks, width;
	int64_t ns;
};

/* The counter's rate against CLOCK_MONOTONIC, which nobody sets. */
struct clock_rate {
	struct clock_pair from, half, last; /* where the measurement began; the next may begin; the last one */
	uint64_t ns_per_tick;		    /* times 2^32 */
	uint64_t error_ppb;
	uint64_t refused; /* what a rate that cannot be was: the same twice is one */
};

/* Reads a counter; false: not now. */
typedef bool clock_counter(uint16_t port, uint64_t *ticks);

struct clock {
	/* Readers have scales[turn % 2] while the thread writes the other. */
	struct clock_scale scales[2];
	uint64_t ns_per_tick; /* the same, for durations */
	uint32_t turn;
	/* The thread's own; others may read the numbers, each by itself. */
	struct clock_rate rate __rte_cache_aligned;
	clock_counter *counter;
	uint16_t port;
	int64_t missing_ns;    /* what the kernel's CLOCK_TAI lacks to TAI */
	int64_t shift_ns;      /* that, and how far this node's clock is to be off, in the scale that holds */
	uint64_t found_ns;     /* how far readings were off when it was last looked at */
	uint64_t found_max_ns; /* ever, but for steps */
	uint64_t steps;	       /* times that this was more than the bound: the system's clock was set */
};

/* The time stamp counter's clock, and the thread. Takes some ms. 0 or -errno, which was not printed. */
int clock_start(struct clock *clock, int64_t offset_ns);

/* A further counter; 0 if it was added before. -ENOTSUP: it cannot be read, or does not run. */
int clock_add(struct clock *clock, clock_counter *counter, uint16_t port);

/* False: the kernel has found that the CPUs' counters differ or stop, so no bound is sure. */
bool clock_counter_is_trusted(void);

/* Ends the thread. */
void clock_stop(void);

/* How far all clocks are to be off from now on, or in a hundredth of a second. */
void clock_offset_set(int64_t offset_ns);

/* As a whole, whatever the thread does meanwhile; again only if it came round twice since. */
static inline struct clock_scale clock_scale(const struct clock *clock)
{
	struct clock_scale scale;
	uint32_t turn;

	do {
		turn = __atomic_load_n(&clock->turn, __ATOMIC_ACQUIRE);
		scale = clock->scales[turn % 2];
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while (unlikely(turn != __atomic_load_n(&clock->turn, __ATOMIC_RELAXED)));
	return scale;
}

static inline uint64_t ticks_ns(uint64_t ticks, uint64_t ns_per_tick)
{
	return (uint64_t)((unsigned __int128)ticks * ns_per_tick >> 32);
}

/* The same, and quicker where `ticks` are few: 2^30 of a counter of 250 MHz or more fit in 64 bits. */
static inline uint64_t ticks_ns_soon(uint64_t ticks, uint64_t ns_per_tick)
{
	return likely(!((ticks >> 30) | (ns_per_tick >> 34))) ? ticks * ns_per_tick >> 32
							      : ticks_ns(ticks, ns_per_tick);
}

/* TAI in ns since its epoch; `ticks` may lie some time before the scale's own. */
static inline int64_t scale_tai_ns(const struct clock_scale *scale, uint64_t ticks)
{
	int64_t since = (int64_t)(ticks - scale->ticks);

	return since < 0 ? scale->tai_ns - (int64_t)ticks_ns((uint64_t)-since, scale->ns_per_tick)
			 : scale->tai_ns + (int64_t)ticks_ns((uint64_t)since, scale->ns_per_tick);
}

/* By how much that may be off at most. */
static inline uint64_t scale_error_ns(const struct clock_scale *scale, uint64_t ticks)
{
	int64_t since = (int64_t)(ticks - scale->ticks);

	return scale->error_ns + ticks_ns((uint64_t)(since < 0 ? -since : since), scale->error_per_tick) + 1;
}

static inline int64_t clock_tai_ns(const struct clock *clock, uint64_t ticks)
{
	struct clock_scale scale = clock_scale(clock);

	return scale_tai_ns(&scale, ticks);
}

static inline uint64_t clock_error_ns(const struct clock *clock, uint64_t ticks)
{
	struct clock_scale scale = clock_scale(clock);

	return scale_error_ns(&scale, ticks);
}

/* A duration. */
static inline uint64_t clock_ns(const struct clock *clock, uint64_t ticks)
{
	return ticks_ns(ticks, __atomic_load_n(&clock->ns_per_tick, __ATOMIC_RELAXED));
}

static inline uint64_t clock_ticks(const struct clock *clock, uint64_t ns)
{
	return (uint64_t)(((unsigned __int128)ns << 32) / __atomic_load_n(&clock->ns_per_tick, __ATOMIC_RELAXED));
}

/* For whoever watches over it. All but `steps` and ticks_per_s in ns. */
struct clock_state {
	uint64_t error_ns; /* the bound at this moment */
	uint64_t age_ns;   /* since the system's clock was last looked at */
	uint64_t found_ns, found_max_ns;
	uint64_t steps;
	uint64_t ticks_per_s, rate_error_ppb;
};

/* False: the counter cannot be read now. */
bool clock_state(const struct clock *clock, struct clock_state *state);

#endif
