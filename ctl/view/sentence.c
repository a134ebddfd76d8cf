/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Segments of a call in words. The wordings are listed in docs/verdict.md. */
#include "sentence.h"

#include <string.h>

const char *segment_text(const struct segment *segment, const char *key)
{
	const char *text = segment->span ? attr_get_string(&segment->span->attrs, key, NULL) : NULL;

	return text && *text ? text : NULL;
}

int64_t segment_queue_bytes(const struct segment *segment)
{
	return segment->span ? attr_get_int(&segment->span->attrs, "hopspan.queue_bytes", -1) : -1;
}

bool segment_is_stay(const struct segment *segment)
{
	return segment->span && span_is_network(segment->span, "node");
}

bool segment_is_hop(const struct segment *segment)
{
	return segment->span && span_is_network(segment->span, "hop");
}

bool segment_is_queue(const struct segment *segment)
{
	int64_t wait_ns = segment->span ? attr_get_int(&segment->span->attrs, "hopspan.wait_ns", -1) : -1;

	return segment_is_stay(segment) && segment_queue_bytes(segment) > 0 &&
	       (wait_ns < 0 || wait_ns >= segment->time_ns / 2);
}

const char *sentence_amount(const struct judgement *judgement, int64_t time_ns)
{
	return unit_round(judgement->arena, judgement->unit, time_ns);
}

const char *sentence_share(const struct judgement *judgement, int64_t time_ns)
{
	const struct call *call = judgement->call;
	bool named = judgement->several && call->client;
	const char *of = named ? " of " : "", *name = named ? call->client->name : "";

	if (time_ns > call->of_ns)
		return arena_printf(judgement->arena, "%s %s%s%s", sentence_amount(judgement, time_ns),
				    judgement->unit->name, of, name);
	return arena_printf(judgement->arena, "%s of %s %s%s%s", sentence_amount(judgement, time_ns),
			    sentence_amount(judgement, call->of_ns), judgement->unit->name, of, name);
}

static const char *stay_place(const struct judgement *judgement, const struct segment *stay)
{
	const char *node = segment_text(stay, "hopspan.node"), *egress = segment_text(stay, "hopspan.egress_if");
	int64_t bytes = segment_queue_bytes(stay);
	const char *of = egress ? " of " : "";

	node = node ? node : stay->span->name;
	egress = egress ? egress : "";
	if (bytes < 0)
		return arena_printf(judgement->arena, "in %s", node);
	if (bytes == 0)
		return arena_printf(judgement->arena, "in %s, no queue%s%s", node, *egress ? " at " : "", egress);
	const char *queue = arena_printf(judgement->arena, "waiting in the queue%s%s (%s)", of, egress,
					 bytes_text(judgement->arena, bytes));

	if (segment_is_queue(stay))
		return arena_printf(judgement->arena, "in %s, %s", node, queue);
	return arena_printf(judgement->arena, "in %s, %s of it %s", node,
			    sentence_amount(judgement, attr_get_int(&stay->span->attrs, "hopspan.wait_ns", 0)), queue);
}

static long long silent_routers(const struct segment *segment)
{
	return segment->span ? attr_get_int(&segment->span->attrs, "hopspan.silent_hops", 0) : 0;
}

bool segment_is_silent(const struct segment *segment)
{
	return !segment_is_stay(segment) && silent_routers(segment) > 0;
}

/* "from r3 to server", of a span named "r3 -> ? -> server". */
static const char *ends(struct arena *arena, const char *name)
{
	const char *first = strstr(name, " -> "), *last = first;

	if (!first)
		return arena_printf(arena, "on %s", name);
	for (const char *next; (next = strstr(last + 1, " -> "));)
		last = next;
	return arena_printf(arena, "from %.*s to %s", (int)(first - name), name, last + 4);
}

static const char *hop_place(const struct judgement *judgement, const struct segment *hop)
{
	const char *egress = segment_text(hop, "hopspan.egress_if");
	const char *place = ends(judgement->arena, hop->span->name);
	long long silent = silent_routers(hop);

	if (silent > 0)
		place = arena_printf(judgement->arena, "%s, %lld silent router%s between", place, silent,
				     silent > 1 ? "s" : "");
	else
		place = arena_printf(judgement->arena, "%s, stay and way not told apart", place);
	if (segment_queue_bytes(hop) <= 0)
		return place;
	return arena_printf(judgement->arena, "%s, %s queued%s%s", place,
			    bytes_text(judgement->arena, segment_queue_bytes(hop)), egress ? " at " : "",
			    egress ? egress : "");
}

const char *sentence_place(const struct judgement *judgement, const struct segment *segment)
{
	if (segment->kind == SEGMENT_LOST)
		return "until a lost packet was sent again";
	if (segment->kind == SEGMENT_HOST)
		return arena_printf(judgement->arena, "in %s, %s", segment->host, segment->when);
	if (segment_is_stay(segment))
		return stay_place(judgement, segment);
	return segment_is_hop(segment) || segment_is_silent(segment)
		   ? hop_place(judgement, segment)
		   : arena_printf(judgement->arena, "on %s", segment->span->name);
}

/* What the router in front of a link said about its queue; the sender's is on its link itself. */
static const char *link_queue(const struct judgement *judgement, const struct segment *link)
{
	const struct tree *tree = judgement->tree;
	const char *from = segment_text(link, "hopspan.from");
	size_t place_of = tree_find(tree, link->span), parent = tree->nodes[place_of].parent;
	int64_t bytes = segment_queue_bytes(link);

	for (size_t i = parent + 1; from && parent != TREE_NONE && i < tree->nodes[parent].end; i++) {
		const struct span *stay = tree->nodes[i].span;

		if (tree->nodes[i].parent == parent && span_is_network(stay, "node") &&
		    strcmp(attr_get_string(&stay->attrs, "hopspan.node", ""), from) == 0)
			bytes = attr_get_int(&stay->attrs, "hopspan.queue_bytes", -1);
	}
	if (!from || bytes < 0)
		return "";
	if (bytes == 0)
		return arena_printf(judgement->arena, "; no queue seen in %s", from);
	return arena_printf(judgement->arena, "; %s queued in %s", bytes_text(judgement->arena, bytes), from);
}

const char *sentence_usual(const struct judgement *judgement, const struct segment *segment)
{
	if (segment->kind != SEGMENT_ROW)
		return "";
	bool link = !segment_is_stay(segment) && !segment_is_hop(segment) && !segment_is_silent(segment);

	if (segment->usual_ns < 0)
		return "; usual not known yet";
	if (judgement->finding == FINDING_QUEUE && 2 * segment->time_ns <= 3 * segment->usual_ns)
		return ", as usual there";
	if (judgement->finding == FINDING_QUEUE)
		return arena_printf(judgement->arena, ", usual %s there",
				    sentence_amount(judgement, segment->usual_ns));
	if (link)
		return arena_printf(judgement->arena, ", usual %s%s", sentence_amount(judgement, segment->usual_ns),
				    link_queue(judgement, segment));
	if (!segment_is_stay(segment) || segment->usual_ns == 0)
		return arena_printf(judgement->arena, "; usual %s", sentence_amount(judgement, segment->usual_ns));
	return arena_printf(judgement->arena, "; %s times its usual %s %s",
			    times_text(judgement->arena, (double)segment->time_ns / (double)segment->usual_ns),
			    sentence_amount(judgement, segment->usual_ns), judgement->unit->name);
}
