/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The line below a waterfall that says which way the packets took and how well its clocks agree. */
#ifndef HOPSPAN_LEGEND_H
#define HOPSPAN_LEGEND_H

#include "tree.h"
#include "unit.h"
#include "verdict.h"

/* "path shop-1 > r1 xdp > ? > cart-1   clocks within 0.012 ms", of the transfer that the verdict is about; "": none. */
const char *legend_path(struct arena *arena, const struct tree *tree, const struct verdict *verdict,
			const struct unit *unit);

#endif
