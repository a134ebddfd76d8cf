/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Where the stays of one packet are drawn. Each node stamps by its own clock; a stay's length is exact, its place is
 * not. Order and nesting must hold, so a node whose clock disagrees is moved, as few of them as possible.
 */
#ifndef HOPSPAN_PLACE_H
#define HOPSPAN_PLACE_H

#include <stdbool.h>
#include <stdint.h>

struct place {
	int64_t stamp_ns;  /* as stamped */
	int64_t length_ns; /* of the stay that begins there, >= 0 */
	int64_t at_ns;	   /* result: where it is drawn */
	bool coarse;	   /* its clock has 1 us steps: moved rather than another */
};

enum { PLACES_MAX = 64 };

/*
 * `count` >= 2 places, the last one the arrival with length 0. First and last stay where they are unless the stays
 * between do not fit; then the one by whose clock the trace is not kept gives way: the last, or with `keep_end` the
 * first.
 */
void places_settle(struct place *places, unsigned int count, bool keep_end);

#endif
