/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Record -> path: who wrote, what is missing between them, how long each wait was. path_place.c draws it. */
#include "path.h"

#include <string.h>

enum { INTERFACE_NONE = 0xffff };

const char *path_sender_word(const struct path *path)
{
	return path->reply ? "server" : "client";
}

const char *path_receiver_word(const struct path *path)
{
	return path->reply ? "client" : "server";
}

const char *path_node_word(const struct path *path, const struct path_node *node)
{
	return node->position == 0 ? path_sender_word(path) : node->node->name;
}

const char *path_next_word(const struct path *path, const struct path_node *node)
{
	return node->next == path->count ? path_receiver_word(path) : path->nodes[node->next].node->name;
}

int64_t path_left(const struct path_node *node)
{
	return node->drawn_unix_ns +
	       (node->way == WAY_SPLIT ? node->delay_ns + (node->wait_ns > 0 ? node->wait_ns : 0) : 0);
}

int64_t path_next(const struct path *path, const struct path_node *node)
{
	return node->next == path->count ? path->end_unix_ns : path->nodes[node->next].drawn_unix_ns;
}

int64_t path_shift(const struct path_node *node)
{
	return node->drawn_unix_ns - node->stamp_unix_ns;
}

int64_t path_next_shift(const struct path *path, const struct path_node *node)
{
	return node->next == path->count ? path->end_shift_ns : path_shift(&path->nodes[node->next]);
}

unsigned int path_silent(const struct path *path, const struct path_node *node)
{
	unsigned int silent = 0;

	for (unsigned int i = node - path->nodes; i < node->next; i++)
		silent += path->nodes[i].silent;
	return silent;
}

bool path_has_stay(const struct path_node *node)
{
	return node->way == WAY_SPLIT && (node->position > 0 || node->queue > 0);
}

uint64_t path_fingerprint(const struct record *record)
{
	uint64_t hash = hash_bytes(HASH_START, &record->hop_count, sizeof(record->hop_count));

	for (unsigned int i = 0; i < record->hop_count; i++) {
		const struct ioam6_node *hop = &record->hops[i];
		uint32_t wrote[] = { hop->id,	 (uint32_t)hop->id_wide, hop->seconds,	hop->fraction, hop->delay_ns,
				     hop->queue, hop->hop_limit,	 hop->egress_if };

		hash = hash_bytes(hash, wrote, sizeof(wrote));
	}
	return hash_end(hash);
}

/* The narrow field if it holds something, else the wide one. False: neither. */
static bool interface_id(uint16_t narrow, uint32_t wide, uint32_t *id)
{
	*id = narrow != INTERFACE_NONE ? narrow : wide;
	return *id != IOAM6_NONE32;
}

static void read_interfaces(struct path_node *node, const struct ioam6_node *hop, struct nodes *nodes)
{
	uint32_t id;

	if (interface_id(hop->ingress_if, hop->ingress_if_wide, &id))
		node->ingress_if = nodes_interface(nodes, node->node, id);
	if (interface_id(hop->egress_if, hop->egress_if_wide, &node->egress_id))
		node->egress_if = nodes_interface(nodes, node->node, node->egress_id);
}

/* The sender's stamp is its departure. */
static int64_t read_delay(unsigned int position, const struct node *node, uint32_t delay)
{
	if (position == 0)
		return 0;
	return node->delay == NODE_NO_DELAY || delay >= IOAM6_DELAY_OVERFLOW ? -1 : (int64_t)delay;
}

static void read_node(struct path_node *node, unsigned int position, const struct record *record, struct nodes *nodes)
{
	const struct ioam6_node *hop = &record->hops[position];

	*node = (struct path_node){
		.node = record_node(record, position, nodes),
		.position = position,
		.stamp_unix_ns = record->hop_unix_ns[position],
		.delay_raw = hop->delay_ns,
		.queue = hop->queue,
		.hop_limit = hop->hop_limit,
		.has_hop_limit = record->type & (IOAM6_HOP_AND_ID | IOAM6_HOP_AND_ID_WIDE),
		.found_wait_ns = -1,
		.next = record->hop_count,
	};
	node->delay_ns = read_delay(position, node->node, hop->delay_ns);
	read_interfaces(node, hop, nodes);
}

/*
 * A router writes one less than it received, so neighbours differ by one; a bump in the wire repeats the value. The
 * last one's must be what arrived.
 */
static void count_silent(struct path *path, uint8_t arrived)
{
	for (unsigned int i = 0; i < path->count; i++) {
		struct path_node *node = &path->nodes[i];
		int gap = node->hop_limit - arrived;

		if (i + 1 < path->count)
			gap = path->nodes[i + 1].has_hop_limit ? node->hop_limit - path->nodes[i + 1].hop_limit - 1 : 0;
		node->silent = node->has_hop_limit && gap > 0 ? gap : 0;
	}
}

static void link_timed(struct path *path)
{
	unsigned int next = path->count;

	for (unsigned int i = path->count; i-- > 0;) {
		path->nodes[i].next = next;
		if (path->nodes[i].stamp_unix_ns != TIME_NONE)
			next = i;
	}
	path->first = next;
}

static struct edge *node_edge(const struct path *path, const struct path_node *node, const struct record *record,
			      struct edges *edges)
{
	struct edge_key key = {
		.node = node->node,
		.egress_if = node->egress_if ? node->egress_id : IOAM6_NONE32,
		.silent = path_silent(path, node),
	};

	if (node->next < path->count)
		key.next = path->nodes[node->next].node;
	else
		key.receiver = record->destination;
	return edges_find(edges, &key);
}

/* Rule W. */
static enum path_way find_wait(struct path_node *node, struct edge *edge, int64_t now_unix_ns)
{
	int64_t passage_ns = node->part ? floor_place(&edge->empty, node->passage_ns, now_unix_ns) : node->passage_ns;

	if (node->delay_ns < 0)
		return node->delay_raw != IOAM6_NONE32 && node->node->delay != NODE_NO_DELAY ? WAY_DELAY_TOO_LONG
											     : WAY_NO_DEPARTURE;
	if (node->position > 0 && node->node->delay == NODE_AFTER_QUEUE) {
		node->wait = WAIT_MEASURED;
		node->found_wait_ns = node->queue == 0 ? 0 : -1;
		return WAY_SPLIT;
	}
	if (node->queue == IOAM6_NONE32)
		return WAY_NO_QUEUE;
	if (node->queue == 0) {
		edge_add_empty(edge, passage_ns, now_unix_ns);
		node->wait = WAIT_MEASURED;
		node->found_wait_ns = 0;
		return WAY_SPLIT;
	}
	node->wait = edge_wait(edge, passage_ns, now_unix_ns, &node->found_wait_ns);
	return node->wait == WAIT_UNKNOWN ? WAY_NO_LEAST : WAY_SPLIT;
}

static struct baseline *find_stay(struct baselines *baselines, const struct path_node *node)
{
	char key[USUAL_KEY_SIZE];

	usual_key_stay(node->node->name, node->egress_if, key);
	return baselines_find(baselines, key);
}

/* The edge keeps them, so that keys are made once. Links and hops never share one: they are different times. */
static void find_baselines(const struct path *path, struct path_node *node, struct edge *edge,
			   struct baselines *baselines)
{
	const char *to = node->next == path->count ? path->receiver : path->nodes[node->next].node->name;
	struct baseline **onward = node->way == WAY_SPLIT ? &edge->link : &edge->hop;
	char key[USUAL_KEY_SIZE];

	if (!*onward) {
		(node->way == WAY_SPLIT ? usual_key_link : usual_key_hop)(node->node->name, to, key);
		*onward = baselines_find(baselines, key);
	}
	node->onward = *onward;
	if (node->way != WAY_SPLIT)
		return;
	if (!edge->stay)
		edge->stay = find_stay(baselines, node);
	node->stay = edge->stay;
}

/* A stamp without seconds is placed near the next one; the arrival has them. */
static bool is_part(const struct path *path, const struct path_node *node, const struct record *record)
{
	return record->hops[node->position].seconds == IOAM6_NONE32 ||
	       (node->next < path->count && record->hops[path->nodes[node->next].position].seconds == IOAM6_NONE32);
}

static void split_node(struct path *path, struct path_node *node, const struct record *record,
		       struct path_tables *tables)
{
	int64_t next_unix_ns = node->next == path->count ? record->time_unix_ns : path->nodes[node->next].stamp_unix_ns;
	struct edge *edge = node_edge(path, node, record, &tables->edges);

	node->passage_ns = next_unix_ns - node->stamp_unix_ns - (node->delay_ns > 0 ? node->delay_ns : 0);
	node->part = is_part(path, node, record);
	node->way = find_wait(node, edge, record->seen_unix_ns);
	find_baselines(path, node, edge, &tables->baselines);
}

static void count_usual(struct path *path, int64_t now_unix_ns)
{
	for (unsigned int i = path->first; i < path->count; i = path->nodes[i].next) {
		struct path_node *node = &path->nodes[i];

		baseline_add(node->stay, path_left(node) - node->drawn_unix_ns, now_unix_ns);
		baseline_add(node->onward, path_next(path, node) - path_left(node), now_unix_ns);
	}
}

bool path_build(struct path *path, const struct record *record, struct path_tables *tables)
{
	*path = (struct path){
		.reply = record->has_context && context_is_reply(&record->context),
		.shadow = record->active || (record->has_context && record->context.attribution & CONTEXT_SHADOW),
		.overflow = record->overflow,
		.count = record->hop_count,
		.source = record->source,
		.destination = record->destination,
		.arrival_unix_ns = record->time_unix_ns,
		.packet = record->packet,
		.packet_len = record->packet_len,
	};
	path->receiver = tables->receiver ? tables->receiver : path_receiver_word(path);
	for (unsigned int i = 0; i < path->count; i++)
		read_node(&path->nodes[i], i, record, tables->nodes);
	count_silent(path, record->hop_limit);
	link_timed(path);
	if (path->first == path->count)
		return false;
	for (unsigned int i = path->first; i < path->count; i = path->nodes[i].next)
		split_node(path, &path->nodes[i], record, tables);
	path->sent_unix_ns = path->nodes[path->first].stamp_unix_ns;
	path_count_clocks(path, &tables->clocks, record->seen_unix_ns);
	path_place(path, &tables->clocks, record->seen_unix_ns);
	count_usual(path, record->seen_unix_ns);
	return true;
}
