/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The right side of a waterfall: where a span was, as a bar, with a note beside it. */
#ifndef HOPSPAN_BAR_H
#define HOPSPAN_BAR_H

#include "out.h"
#include "tree.h"
#include "unit.h"
#include "verdict.h"

/* What a bar is made of. */
struct glyphs {
	const char *application, *way, *router, *queue, *thin;
};

struct waterfall {
	const struct out *out;
	const struct verdict *verdict;
	const struct unit *unit;
	struct arena *arena;
	struct tree tree;
	struct glyphs glyphs;
	bool *folded;			/* per node of the tree: its descendants are not shown */
	int service, name, number, bar; /* columns; name includes what parts it from the number */
	bool usual;			/* is shown */
};

/* What the verdict speaks of. */
bool waterfall_names(const struct waterfall *waterfall, const struct span *span);

/* The column of a time, as a fraction; 0 where there is no time. */
double bar_column(const struct waterfall *waterfall, int64_t unix_ns);

void bar_print(const struct waterfall *waterfall, size_t row);

#endif
