/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A transfer that is over: where it is drawn, by what is known of clocks by then. */
#include "transfer_table.h"

/* The parent span tells the second, if it has come or when it comes. */
static void transfer_meet_parent(struct transfers *transfers, const struct transfer *transfer)
{
	const struct flow *flow = &transfer->flow;
	int64_t start_unix_ns, end_unix_ns;
	struct sending sending;

	if (path_sending(transfer->shown[SHOWN_SLOWEST], &sending) &&
	    parents_add_sending(&transfers->parents, flow->trace_id, flow->parent_id, &sending, &start_unix_ns,
				&end_unix_ns))
		sending_learn(&sending, &transfers->tables.clocks, start_unix_ns, end_unix_ns);
}

void transfers_add_parent(struct transfers *transfers, const struct span *span)
{
	struct sending sending;

	if (parents_add_span(&transfers->parents, span->trace_id, span->id, span->start_unix_ns, span->end_unix_ns,
			     &sending))
		sending_learn(&sending, &transfers->tables.clocks, span->start_unix_ns, span->end_unix_ns);
}

static int64_t at_least(int64_t value_ns, int64_t least_ns)
{
	return value_ns < least_ns ? least_ns : value_ns;
}

/* Draws the slowest packet by what is known of the clocks now; the others' times move with it. */
static void transfer_place(struct transfers *transfers, struct transfer *transfer)
{
	struct path *path = transfer->shown[SHOWN_SLOWEST];
	int64_t start_shift_ns = -path->start_unix_ns, end_shift_ns = -path->end_unix_ns, longer_ns;

	transfer_meet_parent(transfers, transfer);
	for (unsigned int i = 0; i < SHOWN_COUNT; i++)
		if (transfer->shown[i])
			path_place(transfer->shown[i], &transfers->tables.clocks, transfer->last_record_unix_ns);
	start_shift_ns += path->start_unix_ns;
	end_shift_ns += path->end_unix_ns;
	longer_ns = end_shift_ns - start_shift_ns;
	transfer->start_unix_ns = -at_least(-transfer->start_unix_ns - start_shift_ns, -path->start_unix_ns);
	transfer->end_unix_ns = at_least(transfer->end_unix_ns + end_shift_ns, path->end_unix_ns);
	transfer->max_ns = path->end_unix_ns - path->start_unix_ns;
	transfer->min_ns = at_least(transfer->min_ns + longer_ns, 0);
	if (transfer->min_ns > transfer->max_ns)
		transfer->min_ns = transfer->max_ns;
	transfer->sum_ns = at_least(transfer->sum_ns + longer_ns * (int64_t)transfer->packets,
				    transfer->min_ns * (int64_t)transfer->packets);
}

void transfer_draw(struct transfers *transfers, struct transfer *transfer, struct span_list *spans)
{
	struct drawing drawing;

	transfer_place(transfers, transfer);
	drawing = (struct drawing){
		.flow = &transfer->flow,
		.ends = ends_find(&transfers->tables.ends, &transfer->flow.source, &transfer->flow.destination),
		.path = transfer->shown[SHOWN_SLOWEST],
		.others = { NULL, transfer->shown[SHOWN_FIRST], transfer->shown[SHOWN_LAST] },
		.show = &transfers->show,
		.sent_unix_ns = transfer->sent_unix_ns,
		.usual = transfer->usual,
		.w3c_flags = transfer->w3c_flags,
		.start_unix_ns = transfer->start_unix_ns,
		.end_unix_ns = transfer->end_unix_ns,
		.packets = transfer->packets,
		.min_ns = transfer->min_ns,
		.mean_ns = transfer->sum_ns / (int64_t)transfer->packets,
		.max_ns = transfer->max_ns,
	};

	draw_transfer(spans, &drawing);
	transfers->counts.transfers++;
	transfer_free(transfers, transfer);
}
