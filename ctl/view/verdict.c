/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Calls and their segments -> which one is to blame -> one sentence. */
#include "verdict.h"

#include <string.h>

#include "sentence.h"

/* What is named must be a fifth of the client span, three times its usual, and four times the clocks' error. */
enum { NAMED_SHARE = 5, NAMED_TIMES = 3, NAMED_CLOCK_ERRORS = 4 };

static bool is_large(const struct call *call, int64_t time_ns)
{
	return time_ns > 0 && time_ns >= call->of_ns / NAMED_SHARE;
}

static bool is_excess(const struct call *call, const struct segment *segment)
{
	return is_large(call, segment->excess_ns) &&
	       (segment->usual_ns < 0 || segment->time_ns >= NAMED_TIMES * segment->usual_ns);
}

static bool clocks_allow(const struct segment *segment)
{
	return segment->excess_ns >= NAMED_CLOCK_ERRORS * segment->clock_error_ns;
}

static void find_excess(struct judgement *judgement)
{
	const struct call *call = judgement->call;

	for (size_t i = 0; i < call->segment_count; i++) {
		const struct segment *segment = &call->segments[i];

		if (!is_excess(call, segment) || !clocks_allow(segment))
			continue;
		if (!judgement->first || segment->excess_ns > judgement->first->excess_ns) {
			judgement->second = judgement->first;
			judgement->first = segment;
		} else if (!judgement->second || segment->excess_ns > judgement->second->excess_ns) {
			judgement->second = segment;
		}
	}
	if (judgement->second && judgement->second->excess_ns < judgement->first->excess_ns / 2)
		judgement->second = NULL;
}

/* The longest row, if it is a queue that is always so long, or of which nothing is known yet. */
static const struct segment *find_queue(const struct call *call)
{
	const struct segment *longest = NULL;

	for (size_t i = 0; i < call->segment_count; i++) {
		const struct segment *segment = &call->segments[i];

		if (segment->kind == SEGMENT_ROW && (!longest || segment->time_ns > longest->time_ns))
			longest = segment;
	}
	if (!longest || !is_large(call, longest->time_ns))
		return NULL;
	/* One of several that are above their usual: not the place to name. */
	if (is_large(call, call->network_excess_ns) && longest->usual_ns >= 0 &&
	    longest->excess_ns < call->network_excess_ns / 2)
		return NULL;
	return segment_is_queue(longest) || (segment_is_hop(longest) && segment_queue_bytes(longest) > 0) ? longest
													  : NULL;
}

static void judge(struct judgement *judgement)
{
	find_excess(judgement);
	if (judgement->first) {
		judgement->finding = FINDING_EXCESS;
		return;
	}
	judgement->first = find_queue(judgement->call);
	if (judgement->first)
		judgement->finding = FINDING_QUEUE;
	else if (judgement->call->request || judgement->call->reply)
		judgement->finding = FINDING_NETWORK;
}

static int64_t weight(const struct judgement *judgement)
{
	if (judgement->finding == FINDING_EXCESS)
		return judgement->first->excess_ns;
	return judgement->finding == FINDING_QUEUE ? judgement->first->time_ns : judgement->call->network_excess_ns;
}

static bool outweighs(const struct judgement *a, const struct judgement *b)
{
	if (a->finding != b->finding)
		return a->finding > b->finding;
	if (weight(a) != weight(b))
		return weight(a) > weight(b);
	return a->call->of_ns > b->call->of_ns;
}

static const char *reason(const struct segment *segment)
{
	if (segment->kind == SEGMENT_LOST)
		return "lost";
	if (segment->kind == SEGMENT_HOST)
		return "host";
	if (segment_is_stay(segment))
		return segment_is_queue(segment) ? "queue" : "router";
	if (segment_is_silent(segment))
		return "silent";
	return segment_is_hop(segment) ? "hop" : "link";
}

static void say_segment(const struct judgement *judgement, struct verdict *verdict)
{
	const struct segment *first = judgement->first, *second = judgement->second;
	const char *text = arena_printf(judgement->arena, "%s %s%s", sentence_share(judgement, first->time_ns),
					sentence_place(judgement, first), sentence_usual(judgement, first));

	if (second)
		text = arena_printf(judgement->arena, "%s; %s more %s", text,
				    sentence_amount(judgement, second->time_ns), sentence_place(judgement, second));
	verdict->reason = reason(first);
	verdict->text = arena_printf(judgement->arena, "%s.", text);
	verdict->at = first->span;
	verdict->also = second ? second->span : NULL;
	verdict->node = first->kind == SEGMENT_HOST ? first->host : segment_text(first, "hopspan.node");
	verdict->egress_if = segment_text(first, "hopspan.egress_if");
	verdict->wait = segment_text(first, "hopspan.wait");
	verdict->time_ns = first->time_ns;
	verdict->queue_bytes = segment_queue_bytes(first);
	verdict->usual_ns = first->usual_ns;
	if (first->usual_ns > 0)
		verdict->times_usual = (double)first->time_ns / (double)first->usual_ns;
}

/* ": r3 2.2, r1 2.0, r2 1.9": the three rows furthest above their usual. */
static const char *spread_places(const struct judgement *judgement)
{
	const struct call *call = judgement->call;
	const struct segment *last = NULL;
	const char *text = "";

	for (int count = 0; count < 3; count++) {
		const struct segment *most = NULL;

		for (size_t i = 0; i < call->segment_count; i++) {
			const struct segment *row = &call->segments[i];
			bool behind = !last || row->excess_ns < last->excess_ns ||
				      (row->excess_ns == last->excess_ns && row > last);

			if (row->kind == SEGMENT_ROW && row->usual_ns >= 0 && behind &&
			    (!most || row->excess_ns > most->excess_ns))
				most = row;
		}
		if (!most || most->excess_ns <= 0)
			break;
		const char *name = segment_is_stay(most) ? segment_text(most, "hopspan.node") : NULL;

		text = arena_printf(judgement->arena, "%s%s%s %s", text, count ? ", " : ": ",
				    name ? name : most->span->name, sentence_amount(judgement, most->excess_ns));
		last = most;
	}
	return text;
}

/* A link or hop that would be named, did the clocks agree better. */
static bool clocks_forbid(const struct call *call)
{
	for (size_t i = 0; i < call->segment_count; i++)
		if (call->segments[i].kind == SEGMENT_ROW && is_excess(call, &call->segments[i]))
			return true;
	return false;
}

/* "; 46.1 ms in cart": who had the time that the network had not. */
static const char *application(const struct judgement *judgement)
{
	const struct call *call = judgement->call;
	int64_t time_ns = 0;
	const char *name = "";

	if (call->server) {
		time_ns = span_duration(call->server);
		name = call->server->service;
	} else if (call->request && call->reply && call->request->end_unix_ns > 0 &&
		   call->reply->start_unix_ns > call->request->end_unix_ns) {
		time_ns = call->reply->start_unix_ns - call->request->end_unix_ns;
		name = transfer_host(call->request, true, "");
	}
	if (!*name || !call->client || !is_large(call, time_ns) || time_ns <= call->network_ns)
		return "";
	return arena_printf(judgement->arena, "; %s %s in %s", sentence_amount(judgement, time_ns),
			    judgement->unit->name, name);
}

static const char *network_usual(const struct judgement *judgement)
{
	const struct call *call = judgement->call;

	if (call->network_usual_ns < 0)
		return ", usual not known yet";
	if (call->network_ns <= 2 * call->network_usual_ns)
		return ", as usual";
	return arena_printf(judgement->arena, ", usual %s", sentence_amount(judgement, call->network_usual_ns));
}

/* No place is named: the network as a whole. */
static void say_network(const struct judgement *judgement, struct verdict *verdict)
{
	const struct call *call = judgement->call;
	const char *unit = judgement->unit->name, *above = sentence_amount(judgement, call->network_excess_ns);
	bool one_way = !call->request || !call->reply, forbidden = clocks_forbid(call);
	const char *of =
	    judgement->several && call->client ? arena_printf(judgement->arena, " of %s", call->client->name) : "";

	verdict->time_ns = call->network_ns;
	verdict->usual_ns = call->network_usual_ns;
	if (call->network_usual_ns > 0)
		verdict->times_usual = (double)call->network_ns / (double)call->network_usual_ns;
	/* There and back a common clock's error cancels; one way it does not. */
	if (one_way && is_large(call, call->network_excess_ns))
		forbidden |= call->network_excess_ns < NAMED_CLOCK_ERRORS * call->clock_error_ns;
	if (forbidden) {
		verdict->reason = "clocks";
		verdict->text =
		    arena_printf(judgement->arena, "network%s %s %s above usual, clocks agree to %s: no place named.",
				 of, above, unit, sentence_amount(judgement, call->clock_error_ns));
	} else if (is_large(call, call->network_excess_ns)) {
		verdict->reason = "spread";
		verdict->text = arena_printf(judgement->arena, "network%s %s %s above usual%s.", of, above, unit,
					     spread_places(judgement));
	} else {
		const char *elsewhere = application(judgement);

		verdict->reason = *elsewhere ? "application" : "usual";
		verdict->text =
		    arena_printf(judgement->arena, "network %s%s%s.", sentence_share(judgement, call->network_ns),
				 network_usual(judgement), elsewhere);
	}
}

/* Nothing was recorded: of the longest client span. */
static void say_nothing(const struct tree *tree, struct verdict *verdict)
{
	for (size_t i = 0; i < tree->count; i++) {
		const struct span *span = tree->nodes[i].span;

		if (!span_is_network(span, NULL) && span->kind == SPAN_CLIENT &&
		    (!verdict->of || span_duration(span) > span_duration(verdict->of)))
			verdict->of = span;
	}
	if (verdict->of)
		verdict->of_ns = span_duration(verdict->of);
	verdict->reason = "none";
	verdict->text = "no packet of this request was recorded.";
}

void verdict_find(struct span_list *spans, struct verdict *verdict)
{
	struct judgement best = { 0 };
	struct tree tree;
	size_t count;

	*verdict =
	    (struct verdict){ .time_ns = -1, .of_ns = -1, .queue_bytes = -1, .usual_ns = -1, .usual_packets = -1 };
	tree_build(spans, &tree);
	const struct call *calls = calls_find(&spans->arena, &tree, &count);

	for (size_t i = 0; i < count; i++) {
		struct judgement judgement = { .arena = &spans->arena,
					       .tree = &tree,
					       .unit = unit_of(tree.duration_ns),
					       .call = &calls[i],
					       .several = count > 1 };

		judge(&judgement);
		if (!best.call || outweighs(&judgement, &best))
			best = judgement;
	}
	if (!best.call || best.finding == FINDING_NOTHING) {
		say_nothing(&tree, verdict);
		return;
	}
	verdict->of = best.call->client;
	verdict->of_ns = best.call->of_ns;
	if (best.first)
		say_segment(&best, verdict);
	else
		say_network(&best, verdict);
}
