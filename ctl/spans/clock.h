/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * How far the clocks of two hosts may be apart: not further than the least time from one to the other and back, as
 * stamped. The offset is in both ways with opposite signs, so it is not in the sum.
 */
#ifndef HOPSPAN_CLOCK_H
#define HOPSPAN_CLOCK_H

#include <netinet/in.h>
#include <stdint.h>

#include "table.h"

enum { CLOCKS_MAX = 8192 }; /* pairs of hosts; the one not used for longest goes. 6 MB */

struct clocks {
	struct table table;
};

/* Counts a packet's way as stamped, and returns the bound: -1 as long as none came the other way in 10 minutes. */
int64_t clocks_add(struct clocks *clocks, const struct in6_addr *source, const struct in6_addr *destination,
		   int64_t way_ns, int64_t now_unix_ns);
void clocks_free(struct clocks *clocks);

#endif
