/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Two hash tables with open addressing: when the young one is full it becomes the old one. */
#include "store_recent.h"

#include <stdlib.h>

#include "spans/table.h"

enum { SIZE_FIRST = 1 << 12 };

static uint32_t hash_of(const uint8_t trace_id[TRACE_ID_LEN])
{
	return (uint32_t)(hash_key(trace_id, TRACE_ID_LEN) >> 32);
}

static void slot_put(struct recent_map *map, uint64_t slot)
{
	uint32_t at = (uint32_t)(slot >> 32) & (map->size - 1);

	while (map->slots[at])
		at = (at + 1) & (map->size - 1);
	map->slots[at] = slot;
	map->count++;
}

/* Half of the slots stay free. False: no memory. */
static bool map_grow(struct recent_map *map)
{
	struct recent_map larger = { .size = map->size ? 2 * map->size : SIZE_FIRST, .base = map->base };

	larger.slots = calloc(larger.size, sizeof(*larger.slots));
	if (!larger.slots)
		return false;
	for (uint32_t i = 0; i < map->size; i++)
		if (map->slots[i])
			slot_put(&larger, map->slots[i]);
	free(map->slots);
	*map = larger;
	return true;
}

void recent_free(struct recent *recent)
{
	free(recent->young.slots);
	free(recent->old.slots);
	*recent = (struct recent){ .last = recent->last };
}

void recent_add(struct recent *recent, const uint8_t trace_id[TRACE_ID_LEN], int64_t number)
{
	struct recent_map *young = &recent->young;

	if (young->count == RECENT_TRACES || number - young->base > UINT32_MAX) {
		free(recent->old.slots);
		recent->old = *young;
		*young = (struct recent_map){ .size = 0 };
	}
	if (!young->count)
		young->base = number - 1;
	if (2 * young->count == young->size && !map_grow(young)) {
		recent_free(recent);
		return;
	}
	slot_put(young, (uint64_t)hash_of(trace_id) << 32 | (uint32_t)(number - young->base));
}

static int64_t map_find(const struct recent_map *map, uint32_t hash, bool (*is_it)(int64_t number, void *arg),
			void *arg)
{
	for (uint32_t at = hash & (map->size - 1); map->size && map->slots[at]; at = (at + 1) & (map->size - 1)) {
		int64_t number = map->base + (uint32_t)map->slots[at];

		if (map->slots[at] >> 32 == hash && is_it(number, arg))
			return number;
	}
	return 0;
}

int64_t recent_find(const struct recent *recent, const uint8_t trace_id[TRACE_ID_LEN],
		    bool (*is_it)(int64_t number, void *arg), void *arg)
{
	uint32_t hash = hash_of(trace_id);
	int64_t number = map_find(&recent->young, hash, is_it, arg);

	return number ? number : map_find(&recent->old, hash, is_it, arg);
}
