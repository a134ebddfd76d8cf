/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Closed transfers by the hash of their flow. */
#include "closed.h"

#include <stdlib.h>

#define REMEMBERED_NS (CLOSED_REMEMBERED_S * 1000000000LL)

struct closed_flow {
	struct table_entry entry;
	int64_t last_unix_ns;
};

static struct closed_flow *flow_find(const struct closed *closed, uint64_t hash)
{
	return table_item(table_find(&closed->table, hash, NULL, NULL), struct closed_flow, entry);
}

static struct closed_flow *flow_oldest(const struct closed *closed)
{
	return table_item(closed->table.oldest, struct closed_flow, entry);
}

static void flow_forget(struct closed *closed, struct closed_flow *flow)
{
	table_remove(&closed->table, &flow->entry);
	free(flow);
}

void closed_remember(struct closed *closed, uint64_t hash, int64_t last_unix_ns)
{
	struct closed_flow *flow = table_take(&closed->table, CLOSED_MAX, sizeof(*flow));

	flow->last_unix_ns = last_unix_ns;
	table_add(&closed->table, &flow->entry, hash);
}

bool closed_is_late(struct closed *closed, uint64_t hash, int64_t now_unix_ns)
{
	struct closed_flow *flow = flow_find(closed, hash);

	if (!flow)
		return false;
	if (now_unix_ns - flow->last_unix_ns > REMEMBERED_NS) {
		flow_forget(closed, flow);
		return false;
	}
	if (now_unix_ns > flow->last_unix_ns)
		flow->last_unix_ns = now_unix_ns;
	table_touch(&closed->table, &flow->entry);
	return true;
}

void closed_expire(struct closed *closed, int64_t now_unix_ns)
{
	struct closed_flow *flow;

	while ((flow = flow_oldest(closed)) && now_unix_ns - flow->last_unix_ns > REMEMBERED_NS)
		flow_forget(closed, flow);
}

void closed_free(struct closed *closed)
{
	table_free_all(&closed->table);
}
