/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Do stamped segments to a prefix have to be sent again more often than bare ones? docs/paths.md has the rule and how
 * often it is wrong.
 */
#ifndef HOPSPAN_PATH_JUDGE_H
#define HOPSPAN_PATH_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

#define JUDGE_WINDOW_NS 3600000000000ULL
#define JUDGE_ALPHA 1e-6  /* of one look */
#define JUDGE_EXCESS 0.01 /* worse by less harms nobody */

/* The first look is at so many stamped segments, or so many sent again; each next one at twice as many. */
enum { JUDGE_FIRST_STAMPED = 8, JUDGE_FIRST_REPEATED = 4 };

struct judge_counts {
	uint64_t stamped, stamped_repeated;
	uint64_t segments, repeated; /* stamped and bare */
};

struct judge {
	struct judge_counts counts;	      /* of this window */
	uint64_t window_ns;		      /* when it began; 0: not yet */
	uint64_t next_stamped, next_repeated; /* when to look next */
	struct judge_counts worse;	      /* what the last adverse verdict was based on */
};

void judge_counts_add(struct judge_counts *counts, const struct judge_counts *more);

/* Clearly worse, given `alpha`? Any counts will do. */
bool judge_counts_worse(const struct judge_counts *counts, double alpha);

/* Takes what has been counted since the last call; true: stamped ones are clearly worse, and a new window begins. */
bool judge_take(struct judge *judge, const struct judge_counts *more, uint64_t now_ns);

#endif
