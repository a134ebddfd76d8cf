/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The floor of times between two clocks: queues, drift, other ways, clocks that are set. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "spans/floor.h"

#define SECOND_NS 1000000000LL
#define NOW_NS (29000000 * 60 * SECOND_NS)

/* A way of 50 us, measured by clocks that run apart, with what queues and processors add. */
struct way {
	double drift;		    /* ns per ns */
	int64_t least_ns, queue_ns; /* queue: in half of the packets, at most */
	unsigned int per_second;
	unsigned int random;
};

static unsigned int draw(struct way *way)
{
	way->random = way->random * 1103515245 + 12345;
	return way->random >> 8;
}

/* Within 2 us of the least in one of four. */
static int64_t noise(struct way *way)
{
	unsigned int r = draw(way);

	return r % 4 ? 2000 + r % 30000 : r % 2000;
}

static int64_t floor_at(const struct way *way, double at_s)
{
	return way->least_ns + (int64_t)(way->drift * at_s * 1e9);
}

static void feed(struct floor *floor, struct way *way, double from_s, double to_s)
{
	for (double s = from_s; s < to_s; s += 1.0 / way->per_second) {
		int64_t queue_ns = way->queue_ns && draw(way) % 2 ? draw(way) % way->queue_ns : 0;

		floor_add(floor, floor_at(way, s) + noise(way) + queue_ns, !queue_ns, NOW_NS + (int64_t)(s * 1e9));
	}
}

static int64_t error_at(struct floor *floor, const struct way *way, double at_s)
{
	int64_t floor_ns = 0;

	assert_true(floor_get(floor, NOW_NS + (int64_t)(at_s * 1e9), &floor_ns));
	return floor_ns - floor_at(way, at_s);
}

static void assert_error(struct floor *floor, const struct way *way, double at_s, int64_t least_ns, int64_t most_ns)
{
	int64_t error_ns = error_at(floor, way, at_s);

	if (error_ns < least_ns || error_ns > most_ns)
		fail_msg("drift %g, after %.1f s: %lld ns off", way->drift, at_s, (long long)error_ns);
}

static void test_none(void **state)
{
	struct floor floor = { 0 };
	int64_t floor_ns;

	(void)state;
	assert_false(floor_get(&floor, NOW_NS, &floor_ns));
	assert_int_equal(floor_place(&floor, 5, NOW_NS), 5);
}

/* Clocks that run apart by up to 100 us a second, queues of 40 ms in half of the packets. */
static void test_drift(void **state)
{
	static const double drifts[] = { 0, 1e-7, -1e-7, 1e-6, -1e-6, 2e-5, -2e-5, 1e-4, -1e-4 };

	(void)state;
	for (unsigned int i = 0; i < sizeof(drifts) / sizeof(drifts[0]); i++) {
		struct way way = { drifts[i], 50000, 40000000, 200, i };
		struct floor floor = { 0 };

		feed(&floor, &way, 0, 8);
		for (double s = 8; s < 900; s += 1) {
			feed(&floor, &way, s, s + 1);
			assert_error(&floor, &way, s + 1, -6000, 6000);
		}
	}
}

/* A queue that never drains looks like a longer way, but not one that is the same each time. */
static void test_standing_queue(void **state)
{
	struct way way = { 1e-6, 50000, 0, 100, 1 }, queued = { 1e-6, 30050000, 2000000, 100, 2 };
	struct floor floor = { 0 };

	(void)state;
	feed(&floor, &way, 0, 30);
	for (double s = 30; s < 60; s += 0.01)
		floor_add(&floor, floor_at(&queued, s) + draw(&queued) % 2000000, false, NOW_NS + (int64_t)(s * 1e9));
	assert_error(&floor, &way, 60, -6000, 6000);
}

/* Another route, shorter or longer, is known after 5 s of 100 packets. */
static void test_route(void **state)
{
	static const int64_t moves_ns[] = { 40000, 1000000, -35000, 300000000, -300000000 };

	(void)state;
	for (unsigned int i = 0; i < sizeof(moves_ns) / sizeof(moves_ns[0]); i++) {
		struct way way = { 1e-6, 50000, 0, 100, i };
		struct floor floor = { 0 };

		feed(&floor, &way, 0, 300);
		way.least_ns += moves_ns[i];
		feed(&floor, &way, 300, 305.5);
		for (double s = 305.5; s < 400; s += 1) {
			feed(&floor, &way, s, s + 1);
			assert_error(&floor, &way, s + 1, -10000, 10000);
		}
	}
}

/* A clock that is steered: its rate changes every minute. */
static void test_steered(void **state)
{
	static const double drifts[] = { 1e-5, -1e-5, 3e-5, 0 };
	struct way way = { 0, 50000, 0, 200, 7 };
	struct floor floor = { 0 };

	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		way.least_ns = floor_at(&way, 60 * i) - (int64_t)(drifts[i] * 60 * i * 1e9);
		way.drift = drifts[i];
		feed(&floor, &way, 60 * i, 60 * i + 30);
		for (double s = 60 * i + 30; s < 60 * i + 60; s += 1) {
			feed(&floor, &way, s, s + 1);
			assert_error(&floor, &way, s + 1, -20000, 20000);
		}
	}
}

/* After a silence longer than the window nothing is known; a record from before does no harm. */
static void test_silence(void **state)
{
	struct way way = { 1e-5, 50000, 0, 100, 3 };
	struct floor floor = { 0 };
	int64_t floor_ns;

	(void)state;
	feed(&floor, &way, 0, 60);
	assert_false(floor_get(&floor, NOW_NS + 700 * SECOND_NS, &floor_ns));
	feed(&floor, &way, 1000, 1010);
	assert_error(&floor, &way, 1010, -6000, 6000);
	floor_add(&floor, 0, true, NOW_NS);
	assert_error(&floor, &way, 1010, -6000, 6000);
}

/* Whole seconds are those next to the floor. */
static void test_seconds(void **state)
{
	struct floor floor = { 0 };

	(void)state;
	floor_add(&floor, -400000000, true, NOW_NS);
	assert_int_equal(floor_place(&floor, 600001000, NOW_NS), -399999000);
	assert_int_equal(floor_place(&floor, 340000000, NOW_NS), 340000000);
	assert_int_equal(floor_place(&floor, 360000000, NOW_NS), -640000000);
	assert_int_equal(second_place(-3 * SECOND_NS + 5, 0), 5);
	assert_int_equal(second_place(750000000, 0), -250000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_none),	cmocka_unit_test(test_drift),	cmocka_unit_test(test_standing_queue),
		cmocka_unit_test(test_route),	cmocka_unit_test(test_steered), cmocka_unit_test(test_silence),
		cmocka_unit_test(test_seconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
