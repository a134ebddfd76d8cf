/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The time stamp counter's rate and zero, measured against the system's clocks. */
#include "clock.h"

#include <stdlib.h>
#include <time.h>

#include "ctl/record/leap.h"

enum {
	PAIR_TRIES = 5,
	START_NS = 10 * 1000 * 1000,
	ADJUST_NS = 100 * 1000 * 1000,
	RATE_NS_MIN = 50 * 1000 * 1000,
	STEP_NS = 1000 * 1000, /* no drift makes as much between two adjustments: somebody set the clock */
	RATE_OFF_MAX = 1000,   /* a rate that differs by more than 1/1000 comes from a machine that stood still */
};

#define RATE_NS_MAX (10LL * NS_PER_S)

static int64_t system_ns(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* The narrowest of several reads, so that an interrupt between the two does not count. */
static struct clock_pair pair_read(clockid_t id)
{
	struct clock_pair best = { 0 };
	uint64_t narrowest = UINT64_MAX;

	for (int i = 0; i < PAIR_TRIES; i++) {
		uint64_t before = rte_rdtsc();
		int64_t ns = system_ns(id);
		uint64_t width = rte_rdtsc() - before;

		if (width < narrowest) {
			narrowest = width;
			best = (struct clock_pair){ .ticks = before + width / 2, .ns = ns };
		}
	}
	return best;
}

static uint64_t pair_rate(const struct clock_pair *from, const struct clock_pair *to)
{
	uint64_t ticks = to->ticks - from->ticks;

	return ticks ? (uint64_t)(((unsigned __int128)(to->ns - from->ns) << 32) / ticks) : 0;
}

static void clock_set_zero(struct clock *clock)
{
	int64_t ahead_ns = system_ns(CLOCK_TAI) - system_ns(CLOCK_REALTIME);

	clock->tai = pair_read(CLOCK_TAI);
	clock->tai.ns += clock->missing_ns + clock->offset_ns;
	clock->unix_to_tai_ns = (ahead_ns + NS_PER_S / 2) / NS_PER_S * NS_PER_S + clock->missing_ns + clock->offset_ns;
	clock->next_ticks =
	    clock->tai.ticks + (uint64_t)(((unsigned __int128)ADJUST_NS << 32) / (clock->ns_per_tick + 1));
}

void clock_start(struct clock *clock)
{
	struct timespec wait = { .tv_nsec = START_NS };
	struct clock_pair now;

	clock->rate = pair_read(CLOCK_MONOTONIC);
	nanosleep(&wait, NULL);
	now = pair_read(CLOCK_MONOTONIC);
	clock->ns_per_tick = pair_rate(&clock->rate, &now);
	clock->missing_ns = leap_missing_ns();
	clock_set_zero(clock);
}

static void clock_set_rate(struct clock *clock)
{
	struct clock_pair now = pair_read(CLOCK_MONOTONIC);
	int64_t elapsed_ns = now.ns - clock->rate.ns;
	uint64_t rate;

	if (elapsed_ns < RATE_NS_MIN)
		return;
	rate = pair_rate(&clock->rate, &now);
	if (llabs((int64_t)(rate - clock->ns_per_tick)) <= (int64_t)(clock->ns_per_tick / RATE_OFF_MAX))
		clock->ns_per_tick = rate;
	else
		elapsed_ns = RATE_NS_MAX;
	if (elapsed_ns >= RATE_NS_MAX)
		clock->rate = now;
}

void clock_adjust(struct clock *clock)
{
	struct clock before;

	clock_set_rate(clock);
	before = *clock;
	clock_set_zero(clock);
	if (llabs(clock->tai.ns - clock_tai_ns(&before, clock->tai.ticks)) < STEP_NS)
		return;
	/* Perhaps a time daemon has just told the kernel about TAI. */
	clock->missing_ns = leap_missing_ns();
	clock_set_zero(clock);
}
