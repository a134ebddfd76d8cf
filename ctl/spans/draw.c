/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The transfer span and its packets', and what every network span has. */
#include "draw.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "about.h"
#include "attribute.h"
#include "put.h"

/* The value of hopspan.kind, and how many attributes one has at most, or nearly so. */
static const struct {
	const char *name;
	size_t attrs;
} kinds[] = {
	[DRAW_TRANSFER] = { "transfer", 24 }, [DRAW_PACKET] = { "packet", 5 }, [DRAW_LINK] = { "link", 10 },
	[DRAW_STAY] = { "node", 18 },	      [DRAW_HOP] = { "hop", 20 },      [DRAW_LOSS] = { "retransmission", 12 },
};

/*
 * All that sets a transfer apart; its first stamp as it came, as one flow can have several, one after the other. What
 * is found out about clocks is not in it: the same packets always make the same ids.
 */
static uint64_t id_seed(const struct drawing *drawing)
{
	uint64_t hash = hash_bytes(HASH_START, drawing->flow, sizeof(*drawing->flow));

	return hash_bytes(hash, &drawing->sent_unix_ns, sizeof(drawing->sent_unix_ns));
}

static void write_id(const struct pen *pen, enum draw_kind kind, unsigned int position, uint8_t id[SPAN_ID_LEN])
{
	uint8_t place[] = { kind, position | pen->shown << 6 };
	uint64_t hash = hash_end(hash_bytes(pen->id_seed, place, sizeof(place)));

	be64_store(id, hash ? hash : 1);
}

void pen_begin(struct pen *pen, enum draw_kind kind, unsigned int position, const char *name, const char *about,
	       int64_t usual_ns)
{
	const struct drawing *drawing = pen->drawing;
	struct span *span = pen->span = span_list_add(pen->spans);

	memcpy(span->trace_id, drawing->flow->trace_id, TRACE_ID_LEN);
	memcpy(span->parent_id, pen->parent_id, SPAN_ID_LEN);
	write_id(pen, kind, position, span->id);
	span->flags = drawing->w3c_flags | SPAN_FLAG_HAS_IS_REMOTE |
		      (kind == DRAW_TRANSFER || kind == DRAW_LOSS ? SPAN_FLAG_IS_REMOTE : 0);
	span->kind = SPAN_INTERNAL;
	span->name = name;
	span->service = "network";
	span->scope = "hopspan";
	attrs_reserve(&pen->spans->arena, &span->attrs, kinds[kind].attrs);
	put_string(pen, AT_about, about);
	put_string(pen, AT_kind, kinds[kind].name);
	put_string(pen, AT_direction, drawing->flow->reply ? "reply" : "request");
	if (usual_ns >= 0)
		put_int(pen, AT_usual_ns, usual_ns);
}

void put_times(struct pen *pen, int64_t start_unix_ns, int64_t end_unix_ns)
{
	pen->span->start_unix_ns = start_unix_ns;
	pen->span->end_unix_ns = end_unix_ns > start_unix_ns ? end_unix_ns : start_unix_ns + 1;
}

void put_adjusted(struct pen *pen, int64_t start_shift_ns, int64_t end_shift_ns)
{
	int64_t shift_ns = llabs(start_shift_ns) >= llabs(end_shift_ns) ? start_shift_ns : end_shift_ns;

	if (shift_ns < -1000 || shift_ns > 1000)
		put_int(pen, AT_adjusted_ns, shift_ns);
}

static const char *transport_name(uint8_t transport)
{
	switch (transport) {
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_ICMPV6:
		return "icmpv6";
	default:
		return NULL;
	}
}

static void put_flow(struct pen *pen)
{
	const struct flow *flow = pen->drawing->flow;
	struct arena *arena = &pen->spans->arena;

	if (transport_name(flow->transport))
		put_string(pen, AT_transport, transport_name(flow->transport));
	put_string(pen, AT_network_type, "ipv6");
	put_string(pen, AT_source_address, arena_strdup(arena, pen->drawing->ends->source));
	if (flow->source_port)
		put_int(pen, AT_source_port, flow->source_port);
	put_string(pen, AT_destination_address, arena_strdup(arena, pen->drawing->ends->destination));
	if (flow->destination_port)
		put_int(pen, AT_destination_port, flow->destination_port);
}

static unsigned int all_silent(const struct path *path)
{
	unsigned int silent = 0;

	for (unsigned int i = 0; i < path->count; i++)
		silent += path->nodes[i].silent;
	return silent;
}

static void put_path(struct pen *pen)
{
	const struct path *path = pen->drawing->path;
	unsigned int count = 0;
	const char **names = arena_alloc(&pen->spans->arena, (path->count + all_silent(path) + 1) * sizeof(names[0]));

	for (unsigned int i = 0; i < path->count; i++) {
		names[count++] = path->nodes[i].node->name;
		for (unsigned int s = 0; s < path->nodes[i].silent; s++)
			names[count++] = "?";
	}
	names[count++] = path->receiver;
	attr_strings(&pen->spans->arena, &pen->span->attrs, attributes[AT_path].key, names, count);
}

/* "ARRIVAL-NS OCTETS", in hex from the IPv6 header on: all that there is to draw it again. */
static const char *record_text(struct arena *arena, const struct path *path)
{
	char head[32];
	int head_len = snprintf(head, sizeof(head), "%" PRId64 " ", path->arrival_unix_ns);
	char *text = arena_alloc(arena, head_len + 2 * path->packet_len + 1);

	memcpy(text, head, head_len);
	for (size_t i = 0; i < path->packet_len; i++)
		sprintf(text + head_len + 2 * i, "%02x", path->packet[i]);
	return text;
}

/* Slowest, first and last; the central collector has no other way to know when they were sent and came. */
static void put_records(struct pen *pen)
{
	struct arena *arena = &pen->spans->arena;
	const struct drawing *drawing = pen->drawing;
	const char **texts = arena_alloc(arena, SHOWN_COUNT * sizeof(texts[0]));
	size_t count = 0;

	texts[count++] = record_text(arena, drawing->path);
	for (enum shown i = SHOWN_FIRST; drawing->packets > 1 && i < SHOWN_COUNT; i++)
		texts[count++] = record_text(arena, drawing->others[i]);
	attr_strings(arena, &pen->span->attrs, attributes[AT_records].key, texts, count);
}

static void put_figures(struct pen *pen, const struct worst *worst)
{
	const struct drawing *drawing = pen->drawing;
	const struct path *path = drawing->path;

	put_int(pen, AT_packets, (int64_t)drawing->packets);
	put_int(pen, AT_min_ns, drawing->min_ns);
	put_int(pen, AT_mean_ns, drawing->mean_ns);
	put_int(pen, AT_max_ns, drawing->max_ns);
	put_string(pen, AT_stamp, path->shadow ? "shadow" : "in-place");
	if (worst->name) {
		put_string(pen, AT_worst, worst->name);
		put_int(pen, AT_worst_ns, worst->time_ns);
	}
	if (all_silent(path))
		put_int(pen, AT_silent_hops, all_silent(path));
	if (path->overflow)
		put_bool(pen, AT_overflow, true);
	put_adjusted(pen, path->start_shift_ns, path->end_shift_ns);
	if (path->clock_error_ns >= 0)
		put_int(pen, AT_clock_error_ns, path->clock_error_ns);
	if (drawing->show->pass_on)
		put_records(pen);
}

/* A packet's usual says nothing about a transfer of many. */
static void draw_own(struct pen *pen)
{
	const struct drawing *drawing = pen->drawing;
	int64_t usual_ns = drawing->packets > 1 ? -1 : baseline_median(drawing->usual);
	struct arena *arena = &pen->spans->arena;
	struct worst worst;

	find_worst(arena, drawing->path, drawing->end_unix_ns - drawing->start_unix_ns, &worst);
	memcpy(pen->parent_id, drawing->flow->parent_id, SPAN_ID_LEN);
	pen_begin(pen, DRAW_TRANSFER, 0, drawing->flow->reply ? "reply" : "request",
		  about_transfer(arena, drawing, &worst, usual_ns), usual_ns);
	put_times(pen, drawing->start_unix_ns, drawing->end_unix_ns);
	put_flow(pen);
	put_path(pen);
	put_figures(pen, &worst);
	memcpy(pen->parent_id, pen->span->id, SPAN_ID_LEN);
}

/* Which one of several packets: the slowest, unless others were asked for. */
static void draw_packet(struct pen *pen, const uint8_t transfer_id[SPAN_ID_LEN])
{
	static const char *const names[] = { "slowest packet", "first packet", "last packet" };
	const struct path *path = pen->path;
	int64_t usual_ns = baseline_median(pen->drawing->usual);

	memcpy(pen->parent_id, transfer_id, SPAN_ID_LEN);
	pen_begin(pen, DRAW_PACKET, 0, names[pen->shown],
		  about_packet(&pen->spans->arena, pen->drawing, path, pen->shown, usual_ns), usual_ns);
	put_times(pen, path->start_unix_ns, path->end_unix_ns);
	put_adjusted(pen, path->start_shift_ns, path->end_shift_ns);
	memcpy(pen->parent_id, pen->span->id, SPAN_ID_LEN);
	draw_hops(pen);
}

static void draw_packets(struct pen *pen)
{
	const struct drawing *drawing = pen->drawing;
	const bool wanted[] = { true, drawing->show->first, drawing->show->last };
	uint8_t transfer_id[SPAN_ID_LEN];

	memcpy(transfer_id, pen->parent_id, SPAN_ID_LEN);
	draw_packet(pen, transfer_id);
	for (pen->shown = SHOWN_FIRST; pen->shown < SHOWN_COUNT; pen->shown++) {
		pen->path = drawing->others[pen->shown];
		if (wanted[pen->shown] && pen->path->fingerprint != drawing->path->fingerprint)
			draw_packet(pen, transfer_id);
	}
}

/* Is this one of those whose hops are to be seen? Of what is not known to be slow they are not. */
static bool wants_hops(const struct drawing *drawing)
{
	int64_t usual_ns = baseline_median(drawing->usual);

	return drawing->show->hops == HOPS_ALL ||
	       (drawing->show->hops == HOPS_SLOW && usual_ns >= 0 && drawing->max_ns > 2 * usual_ns);
}

void draw_transfer(struct span_list *spans, const struct drawing *drawing)
{
	struct pen pen = { .spans = spans, .drawing = drawing, .path = drawing->path, .id_seed = id_seed(drawing) };

	draw_own(&pen);
	if (!wants_hops(drawing))
		return;
	if (drawing->packets > 1)
		draw_packets(&pen);
	else
		draw_hops(&pen);
}

void draw_loss(struct pen *pen, struct span_list *spans, const struct drawing *drawing, const char *about)
{
	*pen = (struct pen){ .spans = spans, .drawing = drawing, .id_seed = id_seed(drawing) };
	memcpy(pen->parent_id, drawing->flow->parent_id, SPAN_ID_LEN);
	pen_begin(pen, DRAW_LOSS, 0, "retransmission", about, -1);
	put_flow(pen);
}
