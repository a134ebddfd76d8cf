/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The spans of one trace in the order in which they are shown: depth first, children by their start.
 *
 * Takes what comes: no root, several, orphans (they stand beside the roots), circles (broken at the earliest span).
 */
#ifndef HOPSPAN_TREE_H
#define HOPSPAN_TREE_H

#include <stdbool.h>

#include "spans/span.h"

#define TREE_NONE SIZE_MAX

struct tree_node {
	const struct span *span;
	size_t parent; /* place in `nodes`, or TREE_NONE */
	size_t end;    /* place behind the last descendant */
	int depth;
};

struct tree {
	struct tree_node *nodes;
	size_t count;
	const struct span *first; /* of the list */
	size_t *places;		  /* of its spans, in the list's order, in `nodes` */
	const struct span *root;  /* of the application; NULL if it has not come */
	int64_t start_unix_ns;	  /* earliest span with a time */
	int64_t extent_ns;	  /* from there to the latest end */
	int64_t duration_ns;	  /* of the root, else the extent */
};

/* Lives in the list's arena, as long as the list does not grow. */
void tree_build(struct span_list *spans, struct tree *tree);

/* The place of a span of the list; TREE_NONE for NULL. */
size_t tree_find(const struct tree *tree, const struct span *span);

/* Never negative. */
int64_t span_duration(const struct span *span);

/* Made by hopspan; `kind` (of hopspan.kind) NULL: any. */
bool span_is_network(const struct span *span, const char *kind);

/* What a row says it took: the uncut time of links and hops, else the span's. */
int64_t span_time(const struct span *span);

/* hopspan.usual_ns, or -1. */
int64_t span_usual(const struct span *span);

#endif
