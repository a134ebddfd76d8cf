/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Settles the places of one packet's stays: the largest set of stamps that agree stays, the others move between. */
#include "place.h"

enum { WEIGHT_COARSE = 2 * PLACES_MAX, WEIGHT_FINE = WEIGHT_COARSE + 1 };

static bool in_order(const struct place *places, unsigned int count)
{
	for (unsigned int i = 0; i + 1 < count; i++)
		if (places[i].stamp_ns + places[i].length_ns > places[i + 1].stamp_ns)
			return false;
	return true;
}

/* Makes first and last far enough apart for all stays. */
static void settle_ends(struct place *places, unsigned int count, int64_t sum_ns, bool keep_end)
{
	struct place *first = &places[0], *last = &places[count - 1];

	if (last->at_ns - first->at_ns >= sum_ns)
		return;
	if (keep_end)
		first->at_ns = last->at_ns - sum_ns;
	else
		last->at_ns = first->at_ns + sum_ns;
}

/* For each place the one before it in the heaviest set of agreeing stamps that ends there and begins with the first. */
static void find_agreeing(const struct place *places, unsigned int count, unsigned int before[PLACES_MAX])
{
	int64_t needed_ns[PLACES_MAX] = { 0 }; /* all stays in front */
	int weight[PLACES_MAX] = { 0 };

	for (unsigned int j = 1; j < count; j++) {
		needed_ns[j] = needed_ns[j - 1] + places[j - 1].length_ns;
		weight[j] = -1;
		for (unsigned int i = 0; i < j; i++) {
			if (weight[i] <= weight[j] || places[i].at_ns + needed_ns[j] - needed_ns[i] > places[j].at_ns)
				continue;
			weight[j] = weight[i];
			before[j] = i;
		}
		if (weight[j] >= 0)
			weight[j] += places[j].coarse ? WEIGHT_COARSE : WEIGHT_FINE;
	}
}

/* Moves all places between two that agree as little as needed. */
static void settle_between(struct place *places, unsigned int from, unsigned int to)
{
	int64_t earliest_ns, latest_ns = places[to].at_ns;

	for (unsigned int i = from + 1; i < to; i++)
		latest_ns -= places[i].length_ns;
	for (unsigned int i = from + 1; i < to; i++) {
		earliest_ns = places[i - 1].at_ns + places[i - 1].length_ns;
		if (places[i].at_ns > latest_ns)
			places[i].at_ns = latest_ns;
		if (places[i].at_ns < earliest_ns)
			places[i].at_ns = earliest_ns;
		latest_ns += places[i].length_ns;
	}
}

void places_settle(struct place *places, unsigned int count, bool keep_end)
{
	unsigned int before[PLACES_MAX] = { 0 };
	int64_t sum_ns = 0;

	for (unsigned int i = 0; i < count; i++) {
		places[i].at_ns = places[i].stamp_ns;
		sum_ns += places[i].length_ns;
	}
	if (in_order(places, count))
		return;
	settle_ends(places, count, sum_ns, keep_end);
	find_agreeing(places, count, before);
	for (unsigned int to = count - 1; to > 0; to = before[to])
		settle_between(places, before[to], to);
}
