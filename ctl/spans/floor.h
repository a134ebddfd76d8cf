/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The floor of a series of times between two clocks: what a way takes when nothing is in the way, as they say it.
 *
 *	time |      x    x
 *	     |  x     x      x  x           what queues add
 *	     |x     x   ___x____---x---     floor: rises or falls as the clocks run apart
 *	     |__x---~~~~
 *	     +--------------------------> 10 minutes
 *
 * A line below all of the last 10 minutes' times, through the least of them: its slope is the drift. Where no line is
 * seen in them, the least. A way that has become longer or shorter (another route, a clock that was set) is noticed
 * within seconds of traffic, and what was before it is forgotten.
 */
#ifndef HOPSPAN_FLOOR_H
#define HOPSPAN_FLOOR_H

#include <stdbool.h>
#include <stdint.h>

enum {
	FLOOR_SLOTS = 15,   /* of 1.25 s each at first, of 40 s once there is as much traffic */
	FLOOR_RECENT = 4,   /* so many leasts in a row have moved before it is believed */
	FLOOR_RECENT_S = 1, /* each of at least that long */
	FLOOR_RECENT_PACKETS = 16,
};

/* A slot's least; 0 packets: free. */
struct floor_point {
	int64_t at_unix_ns, value_ns;
	uint32_t packets;
};

/* Zeroed: empty. */
struct floor {
	struct floor_point slots[FLOOR_SLOTS], recent[FLOOR_RECENT];
	int64_t begin_unix_ns, slot_ns;
	int64_t newest_unix_ns;
	/* The line: its value at `line_unix_ns`, ns per ns, and how far it may be followed. */
	int64_t line_unix_ns, line_ns, line_length_ns;
	double drift;
	uint8_t recent_at;
	bool found, is_line, stale; /* stale: the line is to be found anew */
};

/*
 * `is_free`: it met no queue that is known of. Only such tell that the way has become longer; a queue may stand.
 */
void floor_add(struct floor *floor, int64_t value_ns, bool is_free, int64_t now_unix_ns);

/* False: nothing within 10 minutes. */
bool floor_get(struct floor *floor, int64_t now_unix_ns, int64_t *value_ns);

/*
 * A time of which only the part below a second is known, as the one from 0.25 s below the floor to 0.75 s above it;
 * without a floor as it is.
 */
int64_t floor_place(struct floor *floor, int64_t value_ns, int64_t now_unix_ns);

/* The time that differs by whole seconds and lies from 0.25 s before `near_ns` to 0.75 s behind it. */
int64_t second_place(int64_t value_ns, int64_t near_ns);

#endif
