/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What is usual: a median per stay, link, hop and way, of every stamped packet.
 *
 * Log-linear histograms (8 steps per doubling, ns); counts are halved every 6 hours, so that an hour's trouble does
 * not become usual. Kept in the store under the same keys that name the spans.
 */
#ifndef HOPSPAN_USUAL_H
#define HOPSPAN_USUAL_H

#include <stdint.h>

enum {
	USUAL_STEPS = 8,
	USUAL_BUCKETS = 64 * USUAL_STEPS,
	USUAL_ENOUGH = 100, /* packets; below that nothing is called usual */
};

/* Also its form in the store, in this machine's byte order. */
struct usual {
	uint16_t count[USUAL_BUCKETS];
	int64_t halved_unix_ns; /* when counts were last halved */
};

void usual_add(struct usual *usual, int64_t duration_ns, int64_t now_unix_ns);
uint64_t usual_packets(const struct usual *usual);

/* The median in ns (the middle of its bucket), or -1 with less than USUAL_ENOUGH packets. */
int64_t usual_median(const struct usual *usual);

#endif
