/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The table of histograms. */
#include "baseline.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

static bool same_key(const struct table_entry *entry, const void *key)
{
	return strcmp(table_item(entry, const struct baseline, entry)->key, key) == 0;
}

static uint64_t key_hash(const char *key)
{
	return hash_end(hash_bytes(HASH_START, key, strlen(key)));
}

static struct baseline *baseline_new(const char *key)
{
	size_t len = strlen(key) + 1;
	struct baseline *baseline = calloc(1, sizeof(*baseline) + len);

	if (!baseline)
		err(1, "out of memory");
	memcpy(baseline->key, key, len);
	baseline->added = 1;
	return baseline;
}

struct baseline *baselines_find(struct baselines *baselines, const char *key)
{
	uint64_t hash = key_hash(key);
	struct table_entry *entry = table_find(&baselines->table, hash, same_key, key);
	struct baseline *baseline = table_item(entry, struct baseline, entry);

	if (baseline || baselines->table.count == BASELINES_MAX)
		return baseline;
	baseline = baseline_new(key);
	table_add(&baselines->table, &baseline->entry, hash);
	return baseline;
}

static void load_one(const char *key, const void *bytes, size_t len, void *arg)
{
	struct baseline *baseline;

	if (len != sizeof(struct usual) || strlen(key) >= USUAL_KEY_SIZE)
		return;
	baseline = baselines_find(arg, key);
	if (baseline)
		memcpy(&baseline->usual, bytes, len);
}

int baselines_load(struct baselines *baselines, struct store *store)
{
	return store_load_usual(store, load_one, baselines);
}

int baselines_save(struct baselines *baselines, struct store *store)
{
	for (struct table_entry *entry = baselines->table.oldest; entry; entry = entry->newer) {
		struct baseline *baseline = table_item(entry, struct baseline, entry);
		int error;

		if (!baseline->changed)
			continue;
		error = store_save_usual(store, baseline->key, &baseline->usual, sizeof(baseline->usual));
		if (error < 0)
			return error;
		baseline->changed = false;
	}
	return 0;
}

void baselines_free(struct baselines *baselines)
{
	table_free_all(&baselines->table);
}

void baseline_add(struct baseline *baseline, int64_t duration_ns, int64_t now_unix_ns)
{
	if (!baseline)
		return;
	usual_add(&baseline->usual, duration_ns, now_unix_ns);
	baseline->changed = true;
	baseline->added++;
}

int64_t baseline_median(struct baseline *baseline)
{
	if (!baseline)
		return -1;
	if (baseline->added && 64ULL * baseline->added >= baseline->computed) {
		baseline->median_ns = usual_median(&baseline->usual);
		baseline->computed = usual_packets(&baseline->usual);
		baseline->added = 0;
	}
	return baseline->median_ns < 0 && baseline->given_ns ? baseline->given_ns : baseline->median_ns;
}

void baselines_give(struct baselines *baselines, const char *key, int64_t median_ns)
{
	struct baseline *baseline = baselines_find(baselines, key);

	if (baseline)
		baseline->given_ns = median_ns;
}
