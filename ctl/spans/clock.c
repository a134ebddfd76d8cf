/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Pairs of stations with the floors of their ways there and back, and the offsets that follow along a path. */
#include "clock.h"

#include <string.h>

#include "floor.h"

#define SECOND_NS 1000000000LL

struct pair_key {
	struct station low, high;
};

struct pair {
	struct table_entry entry;
	struct pair_key key;
	struct floor up, down; /* from low to high, and back */
	bool part;	       /* some of the times were of a second only */
	bool has_whole;
	struct clock_bounds whole; /* high less low */
};

struct station station_host(const struct in6_addr *address)
{
	struct station station;

	memcpy(station.id, address, sizeof(station.id));
	return station;
}

/* In ff00::/8, where no host is. */
struct station station_router(const struct node *node)
{
	struct station station = { .id = { 0xff } };

	memcpy(station.id + 8, &node, sizeof(node));
	return station;
}

static bool is_up(const struct clock_way *way)
{
	return memcmp(&way->from, &way->to, sizeof(way->from)) < 0;
}

static bool same_pair(const struct table_entry *entry, const void *key)
{
	return memcmp(&table_item(entry, const struct pair, entry)->key, key, sizeof(struct pair_key)) == 0;
}

static struct pair *pair_new(struct clocks *clocks, const struct pair_key *key, uint64_t hash)
{
	struct pair *pair = table_take(&clocks->table, CLOCKS_MAX, sizeof(*pair));

	*pair = (struct pair){ .key = *key };
	table_add(&clocks->table, &pair->entry, hash);
	return pair;
}

/* NULL: none yet, and `make` is not set. */
static struct pair *pair_find(struct clocks *clocks, const struct clock_way *way, bool make)
{
	bool up = is_up(way);
	struct pair_key key = { .low = up ? way->from : way->to, .high = up ? way->to : way->from };
	uint64_t hash = hash_key(&key, sizeof(key));
	struct pair *pair = table_item(table_find(&clocks->table, hash, same_pair, &key), struct pair, entry);

	if (pair)
		table_touch(&clocks->table, &pair->entry);
	else if (make)
		pair = pair_new(clocks, &key, hash);
	return pair;
}

void clocks_add(struct clocks *clocks, const struct clock_way *way, int64_t now_unix_ns)
{
	struct pair *pair = pair_find(clocks, way, true);
	struct floor *floor = is_up(way) ? &pair->up : &pair->down;

	pair->part |= way->part;
	floor_add(floor, pair->part ? floor_place(floor, way->time_ns, now_unix_ns) : way->time_ns, way->is_free,
		  now_unix_ns);
	clocks->changes += floor->stale;
}

/* Both ways together take less than a second, and clocks are taken to be the fewest seconds apart. */
static void bounds_place(struct clock_bounds *bounds)
{
	int64_t both_ns = bounds->most_ns - bounds->least_ns, middle_ns, away_ns;

	bounds->most_ns += second_place(both_ns, 0) - both_ns;
	middle_ns = (bounds->least_ns + bounds->most_ns) / 2;
	away_ns = middle_ns - second_place(middle_ns, -SECOND_NS / 4);
	bounds->least_ns -= away_ns;
	bounds->most_ns -= away_ns;
}

struct clock_bounds clocks_get(struct clocks *clocks, const struct clock_way *way, int64_t now_unix_ns)
{
	struct clock_bounds bounds = { -CLOCK_FAR, CLOCK_FAR };
	struct pair *pair = pair_find(clocks, way, false);
	int64_t back_ns;

	if (!pair)
		return bounds;
	floor_get(is_up(way) ? &pair->up : &pair->down, now_unix_ns, &bounds.most_ns);
	if (floor_get(is_up(way) ? &pair->down : &pair->up, now_unix_ns, &back_ns))
		bounds.least_ns = -back_ns;
	if (pair->part && bounds.least_ns > -CLOCK_FAR && bounds.most_ns < CLOCK_FAR)
		bounds_place(&bounds);
	if (bounds.least_ns > bounds.most_ns) /* both floors are a little too low */
		bounds.least_ns = bounds.most_ns = (bounds.least_ns + bounds.most_ns) / 2;
	return bounds;
}

static struct clock_bounds turned(const struct clock_bounds *bounds, bool turn)
{
	return turn ? (struct clock_bounds){ -bounds->most_ns, -bounds->least_ns } : *bounds;
}

void clocks_set_whole(struct clocks *clocks, const struct clock_way *way, const struct clock_bounds *given)
{
	struct pair *pair = pair_find(clocks, way, true);
	struct clock_bounds bounds = turned(given, !is_up(way)), narrow = bounds;

	if (pair->has_whole) {
		narrow.least_ns = pair->whole.least_ns > bounds.least_ns ? pair->whole.least_ns : bounds.least_ns;
		narrow.most_ns = pair->whole.most_ns < bounds.most_ns ? pair->whole.most_ns : bounds.most_ns;
	}
	narrow = narrow.least_ns <= narrow.most_ns ? narrow : bounds;
	clocks->changes += !pair->has_whole || memcmp(&narrow, &pair->whole, sizeof(narrow)) != 0;
	pair->whole = narrow;
	pair->has_whole = true;
}

int64_t clocks_whole(struct clocks *clocks, const struct clock_way *way, int64_t offset_ns, bool known)
{
	struct pair *pair = pair_find(clocks, way, false);
	int64_t away_ns = 0, step_ns = known ? SECOND_NS : 1;
	struct clock_bounds whole;

	if (!pair || !pair->has_whole)
		return offset_ns;
	whole = turned(&pair->whole, !is_up(way));
	if (offset_ns < whole.least_ns)
		away_ns = whole.least_ns - offset_ns + step_ns - 1;
	else if (offset_ns > whole.most_ns)
		away_ns = whole.most_ns - offset_ns - step_ns + 1;
	return offset_ns + away_ns / step_ns * step_ns;
}

void clocks_free(struct clocks *clocks)
{
	table_free_all(&clocks->table);
}

static bool is_far(int64_t bound_ns)
{
	return bound_ns <= -CLOCK_FAR || bound_ns >= CLOCK_FAR;
}

/* What one station's bounds and the step from it say of the next. */
static void narrow(struct clock_bounds *next, const struct clock_bounds *from, const struct clock_bounds *step)
{
	if (!is_far(from->least_ns) && !is_far(step->least_ns) && from->least_ns + step->least_ns > next->least_ns)
		next->least_ns = from->least_ns + step->least_ns;
	if (!is_far(from->most_ns) && !is_far(step->most_ns) && from->most_ns + step->most_ns < next->most_ns)
		next->most_ns = from->most_ns + step->most_ns;
}

void clock_solve(const struct clock_bounds *steps, unsigned int count, const struct clock_bounds *whole,
		 unsigned int reference, struct clock_bounds *offsets)
{
	struct clock_bounds back = turned(whole, true);

	for (unsigned int i = 0; i <= count; i++)
		offsets[i] = (struct clock_bounds){ -CLOCK_FAR, CLOCK_FAR };
	offsets[reference] = (struct clock_bounds){ 0, 0 };
	for (int round = 0; round < 2; round++) {
		for (unsigned int i = 0; i < count; i++)
			narrow(&offsets[i + 1], &offsets[i], &steps[i]);
		narrow(&offsets[count], &offsets[0], whole);
		for (unsigned int i = count; i-- > 0;) {
			struct clock_bounds step = turned(&steps[i], true);

			narrow(&offsets[i], &offsets[i + 1], &step);
		}
		narrow(&offsets[0], &offsets[count], &back);
	}
}

int64_t clock_offset(const struct clock_bounds *bounds)
{
	if (bounds->least_ns <= 0 && bounds->most_ns >= 0)
		return 0;
	if (is_far(bounds->least_ns))
		return bounds->most_ns;
	return is_far(bounds->most_ns) ? bounds->least_ns : bounds->least_ns / 2 + bounds->most_ns / 2;
}

int64_t clock_error(const struct clock_bounds *bounds)
{
	int64_t offset_ns = clock_offset(bounds), below_ns = offset_ns - bounds->least_ns,
		above_ns = bounds->most_ns - offset_ns;

	if (is_far(bounds->least_ns) || is_far(bounds->most_ns))
		return -1;
	below_ns = below_ns > above_ns ? below_ns : above_ns;
	return below_ns > 0 ? below_ns : 0;
}
