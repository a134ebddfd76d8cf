/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * How far the clocks of two places are apart. A time from one to the other, as stamped, is the way's plus the offset,
 *one back is the way's minus the offset; no way takes less than 0. So the floors (floor.h) of both directions bound the
 * offset, and in the middle it is wrong by half of what the two ways differ at most.
 *
 *	-back <= clock of `to` - clock of `from` <= there
 *
 * Drift is in the floors. Where stamps have no seconds, offsets are known but for whole seconds.
 */
#ifndef HOPSPAN_CLOCK_H
#define HOPSPAN_CLOCK_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "record/nodes.h"
#include "table.h"

enum { CLOCKS_MAX = 8192 }; /* pairs; the one not used for longest goes. 10 MB */

/* Not bounded on that side. */
#define CLOCK_FAR (INT64_MAX / 4)

struct clocks {
	struct table table;
	uint64_t changes; /* of what is known; what was found before the last one may be outdated */
};

/* A host is known by its address, as one direction tells no more of the other end; a router by its node. */
struct station {
	uint8_t id[16];
};

struct station station_host(const struct in6_addr *address);
struct station station_router(const struct node *node);

/* Of one clock less another. */
struct clock_bounds {
	int64_t least_ns, most_ns;
};

/* One packet's time from one station to another, as stamped, without stays. */
struct clock_way {
	struct station from, to;
	int64_t time_ns;
	bool part;    /* of a second: not all of its stamps have seconds */
	bool is_free; /* it met no queue that is known of */
};

void clocks_add(struct clocks *clocks, const struct clock_way *way, int64_t now_unix_ns);

/* What is known of the clock of `to` less that of `from`. Of parts of a second: around the nearest to 0. */
struct clock_bounds clocks_get(struct clocks *clocks, const struct clock_way *way, int64_t now_unix_ns);

/*
 * A host's clock less another's, whole seconds included, from a time that both know: somewhere within these bounds.
 * They narrow those that are known; where they contradict them the clock was set, and they alone count.
 */
void clocks_set_whole(struct clocks *clocks, const struct clock_way *way, const struct clock_bounds *bounds);

/*
 * The offset within these bounds: one that is `known` but for whole seconds by the fewest of them away, another as near
 * as it can be. The same if nothing is known of whole seconds.
 */
int64_t clocks_whole(struct clocks *clocks, const struct clock_way *way, int64_t offset_ns, bool known);

void clocks_free(struct clocks *clocks);

/*
 * Stations in a row, `count` steps between them, and the bounds from the first to the last as a whole: those of each
 * station's clock less the one of station `reference`.
 */
void clock_solve(const struct clock_bounds *steps, unsigned int count, const struct clock_bounds *whole,
		 unsigned int reference, struct clock_bounds *offsets);

/*
 * The offset that is to be corrected: 0 if the clocks may agree as they are; the middle; with one direction alone as
 * little as leaves no time less than 0.
 */
int64_t clock_offset(const struct clock_bounds *bounds);

/* By how much clock_offset() may be wrong; -1: not known. */
int64_t clock_error(const struct clock_bounds *bounds);

#endif
