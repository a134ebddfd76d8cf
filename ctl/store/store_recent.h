/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Numbers of the traces that came last, in memory: most spans are of a trace that is new or among these, and neither is
 * looked for in the file. Shared by all handles on a file, under the tail's lock. Only store*.c include this.
 */
#ifndef HOPSPAN_STORE_RECENT_H
#define HOPSPAN_STORE_RECENT_H

#include <stdbool.h>
#include <stdint.h>

#include "spans/span.h"

/* Traces that are surely kept, 8 octets each at half of the room taken; at times twice as many are. */
enum { RECENT_TRACES = 1 << 19 };

struct recent_map {
	uint64_t *slots; /* 32 bits of the trace's hash, and its number behind `base`; 0: free */
	uint32_t size, count;
	int64_t base;
};

/* Zeroed: none. */
struct recent {
	struct recent_map young, old;
	int64_t last; /* up to this number the file's traces were added */
};

void recent_free(struct recent *recent);

/* Without memory it is forgotten. */
void recent_add(struct recent *recent, const uint8_t trace_id[TRACE_ID_LEN], int64_t number);

/*
 * Calls `is_it` for numbers that may be the trace's until it says so: that one. 0: none. One in 10^4 is another
 * trace's, and so are those of traces that are gone.
 */
int64_t recent_find(const struct recent *recent, const uint8_t trace_id[TRACE_ID_LEN],
		    bool (*is_it)(int64_t number, void *arg), void *arg);

#endif
