/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Durations, ratios and sizes as people read them. One trace has one unit.
 */
#ifndef HOPSPAN_UNIT_H
#define HOPSPAN_UNIT_H

#include <stdint.h>

#include "spans/arena.h"

struct unit {
	const char *name; /* us, ms, s */
	int64_t ns;
	int decimals; /* of an exact number */
};

/* The unit of a trace of this duration. */
const struct unit *unit_of(int64_t duration_ns);

/* For columns: "39.800", always with the unit's decimals. */
char *unit_exact(struct arena *arena, const struct unit *unit, int64_t duration_ns);

/* For sentences: "39.8", and two significant digits below one: "0.19". */
char *unit_round(struct arena *arena, const struct unit *unit, int64_t duration_ns);

/* "3.4", "12", "210". */
char *times_text(struct arena *arena, double times);

/* "0 B", "57.9 kB", "579 kB". */
char *bytes_text(struct arena *arena, int64_t bytes);

#endif
