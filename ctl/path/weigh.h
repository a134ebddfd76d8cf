/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What the answers to a probe say: does the option come through? Rounds of echo requests, as many with it as without,
 * in two sizes, until it is clear or PROBE_ROUNDS are over. docs/paths.md has the rule.
 */
#ifndef HOPSPAN_PATH_WEIGH_H
#define HOPSPAN_PATH_WEIGH_H

enum probe_kind { PROBE_BARE, PROBE_OPTION, PROBE_KINDS };
enum probe_size { PROBE_SMALL, PROBE_FULL, PROBE_SIZES };

enum {
	PROBE_ROUND = 10, /* packets of each kind and size in a round */
	PROBE_ROUNDS = 4,
};

struct probe_counts {
	unsigned int sent[PROBE_KINDS][PROBE_SIZES];
	unsigned int came[PROBE_KINDS][PROBE_SIZES]; /* back */
};

enum probe_verdict {
	PROBE_UNCLEAR,	  /* another round is needed; after the last: too lossy to tell */
	PROBE_PASSES,	  /* as many come back with the option as without */
	PROBE_BLOCKED,	  /* clearly fewer do */
	PROBE_UNANSWERED, /* none at all do */
};

enum probe_verdict probe_weigh(const struct probe_counts *counts);

/* Of the sizes that any bare packet came back in, else of all. */
void probe_sums(const struct probe_counts *counts, unsigned int sent[PROBE_KINDS], unsigned int came[PROBE_KINDS]);

#endif
