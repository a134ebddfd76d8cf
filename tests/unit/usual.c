/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Histograms: buckets, median, ageing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "spans/usual.h"

#define HOUR_NS (3600 * 1000000000LL)
#define NOW_NS (500000 * HOUR_NS)

static void add(struct usual *usual, int64_t duration_ns, unsigned int packets, int64_t now_unix_ns)
{
	for (unsigned int i = 0; i < packets; i++)
		usual_add(usual, duration_ns, now_unix_ns);
}

static int64_t median_of(int64_t duration_ns)
{
	struct usual usual = { 0 };

	add(&usual, duration_ns, USUAL_ENOUGH, NOW_NS);
	return usual_median(&usual);
}

/* Eight buckets per doubling: exact to 15, then the middle of a bucket, never further than a sixteenth. */
static void test_buckets(void **state)
{
	(void)state;
	assert_int_equal(median_of(-5), 0);
	for (int64_t ns = 0; ns < 16; ns++)
		assert_int_equal(median_of(ns), ns);
	assert_int_equal(median_of(16), 17);
	assert_int_equal(median_of(1000), 992);	 /* 960-1023 */
	assert_int_equal(median_of(1024), 1088); /* 1024-1151 */
	assert_true(median_of(INT64_MAX) > INT64_MAX / 16 * 15);
	for (int64_t ns = 16; ns < INT64_MAX / 3; ns = ns * 3 + 1) {
		int64_t off_ns = median_of(ns) - ns;

		assert_true(off_ns <= ns / 16 && off_ns >= -ns / 16);
	}
}

static void test_median(void **state)
{
	struct usual usual = { 0 };

	(void)state;
	add(&usual, 10, 99, NOW_NS);
	assert_int_equal(usual_packets(&usual), 99);
	assert_int_equal(usual_median(&usual), -1);
	add(&usual, 14, 98, NOW_NS);
	assert_int_equal(usual_median(&usual), 10);
	add(&usual, 14, 2, NOW_NS);
	assert_int_equal(usual_median(&usual), 14);
}

/* 12 hours later an hour of trouble with twice the packets has become less than what follows. */
static void test_halved(void **state)
{
	struct usual usual = { 0 };

	(void)state;
	add(&usual, 12, 800, NOW_NS);
	usual_add(&usual, 10, NOW_NS + 6 * HOUR_NS - 1);
	assert_int_equal(usual_packets(&usual), 801);
	usual_add(&usual, 10, NOW_NS + 6 * HOUR_NS);
	assert_int_equal(usual_packets(&usual), 401);
	add(&usual, 10, 400, NOW_NS + 12 * HOUR_NS);
	assert_int_equal(usual_packets(&usual), 600);
	assert_int_equal(usual_median(&usual), 10);
	usual_add(&usual, 10, NOW_NS + 5000 * HOUR_NS);
	assert_int_equal(usual_packets(&usual), 1);
	usual_add(&usual, 10, NOW_NS); /* a clock that was set back */
	assert_int_equal(usual_packets(&usual), 2);
}

/* Counts never wrap: all are halved, their proportion stays. */
static void test_full(void **state)
{
	struct usual usual = { 0 };

	(void)state;
	add(&usual, 15, 40000, NOW_NS);
	add(&usual, 10, UINT16_MAX, NOW_NS);
	assert_int_equal(usual_packets(&usual), 40000 + UINT16_MAX);
	usual_add(&usual, 10, NOW_NS);
	assert_int_equal(usual_packets(&usual), 20000 + UINT16_MAX / 2 + 1);
	assert_int_equal(usual_median(&usual), 10);
}

static void test_key(void **state)
{
	struct span span = { 0 };
	char key[USUAL_KEY_SIZE];

	(void)state;
	assert_false(usual_key(&span, key));
	usual_key_stay("r1", NULL, key);
	assert_string_equal(key, "stay r1");
	usual_key_link("r1", "r2", key);
	assert_string_equal(key, "link r1 r2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_buckets), cmocka_unit_test(test_median), cmocka_unit_test(test_halved),
		cmocka_unit_test(test_full),	cmocka_unit_test(test_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
