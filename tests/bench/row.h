/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A row of the result: one thing against its base, both measured in every round, and the base against itself.
 */
#ifndef HOPSPAN_BENCH_ROW_H
#define HOPSPAN_BENCH_ROW_H

#include <stdbool.h>

/* One measurement per round. */
struct series {
	const char *name;
	double *values;
};

struct row {
	const char *what;
	const struct series *series, *base;
	const struct series *same[2]; /* one thing measured twice: how far apart is noise */
	const char *proof;	      /* what was checked of the work done */
	double target;		      /* 0: none */
	double packets;		      /* measured in all */
	bool percent;		      /* more in percent of the base, else in ns */
	bool times;		      /* how many times the base */
};

void series_init(struct series *series, const char *name, unsigned int rounds);
void series_free(struct series *series);

/* One JSON object on one line. All in ns per packet; differences are taken round by round, and may be told in percent.
 */
void row_print(const struct row *row, unsigned int rounds);

#endif
