/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Segments that were sent again, joined to losses, and their spans. */
#include "loss.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "about.h"
#include "draw.h"
#include "put.h"

#define MS_NS 1000000LL

struct loss {
	struct table_entry entry;
	struct flow flow;
	uint8_t w3c_flags;
	int64_t first_unix_ns, again_unix_ns, seen_unix_ns;
	uint64_t packets, octets;
};

static bool same_loss(const struct table_entry *entry, const void *key)
{
	return memcmp(&table_item(entry, const struct loss, entry)->flow, key, sizeof(struct flow)) == 0;
}

static struct flow flow_of_repeat(const struct repeat *repeat)
{
	struct flow flow = {
		.source = repeat->source,
		.destination = repeat->destination,
		.source_port = repeat->source_port,
		.destination_port = repeat->destination_port,
		.transport = IPPROTO_TCP,
		.reply = context_is_reply(&repeat->context),
	};

	memcpy(flow.trace_id, repeat->context.trace_id, TRACE_ID_LEN);
	memcpy(flow.parent_id, repeat->context.span_id, SPAN_ID_LEN);
	return flow;
}

static struct loss *loss_new(struct losses *losses, const struct flow *flow, uint64_t hash, const struct repeat *repeat)
{
	struct loss *loss = calloc(1, sizeof(*loss));

	if (!loss)
		err(1, "out of memory");
	loss->flow = *flow;
	loss->w3c_flags = repeat->context.flags;
	loss->first_unix_ns = repeat->first_unix_ns;
	table_add(&losses->table, &loss->entry, hash);
	return loss;
}

void losses_add(struct losses *losses, const struct repeat *repeat)
{
	struct flow flow = flow_of_repeat(repeat);
	uint64_t hash = hash_key(&flow, sizeof(flow));
	struct loss *loss = table_item(table_find(&losses->table, hash, same_loss, &flow), struct loss, entry);

	losses->repeats++;
	if (!loss && losses->table.count == LOSSES_MAX)
		return;
	if (!loss)
		loss = loss_new(losses, &flow, hash, repeat);
	else
		table_touch(&losses->table, &loss->entry);
	if (repeat->first_unix_ns < loss->first_unix_ns)
		loss->first_unix_ns = repeat->first_unix_ns;
	if (repeat->again_unix_ns > loss->again_unix_ns)
		loss->again_unix_ns = repeat->again_unix_ns;
	loss->seen_unix_ns = repeat->seen_unix_ns;
	loss->packets++;
	loss->octets += repeat->octets;
}

/* A reply is sent by the other host's clock: from there to the one that owns the parent span, as far as that is known.
 */
static int64_t shift_of(const struct loss *loss, struct clocks *clocks)
{
	struct clock_way way = { .from = station_host(&loss->flow.source),
				 .to = station_host(&loss->flow.destination) };
	struct clock_bounds bounds;

	if (!loss->flow.reply)
		return 0;
	bounds = clocks_get(clocks, &way, loss->seen_unix_ns);
	return clock_offset(&bounds);
}

static void add_event(struct pen *pen, unsigned int at, const char *name, int64_t time_unix_ns)
{
	pen->span->events[at] = (struct span_event){ .name = name, .time_unix_ns = time_unix_ns };
	pen->span->event_count = at + 1;
}

static void loss_draw(const struct loss *loss, struct path_tables *tables, struct span_list *spans)
{
	static const struct transfers_show show;
	int64_t shift_ns = shift_of(loss, &tables->clocks);
	struct drawing drawing = { .flow = &loss->flow,
				   .ends = ends_find(&tables->ends, &loss->flow.source, &loss->flow.destination),
				   .show = &show,
				   .w3c_flags = loss->w3c_flags,
				   .sent_unix_ns = loss->first_unix_ns,
				   .packets = loss->packets };
	struct pen pen;

	draw_loss(&pen, spans, &drawing,
		  about_loss(&spans->arena, loss->again_unix_ns - loss->first_unix_ns, loss->packets, loss->octets));
	put_times(&pen, loss->first_unix_ns + shift_ns, loss->again_unix_ns + shift_ns);
	put_int(&pen, AT_packets, (int64_t)loss->packets);
	put_adjusted(&pen, shift_ns, shift_ns);
	pen.span->status = SPAN_STATUS_ERROR;
	pen.span->status_message = "packet lost";
	pen.span->events = arena_alloc(&spans->arena, 2 * sizeof(pen.span->events[0]));
	add_event(&pen, 0, "sent", pen.span->start_unix_ns);
	add_event(&pen, 1, "retransmitted", pen.span->end_unix_ns);
}

void losses_close(struct losses *losses, struct path_tables *tables, int64_t now_unix_ns, bool all,
		  struct span_list *spans)
{
	while (losses->table.oldest) {
		struct loss *loss = table_item(losses->table.oldest, struct loss, entry);

		if (!all && now_unix_ns - loss->seen_unix_ns < LOSS_QUIET_MS * MS_NS)
			break;
		table_remove(&losses->table, &loss->entry);
		loss_draw(loss, tables, spans);
		free(loss);
	}
}

void losses_free(struct losses *losses)
{
	table_free_all(&losses->table);
}
