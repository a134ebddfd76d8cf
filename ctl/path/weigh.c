/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Weighs the answers to a probe. */
#include "weigh.h"

#include <stdbool.h>

#include "tail.h"

/* Of all rounds together: wrongly "passes" where half are dropped, and wrongly "blocked" where loss treats all alike.
 */
static const double PASSES_WRONGLY = 0.001 / PROBE_ROUNDS, BLOCKED_WRONGLY = 0.004 / PROBE_ROUNDS;
/* What is less probable than that, if loss treats all alike, is worth another round. */
static const double SUSPICIOUS = 0.05;

/* A size in which not even bare packets come back says nothing about the option, unless none comes back at all. */
void probe_sums(const struct probe_counts *counts, unsigned int sent[PROBE_KINDS], unsigned int came[PROBE_KINDS])
{
	bool any = counts->came[PROBE_BARE][PROBE_SMALL] + counts->came[PROBE_BARE][PROBE_FULL];

	for (int kind = 0; kind < PROBE_KINDS; kind++) {
		sent[kind] = came[kind] = 0;
		for (int size = 0; size < PROBE_SIZES; size++) {
			if (any && !counts->came[PROBE_BARE][size])
				continue;
			sent[kind] += counts->sent[kind][size];
			came[kind] += counts->came[kind][size];
		}
	}
}

enum probe_verdict probe_weigh(const struct probe_counts *counts)
{
	unsigned int sent[PROBE_KINDS], came[PROBE_KINDS], lost, lost_with;
	double alike;

	probe_sums(counts, sent, came);
	if (!came[PROBE_BARE])
		return came[PROBE_OPTION] ? PROBE_UNCLEAR : PROBE_UNANSWERED;
	lost_with = sent[PROBE_OPTION] - came[PROBE_OPTION];
	lost = lost_with + sent[PROBE_BARE] - came[PROBE_BARE];
	alike = tail_hypergeometric(sent[PROBE_BARE] + sent[PROBE_OPTION], sent[PROBE_OPTION], lost, lost_with);
	if (alike < BLOCKED_WRONGLY)
		return PROBE_BLOCKED;
	if (alike >= SUSPICIOUS && tail_fair_coin(sent[PROBE_OPTION], came[PROBE_OPTION]) < PASSES_WRONGLY)
		return PROBE_PASSES;
	return PROBE_UNCLEAR;
}
