/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The path of a transfer in words. */
#include "legend.h"

#include <string.h>

/* The transfer around a span, itself included. */
static size_t transfer_around(const struct tree *tree, const struct span *span)
{
	size_t place = tree_find(tree, span);

	while (place != TREE_NONE && !span_is_network(tree->nodes[place].span, "transfer"))
		place = tree->nodes[place].parent;
	return place;
}

static bool has_path(const struct span *transfer)
{
	const struct span_attr *path = attr_find(&transfer->attrs, "hopspan.path");

	return path && path->type == ATTR_STRINGS && path->strings.count;
}

/* Around what the verdict names, else below what it explains, else the first. */
static size_t find_transfer(const struct tree *tree, const struct verdict *verdict)
{
	size_t found = transfer_around(tree, verdict->at);

	if (found != TREE_NONE)
		return found;
	for (size_t i = 0; i < tree->count; i++) {
		const struct span *span = tree->nodes[i].span;

		if (!span_is_network(span, "transfer") || !has_path(span))
			continue;
		if (verdict->of && memcmp(span->parent_id, verdict->of->id, SPAN_ID_LEN) == 0)
			return i;
		if (found == TREE_NONE)
			found = i;
	}
	return found;
}

/* " xdp", " linux, no departure time": what the rows of the transfer know about a router. */
static const char *router_words(struct arena *arena, const struct tree *tree, size_t transfer, const char *name)
{
	for (size_t i = transfer + 1; i < tree->nodes[transfer].end; i++) {
		const struct span_attrs *attrs = &tree->nodes[i].span->attrs;
		const char *dataplane = attr_get_string(attrs, "hopspan.dataplane", "");
		bool hop = span_is_network(tree->nodes[i].span, "hop");

		if (strcmp(attr_get_string(attrs, "hopspan.node", ""), name) != 0)
			continue;
		if (strcmp(dataplane, "other") == 0)
			dataplane = "";
		return arena_printf(arena, "%s%s%s", *dataplane ? " " : "", dataplane,
				    hop && !attr_find(attrs, "hopspan.delay_ns") ? ", no departure time" : "");
	}
	return "";
}

const char *legend_path(struct arena *arena, const struct tree *tree, const struct verdict *verdict,
			const struct unit *unit)
{
	size_t transfer = find_transfer(tree, verdict);
	const char *text = "path";

	if (transfer == TREE_NONE || !has_path(tree->nodes[transfer].span))
		return "";
	const struct span_attrs *attrs = &tree->nodes[transfer].span->attrs;
	const struct span_attr *path = attr_find(attrs, "hopspan.path");
	int64_t error_ns = attr_get_int(attrs, "hopspan.clock_error_ns", -1);

	for (size_t i = 0; i < path->strings.count; i++) {
		const char *name = path->strings.list[i];
		bool router = i && i + 1 < path->strings.count;

		text = arena_printf(arena, "%s%s%s%s", text, i ? " > " : " ", name,
				    router ? router_words(arena, tree, transfer, name) : "");
	}
	if (error_ns < 0)
		return text;
	return arena_printf(arena, "%s   clocks within %s %s", text, unit_exact(arena, unit, error_ns), unit->name);
}
