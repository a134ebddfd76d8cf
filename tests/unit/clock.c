/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The forwarder's clock: the rate of a counter whose true one is known, from readings that are interrupted, slewed and
 * late; and readers beside a writer that never pauses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dpdk-app/clock.c"

enum {
	WIDTH = 130,		 /* ticks, of an undisturbed reading */
	READER_SECONDS_PART = 4, /* readers run for so much of a second */
};

static const double ticks_per_ns = 2.6;

/* A counter and CLOCK_MONOTONIC, of a machine that we make up. */
struct machine {
	double ns, ticks, rate; /* rate: of the system's clock against true time */
	unsigned int random;
};

static void machine_run(struct machine *machine, double ns)
{
	machine->ns += ns * machine->rate;
	machine->ticks += ns * ticks_per_ns;
}

/* Read somewhere within `width` ticks. */
static struct clock_pair machine_read(struct machine *machine, uint64_t width)
{
	double within = ((double)rand_r(&machine->random) / RAND_MAX - 0.5) * (double)width;

	return (struct clock_pair){ (uint64_t)(machine->ticks + within), width, (int64_t)machine->ns };
}

static void rate_begin(struct clock_rate *rate, struct machine *machine)
{
	struct clock_pair pair;

	*machine = (struct machine){ .ns = 5e12, .ticks = 9e12, .rate = 1, .random = 7 };
	*rate = (struct clock_rate){ 0 };
	pair = machine_read(machine, WIDTH);
	rate_restart(rate, &pair);
	machine_run(machine, REFRESH_NS);
	pair = machine_read(machine, WIDTH);
	rate_measure(rate, &pair);
	rate->last = pair;
}

static void refresh(struct clock_rate *rate, struct machine *machine, unsigned int times, uint64_t width)
{
	while (times--) {
		struct clock_pair pair;

		machine_run(machine, REFRESH_NS);
		pair = machine_read(machine, width);
		rate_follow(rate, &pair);
	}
}

static double off_ppb(const struct clock_rate *rate, const struct machine *machine)
{
	double right = machine->rate / ticks_per_ns, measured = (double)rate->ns_per_tick / 4294967296.0;

	return measured > right ? (measured / right - 1) * 1e9 : (1 - measured / right) * 1e9;
}

static void test_quiet(void **state)
{
	struct machine machine;
	struct clock_rate rate;

	(void)state;
	rate_begin(&rate, &machine);
	assert_true(off_ppb(&rate, &machine) <= (double)rate.error_ppb);
	for (int i = 0; i < 3000; i++) {
		refresh(&rate, &machine, 1, WIDTH);
		assert_true(off_ppb(&rate, &machine) <= (double)rate.error_ppb);
	}
	assert_true(rate.error_ppb < 50);
}

/* Readings a ms wide, one in ten, and many in a row. */
static void test_interrupted(void **state)
{
	struct machine machine;
	struct clock_rate rate;

	(void)state;
	rate_begin(&rate, &machine);
	refresh(&rate, &machine, 1000, WIDTH);
	for (int i = 0; i < 300; i++) {
		refresh(&rate, &machine, i % 60 < 20 ? 1 : 9, WIDTH);
		refresh(&rate, &machine, 1, 2600000);
		assert_true(off_ppb(&rate, &machine) <= (double)rate.error_ppb);
	}
	refresh(&rate, &machine, 1000, WIDTH);
	assert_true(rate.error_ppb < 50);
}

static void test_slewed(void **state)
{
	static const double rates[] = { 1.0005, 0.9995, 1, 1.00002, 1.05, 0.95, 1 };
	struct machine machine;
	struct clock_rate rate;

	(void)state;
	rate_begin(&rate, &machine);
	for (unsigned int i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		refresh(&rate, &machine, 1000, WIDTH);
		machine_run(&machine, REFRESH_NS / 3.0);
		machine.rate = rates[i];
		refresh(&rate, &machine, 4, WIDTH);
		assert_true(off_ppb(&rate, &machine) <= (double)rate.error_ppb);
		assert_true(rate.error_ppb < 20000);
	}
}

/* The counter went on while the system's clock did not, as when a virtual machine is stopped; and the other way. */
static void test_stood_still(void **state)
{
	struct machine machine;
	struct clock_rate rate;

	(void)state;
	rate_begin(&rate, &machine);
	refresh(&rate, &machine, 1000, WIDTH);
	for (int i = 0; i < 4; i++) {
		if (i % 2)
			machine.ns += 3e9;
		else
			machine.ticks += 3e9 * ticks_per_ns;
		refresh(&rate, &machine, 1, WIDTH);
		assert_true(off_ppb(&rate, &machine) < 1000);
		refresh(&rate, &machine, 3, WIDTH);
		assert_true(off_ppb(&rate, &machine) <= (double)rate.error_ppb);
	}
}

static struct clock beside;
static bool beside_end;

/* A scale whose every number follows from one. */
static void *writer_run(void *arg)
{
	(void)arg;
	for (uint64_t i = 1; !__atomic_load_n(&beside_end, __ATOMIC_RELAXED); i++) {
		struct clock_scale scale = { i, (int64_t)i + 1, i + 2, i + 3, i + 4, (int64_t)i + 5 };

		scale_publish(&beside, &scale);
	}
	return NULL;
}

static void *reader_run(void *torn)
{
	while (!__atomic_load_n(&beside_end, __ATOMIC_RELAXED)) {
		struct clock_scale scale = clock_scale(&beside);
		uint64_t i = scale.ticks;

		if (scale.tai_ns != (int64_t)i + 1 || scale.ns_per_tick != i + 2 || scale.error_ns != i + 3 ||
		    scale.error_per_tick != i + 4 || scale.unix_to_tai_ns != (int64_t)i + 5)
			++*(uint64_t *)torn;
	}
	return NULL;
}

static void test_never_half(void **state)
{
	const struct timespec wait = { .tv_nsec = NS_PER_S / READER_SECONDS_PART };
	struct clock_scale first = { 0, 1, 2, 3, 4, 5 };
	pthread_t writer, readers[2];
	uint64_t torn[2] = { 0 };

	(void)state;
	scale_publish(&beside, &first);
	assert_int_equal(pthread_create(&writer, NULL, writer_run, NULL), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&readers[i], NULL, reader_run, &torn[i]), 0);
	nanosleep(&wait, NULL);
	__atomic_store_n(&beside_end, true, __ATOMIC_RELAXED);
	pthread_join(writer, NULL);
	for (int i = 0; i < 2; i++)
		pthread_join(readers[i], NULL);
	assert_true(beside.turn > 1000);
	assert_int_equal(torn[0] + torn[1], 0);
}

/* The quick way is the other one's, to the edges of what it is for and beyond. */
static void test_ticks_soon(void **state)
{
	static const uint64_t ticks[] = { 0, 1, 48, (1 << 30) - 1, 1 << 30, UINT64_MAX };
	static const uint64_t rates[] = { 1, 1651910498, (1ULL << 34) - 1, 1ULL << 34, 1ULL << 40 };

	(void)state;
	for (unsigned int i = 0; i < sizeof(ticks) / sizeof(*ticks); i++)
		for (unsigned int k = 0; k < sizeof(rates) / sizeof(*rates); k++)
			assert_int_equal(ticks_ns_soon(ticks[i], rates[k]), ticks_ns(ticks[i], rates[k]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ticks_soon),  cmocka_unit_test(test_quiet),
		cmocka_unit_test(test_interrupted), cmocka_unit_test(test_slewed),
		cmocka_unit_test(test_stood_still), cmocka_unit_test(test_never_half),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
