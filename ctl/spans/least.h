/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The least passage within a window of time that moves in slots.
 */
#ifndef HOPSPAN_LEAST_H
#define HOPSPAN_LEAST_H

#include <stdbool.h>
#include <stdint.h>

struct least_slot {
	int64_t number; /* time / length of a slot */
	int64_t passage_ns, at_unix_ns;
	uint32_t packets; /* 0: free */
};

/* A packet from before the whole window is not counted. */
void least_add(struct least_slot *slots, int count, int64_t slot_ns, int64_t passage_ns, int64_t now_unix_ns);

/* The least of those not older than the window. False: none. */
bool least_get(const struct least_slot *slots, int count, int64_t slot_ns, int64_t now_unix_ns, int64_t *least_ns);

#endif
