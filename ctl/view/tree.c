/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Spans in no order -> depth first. Without recursion: how deep a trace is, others decide. */
#include "tree.h"

#include <stdlib.h>
#include <string.h>

/* While building: spans are numbered by their start. */
struct builder {
	const struct span **spans;     /* by start */
	size_t *by_id;		       /* numbers by span id */
	size_t *parent, *child, *next; /* numbers; the first child is the latest */
	size_t *place;		       /* in the result, TREE_NONE before */
	size_t *stack;
	size_t count;
};

/* Sums of many durations must not overflow, whatever came: no more than two years. */
static int64_t bounded(int64_t duration_ns)
{
	const int64_t most = INT64_C(1) << 56;

	return duration_ns < most ? duration_ns : most;
}

int64_t span_duration(const struct span *span)
{
	int64_t duration_ns;

	if (span->end_unix_ns <= span->start_unix_ns)
		return 0;
	if (__builtin_sub_overflow(span->end_unix_ns, span->start_unix_ns, &duration_ns))
		duration_ns = INT64_MAX;
	return bounded(duration_ns);
}

bool span_is_network(const struct span *span, const char *kind)
{
	const char *own =
	    strcmp(span->scope, "hopspan") == 0 ? attr_get_string(&span->attrs, "hopspan.kind", NULL) : NULL;

	return own && (!kind || strcmp(own, kind) == 0);
}

int64_t span_time(const struct span *span)
{
	int64_t link_ns = attr_get_int(&span->attrs, "hopspan.link_ns", -1);

	return link_ns >= 0 && span_is_network(span, NULL) ? bounded(link_ns) : span_duration(span);
}

int64_t span_usual(const struct span *span)
{
	int64_t usual_ns = span_is_network(span, NULL) ? attr_get_int(&span->attrs, "hopspan.usual_ns", -1) : -1;

	return usual_ns < 0 ? -1 : bounded(usual_ns);
}

static int compare_ns(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

static int compare_start(const void *a, const void *b)
{
	const struct span *x = *(const struct span *const *)a, *y = *(const struct span *const *)b;
	int order = compare_ns(x->start_unix_ns, y->start_unix_ns);

	/* A stay of no time stands before the link that begins with it, anything before what it may contain. */
	if (!order && span_is_network(x, NULL) && span_is_network(y, NULL))
		order = compare_ns(x->end_unix_ns, y->end_unix_ns);
	else if (!order)
		order = compare_ns(y->end_unix_ns, x->end_unix_ns);
	return order ? order : memcmp(x->id, y->id, SPAN_ID_LEN);
}

static int compare_id(const void *a, const void *b, void *arg)
{
	const struct builder *builder = arg;
	size_t x = *(const size_t *)a, y = *(const size_t *)b;
	int order = memcmp(builder->spans[x]->id, builder->spans[y]->id, SPAN_ID_LEN);

	return order ? order : (x > y) - (x < y);
}

/* The earliest span with this id, other than `self`. */
static size_t find_parent(const struct builder *builder, size_t self)
{
	static const uint8_t none[SPAN_ID_LEN];
	const uint8_t *id = builder->spans[self]->parent_id;
	size_t low = 0, high = builder->count;

	if (memcmp(id, none, SPAN_ID_LEN) == 0)
		return TREE_NONE;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (memcmp(builder->spans[builder->by_id[middle]]->id, id, SPAN_ID_LEN) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == builder->count || memcmp(builder->spans[builder->by_id[low]]->id, id, SPAN_ID_LEN) != 0)
		return TREE_NONE;
	return builder->by_id[low] == self ? TREE_NONE : builder->by_id[low];
}

static void builder_fill(struct builder *builder, struct span_list *spans)
{
	size_t count = builder->count = spans->count;
	size_t **arrays[] = { &builder->by_id, &builder->parent, &builder->child,
			      &builder->next,  &builder->place,	 &builder->stack };

	for (size_t i = 0; i < sizeof(arrays) / sizeof(arrays[0]); i++)
		*arrays[i] = arena_alloc(&spans->arena, (count + 1) * sizeof(size_t));
	builder->spans = arena_alloc(&spans->arena, (count + 1) * sizeof(*builder->spans));
	for (size_t i = 0; i < count; i++)
		builder->spans[i] = &spans->spans[i];
	qsort(builder->spans, count, sizeof(*builder->spans), compare_start);
	for (size_t i = 0; i < count; i++) {
		builder->by_id[i] = i;
		builder->child[i] = builder->place[i] = TREE_NONE;
	}
	qsort_r(builder->by_id, count, sizeof(*builder->by_id), compare_id, builder);
	for (size_t i = 0; i < count; i++) {
		size_t parent = builder->parent[i] = find_parent(builder, i);

		if (parent == TREE_NONE)
			continue;
		builder->next[i] = builder->child[parent];
		builder->child[parent] = i;
	}
}

/* Appends span `top` and all below it. */
static void append_subtree(struct builder *builder, struct tree *tree, size_t top)
{
	size_t depth = 0;

	builder->stack[depth++] = top;
	while (depth) {
		size_t self = builder->stack[--depth];

		if (builder->place[self] != TREE_NONE)
			continue;
		size_t parent = self == top ? TREE_NONE : builder->place[builder->parent[self]];

		builder->place[self] = tree->count;
		tree->nodes[tree->count++] = (struct tree_node){
			.span = builder->spans[self],
			.parent = parent,
			.depth = parent == TREE_NONE ? 0 : tree->nodes[parent].depth + 1,
		};
		for (size_t child = builder->child[self]; child != TREE_NONE; child = builder->next[child])
			if (builder->place[child] == TREE_NONE)
				builder->stack[depth++] = child;
	}
}

static void set_ends(struct tree *tree)
{
	for (size_t i = tree->count; i-- > 0;) {
		struct tree_node *node = &tree->nodes[i];

		if (node->end <= i)
			node->end = i + 1;
		if (node->parent != TREE_NONE && tree->nodes[node->parent].end < node->end)
			tree->nodes[node->parent].end = node->end;
	}
}

static void set_times(struct tree *tree)
{
	static const uint8_t none[SPAN_ID_LEN];
	int64_t end_unix_ns = 0;

	for (size_t i = 0; i < tree->count; i++) {
		const struct span *span = tree->nodes[i].span;

		if (!tree->root && !span_is_network(span, NULL) && memcmp(span->parent_id, none, SPAN_ID_LEN) == 0)
			tree->root = span;
		if (span->start_unix_ns <= 0)
			continue;
		if (!tree->start_unix_ns || span->start_unix_ns < tree->start_unix_ns)
			tree->start_unix_ns = span->start_unix_ns;
		if (span->start_unix_ns > end_unix_ns)
			end_unix_ns = span->start_unix_ns;
		if (span->end_unix_ns > end_unix_ns)
			end_unix_ns = span->end_unix_ns;
	}
	tree->extent_ns = bounded(end_unix_ns - tree->start_unix_ns);
	tree->duration_ns = tree->root ? span_duration(tree->root) : tree->extent_ns;
}

void tree_build(struct span_list *spans, struct tree *tree)
{
	struct builder builder;

	*tree = (struct tree){ .nodes = arena_alloc(&spans->arena, (spans->count + 1) * sizeof(*tree->nodes)) };
	builder_fill(&builder, spans);
	for (size_t i = 0; i < builder.count; i++)
		if (builder.parent[i] == TREE_NONE)
			append_subtree(&builder, tree, i);
	/* What is left is in circles. */
	for (size_t i = 0; i < builder.count; i++)
		if (builder.place[i] == TREE_NONE)
			append_subtree(&builder, tree, i);
	tree->first = spans->spans;
	tree->places = arena_alloc(&spans->arena, (spans->count + 1) * sizeof(*tree->places));
	for (size_t i = 0; i < tree->count; i++)
		tree->places[tree->nodes[i].span - tree->first] = i;
	set_ends(tree);
	set_times(tree);
}

size_t tree_find(const struct tree *tree, const struct span *span)
{
	return span ? tree->places[span - tree->first] : TREE_NONE;
}
