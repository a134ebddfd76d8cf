/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What is usual: a median per stay, link, hop and way, of every stamped packet.
 *
 * Log-linear histograms (8 steps per doubling, ns); counts are halved every 6 hours, so that an hour's trouble does
 * not become usual. Kept in the store under keys that follow from a span's attributes:
 *
 *	stay NODE EGRESS-IF	link FROM TO	hop FROM TO	transfer SOURCE/64 DESTINATION/64 DIRECTION
 */
#ifndef HOPSPAN_USUAL_H
#define HOPSPAN_USUAL_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "span.h"
#include "tc/histogram.h"

enum {
	USUAL_BUCKETS = 64 * HISTOGRAM_STEPS, /* more than there are values for: as stores have it */
	USUAL_ENOUGH = 100,		      /* packets; below that nothing is called usual */
	USUAL_KEY_SIZE = 192,
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

/*
 * The key of a network span's baseline, from its attributes. False: it has none, as every span that is not of kind
 * transfer, node, link or hop (a `slowest packet` is measured against the baseline of its transfer).
 */
bool usual_key(const struct span *span, char key[USUAL_KEY_SIZE]);

/* The same from its parts; `egress_if` may be NULL. */
void usual_key_stay(const char *node, const char *egress_if, char key[USUAL_KEY_SIZE]);
void usual_key_link(const char *from, const char *to, char key[USUAL_KEY_SIZE]);
void usual_key_hop(const char *from, const char *to, char key[USUAL_KEY_SIZE]);
void usual_key_transfer(const struct in6_addr *source, const struct in6_addr *destination, const char *direction,
			char key[USUAL_KEY_SIZE]);

#endif
