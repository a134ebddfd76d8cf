/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* One packet's stays, links and hops as spans, and which of them is to blame. */
#include <string.h>

#include "about.h"
#include "draw.h"
#include "phrase.h"
#include "put.h"

/*
 * Jaeger's critical path skips a span that ends in the same microsecond in which its neighbour begins; so links and
 * hops long enough to spare it are drawn 1 us shorter on the sides where they touch one.
 */
enum { GAP_NS = 1000, GAP_LEAST_NS = 5000 };

static void add_stay_name(struct phrase *name, const struct path *path, const struct path_node *node)
{
	phrase_add(name, path_node_word(path, node));
	if (node->egress_if)
		phrase_add(name, " ", node->egress_if);
}

static const char *stay_name(struct arena *arena, const struct path *path, const struct path_node *node)
{
	struct phrase name;

	phrase_begin(&name, arena);
	add_stay_name(&name, path, node);
	return phrase_end(&name);
}

static void add_silent(struct phrase *name, unsigned int silent)
{
	phrase_add(name, " -> ");
	if (silent > 1) {
		phrase_add_number(name, silent, 0);
		phrase_add(name, " x ");
	}
	phrase_add(name, "?");
}

/* "r1 -> r2", "r3 -> ? -> server", "r4 -> 3 x ? -> server"; nodes that wrote no time are named between. */
static const char *way_name(struct arena *arena, const struct path *path, const struct path_node *node)
{
	struct phrase name;

	phrase_begin(&name, arena);
	if (node->way == WAY_NO_LEAST)
		add_stay_name(&name, path, node);
	else
		phrase_add(&name, path_node_word(path, node));
	for (unsigned int i = node - path->nodes; i < node->next; i++) {
		if (i > node->position)
			phrase_add(&name, " -> ", path->nodes[i].node->name);
		if (path->nodes[i].silent)
			add_silent(&name, path->nodes[i].silent);
	}
	phrase_add(&name, " -> ", path_next_word(path, node));
	return phrase_end(&name);
}

static void put_queue(struct pen *pen, const struct path_node *node)
{
	if (node->queue != IOAM6_NONE32)
		put_int(pen, node->node->queue == NODE_QUEUE_BYTES ? AT_queue_bytes : AT_queue_raw, node->queue);
}

static void put_node(struct pen *pen, const struct path_node *node)
{
	put_string(pen, AT_node, node->node->name);
	put_int(pen, AT_node_id, (int64_t)node->node->id);
	put_int(pen, AT_hop, node->position);
	if (node->has_hop_limit)
		put_int(pen, AT_hop_limit, node->hop_limit);
	if (node->ingress_if && node->position > 0)
		put_string(pen, AT_ingress_if, node->ingress_if);
	if (node->egress_if)
		put_string(pen, AT_egress_if, node->egress_if);
	put_string(pen, AT_dataplane, node_dataplane_name(node->node->dataplane));
	put_int(pen, AT_time_unix_ns, node->stamp_unix_ns);
	if (node->delay_raw != IOAM6_NONE32)
		put_int(pen, AT_delay_ns, node->delay_raw);
	put_queue(pen, node);
}

/* A tick on the bar where the packet joined the queue. */
static void add_queued(struct pen *pen, const struct path_node *node)
{
	struct arena *arena = &pen->spans->arena;
	struct span_event *event = arena_alloc(arena, sizeof(*event));
	enum attribute_index queue = node->node->queue == NODE_QUEUE_BYTES ? AT_queue_bytes : AT_queue_raw;

	event->name = "queued";
	event->time_unix_ns = node->drawn_unix_ns + node->delay_ns;
	attr_int(arena, &event->attrs, attributes[queue].key, node->queue);
	pen->span->events = event;
	pen->span->event_count = 1;
}

static void draw_stay(struct pen *pen, const struct path_node *node)
{
	const struct path *path = pen->path;
	struct arena *arena = &pen->spans->arena;
	int64_t usual_ns = baseline_median(node->stay);

	pen_begin(pen, DRAW_STAY, node->position, stay_name(arena, path, node), about_stay(arena, path, node, usual_ns),
		  usual_ns);
	put_times(pen, node->drawn_unix_ns, path_left(node));
	put_node(pen, node);
	if (node->wait_ns >= 0)
		put_int(pen, AT_wait_ns, node->wait_ns);
	put_string(pen, AT_wait, wait_name(node->wait));
	put_adjusted(pen, path_shift(node), 0);
	if (node->wait != WAIT_MEASURED)
		add_queued(pen, node);
}

static void put_way(struct pen *pen, const struct path_node *node)
{
	const struct path *path = pen->path;
	bool last = node->next == path->count;

	put_string(pen, AT_from, node->node->name);
	put_string(pen, AT_to, last ? path->receiver : path->nodes[node->next].node->name);
	put_int(pen, AT_link_ns, path_next(path, node) - path_left(node));
	if (path_silent(path, node))
		put_int(pen, AT_silent_hops, path_silent(path, node));
	if (last && path->overflow)
		put_bool(pen, AT_overflow, true);
	put_adjusted(pen, path_shift(node), path_next_shift(path, node));
}

static void draw_way(struct pen *pen, const struct path_node *node)
{
	const struct path *path = pen->path;
	struct arena *arena = &pen->spans->arena;
	int64_t usual_ns = baseline_median(node->onward), start_ns = path_left(node), end_ns = path_next(path, node);
	bool split = node->way == WAY_SPLIT;

	pen_begin(pen, split ? DRAW_LINK : DRAW_HOP, node->position, way_name(arena, path, node),
		  about_way(arena, path, node, usual_ns), usual_ns);
	if (end_ns - start_ns >= GAP_LEAST_NS) {
		start_ns += split ? GAP_NS : 0;
		end_ns -= GAP_NS;
	}
	if (start_ns == path->end_unix_ns && start_ns > path->start_unix_ns)
		start_ns--; /* it does not end behind its parent */
	put_times(pen, start_ns, end_ns);
	if (!path_has_stay(node) && (!split || node->position == 0))
		put_node(pen, node);
	put_way(pen, node);
}

void draw_hops(struct pen *pen)
{
	const struct path *path = pen->path;

	for (unsigned int i = path->first; i < path->count; i = path->nodes[i].next) {
		if (path_has_stay(&path->nodes[i]))
			draw_stay(pen, &path->nodes[i]);
		draw_way(pen, &path->nodes[i]);
	}
}

/* True: worse than what was found so far. Meaningful is a fifth of the transfer and three times the usual. */
static bool is_worse(struct worst *worst, int64_t time_ns, struct baseline *baseline, int64_t transfer_ns)
{
	int64_t usual_ns = baseline_median(baseline), excess_ns = time_ns - usual_ns;

	if (usual_ns < 0 || excess_ns <= worst->time_ns - worst->usual_ns || excess_ns < transfer_ns / 5 ||
	    excess_ns < 3 * usual_ns)
		return false;
	worst->time_ns = time_ns;
	worst->usual_ns = usual_ns;
	return true;
}

void find_worst(struct arena *arena, const struct path *path, int64_t transfer_ns, struct worst *worst)
{
	const struct path_node *stay = NULL, *way = NULL;

	*worst = (struct worst){ 0 };
	for (unsigned int i = path->first; i < path->count; i = path->nodes[i].next) {
		const struct path_node *node = &path->nodes[i];
		int64_t left_ns = path_left(node);

		if (path_has_stay(node) && is_worse(worst, left_ns - node->drawn_unix_ns, node->stay, transfer_ns)) {
			stay = node;
			way = NULL;
		}
		if (is_worse(worst, path_next(path, node) - left_ns, node->onward, transfer_ns)) {
			way = node;
			stay = NULL;
		}
	}
	if (stay)
		worst->name = stay_name(arena, path, stay);
	if (way)
		worst->name = way_name(arena, path, way);
}
