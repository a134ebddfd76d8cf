/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A chained hash table that doubles, with a list by last use through it. */
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

struct table_entry *table_find(const struct table *table, uint64_t hash,
			       bool (*same)(const struct table_entry *entry, const void *key), const void *key)
{
	struct table_entry *entry = table->size ? table->buckets[hash & (table->size - 1)] : NULL;

	for (; entry; entry = entry->chain)
		if (entry->hash == hash && (!same || same(entry, key)))
			return entry;
	return NULL;
}

static void bucket_put(struct table *table, struct table_entry *entry)
{
	struct table_entry **bucket = &table->buckets[entry->hash & (table->size - 1)];

	entry->chain = *bucket;
	*bucket = entry;
}

static void table_grow(struct table *table)
{
	free(table->buckets);
	table->size = table->size ? 2 * table->size : SIZE_START;
	table->buckets = calloc(table->size, sizeof(struct table_entry *));
	if (!table->buckets)
		err(1, "out of memory");
	for (struct table_entry *entry = table->oldest; entry; entry = entry->newer)
		bucket_put(table, entry);
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
	if (table->count == table->size)
		table_grow(table);
	entry->hash = hash;
	bucket_put(table, entry);
	list_append(table, entry);
	table->count++;
}

void table_remove(struct table *table, struct table_entry *entry)
{
	struct table_entry **at = &table->buckets[entry->hash & (table->size - 1)];

	while (*at != entry)
		at = &(*at)->chain;
	*at = entry->chain;
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
	free(table->buckets);
	*table = (struct table){ 0 };
}
