/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Edges with their least passages, and the wait that follows from them. */
#include "wait.h"

#include <string.h>

#define SECOND_NS 1000000000LL
#define ANY_SLOT_NS (10 * SECOND_NS)

const char *wait_name(enum wait_kind kind)
{
	static const char *const names[] = { NULL, "measured", "estimated", "lower-bound" };

	return names[kind];
}

static bool same_edge(const struct table_entry *entry, const void *key)
{
	return memcmp(&table_item(entry, const struct edge, entry)->key, key, sizeof(struct edge_key)) == 0;
}

struct edge *edges_find(struct edges *edges, const struct edge_key *key)
{
	uint64_t hash = hash_key(key, sizeof(*key));
	struct edge *edge = table_item(table_find(&edges->table, hash, same_edge, key), struct edge, entry);

	if (edge) {
		table_touch(&edges->table, &edge->entry);
		return edge;
	}
	edge = table_take(&edges->table, EDGES_MAX, sizeof(*edge));
	*edge = (struct edge){ .key = *key };
	table_add(&edges->table, &edge->entry, hash);
	return edge;
}

void edges_free(struct edges *edges)
{
	table_free_all(&edges->table);
}

void edge_add_empty(struct edge *edge, int64_t passage_ns, int64_t now_unix_ns)
{
	floor_add(&edge->empty, passage_ns, true, now_unix_ns);
	least_add(edge->any, LEAST_ANY_SLOTS, ANY_SLOT_NS, passage_ns, now_unix_ns);
}

enum wait_kind edge_wait(struct edge *edge, int64_t passage_ns, int64_t now_unix_ns, int64_t *wait_ns)
{
	enum wait_kind kind = WAIT_UNKNOWN;
	int64_t least_ns = 0;

	if (floor_get(&edge->empty, now_unix_ns, &least_ns))
		kind = WAIT_ESTIMATED;
	else if (least_get(edge->any, LEAST_ANY_SLOTS, ANY_SLOT_NS, now_unix_ns, &least_ns))
		kind = WAIT_LOWER_BOUND;
	least_add(edge->any, LEAST_ANY_SLOTS, ANY_SLOT_NS, passage_ns, now_unix_ns);
	if (kind != WAIT_UNKNOWN)
		*wait_ns = passage_ns > least_ns ? passage_ns - least_ns : 0;
	return kind;
}
