/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A moving minimum of what drifts: slots of leasts, and the last edge of their lower convex hull. */
#include "floor.h"

#include <string.h>

#define SECOND_NS 1000000000LL
#define WINDOW_NS (600 * SECOND_NS)
#define SLOT_LEAST_NS (5 * SECOND_NS / 4)
#define SLOT_MOST_NS (WINDOW_NS / FLOOR_SLOTS)

/*
 * A slope is believed if four leasts or more, and at least half of those from there on, are on the line, and if it
 * makes out more than what leasts differ by anyway. Way and clock have changed when the least moves by SHIFT_NS, and
 * the leasts since then are as on one line, to STEADY_NS.
 */
enum { ON_LINE = 4, ON_LINE_NS = 3000, DRIFT_NS = 4000, SHIFT_NS = 20000, STEADY_NS = 5000 };
static const double drift_most = 1e-3;

static int64_t carried(const struct floor *floor, int64_t value_ns, int64_t from_unix_ns, int64_t to_unix_ns)
{
	return value_ns + (int64_t)(floor->drift * (double)(to_unix_ns - from_unix_ns));
}

static bool is_lower(const struct floor *floor, const struct floor_point *point, int64_t value_ns, int64_t at_unix_ns)
{
	return !point->packets || value_ns < carried(floor, point->value_ns, point->at_unix_ns, at_unix_ns);
}

static void point_join(const struct floor *floor, struct floor_point *point, const struct floor_point *other)
{
	if (other->packets && is_lower(floor, point, other->value_ns, other->at_unix_ns)) {
		point->at_unix_ns = other->at_unix_ns;
		point->value_ns = other->value_ns;
	}
	point->packets += other->packets;
}

static void slots_begin(struct floor *floor, int64_t now_unix_ns)
{
	memset(floor->slots, 0, sizeof(floor->slots));
	floor->begin_unix_ns = now_unix_ns - SLOT_LEAST_NS; /* records are not always in order */
	floor->slot_ns = SLOT_LEAST_NS;
	floor->stale = true;
}

static void slots_widen(struct floor *floor)
{
	for (unsigned int i = 0; i < FLOOR_SLOTS; i++) {
		struct floor_point point = { 0 };

		for (unsigned int from = 2 * i; from < 2 * i + 2 && from < FLOOR_SLOTS; from++)
			point_join(floor, &point, &floor->slots[from]);
		floor->slots[i] = point;
	}
	floor->slot_ns *= 2;
}

static void slots_move(struct floor *floor, int64_t slots)
{
	memmove(floor->slots, floor->slots + slots, (FLOOR_SLOTS - slots) * sizeof(floor->slots[0]));
	memset(floor->slots + FLOOR_SLOTS - slots, 0, slots * sizeof(floor->slots[0]));
	floor->begin_unix_ns += slots * floor->slot_ns;
	floor->stale = true;
}

/* The slot of this time, made if it is the newest; NULL: older than all. */
static struct floor_point *slot_find(struct floor *floor, int64_t now_unix_ns)
{
	int64_t index;

	if (!floor->slot_ns || now_unix_ns - floor->newest_unix_ns > WINDOW_NS) {
		floor->drift = 0;
		slots_begin(floor, now_unix_ns);
	}
	if (now_unix_ns < floor->begin_unix_ns)
		return NULL;
	while ((index = (now_unix_ns - floor->begin_unix_ns) / floor->slot_ns) >= FLOOR_SLOTS) {
		if (floor->slot_ns < SLOT_MOST_NS)
			slots_widen(floor);
		else
			slots_move(floor, index - FLOOR_SLOTS < FLOOR_SLOTS ? index - FLOOR_SLOTS + 1 : FLOOR_SLOTS);
	}
	return &floor->slots[index];
}

static void slot_take(struct floor *floor, int64_t value_ns, int64_t at_unix_ns, uint32_t packets)
{
	struct floor_point *slot = slot_find(floor, at_unix_ns);
	const struct floor_point point = { at_unix_ns, value_ns, packets };

	if (!slot)
		return;
	floor->stale |= is_lower(floor, slot, value_ns, at_unix_ns);
	point_join(floor, slot, &point);
	if (at_unix_ns > floor->newest_unix_ns)
		floor->newest_unix_ns = at_unix_ns;
}

/* How far above the line. */
static int64_t above(const struct floor *floor, int64_t value_ns, int64_t at_unix_ns)
{
	return value_ns - carried(floor, floor->line_ns, floor->line_unix_ns, at_unix_ns);
}

/* What was before is of another way, or of a clock that was set since. */
static void restart(struct floor *floor, const struct floor_point *points, unsigned int count)
{
	int64_t begin_unix_ns = points[0].at_unix_ns;

	for (unsigned int i = 1; i < count; i++)
		if (points[i].at_unix_ns < begin_unix_ns)
			begin_unix_ns = points[i].at_unix_ns;
	slots_begin(floor, begin_unix_ns);
	for (unsigned int i = 0; i < count; i++)
		slot_take(floor, points[i].value_ns, points[i].at_unix_ns, points[i].packets);
	memset(floor->recent, 0, sizeof(floor->recent));
	floor->is_line = false;
}

static double slope_of(const struct floor_point *from, const struct floor_point *to)
{
	return (double)(to->value_ns - from->value_ns) / (double)(to->at_unix_ns - from->at_unix_ns);
}

/* The recent ones in order of time. */
static const struct floor_point *recent_get(const struct floor *floor, unsigned int i)
{
	return &floor->recent[(floor->recent_at + 1 + i) % FLOOR_RECENT];
}

/* Have the last few leasts all moved up, and in step? */
static bool has_risen(const struct floor *floor)
{
	const struct floor_point *first = recent_get(floor, 0), *last = recent_get(floor, FLOOR_RECENT - 1);
	double slope = slope_of(first, last);

	if (!(slope <= drift_most && slope >= -drift_most))
		return false;
	for (unsigned int i = 0; i < FLOOR_RECENT; i++) {
		const struct floor_point *point = recent_get(floor, i);
		double away_ns = (double)(point->value_ns - first->value_ns) -
				 slope * (double)(point->at_unix_ns - first->at_unix_ns);

		if (point->packets < FLOOR_RECENT_PACKETS || away_ns > STEADY_NS || away_ns < -STEADY_NS ||
		    above(floor, point->value_ns, point->at_unix_ns) <= SHIFT_NS)
			return false;
	}
	return true;
}

/* The next one begins when this one has its packets and its time. */
static void recent_take(struct floor *floor, int64_t value_ns, int64_t now_unix_ns)
{
	struct floor_point *point = &floor->recent[floor->recent_at], one = { now_unix_ns, value_ns, 1 };
	const struct floor_point *before = &floor->recent[(floor->recent_at + FLOOR_RECENT - 1) % FLOOR_RECENT];

	if (point->packets >= FLOOR_RECENT_PACKETS && now_unix_ns - before->at_unix_ns >= FLOOR_RECENT_S * SECOND_NS) {
		if (has_risen(floor))
			restart(floor, floor->recent, FLOOR_RECENT);
		floor->recent_at = (floor->recent_at + 1) % FLOOR_RECENT;
		point = &floor->recent[floor->recent_at];
		*point = (struct floor_point){ 0 };
	}
	point_join(floor, point, &one);
}

/* The points of the last 10 minutes, in order of time. */
static unsigned int points_valid(const struct floor *floor, int64_t now_unix_ns, struct floor_point points[FLOOR_SLOTS])
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < FLOOR_SLOTS; i++)
		if (floor->slots[i].packets && now_unix_ns - floor->slots[i].at_unix_ns <= WINDOW_NS)
			points[count++] = floor->slots[i];
	return count;
}

/* Keeps of points those that no line between two others lies below. Their places in `points`. */
static unsigned int hull_find(const struct floor_point *points, unsigned int count, unsigned int hull[FLOOR_SLOTS])
{
	unsigned int len = 0;

	for (unsigned int i = 0; i < count; i++) {
		while (len > 1 && slope_of(&points[hull[len - 2]], &points[hull[len - 1]]) >=
				      slope_of(&points[hull[len - 1]], &points[i]))
			len--;
		hull[len++] = i;
	}
	return len;
}

/* Is it the drift that makes the difference between these two? */
static bool is_drift(const struct floor_point *points, unsigned int count, unsigned int from, unsigned int to)
{
	double slope = slope_of(&points[from], &points[to]), moved_ns = 0;
	unsigned int on = 0;

	if (!(slope <= drift_most && slope >= -drift_most))
		return false;
	for (unsigned int i = from; i < count; i++) {
		double here_ns = slope * (double)(points[i].at_unix_ns - points[from].at_unix_ns);

		if ((double)(points[i].value_ns - points[from].value_ns) - here_ns >=
		    ON_LINE_NS + (here_ns < 0 ? -here_ns : here_ns) / 16)
			continue;
		moved_ns = here_ns;
		on++;
	}
	return on >= ON_LINE && 2 * on >= count - from && (moved_ns >= DRIFT_NS || moved_ns <= -DRIFT_NS);
}

/* Does the line between two corners of the hull leave none of those between far below it? */
static bool line_fits(const struct floor_point *points, const unsigned int *hull, unsigned int from, unsigned int to)
{
	const struct floor_point *first = &points[hull[from]];
	double slope = slope_of(first, &points[hull[to]]);

	for (unsigned int i = from + 1; i < to; i++) {
		const struct floor_point *between = &points[hull[i]];

		if ((double)(first->value_ns - between->value_ns) +
			slope * (double)(between->at_unix_ns - first->at_unix_ns) >
		    ON_LINE_NS)
			return false;
	}
	return true;
}

static void line_set(struct floor *floor, const struct floor_point *from, const struct floor_point *to)
{
	floor->is_line = from != to;
	floor->drift = floor->is_line ? slope_of(from, to) : 0;
	floor->line_length_ns = to->at_unix_ns - from->at_unix_ns;
	floor->line_unix_ns = to->at_unix_ns;
	floor->line_ns = to->value_ns;
}

/* The hull's edge that ends with corner `to`, made longer where that fits: the longer, the better its slope. */
static void line_lay(struct floor *floor, const struct floor_point *points, const unsigned int *hull, unsigned int len,
		     unsigned int to)
{
	unsigned int from = to - 1;

	while (from > 0 && line_fits(points, hull, from - 1, to))
		from--;
	while (to + 1 < len && line_fits(points, hull, from, to + 1))
		to++;
	line_set(floor, &points[hull[from]], &points[hull[to]]);
}

/* The drift that these points show, if they do. */
static bool line_of(struct floor *floor, const struct floor_point *points, unsigned int count)
{
	unsigned int hull[FLOOR_SLOTS], len = hull_find(points, count, hull);

	for (unsigned int to = len; to-- > 1;)
		if (is_drift(points, count, hull[to - 1], hull[to])) {
			line_lay(floor, points, hull, len, to);
			return true;
		}
	return false;
}

/* All of the window show one drift, or its later half, and so on: a clock's rate is not always the same. */
static bool line_search(struct floor *floor, const struct floor_point *points, unsigned int count)
{
	for (unsigned int from = 0; count - from >= ON_LINE; from += (count - from + 1) / 2)
		if (line_of(floor, points + from, count - from))
			return true;
	return false;
}

/* Is the line of before still below all that came since? Then they met queues. */
static bool line_holds(const struct floor *floor, const struct floor_point *points, unsigned int count,
		       int64_t now_unix_ns)
{
	if (!floor->is_line || now_unix_ns - floor->line_unix_ns > WINDOW_NS)
		return false;
	for (unsigned int i = 0; i < count; i++)
		if (points[i].at_unix_ns > floor->line_unix_ns &&
		    above(floor, points[i].value_ns, points[i].at_unix_ns) < -ON_LINE_NS)
			return false;
	return true;
}

/* Without a line the least; where a line was left, of the last points alone, as the others are of another rate. */
static void line_find(struct floor *floor, int64_t now_unix_ns)
{
	struct floor_point points[FLOOR_SLOTS];
	unsigned int count = points_valid(floor, now_unix_ns, points), least = 0;

	floor->stale = false;
	floor->found = count > 0;
	if (!floor->found || line_search(floor, points, count) || line_holds(floor, points, count, now_unix_ns))
		return;
	if (floor->is_line && count > 2) {
		least = count - 2;
		restart(floor, points + least, 2);
	}
	for (unsigned int i = least + 1; i < count; i++)
		if (points[i].value_ns < points[least].value_ns)
			least = i;
	line_set(floor, &points[least], &points[least]);
}

/* What the line stands on may have become too old. */
static void line_look(struct floor *floor, int64_t now_unix_ns)
{
	if (floor->stale || now_unix_ns - floor->line_unix_ns > WINDOW_NS)
		line_find(floor, now_unix_ns);
}

void floor_add(struct floor *floor, int64_t value_ns, bool is_free, int64_t now_unix_ns)
{
	struct floor_point one = { now_unix_ns, value_ns, 1 };

	line_look(floor, now_unix_ns);
	if (floor->found && floor->is_line && now_unix_ns > floor->line_unix_ns &&
	    above(floor, value_ns, now_unix_ns) < -SHIFT_NS)
		restart(floor, &one, 1);
	else
		slot_take(floor, value_ns, now_unix_ns, 1);
	if (is_free)
		recent_take(floor, value_ns, now_unix_ns);
}

/* A line of a few seconds is not followed for minutes. */
bool floor_get(struct floor *floor, int64_t now_unix_ns, int64_t *value_ns)
{
	int64_t ahead_ns;

	line_look(floor, now_unix_ns);
	if (!floor->found)
		return false;
	ahead_ns = now_unix_ns - floor->line_unix_ns;
	if (ahead_ns > 2 * floor->line_length_ns)
		ahead_ns = 2 * floor->line_length_ns;
	*value_ns = floor->line_ns + (int64_t)(floor->drift * (double)ahead_ns);
	return true;
}

int64_t second_place(int64_t value_ns, int64_t near_ns)
{
	int64_t behind_ns = (value_ns - near_ns) % SECOND_NS;

	if (behind_ns < 0)
		behind_ns += SECOND_NS;
	return near_ns + (behind_ns >= 3 * SECOND_NS / 4 ? behind_ns - SECOND_NS : behind_ns);
}

int64_t floor_place(struct floor *floor, int64_t value_ns, int64_t now_unix_ns)
{
	int64_t floor_ns;

	return floor_get(floor, now_unix_ns, &floor_ns) ? second_place(value_ns, floor_ns) : value_ns;
}
