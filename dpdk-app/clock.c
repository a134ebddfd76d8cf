/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Counters measured against the system's clocks, and the thread that does it. */
#include "clock.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "config.h"
#include "ctl/record/leap.h"

enum {
	PAIR_TRIES = 5,
	REFRESH_MS = 10,
	REFRESH_NS = REFRESH_MS * 1000 * 1000,
	RATE_NS_MIN = REFRESH_NS / 2, /* a shorter measurement says little */
	/*
	 * What the kernel slews its clock by is at most 500 ppm; so much may change between two refreshes, from one way
	 * to the other. Who slews faster than that (adjtimex can) sets the clock, in the end.
	 */
	SLEW_PPB = 1000 * 1000,
	PPB = 1000 * 1000 * 1000,
	COUNTERS_MAX = 1 + PORTS_MAX,
};

/* The kernel's name for what rte_rdtsc() reads. */
#if defined(RTE_ARCH_X86)
#define COUNTER_NAME "tsc"
#elif defined(RTE_ARCH_ARM64)
#define COUNTER_NAME "arch_sys_counter"
#else
#define COUNTER_NAME ""
#endif

#define RATE_NS_HALF (4LL * NS_PER_S)

static struct {
	struct clock *clocks[COUNTERS_MAX];
	unsigned int count;
	int64_t offset_ns;
	bool end;
	pthread_t thread;
} kept;

static int64_t system_ns(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return now.tv_sec * (int64_t)NS_PER_S + now.tv_nsec;
}

static bool tsc_read(uint16_t port, uint64_t *ticks)
{
	(void)port;
	*ticks = rte_rdtsc_precise();
	return true;
}

/* The narrowest of several readings, so that an interrupt in one of them does not count. */
static bool pair_read(const struct clock *clock, clockid_t id, struct clock_pair *pair)
{
	pair->width = UINT64_MAX;
	for (int i = 0; i < PAIR_TRIES; i++) {
		uint64_t before, after;
		int64_t ns;

		if (!clock->counter(clock->port, &before))
			return false;
		ns = system_ns(id);
		if (!clock->counter(clock->port, &after))
			return false;
		if (after - before < pair->width)
			*pair = (struct clock_pair){ before + (after - before) / 2, after - before, ns };
	}
	return true;
}

/* How far the counter may have been from where the pair says; one tick and one ns for what each clock rounds off. */
static uint64_t pair_error_ns(const struct clock_pair *pair, uint64_t ns_per_tick)
{
	return ticks_ns(pair->width / 2 + 2, ns_per_tick) + 1;
}

/* Times 2^32; 0: the counter stands. */
static uint64_t pair_rate(const struct clock_pair *from, const struct clock_pair *to)
{
	uint64_t ticks = to->ticks - from->ticks;

	return ticks ? (uint64_t)(((unsigned __int128)(to->ns - from->ns) << 32) / ticks) : 0;
}

static bool rate_is_near(uint64_t rate, uint64_t other)
{
	return (uint64_t)llabs((int64_t)(rate - other)) <= other / (PPB / SLEW_PPB);
}

/* Is the pair where the rate says, as far as pairs can tell? Else the clock has been slewed, or the machine stood
 * still. */
static bool rate_holds(const struct clock_rate *rate, const struct clock_pair *now)
{
	int64_t passed_ns = now->ns - rate->last.ns;
	int64_t off_ns = passed_ns - (int64_t)ticks_ns(now->ticks - rate->last.ticks, rate->ns_per_tick);
	uint64_t read_ns = pair_error_ns(&rate->last, rate->ns_per_tick) + pair_error_ns(now, rate->ns_per_tick);

	return (uint64_t)llabs(off_ns) <= read_ns + (uint64_t)passed_ns / PPB * rate->error_ppb +
					      (uint64_t)passed_ns % PPB * rate->error_ppb / PPB;
}

/* Measured from now on. */
static void rate_restart(struct clock_rate *rate, const struct clock_pair *from)
{
	rate->from = rate->half = rate->last = *from;
}

/*
 * A rate that differs by more than a clock is slewed comes from a machine that stood still: it is not believed the
 * first time.
 */
static bool rate_is_credible(struct clock_rate *rate, const struct clock_pair *now)
{
	uint64_t measured = pair_rate(&rate->last, now);
	bool credible = rate_is_near(measured, rate->ns_per_tick) || rate_is_near(measured, rate->refused);

	rate->refused = credible ? 0 : measured;
	return credible;
}

static void rate_measure(struct clock_rate *rate, const struct clock_pair *now)
{
	int64_t passed_ns = now->ns - rate->from.ns;
	uint64_t measured = pair_rate(&rate->from, now), read_ns;

	if (passed_ns < RATE_NS_MIN || !measured)
		return;
	read_ns = pair_error_ns(&rate->from, measured) + pair_error_ns(now, measured);
	rate->ns_per_tick = measured;
	rate->error_ppb = (uint64_t)((unsigned __int128)read_ns * PPB / (uint64_t)passed_ns) + 1;
}

/* Over some seconds as long as the rate stays the same, over one refresh after it has changed. */
static void rate_follow(struct clock_rate *rate, const struct clock_pair *now)
{
	if (!rate_holds(rate, now)) {
		if (!rate_is_credible(rate, now)) {
			rate_restart(rate, now);
			return;
		}
		rate_restart(rate, &rate->last);
	}
	rate_measure(rate, now);
	rate->last = *now;
	if (now->ns - rate->half.ns < RATE_NS_HALF)
		return;
	rate->from = rate->half;
	rate->half = *now;
}

/* The one that no reader has is filled, then all have it. */
static void scale_publish(struct clock *clock, const struct clock_scale *scale)
{
	__atomic_thread_fence(__ATOMIC_RELEASE);
	clock->scales[(clock->turn + 1) % 2] = *scale;
	__atomic_store_n(&clock->turn, clock->turn + 1, __ATOMIC_RELEASE);
	__atomic_store_n(&clock->ns_per_tick, scale->ns_per_tick, __ATOMIC_RELAXED);
}

static struct clock_scale scale_make(const struct clock *clock, const struct clock_pair *tai)
{
	const struct clock_rate *rate = &clock->rate;
	int64_t ahead_ns = system_ns(CLOCK_TAI) - system_ns(CLOCK_REALTIME);

	return (struct clock_scale){
		.ticks = tai->ticks,
		.tai_ns = tai->ns + clock->shift_ns,
		.ns_per_tick = rate->ns_per_tick,
		.error_ns = pair_error_ns(tai, rate->ns_per_tick),
		.error_per_tick =
		    (uint64_t)((unsigned __int128)rate->ns_per_tick * (SLEW_PPB + rate->error_ppb) / PPB) + 1,
		.unix_to_tai_ns = (ahead_ns + NS_PER_S / 2) / NS_PER_S * NS_PER_S + clock->shift_ns,
	};
}

/* How far the scale was off where the pair was read, and how far it may have been. False: more than both may err. */
static bool scale_holds(const struct clock *clock, const struct clock_pair *tai, uint64_t *off_ns, uint64_t *known_ns)
{
	const struct clock_scale *scale = &clock->scales[clock->turn % 2];

	*off_ns = (uint64_t)llabs(tai->ns + clock->shift_ns - scale_tai_ns(scale, tai->ticks));
	*known_ns = scale_error_ns(scale, tai->ticks);
	return *off_ns <= *known_ns + pair_error_ns(tai, scale->ns_per_tick);
}

static void clock_count(uint64_t *number, uint64_t value)
{
	__atomic_store_n(number, value, __ATOMIC_RELAXED);
}

/* What the kernel lacks is asked again after a step: a time daemon may have told it just then. */
static bool shift_renew(struct clock *clock, bool stepped)
{
	int64_t before_ns = clock->shift_ns;

	if (stepped)
		clock->missing_ns = leap_missing_ns();
	clock->shift_ns = clock->missing_ns + __atomic_load_n(&kept.offset_ns, __ATOMIC_RELAXED);
	return clock->shift_ns != before_ns;
}

/* A reading that was interrupted each time may be worse than what is known: then that stays, if both can be true. */
static void clock_refresh(struct clock *clock)
{
	struct clock_pair monotonic, tai;
	struct clock_scale scale;
	uint64_t off_ns, known_ns;
	bool holds;

	if (!pair_read(clock, CLOCK_MONOTONIC, &monotonic) || !pair_read(clock, CLOCK_TAI, &tai))
		return;
	rate_follow(&clock->rate, &monotonic);
	holds = scale_holds(clock, &tai, &off_ns, &known_ns);
	if (!shift_renew(clock, !holds) && holds && pair_error_ns(&tai, clock->ns_per_tick) > known_ns)
		return;
	clock_count(&clock->found_ns, off_ns);
	if (!holds)
		clock_count(&clock->steps, clock->steps + 1);
	else if (off_ns > clock->found_max_ns)
		clock_count(&clock->found_max_ns, off_ns);
	scale = scale_make(clock, &tai);
	scale_publish(clock, &scale);
}

/* The first measurement, which all later ones are compared with. */
static bool clock_begin(struct clock *clock)
{
	const struct timespec wait = { .tv_nsec = REFRESH_NS };
	struct clock_pair pair;
	struct clock_scale scale;

	if (!pair_read(clock, CLOCK_MONOTONIC, &pair))
		return false;
	rate_restart(&clock->rate, &pair);
	nanosleep(&wait, NULL);
	if (!pair_read(clock, CLOCK_MONOTONIC, &pair))
		return false;
	rate_measure(&clock->rate, &pair);
	clock->rate.last = pair;
	shift_renew(clock, true);
	if (!clock->rate.ns_per_tick || !pair_read(clock, CLOCK_TAI, &pair))
		return false;
	scale = scale_make(clock, &pair);
	scale_publish(clock, &scale);
	return true;
}

int clock_add(struct clock *clock, clock_counter *counter, uint16_t port)
{
	for (unsigned int i = 0; i < kept.count; i++)
		if (kept.clocks[i] == clock)
			return 0;
	if (kept.count == COUNTERS_MAX)
		return -ENOSPC;
	*clock = (struct clock){ .counter = counter, .port = port };
	if (!clock_begin(clock))
		return -ENOTSUP;
	kept.clocks[kept.count] = clock;
	__atomic_store_n(&kept.count, kept.count + 1, __ATOMIC_RELEASE);
	return 0;
}

/* A timer that is never due, but readable when the system's clock is set. */
static int set_notice_arm(int fd)
{
	static const struct itimerspec never = { .it_value.tv_sec = INT64_MAX / NS_PER_S };

	return timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL);
}

static void set_notice_take(int fd)
{
	uint64_t expired;

	if (read(fd, &expired, sizeof(expired)) < 0 && errno == ECANCELED)
		set_notice_arm(fd);
}

static void *clock_run(void *arg)
{
	struct pollfd notice = { .fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK), .events = POLLIN };

	(void)arg;
	if (notice.fd >= 0)
		set_notice_arm(notice.fd);
	while (!__atomic_load_n(&kept.end, __ATOMIC_RELAXED)) {
		unsigned int count = __atomic_load_n(&kept.count, __ATOMIC_ACQUIRE);

		if (poll(&notice, 1, REFRESH_MS) > 0)
			set_notice_take(notice.fd);
		for (unsigned int i = 0; i < count; i++)
			clock_refresh(kept.clocks[i]);
	}
	if (notice.fd >= 0)
		close(notice.fd);
	return NULL;
}

/* It works for a microsecond and must not wait for workers that poll. Signals are for the others. */
static int thread_start(void)
{
	const struct sched_param first = { .sched_priority = 1 };
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&kept.thread, NULL, clock_run, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	/* Where that is not allowed the bound shows it. */
	if (!err)
		pthread_setschedparam(kept.thread, SCHED_FIFO, &first);
	return -err;
}

int clock_start(struct clock *clock, int64_t offset_ns)
{
	int err;

	kept.offset_ns = offset_ns;
	err = clock_add(clock, tsc_read, 0);
	return err ? err : thread_start();
}

void clock_offset_set(int64_t offset_ns)
{
	__atomic_store_n(&kept.offset_ns, offset_ns, __ATOMIC_RELAXED);
}

/* Where the kernel does not trust the counter, it is not among the clocks to choose from. */
bool clock_counter_is_trusted(void)
{
	FILE *file = fopen("/sys/devices/system/clocksource/clocksource0/available_clocksource", "re");
	char sources[256] = "";
	bool known = file && fgets(sources, sizeof(sources), file);

	if (file)
		fclose(file);
	return !known || strstr(sources, COUNTER_NAME);
}

void clock_stop(void)
{
	__atomic_store_n(&kept.end, true, __ATOMIC_RELAXED);
	pthread_join(kept.thread, NULL);
}

bool clock_state(const struct clock *clock, struct clock_state *state)
{
	struct clock_scale scale = clock_scale(clock);
	uint64_t ticks;

	if (!clock->counter(clock->port, &ticks))
		return false;
	*state = (struct clock_state){
		.error_ns = scale_error_ns(&scale, ticks),
		.age_ns = ticks_ns(ticks - scale.ticks, scale.ns_per_tick),
		.found_ns = __atomic_load_n(&clock->found_ns, __ATOMIC_RELAXED),
		.found_max_ns = __atomic_load_n(&clock->found_max_ns, __ATOMIC_RELAXED),
		.steps = __atomic_load_n(&clock->steps, __ATOMIC_RELAXED),
		.ticks_per_s = (uint64_t)(((unsigned __int128)NS_PER_S << 32) / scale.ns_per_tick),
		.rate_error_ppb = __atomic_load_n(&clock->rate.error_ppb, __ATOMIC_RELAXED),
	};
	return true;
}
