/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A finished transfer -> its spans: transfer, `slowest packet` if there were several, stays, links and hops.
 */
#ifndef HOPSPAN_DRAW_H
#define HOPSPAN_DRAW_H

#include "path.h"
#include "show.h"
#include "span.h"

/* What makes packets one transfer; compared and hashed as octets. */
struct flow {
	uint8_t trace_id[TRACE_ID_LEN], parent_id[SPAN_ID_LEN];
	struct in6_addr source, destination;
	uint16_t source_port, destination_port;
	uint8_t transport;
	uint8_t reply;
	uint16_t reserved; /* 0 */
};
_Static_assert(sizeof(struct flow) == 64, "no padding");

struct drawing {
	const struct flow *flow;
	const struct ends *ends;		/* the flow's */
	const struct path *path;		/* of the slowest packet */
	const struct path *others[SHOWN_COUNT]; /* the first and the last, if they are kept */
	const struct transfers_show *show;
	struct baseline *usual; /* of the flow's packets */
	uint8_t w3c_flags;
	int64_t sent_unix_ns; /* of the first packet, as stamped */
	int64_t start_unix_ns, end_unix_ns;
	uint64_t packets;
	int64_t min_ns, mean_ns, max_ns;
};

/* The stay, link or hop furthest above its usual. */
struct worst {
	const char *name; /* NULL: all is usual, or usual is not known */
	int64_t time_ns, usual_ns;
};

void draw_transfer(struct span_list *spans, const struct drawing *drawing);

/* The pen: one span being drawn. */
struct pen {
	struct span_list *spans;
	const struct drawing *drawing;
	const struct path *path; /* the packet whose hops are drawn */
	enum shown shown;
	struct span *span; /* until the next pen_begin() */
	uint64_t id_seed;
	uint8_t parent_id[SPAN_ID_LEN];
};

enum draw_kind { DRAW_TRANSFER, DRAW_PACKET, DRAW_LINK, DRAW_STAY, DRAW_HOP, DRAW_LOSS };

/* A new span with ids, flags, times and the attributes that all have. */
void pen_begin(struct pen *pen, enum draw_kind kind, unsigned int position, const char *name, const char *about,
	       int64_t usual_ns);

/* Begins a `retransmission` of the drawing's flow. */
void draw_loss(struct pen *pen, struct span_list *spans, const struct drawing *drawing, const char *about);

/* Hops and links below the pen's parent; draw_hops.c. */
void draw_hops(struct pen *pen);
void find_worst(struct arena *arena, const struct path *path, int64_t transfer_ns, struct worst *worst);

/* Of the span being drawn. What takes no time takes 1 ns: else it is taken for a span that ends before it begins. */
void put_times(struct pen *pen, int64_t start_unix_ns, int64_t end_unix_ns);

/* Left out if it is within what the coarsest clocks resolve, 1 us. */
void put_adjusted(struct pen *pen, int64_t start_shift_ns, int64_t end_shift_ns);

#endif
