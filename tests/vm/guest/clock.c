/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * How far the programs' clock, monotonic + an offset worked out anew every 100 ms, is from the kernel's TAI: before
 * something happens to the system's clock, in the 100 ms after it, and later.
 *
 *	clock OBJECT
 *
 * Changes the clock of the machine that it runs on: for a guest. An error is the distance from the interval between two
 * readings of TAI around ours; all in ns. Later than 100 ms it may be what a refresh allows; before, as much more as
 *the clock was stepped by. A slew changes both clocks alike, and so nothing.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "adjust.h"
#include "clock.h"
#include "tc/plane.h"

static const int64_t watch_ns = 400000000, pause_ns = 1000000;
enum { LEAP_SECONDS = 37 };

struct bench {
	int program, sample, clock;
	int64_t expected_ns; /* ours - the kernel's TAI: 0, or what that is known to lack */
};

static int64_t now_ns(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return now.tv_sec * second_ns + now.tv_nsec;
}

static int64_t error_once(const struct bench *bench)
{
	uint8_t packet[64] = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = packet, .data_size_in = sizeof(packet), .repeat = 1);
	struct clock_sample sample;
	int64_t ours;
	uint32_t key = 0;

	if (bpf_prog_test_run_opts(bench->program, &options) || options.retval ||
	    bpf_map_lookup_elem(bench->sample, &key, &sample))
		err(1, "test run");
	ours = (int64_t)sample.ours_ns - bench->expected_ns;
	if (ours < (int64_t)sample.before_ns)
		return ours - (int64_t)sample.before_ns;
	return ours > (int64_t)sample.after_ns ? ours - (int64_t)sample.after_ns : 0;
}

/* The largest until CLOCK_MONOTONIC `until_ns`; counts the samples. */
static int64_t error_worst(const struct bench *bench, int64_t until_ns, unsigned int *samples)
{
	const struct timespec pause = { .tv_nsec = pause_ns };
	int64_t worst = 0;

	while (now_ns(CLOCK_MONOTONIC) < until_ns) {
		int64_t error = error_once(bench);

		if (llabs(error) > llabs(worst))
			worst = error;
		++*samples;
		nanosleep(&pause, NULL);
	}
	return worst;
}

/* `allowed_ns`: in the 100 ms after it. False: it was more, or the error stays. */
static bool happens(struct bench *bench, const char *what, void (*action)(int64_t), int64_t value, int64_t expected_ns,
		    int64_t allowed_ns)
{
	unsigned int samples[3] = { 0 };
	int64_t before = error_worst(bench, now_ns(CLOCK_MONOTONIC) + watch_ns, &samples[0]), during, later, begin;
	bool right;

	action(value);
	begin = now_ns(CLOCK_MONOTONIC);
	bench->expected_ns = expected_ns;
	during = error_worst(bench, begin + PLANE_CLOCK_REFRESH_NS, &samples[1]);
	error_once(bench); /* one that may still be refreshed by what it reads */
	later = error_worst(bench, now_ns(CLOCK_MONOTONIC) + watch_ns, &samples[2]);
	right = llabs(before) <= PLANE_CLOCK_READ_NS && llabs(later) <= PLANE_CLOCK_READ_NS &&
		llabs(during) <= allowed_ns + PLANE_CLOCK_READ_NS && samples[0] && samples[1] && samples[2];
	printf("%-32s %12lld %12lld %12lld   %s\n", what, (long long)before, (long long)during, (long long)later,
	       right ? "" : "WRONG");
	return right;
}

static void bench_open(struct bench *bench, const char *path)
{
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	struct bpf_map *map;

	if (!object)
		err(1, "%s", path);
	bpf_object__for_each_map (map, object)
		bpf_map__set_pin_path(map, NULL);
	if (bpf_object__load(object))
		err(1, "%s: load", path);
	bench->program = bpf_program__fd(bpf_object__find_program_by_name(object, "clock_compare"));
	bench->sample = bpf_object__find_map_fd_by_name(object, "sample");
	bench->clock = bpf_object__find_map_fd_by_name(object, "clock");
}

/* As ctl does where no time daemon has told the kernel of leap seconds. */
static void clock_untold(struct bench *bench)
{
	struct plane_clock clock = { .correction_ns = LEAP_SECONDS * second_ns,
				     .tai_to_utc_ns = LEAP_SECONDS * second_ns };
	uint32_t key = 0;

	clock_tai(0);
	clock.mono_to_tai_ns = now_ns(CLOCK_TAI) - now_ns(CLOCK_MONOTONIC) + clock.correction_ns;
	if (bpf_map_update_elem(bench->clock, &key, &clock, BPF_ANY))
		err(1, "clock");
	bench->expected_ns = clock.correction_ns;
	for (int i = 0; i < 100; i++)
		error_once(bench); /* until one has refreshed it without an interruption */
}

int main(int argc, char **argv)
{
	const int64_t leap_ns = LEAP_SECONDS * second_ns;
	struct bench bench;
	bool right = true;

	if (argc != 2)
		errx(2, "usage: clock OBJECT");
	bench_open(&bench, argv[1]);
	clock_untold(&bench);
	printf("%-32s %12s %12s %12s   ns\n", "largest error", "before", "in 100 ms", "later");
	right &= happens(&bench, "step by +1 s", clock_step, second_ns, leap_ns, second_ns);
	right &= happens(&bench, "step by -1 s", clock_step, -second_ns, leap_ns, second_ns);
	right &= happens(&bench, "slew by +500 ppm", clock_slew, 500, leap_ns, 0);
	right &= happens(&bench, "slew by -500 ppm", clock_slew, -500, leap_ns, 0);
	right &= happens(&bench, "the kernel told of 37 s", clock_tai, LEAP_SECONDS, 0, 0);
	right &= happens(&bench, "step by +1 s, told", clock_step, second_ns, 0, second_ns);
	right &= happens(&bench, "told of none", clock_tai, 0, leap_ns, 0);
	clock_slew(0);
	return !right;
}
