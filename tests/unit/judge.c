/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The rules that decide about paths: their probabilities against known values, and in simulation, with a fixed seed,
 * how often they are wrong and what they find.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "path/backoff.h"
#include "path/judge.h"
#include "path/tail.h"
#include "path/weigh.h"

/* xorshift64* */
static uint64_t seed;

static double chance(void)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return (double)((seed * 2685821657736338717ULL) >> 11) / 9007199254740992.0;
}

static void expect_near(double seen, double expected)
{
	if (fabs(seen - expected) > 1e-9 * expected + 1e-15)
		fail_msg("%.15g, expected %.15g", seen, expected);
}

/* By counting: Pascal's triangle holds the numbers of ways, small enough to be exact. */
static void test_tail_by_counting(void **state)
{
	static double ways[41][41];

	(void)state;
	for (int n = 0; n <= 40; n++)
		for (int k = 0; k <= n; k++)
			ways[n][k] = k == 0 || k == n ? 1 : ways[n - 1][k - 1] + ways[n - 1][k];
	for (int all = 1; all <= 40; all += 3)
		for (int marked = 0; marked <= all; marked++)
			for (int lost = 0; lost <= all; lost++) {
				double tail = 0;

				for (int k = marked < lost ? marked : lost; k >= 0 && lost - k <= all - marked; k--) {
					tail += ways[marked][k] * ways[all - marked][lost - k] / ways[all][lost];
					expect_near(tail_hypergeometric(all, marked, lost, k), tail < 1 ? tail : 1);
				}
			}
	for (int heads = 0; heads <= 40; heads++) {
		double tail = 0;

		for (int k = heads; k <= 40; k++)
			tail += ways[40][k] / 1099511627776.0;
		expect_near(tail_fair_coin(40, heads), tail);
	}
}

/* Values that no simple sum gives: far out, in large numbers; from exact integer arithmetic. */
static void test_tail_far_out(void **state)
{
	(void)state;
	expect_near(tail_hypergeometric(1016, 16, 10, 8), 2.0845312785095555e-14);
	expect_near(tail_hypergeometric(10000, 500, 100, 40), 1.701946728686851e-26);
	expect_near(tail_hypergeometric(2000, 1000, 30, 25), 0.0001472264092693627);
	expect_near(tail_hypergeometric(100000, 50000, 2000, 1200), 7.702222378392822e-20);
	expect_near(tail_hypergeometric(40, 20, 10, 10), 0.00021795989537925023);
	expect_near(tail_fair_coin(20, 18), 0.00020122528076171875);
	assert_true(tail_hypergeometric(2000000000, 1000000, 20000000, 10000) > 0.4);
	assert_true(tail_hypergeometric(2000000000, 1000000, 20000000, 5000) == 1);
}

static struct judge_counts counts(uint64_t stamped, uint64_t stamped_repeated, uint64_t bare, uint64_t bare_repeated)
{
	return (struct judge_counts){ stamped, stamped_repeated, stamped + bare, stamped_repeated + bare_repeated };
}

static bool is_worse(uint64_t stamped, uint64_t stamped_repeated, uint64_t bare, uint64_t bare_repeated)
{
	struct judge_counts made = counts(stamped, stamped_repeated, bare, bare_repeated);

	return judge_counts_worse(&made, JUDGE_ALPHA);
}

static void test_judge_counts(void **state)
{
	const struct judge_counts contradictory[] = { { 10, 20, 5, 3 }, { 0, 1, 0, 0 }, { 1, 0, 2, 100 }, { 0 } };

	(void)state;
	assert_true(is_worse(16, 8, 1000, 10));
	assert_false(is_worse(16, 1, 1000, 10));
	assert_false(is_worse(1000, 10, 1000, 10));
	assert_false(is_worse(1000, 10, 16, 8));
	assert_false(is_worse(100, 100, 0, 0)); /* nothing to compare with */
	assert_true(is_worse(1000000, 20000, 1000000, 5000));
	assert_false(is_worse(1000000, 10000, 1000000, 5000)); /* surely worse, but too little to matter */
	for (unsigned int i = 0; i < sizeof(contradictory) / sizeof(contradictory[0]); i++)
		assert_false(judge_counts_worse(&contradictory[i], JUDGE_ALPHA));
}

/* Some segments of each kind, each lost with its own probability. */
static struct judge_counts traffic(unsigned int stamped, unsigned int bare, double stamped_loss, double bare_loss)
{
	struct judge_counts made = { .stamped = stamped, .segments = stamped + bare };

	for (unsigned int i = 0; i < stamped; i++)
		made.stamped_repeated += chance() < stamped_loss;
	made.repeated = made.stamped_repeated;
	for (unsigned int i = 0; i < bare; i++)
		made.repeated += chance() < bare_loss;
	return made;
}

/* One look at many pairs of equal fates: alarms in no more than alpha of them, and in some. */
static void test_judge_one_look(void **state)
{
	enum { LOOKS = 20000 };
	const double alpha = 0.01;
	unsigned int alarms = 0;

	(void)state;
	seed = 20260726;
	for (int i = 0; i < LOOKS; i++) {
		struct judge_counts made = traffic(200, 800, 0.05, 0.05);

		alarms += judge_counts_worse(&made, alpha);
	}
	print_message("one look, alpha %g: %u alarms in %d looks\n", alpha, alarms, LOOKS);
	assert_in_range(alarms, 1, (unsigned int)(LOOKS * alpha));
}

/* Looks at doubling sizes until `looks` segments were stamped. True: an alarm. */
static bool judged(double stamped_loss, double bare_loss, unsigned int bare_each, unsigned int segments,
		   unsigned int *stamped)
{
	struct judge judge = { 0 };

	for (*stamped = 4; *stamped <= segments; *stamped += 4) {
		struct judge_counts more = traffic(4, 4 * bare_each, stamped_loss, bare_loss);

		if (judge_take(&judge, &more, 1))
			return true;
	}
	return false;
}

/* Paths that treat all alike, however lossy, for thousands of looks: none is suspected. */
static void test_judge_no_false_alarm(void **state)
{
	const double losses[] = { 0, 0.001, 0.01, 0.1, 0.3 };
	unsigned int stamped;

	(void)state;
	seed = 3;
	for (unsigned int i = 0; i < 5; i++)
		for (int path = 0; path < 100; path++)
			assert_false(judged(losses[i], losses[i], 3, 2048, &stamped));
}

/* What drops half of the stamped ones, or a tenth, is found. */
static void test_judge_power(void **state)
{
	const struct {
		double loss;
		unsigned int within; /* stamped segments */
	} rows[] = { { 0.5, 32 }, { 0.1, 512 }, { 0.05, 1024 } };
	unsigned int stamped;

	(void)state;
	seed = 4;
	for (unsigned int row = 0; row < 3; row++) {
		unsigned int found = 0;

		for (int path = 0; path < 1000; path++)
			found += judged(rows[row].loss, 0.002, 5, rows[row].within, &stamped);
		print_message("%g of stamped segments lost, 0.002 of bare ones: found in %u of 1000 within %u\n",
			      rows[row].loss, found, rows[row].within);
		assert_in_range(found, 990, 1000);
	}
}

/* A window that is over does not weigh on the next. */
static void test_judge_window(void **state)
{
	struct judge judge = { 0 };
	struct judge_counts good = counts(1000, 0, 1000, 0), bad = counts(8, 8, 100, 0);

	(void)state;
	assert_false(judge_take(&judge, &good, 1));
	assert_false(judge_take(&judge, &bad, 2));
	assert_true(judge_take(&judge, &bad, 2 + JUDGE_WINDOW_NS));
	assert_int_equal(judge.worse.stamped, 8);
	assert_int_equal(judge.worse.repeated, 8);
	assert_false(judge_take(&judge, &good, 3 + JUDGE_WINDOW_NS));
}

/* A whole probe of a path that loses every packet with `loss` and those with the option also with `option_loss`. */
static enum probe_verdict probed(double loss, double option_loss)
{
	struct probe_counts made = { 0 };
	enum probe_verdict verdict = PROBE_UNCLEAR;

	for (int round = 0; round < PROBE_ROUNDS && verdict == PROBE_UNCLEAR; round++) {
		for (int kind = 0; kind < PROBE_KINDS; kind++)
			for (int size = 0; size < PROBE_SIZES; size++)
				for (int i = 0; i < PROBE_ROUND; i++) {
					made.sent[kind][size]++;
					made.came[kind][size] +=
					    chance() >= loss && (kind == PROBE_BARE || chance() >= option_loss);
				}
		verdict = probe_weigh(&made);
	}
	return verdict;
}

struct probe_row {
	double loss, option_loss;
	double least[4], most[4]; /* of 1, by verdict: unclear, passes, blocked, unanswered */
};

static void test_probe_verdicts(void **state)
{
	enum { PROBES = 20000 };
	static const struct probe_row rows[] = {
		{ 0, 0, { 0, 1, 0, 0 }, { 0, 1, 0, 0 } },
		{ 0, 1, { 0, 0, 1, 0 }, { 0, 0, 1, 0 } },
		{ 1, 0, { 0, 0, 0, 1 }, { 0, 0, 0, 1 } },
		{ 0, 0.5, { 0, 0, .999, 0 }, { .001, .001, 1, 0 } },
		{ 0.1, 0.5, { 0, 0, .98, 0 }, { .02, .001, 1, 0 } },
		{ 0.3, 0.5, { 0, 0, .6, 0 }, { .4, .001, 1, 0 } },
		{ 0.01, 0, { 0, .996, 0, 0 }, { .004, 1, .004, 0 } },
		{ 0.1, 0, { 0, .99, 0, 0 }, { .01, 1, .004, 0 } },
		{ 0.3, 0, { 0, .5, 0, 0 }, { .5, 1, .004, 0 } },
		{ 0, 0.2, { 0, 0, .7, 0 }, { .1, .3, 1, 0 } },
	};

	(void)state;
	seed = 5;
	for (unsigned int row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
		unsigned int seen[4] = { 0 };

		for (int i = 0; i < PROBES; i++)
			seen[probed(rows[row].loss, rows[row].option_loss)]++;
		print_message("loss %g, with the option also %g: passes %.4f, blocked %.4f, unclear %.4f\n",
			      rows[row].loss, rows[row].option_loss, seen[PROBE_PASSES] / (double)PROBES,
			      seen[PROBE_BLOCKED] / (double)PROBES, seen[PROBE_UNCLEAR] / (double)PROBES);
		for (int verdict = 0; verdict < 4; verdict++) {
			assert_true(seen[verdict] >= rows[row].least[verdict] * PROBES);
			assert_true(seen[verdict] <= rows[row].most[verdict] * PROBES);
		}
	}
}

/* Each size by itself: large packets alone are dropped with the option, or without it as well. */
static void test_probe_sizes(void **state)
{
	struct probe_counts large_blocked = { .sent = { { 10, 10 }, { 10, 10 } }, .came = { { 10, 10 }, { 10, 0 } } };
	struct probe_counts large_lost = { .sent = { { 20, 20 }, { 20, 20 } }, .came = { { 20, 0 }, { 20, 0 } } };
	struct probe_counts only_with = { .sent = { { 10, 10 }, { 10, 10 } }, .came = { { 0, 0 }, { 10, 10 } } };

	(void)state;
	assert_int_equal(probe_weigh(&large_blocked), PROBE_BLOCKED);
	assert_int_equal(probe_weigh(&large_lost), PROBE_PASSES);
	assert_int_equal(probe_weigh(&only_with), PROBE_UNCLEAR);
}

static void test_backoff(void **state)
{
	const uint64_t s = 1000000000;
	struct backoff backoff = { 0 };

	(void)state;
	backoff_doubted(&backoff, 1 * s, 5000 * s); /* the first time: at once */
	assert_int_equal(backoff.next_ns, 5000 * s);
	backoff_doubted(&backoff, 1 * s, 5000 * s);
	assert_int_equal(backoff.next_ns, 5010 * s);
	backoff_failed(&backoff, 5000 * s);
	assert_int_equal(backoff.next_ns, 5040 * s);
	for (int i = 0; i < 100; i++)
		backoff_failed(&backoff, 5000 * s);
	assert_int_equal(backoff.next_ns, 5600 * s);
	backoff_doubted(&backoff, 1199 * s, 5000 * s);
	assert_int_equal(backoff.next_ns, 5600 * s);
	backoff_doubted(&backoff, 1200 * s, 5000 * s); /* after a good while */
	assert_int_equal(backoff.next_ns, 5000 * s);
	backoff = (struct backoff){ 0 };
	backoff_doubted(&backoff, 0, 5000 * s); /* the very packet that tried it */
	assert_int_equal(backoff.next_ns, 5010 * s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tail_by_counting),     cmocka_unit_test(test_tail_far_out),
		cmocka_unit_test(test_judge_counts),	     cmocka_unit_test(test_judge_one_look),
		cmocka_unit_test(test_judge_no_false_alarm), cmocka_unit_test(test_judge_power),
		cmocka_unit_test(test_judge_window),	     cmocka_unit_test(test_probe_verdicts),
		cmocka_unit_test(test_probe_sizes),	     cmocka_unit_test(test_backoff),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
