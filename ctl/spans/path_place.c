/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Where a path is drawn: its stamps, each of another clock, moved to the clock of the host that owns the parent span.
 */
#include "path.h"

#include "floor.h"
#include "place.h"

#define SECOND_NS 1000000000LL

/* The parent span's own clock may be read in ms, and the packet leaves a little later than it is stamped. */
enum { PARENT_NEAR_NS = 2000000 };

/* The nodes that wrote a time, and the receiver behind them. */
struct row {
	unsigned int count; /* without the receiver */
	struct path_node *nodes[PLACES_MAX];
	struct clock_bounds offsets[PLACES_MAX];
	int64_t at_ns[PLACES_MAX]; /* by the reference's clock */
	unsigned int reference;
	bool part; /* somewhere seconds are missing */
};

static void row_fill(struct path *path, struct row *row)
{
	*row = (struct row){ .count = 0 };
	for (unsigned int i = path->first; i < path->count; i = path->nodes[i].next) {
		row->part |= path->nodes[i].part;
		row->nodes[row->count++] = &path->nodes[i];
	}
	row->reference = path->reply ? row->count : 0;
}

static struct station station_of(const struct path *path, unsigned int i)
{
	if (i == path->count)
		return station_host(&path->destination);
	return path->nodes[i].position == 0 ? station_host(&path->source) : station_router(path->nodes[i].node);
}

/* A queue is known to be empty, or its wait is in the delay. */
static bool is_free(const struct path_node *node)
{
	return node->queue == 0 || (node->position > 0 && node->node->delay == NODE_AFTER_QUEUE);
}

static struct clock_way way_of(const struct path *path, const struct path_node *node)
{
	return (struct clock_way){
		.from = station_of(path, node - path->nodes),
		.to = station_of(path, node->next),
		.time_ns = node->passage_ns,
		.part = node->part,
		.is_free = is_free(node),
	};
}

/* Known also where the ways there and back lead over different routers. */
static void find_whole(struct path *path)
{
	path->whole = (struct clock_way){
		.from = station_of(path, path->first),
		.to = station_of(path, path->count),
		.is_free = true,
	};
	for (unsigned int i = path->first; i < path->count; i = path->nodes[i].next) {
		path->whole.time_ns += path->nodes[i].passage_ns;
		path->whole.part |= path->nodes[i].part;
		path->whole.is_free &= is_free(&path->nodes[i]);
	}
}

void path_count_clocks(struct path *path, struct clocks *clocks, int64_t now_unix_ns)
{
	find_whole(path);
	for (unsigned int i = path->first; i < path->count; i = path->nodes[i].next) {
		struct clock_way way = way_of(path, &path->nodes[i]);

		clocks_add(clocks, &way, now_unix_ns);
	}
	if (path->nodes[path->first].next < path->count)
		clocks_add(clocks, &path->whole, now_unix_ns);
}

/* Of parts of a second: the whole way's seconds are those of its steps. */
static void whole_align(struct clock_bounds *whole, const struct clock_bounds *steps, unsigned int count)
{
	struct clock_bounds sum = { 0, 0 };
	int64_t away_ns = 0;

	for (unsigned int i = 0; i < count; i++) {
		sum.least_ns = steps[i].least_ns == -CLOCK_FAR ? -CLOCK_FAR : sum.least_ns + steps[i].least_ns;
		sum.most_ns = steps[i].most_ns == CLOCK_FAR ? CLOCK_FAR : sum.most_ns + steps[i].most_ns;
	}
	if (whole->most_ns < CLOCK_FAR && sum.most_ns < CLOCK_FAR / 2)
		away_ns = second_place(whole->most_ns, sum.most_ns - SECOND_NS / 4) - whole->most_ns;
	else if (whole->least_ns > -CLOCK_FAR && sum.least_ns > -CLOCK_FAR / 2)
		away_ns = second_place(whole->least_ns, sum.least_ns - SECOND_NS / 4) - whole->least_ns;
	whole->least_ns += whole->least_ns > -CLOCK_FAR ? away_ns : 0;
	whole->most_ns += whole->most_ns < CLOCK_FAR ? away_ns : 0;
}

/* How far each clock is from the reference's. */
static void row_solve(const struct path *path, struct row *row, struct clocks *clocks, int64_t now_unix_ns)
{
	struct clock_bounds steps[PLACES_MAX], whole = { -CLOCK_FAR, CLOCK_FAR };

	for (unsigned int i = 0; i < row->count; i++) {
		struct clock_way way = way_of(path, row->nodes[i]);

		steps[i] = clocks_get(clocks, &way, now_unix_ns);
	}
	if (row->count > 1) {
		whole = clocks_get(clocks, &path->whole, now_unix_ns);
		if (row->part)
			whole_align(&whole, steps, row->count);
	}
	clock_solve(steps, row->count, &whole, row->reference, row->offsets);
}

/* The arrival by the reference's clock. Without seconds in the stamps that clock is taken to be less than one away. */
static int64_t arrival_at(const struct path *path, const struct row *row, struct clocks *clocks)
{
	const struct clock_bounds *bounds = &row->offsets[row->count];
	int64_t offset_ns = clock_offset(bounds);

	if (row->part && row->reference == 0)
		offset_ns = clocks_whole(clocks, &path->whole, second_place(offset_ns, -SECOND_NS / 4),
					 clock_error(bounds) >= 0);
	return path->arrival_unix_ns - offset_ns;
}

/* From the arrival back: each way less the offset between its clocks, each stay as it is. */
static void row_correct(const struct path *path, struct row *row, struct clocks *clocks)
{
	row->at_ns[row->count] = arrival_at(path, row, clocks);
	for (unsigned int i = row->count; i-- > 0;) {
		const struct path_node *node = row->nodes[i];
		int64_t way_ns = node->passage_ns - clock_offset(&row->offsets[i + 1]) + clock_offset(&row->offsets[i]);

		if (node->part)
			way_ns = second_place(way_ns, 0);
		row->at_ns[i] = row->at_ns[i + 1] - way_ns - (node->delay_ns > 0 ? node->delay_ns : 0);
	}
}

/* Waits are estimates: they never take more than what the exact delays leave of the whole time. */
static void cut_waits(const struct row *row)
{
	int64_t room_ns = row->at_ns[row->count] - row->at_ns[0];

	for (unsigned int i = 0; i < row->count; i++)
		if (row->nodes[i]->way == WAY_SPLIT)
			room_ns -= row->nodes[i]->delay_ns;
	for (unsigned int i = 0; i < row->count; i++) {
		struct path_node *node = row->nodes[i];

		node->wait_ns = node->found_wait_ns;
		if (node->wait_ns <= 0)
			continue;
		if (node->wait_ns > room_ns)
			node->wait_ns = room_ns > 0 ? room_ns : 0;
		room_ns -= node->wait_ns;
	}
}

/* Order and nesting hold in any case: what the offsets leave undone is moved as little as possible. */
static void row_settle(const struct path *path, struct row *row)
{
	struct place places[PLACES_MAX];

	for (unsigned int i = 0; i < row->count; i++) {
		struct path_node *node = row->nodes[i];

		node->drawn_unix_ns = row->at_ns[i];
		places[i] = (struct place){
			.stamp_ns = row->at_ns[i],
			.length_ns = path_left(node) - row->at_ns[i],
			.coarse = node->node->time == NODE_POSIX,
		};
	}
	places[row->count] = (struct place){ .stamp_ns = row->at_ns[row->count] };
	places_settle(places, row->count + 1, path->reply);
	for (unsigned int i = 0; i <= row->count; i++)
		row->at_ns[i] = places[i].at_ns;
}

void path_place(struct path *path, struct clocks *clocks, int64_t now_unix_ns)
{
	struct row row;

	if (path->placed_unix_ns && path->placed_changes == clocks->changes &&
	    now_unix_ns - path->placed_unix_ns < SECOND_NS)
		return;
	path->placed_unix_ns = now_unix_ns;
	path->placed_changes = clocks->changes;
	row_fill(path, &row);
	row_solve(path, &row, clocks, now_unix_ns);
	row_correct(path, &row, clocks);
	cut_waits(&row);
	row_settle(path, &row);
	for (unsigned int i = 0; i < row.count; i++) {
		struct path_node *node = row.nodes[i];

		node->drawn_unix_ns = row.at_ns[i];
		if (node->part)
			node->stamp_unix_ns = second_place(node->stamp_unix_ns, row.at_ns[i] - SECOND_NS / 4);
	}
	path->start_unix_ns = row.at_ns[0];
	path->start_shift_ns = row.at_ns[0] - row.nodes[0]->stamp_unix_ns;
	path->end_unix_ns = row.at_ns[row.count];
	path->end_shift_ns = path->end_unix_ns - path->arrival_unix_ns;
	path->clock_error_ns = clock_error(&row.offsets[row.reference ? 0 : row.count]);
}

bool path_sending(const struct path *path, struct sending *sending)
{
	sending->way = path->whole;
	sending->sent_unix_ns = path->arrival_unix_ns - (path->end_unix_ns - path->start_unix_ns);
	return !path->reply && sending->way.part;
}

void sending_learn(const struct sending *sending, struct clocks *clocks, int64_t start_unix_ns, int64_t end_unix_ns)
{
	struct clock_bounds bounds = {
		.least_ns = sending->sent_unix_ns - end_unix_ns - PARENT_NEAR_NS,
		.most_ns = sending->sent_unix_ns - start_unix_ns + PARENT_NEAR_NS,
	};

	if (start_unix_ns <= end_unix_ns)
		clocks_set_whole(clocks, &sending->way, &bounds);
}
