/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Memory of a few sizes that is taken a thousand times and then given back a thousand times: malloc() joins such pieces
 * when they come back and parts them again.
 */
#ifndef HOPSPAN_SPARES_H
#define HOPSPAN_SPARES_H

#include <stddef.h>

enum {
	SPARES_STEP = 64,	     /* sizes are multiples of it */
	SPARES_CLASSES = 32,	     /* larger pieces are malloc()'s */
	SPARES_OCTETS_MAX = 4 << 20, /* what is beyond that goes back to malloc() */
};

struct spare;

/* Zeroed: none. */
struct spares {
	struct spare *first[SPARES_CLASSES];
	size_t octets;
};

/* Not zeroed; without memory the process ends with a message. */
void *spares_take(struct spares *spares, size_t size);

/* `size` is what it was taken with; NULL: nothing. */
void spares_give(struct spares *spares, void *piece, size_t size);

void spares_free(struct spares *spares);

#endif
