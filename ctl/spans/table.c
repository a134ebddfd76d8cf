/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A hash table by linear probing that doubles, with a list by last use through its entries. */
#include "table.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE_START = 256 };

uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t len)
{
	const uint8_t *octets = bytes;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ octets[i]) * 0x100000001b3ULL;
	return hash;
}

/* The finishing steps of MurmurHash3: FNV's upper bits hardly feel the last octets. */
uint64_t hash_end(uint64_t hash)
{
	hash ^= hash >> 33;
	hash *= 0xff51afd7ed558ccdULL;
	hash ^= hash >> 33;
	hash *= 0xc4ceb9fe1a85ec53ULL;
	return hash ^ hash >> 33;
}

uint64_t hash_key(const void *key, size_t len)
{
	const char *octets = key;
	uint64_t hash = HASH_START, word;

	for (size_t i = 0; i < len; i += sizeof(word)) {
		memcpy(&word, octets + i, sizeof(word));
		hash = (hash ^ word) * 0x9e3779b97f4a7c15ULL;
		hash ^= hash >> 32;
	}
	return hash_end(hash);
}

static size_t slot_next(const struct table *table, size_t at)
{
	return (at + 1) & (table->size - 1);
}

/* Where a hash belongs: it is there or in one of the slots behind, before the first free one. */
static size_t slot_home(const struct table *table, uint64_t hash)
{
	return hash & (table->size - 1);
}

struct table_entry *table_find(const struct table *table, uint64_t hash,
			       bool (*same)(const struct table_entry *entry, const void *key), const void *key)
{
	if (!table->size)
		return NULL;
	for (size_t at = slot_home(table, hash); table->slots[at].entry; at = slot_next(table, at)) {
		const struct table_slot *slot = &table->slots[at];

		if (slot->hash == hash && (!same || same(slot->entry, key)))
			return slot->entry;
	}
	return NULL;
}

static void slot_fill(struct table *table, const struct table_slot *slot)
{
	size_t at = slot_home(table, slot->hash);

	while (table->slots[at].entry)
		at = slot_next(table, at);
	table->slots[at] = *slot;
}

static void table_grow(struct table *table)
{
	struct table old = *table;

	table->size = old.size ? 2 * old.size : SIZE_START;
	table->slots = calloc(table->size, sizeof(table->slots[0]));
	if (!table->slots)
		err(1, "out of memory");
	for (size_t at = 0; at < old.size; at++)
		if (old.slots[at].entry)
			slot_fill(table, &old.slots[at]);
	free(old.slots);
}

/* What is behind moves up, but for what would come before the slot where it belongs. */
static void slot_free(struct table *table, size_t free_at)
{
	size_t mask = table->size - 1;

	for (size_t at = slot_next(table, free_at); table->slots[at].entry; at = slot_next(table, at)) {
		size_t home = slot_home(table, table->slots[at].hash);

		if (((at - home) & mask) < ((at - free_at) & mask))
			continue;
		table->slots[free_at] = table->slots[at];
		free_at = at;
	}
	table->slots[free_at].entry = NULL;
}

static void list_append(struct table *table, struct table_entry *entry)
{
	entry->older = table->newest;
	entry->newer = NULL;
	if (table->newest)
		table->newest->newer = entry;
	else
		table->oldest = entry;
	table->newest = entry;
}

static void list_cut(struct table *table, struct table_entry *entry)
{
	if (entry->older)
		entry->older->newer = entry->newer;
	else
		table->oldest = entry->newer;
	if (entry->newer)
		entry->newer->older = entry->older;
	else
		table->newest = entry->older;
}

void table_add(struct table *table, struct table_entry *entry, uint64_t hash)
{
	struct table_slot slot = { hash, entry };

	if (2 * table->count >= table->size)
		table_grow(table);
	entry->hash = hash;
	slot_fill(table, &slot);
	list_append(table, entry);
	table->count++;
}

void table_remove(struct table *table, struct table_entry *entry)
{
	size_t at = slot_home(table, entry->hash);

	while (table->slots[at].entry != entry)
		at = slot_next(table, at);
	slot_free(table, at);
	list_cut(table, entry);
	table->count--;
}

void table_touch(struct table *table, struct table_entry *entry)
{
	if (table->newest == entry)
		return;
	list_cut(table, entry);
	list_append(table, entry);
}

void table_free(struct table *table)
{
	free(table->slots);
	*table = (struct table){ 0 };
}

void *table_take(struct table *table, size_t most, size_t size)
{
	void *room = table->oldest;

	if (table->count < most)
		room = malloc(size);
	else
		table_remove(table, table->oldest);
	if (!room)
		err(1, "out of memory");
	return room;
}

void table_free_all(struct table *table)
{
	for (struct table_entry *entry = table->oldest, *newer; entry; entry = newer) {
		newer = entry->newer;
		free(entry);
	}
	table_free(table);
}
