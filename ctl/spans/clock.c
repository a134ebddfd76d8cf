/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Pairs of hosts and their least ways there and back. */
#include "clock.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "least.h"

#define SLOT_NS (60 * 1000000000LL)
enum { SLOTS = 10 };

struct pair_key {
	struct in6_addr low, high;
};

struct pair {
	struct table_entry entry;
	struct pair_key key;
	struct least_slot up[SLOTS], down[SLOTS]; /* from low to high, and back */
};

static bool same_pair(const struct table_entry *entry, const void *key)
{
	return memcmp(&table_item(entry, const struct pair, entry)->key, key, sizeof(struct pair_key)) == 0;
}

static struct pair *pair_new(struct clocks *clocks, const struct pair_key *key, uint64_t hash)
{
	struct pair *pair = table_item(clocks->table.oldest, struct pair, entry);

	if (clocks->table.count < CLOCKS_MAX)
		pair = malloc(sizeof(*pair));
	else
		table_remove(&clocks->table, &pair->entry);
	if (!pair)
		err(1, "out of memory");
	*pair = (struct pair){ .key = *key };
	table_add(&clocks->table, &pair->entry, hash);
	return pair;
}

static struct pair *pair_find(struct clocks *clocks, const struct pair_key *key)
{
	uint64_t hash = hash_end(hash_bytes(HASH_START, key, sizeof(*key)));
	struct pair *pair = table_item(table_find(&clocks->table, hash, same_pair, key), struct pair, entry);

	if (!pair)
		return pair_new(clocks, key, hash);
	table_touch(&clocks->table, &pair->entry);
	return pair;
}

int64_t clocks_add(struct clocks *clocks, const struct in6_addr *source, const struct in6_addr *destination,
		   int64_t way_ns, int64_t now_unix_ns)
{
	bool up = memcmp(source, destination, sizeof(*source)) < 0;
	struct pair_key key = { .low = up ? *source : *destination, .high = up ? *destination : *source };
	struct pair *pair = pair_find(clocks, &key);
	int64_t there_ns, back_ns;

	least_add(up ? pair->up : pair->down, SLOTS, SLOT_NS, way_ns, now_unix_ns);
	if (!least_get(pair->up, SLOTS, SLOT_NS, 0, now_unix_ns, &there_ns) ||
	    !least_get(pair->down, SLOTS, SLOT_NS, 0, now_unix_ns, &back_ns))
		return -1;
	return there_ns + back_ns > 0 ? there_ns + back_ns : 0;
}

void clocks_free(struct clocks *clocks)
{
	for (struct table_entry *entry = clocks->table.oldest, *newer; entry; entry = newer) {
		newer = entry->newer;
		free(table_item(entry, struct pair, entry));
	}
	table_free(&clocks->table);
}
