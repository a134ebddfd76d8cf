/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The forwarder's clock against the kernel's CLOCK_TAI, by several threads at once, as its workers read it.
 *
 *	clock SECONDS [THREADS]		compares all the time, prints how far it was off and what it said it may be
 *	clock device SECONDS [THREADS]	the same for a counter like a network card's, of 125 MHz, which nobody slews
 *	clock set			for a guest: while the clock is stepped and slewed, and told of leap seconds
 *
 * Ours is read between two readings of CLOCK_TAI. How far it lies outside of the two is an error for certain; if that
 * is more than the bound, the bound is violated, and the exit status 1. From their middle it may be off by half their
 * distance without an error.
 */
#include <err.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl/record/leap.h"
#include "dpdk-app/clock.h"
#include "tests/vm/guest/adjust.h"

static const int64_t watch_ns = 400000000;

enum {
	THREADS_MAX = 16,
	STEPS = 32, /* buckets for each doubling */
	STEP_BITS = 5,
	BUCKETS = STEPS * (64 - STEP_BITS),
	BURST = 32,
	LEAP_SECONDS = 37,
	DEVICE_TICK_NS = 8,
};

static struct clock ours, devices, *compared = &ours;

/* Ours, between two readings of the kernel's. */
struct sample {
	int64_t before_ns, tai_ns, after_ns;
	int64_t bound_ns;
};

static int64_t now_ns(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return now.tv_sec * second_ns + now.tv_nsec;
}

static bool device_ticks(uint16_t port, uint64_t *ticks)
{
	(void)port;
	*ticks = (uint64_t)now_ns(CLOCK_MONOTONIC_RAW) / DEVICE_TICK_NS;
	return true;
}

static uint64_t ticks_read(void)
{
	uint64_t ticks = 0;

	if (compared == &ours)
		return rte_rdtsc_precise();
	device_ticks(0, &ticks);
	return ticks;
}

static struct sample sample_take(void)
{
	struct sample sample = { .before_ns = now_ns(CLOCK_TAI) };
	uint64_t ticks = ticks_read();
	struct clock_scale scale;

	sample.after_ns = now_ns(CLOCK_TAI);
	scale = clock_scale(compared);
	sample.tai_ns = scale_tai_ns(&scale, ticks);
	sample.bound_ns = (int64_t)scale_error_ns(&scale, ticks);
	return sample;
}

/* For certain; 0: none. `ahead_ns`: what ours is to be ahead of the kernel's. */
static int64_t sample_error_ns(const struct sample *sample, int64_t ahead_ns)
{
	int64_t tai_ns = sample->tai_ns - ahead_ns;

	if (tai_ns < sample->before_ns)
		return tai_ns - sample->before_ns;
	return tai_ns > sample->after_ns ? tai_ns - sample->after_ns : 0;
}

static bool sample_violates(const struct sample *sample, int64_t ahead_ns)
{
	return llabs(sample_error_ns(sample, ahead_ns)) > sample->bound_ns;
}

struct spread {
	uint64_t counts[BUCKETS], count;
	int64_t largest_ns;
};

static unsigned int bucket_of(uint64_t ns)
{
	unsigned int bits = 64 - (unsigned int)__builtin_clzll(ns | 1),
		     shift = bits > STEP_BITS ? bits - STEP_BITS - 1 : 0;

	return shift * STEPS + (unsigned int)(ns >> shift);
}

/* The most that is in it. */
static int64_t bucket_end(unsigned int bucket)
{
	unsigned int shift = bucket < 2 * STEPS ? 0 : bucket / STEPS - 1;

	return (int64_t)(((uint64_t)(bucket - shift * STEPS) + 1) << shift) - 1;
}

static void spread_add(struct spread *spread, int64_t ns)
{
	int64_t size = llabs(ns);

	spread->counts[bucket_of((uint64_t)size)]++;
	spread->count++;
	if (size > llabs(spread->largest_ns))
		spread->largest_ns = ns;
}

/* The least that `share` of all do not exceed, but for the width of a bucket. */
static int64_t spread_at(const struct spread *spread, double share)
{
	uint64_t seen = 0;

	for (unsigned int bucket = 0; bucket < BUCKETS; bucket++) {
		seen += spread->counts[bucket];
		if ((double)seen >= share * (double)spread->count)
			return RTE_MIN(bucket_end(bucket), llabs(spread->largest_ns));
	}
	return llabs(spread->largest_ns);
}

static void spread_print(const struct spread *spread, const char *what)
{
	printf("%-30s %9" PRId64 " %9" PRId64 " %9" PRId64 " %9" PRId64 " %9lld\n", what, spread_at(spread, 0.5),
	       spread_at(spread, 0.99), spread_at(spread, 0.999), spread_at(spread, 0.9999), llabs(spread->largest_ns));
}

struct reader {
	struct spread error, middle, bound;
	uint64_t violated;
	int64_t worst_ns, worst_bound_ns; /* of those that violate */
	int64_t until_ns, ahead_ns;
};

static void reader_add(struct reader *reader, const struct sample *sample)
{
	int64_t error_ns = sample_error_ns(sample, reader->ahead_ns);
	int64_t middle_ns = sample->before_ns + (sample->after_ns - sample->before_ns) / 2;

	spread_add(&reader->error, error_ns);
	spread_add(&reader->middle, sample->tai_ns - reader->ahead_ns - middle_ns);
	spread_add(&reader->bound, sample->bound_ns);
	if (!sample_violates(sample, reader->ahead_ns))
		return;
	reader->violated++;
	if (llabs(error_ns) < llabs(reader->worst_ns))
		return;
	reader->worst_ns = error_ns;
	reader->worst_bound_ns = sample->bound_ns;
}

static void *reader_run(void *arg)
{
	struct reader *reader = arg;

	while (now_ns(CLOCK_MONOTONIC) < reader->until_ns)
		for (int i = 0; i < BURST; i++) {
			struct sample sample = sample_take();

			reader_add(reader, &sample);
		}
	return NULL;
}

static void spread_join(struct spread *all, const struct spread *one)
{
	for (int bucket = 0; bucket < BUCKETS; bucket++)
		all->counts[bucket] += one->counts[bucket];
	all->count += one->count;
	if (llabs(one->largest_ns) > llabs(all->largest_ns))
		all->largest_ns = one->largest_ns;
}

static void reader_join(struct reader *all, const struct reader *one)
{
	spread_join(&all->error, &one->error);
	spread_join(&all->middle, &one->middle);
	spread_join(&all->bound, &one->bound);
	all->violated += one->violated;
	if (llabs(one->worst_ns) < llabs(all->worst_ns))
		return;
	all->worst_ns = one->worst_ns;
	all->worst_bound_ns = one->worst_bound_ns;
}

static void clock_print(void)
{
	struct clock_state state;

	if (!clock_state(compared, &state))
		errx(1, "the clock cannot be read");
	printf("%" PRIu64 " ticks/s, rate known to %" PRIu64 " ppb; found %" PRIu64 " ns off last, %" PRIu64
	       " at most; %" PRIu64 " steps\n",
	       state.ticks_per_s, state.rate_error_ppb, state.found_ns, state.found_max_ns, state.steps);
}

/* Readings by `threads` for so long. Was the bound never violated? */
static bool watch(int64_t for_ns, unsigned int threads, int64_t ahead_ns, struct reader *all)
{
	struct reader *readers = calloc(threads, sizeof(*readers));
	pthread_t ids[THREADS_MAX];

	if (!readers)
		err(1, "readers");
	for (unsigned int i = 0; i < threads; i++) {
		readers[i].until_ns = now_ns(CLOCK_MONOTONIC) + for_ns;
		readers[i].ahead_ns = ahead_ns;
		if (pthread_create(&ids[i], NULL, reader_run, &readers[i]))
			errx(1, "no thread");
	}
	memset(all, 0, sizeof(*all));
	for (unsigned int i = 0; i < threads; i++) {
		pthread_join(ids[i], NULL);
		reader_join(all, &readers[i]);
	}
	free(readers);
	if (all->violated)
		printf("VIOLATED %" PRIu64 " times, at most by %" PRId64 " ns where the bound was %" PRId64 "\n",
		       all->violated, all->worst_ns, all->worst_bound_ns);
	return all->violated == 0 && all->error.count > 0;
}

static int compare(int64_t for_ns, unsigned int threads)
{
	struct reader *all = malloc(sizeof(*all));
	bool holds = all && watch(for_ns, threads, leap_missing_ns(), all);

	if (!all)
		err(1, "reader");
	printf("%" PRIu64 " readings by %u threads\n%-30s %9s %9s %9s %9s %9s  ns\n", all->error.count, threads, "",
	       "p50", "p99", "p99.9", "p99.99", "max");
	spread_print(&all->error, "error for certain");
	spread_print(&all->middle, "from the middle of two readings");
	spread_print(&all->bound, "bound");
	clock_print();
	free(all);
	return !holds;
}

/*
 * After the system's clock was stepped by `step_ns`: each reading keeps the bound to what the clock was, until one
 * keeps it to what it is. *later_ns: when that was. False: it never did, or one kept neither.
 */
static bool step_followed(int64_t ahead_ns, int64_t step_ns, int64_t *later_ns)
{
	int64_t begin_ns = now_ns(CLOCK_MONOTONIC);

	for (*later_ns = 0; *later_ns < 10 * second_ns; *later_ns = now_ns(CLOCK_MONOTONIC) - begin_ns) {
		struct sample sample = sample_take();

		if (!sample_violates(&sample, ahead_ns))
			return true;
		if (step_ns == 0 || sample_violates(&sample, ahead_ns - step_ns))
			break;
	}
	printf("VIOLATED, neither before nor after the step\n");
	return false;
}

/* `step_ns`: by how much ours is behind of what it is to be, until it knows. */
static bool happens(const char *what, void (*action)(int64_t), int64_t value, int64_t ahead_ns, int64_t step_ns)
{
	static int64_t ahead_before_ns = LEAP_SECONDS * second_ns;
	struct reader *all = malloc(sizeof(*all));
	int64_t later_ns;
	bool before, followed, after;

	if (!all)
		err(1, "reader");
	before = watch(watch_ns, 1, ahead_before_ns, all);
	action(value);
	followed = step_followed(ahead_ns, step_ns, &later_ns);
	after = watch(watch_ns, 2, ahead_ns, all);
	printf("%-28s %14" PRId64 " %10lld %10lld %10" PRIu64 "   %s\n", what, later_ns, llabs(all->error.largest_ns),
	       llabs(all->bound.largest_ns), all->error.count, before && followed && after ? "" : "WRONG");
	ahead_before_ns = ahead_ns;
	free(all);
	return before && followed && after;
}

static int set(void)
{
	const int64_t leap_ns = LEAP_SECONDS * second_ns;
	bool right = true;

	printf("%-28s %14s %10s %10s %10s   ns\n", "", "followed after", "error max", "bound max", "readings");
	right &= happens("step by +1.5 s", clock_step, second_ns * 3 / 2, leap_ns, second_ns * 3 / 2);
	right &= happens("step by -1.5 s", clock_step, -second_ns * 3 / 2, leap_ns, -second_ns * 3 / 2);
	right &= happens("step by +2 ms", clock_step, second_ns / 500, leap_ns, second_ns / 500);
	right &= happens("slew by +500 ppm", clock_slew, 500, leap_ns, 0);
	right &= happens("slew by -500 ppm", clock_slew, -500, leap_ns, 0);
	right &= happens("the kernel told of 37 s", clock_tai, LEAP_SECONDS, 0, 0);
	right &= happens("step by +1 s, told", clock_step, second_ns, 0, second_ns);
	right &= happens("told of none", clock_tai, 0, leap_ns, 0);
	clock_slew(0);
	clock_print();
	return !right;
}

int main(int argc, char **argv)
{
	bool sets = argc > 1 && strcmp(argv[1], "set") == 0, device = argc > 1 && strcmp(argv[1], "device") == 0;
	char **numbers = argv + 1 + device;
	long seconds = argc > 1 && *numbers ? atol(*numbers) : 0;
	unsigned int threads = argc > 2 + device ? (unsigned int)atol(numbers[1]) : 2;
	int status;

	if ((!sets && seconds <= 0) || threads == 0 || threads > THREADS_MAX)
		errx(2, "usage: clock [device] SECONDS [THREADS] | clock set");
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (sets)
		clock_tai(0);
	if (clock_start(&ours, 0))
		errx(1, "the clock does not start");
	if (device) {
		compared = &devices;
		if (clock_add(&devices, device_ticks, 0))
			errx(1, "the device's clock does not start");
	}
	status = sets ? set() : compare(seconds * second_ns, threads);
	clock_stop();
	return status;
}
