/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Tails of the hypergeometric and the binomial distribution, by the ratio of neighbouring terms. */
#include "tail.h"

#include <math.h>

static const double NEGLIGIBLE = 1e-17; /* of the sum so far */

static double log_factorial(uint64_t n)
{
	int sign;

	return lgamma_r((double)n + 1, &sign);
}

static double log_choose(uint64_t n, uint64_t k)
{
	return log_factorial(n) - log_factorial(k) - log_factorial(n - k);
}

static uint64_t at_most(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* P(X = k + 1) / P(X = k) */
static double hypergeometric_ratio(uint64_t all, uint64_t marked, uint64_t lost, uint64_t k)
{
	double others_kept = (double)all - (double)marked - (double)lost + (double)k + 1;

	return (double)(marked - k) * (double)(lost - k) / ((double)(k + 1) * others_kept);
}

/* Of a distribution with one peak: once its terms fall and are small, what is left is smaller still. */
double tail_hypergeometric(uint64_t all, uint64_t marked, uint64_t lost, uint64_t marked_lost)
{
	uint64_t most, least;
	double term, sum = 0;

	marked = at_most(marked, all);
	lost = at_most(lost, all);
	most = at_most(marked, lost);
	least = marked + lost > all ? marked + lost - all : 0;
	if (marked_lost <= least)
		return 1;
	if (marked_lost > most)
		return 0;
	/* Below the mean: from the other end, where the first term cannot vanish beside the others. */
	if ((double)marked_lost * (double)all <= (double)marked * (double)lost)
		return 1 - tail_hypergeometric(all, all - marked, lost, lost - marked_lost + 1);
	term =
	    exp(log_choose(marked, marked_lost) + log_choose(all - marked, lost - marked_lost) - log_choose(all, lost));
	for (uint64_t k = marked_lost; k <= most; k++) {
		double ratio = hypergeometric_ratio(all, marked, lost, k);

		sum += term;
		if (ratio < 1 && term < sum * NEGLIGIBLE)
			break;
		term *= ratio;
	}
	return sum < 1 ? sum : 1;
}

double tail_fair_coin(unsigned int tosses, unsigned int heads)
{
	double sum = 0;

	for (unsigned int k = heads; k <= tosses; k++)
		sum += exp(log_choose(tosses, k) - tosses * log(2));
	return sum < 1 ? sum : 1;
}
