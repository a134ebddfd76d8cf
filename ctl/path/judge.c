/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The comparison of stamped with bare segments, in windows, at doubling numbers. */
#include "judge.h"

#include "tail.h"

static double share(uint64_t part, uint64_t whole)
{
	return whole ? (double)part / (double)whole : 0;
}

static uint64_t at_most(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* The kernel counts at different moments what belongs together, so the counts may contradict each other a little. */
static struct judge_counts counts_fit(const struct judge_counts *counts)
{
	struct judge_counts fit = *counts;

	if (fit.segments < fit.stamped)
		fit.segments = fit.stamped;
	fit.stamped_repeated = at_most(fit.stamped_repeated, fit.stamped);
	if (fit.repeated < fit.stamped_repeated)
		fit.repeated = fit.stamped_repeated;
	fit.repeated = at_most(fit.repeated, fit.stamped_repeated + fit.segments - fit.stamped);
	return fit;
}

bool judge_counts_worse(const struct judge_counts *counts, double alpha)
{
	struct judge_counts fit = counts_fit(counts);
	uint64_t bare = fit.segments - fit.stamped, bare_repeated = fit.repeated - fit.stamped_repeated;

	if (share(fit.stamped_repeated, fit.stamped) < share(bare_repeated, bare) + JUDGE_EXCESS)
		return false;
	return tail_hypergeometric(fit.segments, fit.stamped, fit.repeated, fit.stamped_repeated) < alpha;
}

static void window_begin(struct judge *judge, uint64_t now_ns)
{
	judge->counts = (struct judge_counts){ 0 };
	judge->window_ns = now_ns;
	judge->next_stamped = JUDGE_FIRST_STAMPED;
	judge->next_repeated = JUDGE_FIRST_REPEATED;
}

/* Looking at every change would find chance differences sooner or later; so few looks leave the error known. */
static bool look_is_due(uint64_t *next, uint64_t count)
{
	bool due = count >= *next;

	while (*next <= count)
		*next *= 2;
	return due;
}

void judge_counts_add(struct judge_counts *counts, const struct judge_counts *more)
{
	counts->stamped += more->stamped;
	counts->stamped_repeated += more->stamped_repeated;
	counts->segments += more->segments;
	counts->repeated += more->repeated;
}

bool judge_take(struct judge *judge, const struct judge_counts *more, uint64_t now_ns)
{
	struct judge_counts *counts = &judge->counts;
	bool due;

	if (!judge->window_ns || now_ns - judge->window_ns >= JUDGE_WINDOW_NS)
		window_begin(judge, now_ns);
	judge_counts_add(counts, more);
	due = look_is_due(&judge->next_stamped, counts->stamped);
	due |= look_is_due(&judge->next_repeated, counts->stamped_repeated);
	if (!due)
		return false;
	if (!judge_counts_worse(counts, JUDGE_ALPHA))
		return false;
	judge->worse = counts_fit(counts);
	window_begin(judge, now_ns);
	return true;
}
