/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The forwarding table's two copies of the routes, and its hops. */
#include "table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	TBL24_BYTES = 2 << 24, /* two octets for each of the first 24 bits */
	TBL8_BYTES = 2 * 256,
	TBL8_MIN = 4096,
	TBL8_MAX = (1 << 15) - 1, /* what two octets can name */
	RIB_BYTES = 2 * 128,	  /* two nodes for a route */
	MEGABYTE = 1024 * 1024,
};

struct table_change {
	uint8_t prefix[TABLE_ADDRESS_LEN];
	uint32_t hop;
	uint8_t len;
	bool remove;
};

static uint32_t tbl8_count(uint32_t route_max)
{
	return route_max < TBL8_MIN ? TBL8_MIN : route_max > TBL8_MAX ? TBL8_MAX : route_max;
}

uint64_t table_megabytes(uint32_t route_max)
{
	uint64_t copy = TBL24_BYTES + (uint64_t)tbl8_count(route_max) * TBL8_BYTES + (uint64_t)route_max * RIB_BYTES;

	/* The third list of prefixes is the mirror's. */
	return (2 * copy + (uint64_t)route_max * RIB_BYTES) / MEGABYTE + 4;
}

static struct rte_fib6 *routes_open(const char *name, uint32_t route_max)
{
	struct rte_fib6_conf conf = {
		.type = RTE_FIB6_TRIE,
		.default_nh = TABLE_HOP_KERNEL,
		.max_routes = (int)route_max,
		.trie = { .nh_sz = RTE_FIB6_TRIE_2B, .num_tbl8 = tbl8_count(route_max) },
	};

	return rte_fib6_create(name, SOCKET_ID_ANY, &conf);
}

static int copies_open(struct table *table)
{
	table->front = routes_open("hopspan_a", table->route_max);
	table->spare = table->front ? routes_open("hopspan_b", table->route_max) : NULL;
	return table->spare ? 0 : -ENOMEM;
}

static void copies_close(struct table *table)
{
	rte_fib6_free(table->front);
	rte_fib6_free(table->spare);
	table->front = table->spare = NULL;
}

int table_open(struct table *table, uint32_t route_max, struct rte_rcu_qsbr *readers)
{
	*table = (struct table){ .why = OUTCOME_kernel_route, .route_max = route_max, .readers = readers };
	if (copies_open(table) == 0)
		return 0;
	table_close(table);
	return -ENOMEM;
}

int table_empty(struct table *table)
{
	__atomic_store_n(&table->routes, NULL, __ATOMIC_RELEASE);
	rte_rcu_qsbr_synchronize(table->readers, RTE_QSBR_THRID_INVALID);
	copies_close(table);
	table->change_count = 0;
	table->full = copies_open(table) != 0;
	return table->full ? -ENOMEM : 0;
}

void table_close(struct table *table)
{
	for (unsigned int i = 0; i < TABLE_HOPS_MAX; i++)
		free(table->hops[i]);
	for (unsigned int i = 0; i < TABLE_GROUPS_MAX; i++)
		free(table->groups[i]);
	for (unsigned int i = 0; i < table->old_count; i++)
		free(table->old[i]);
	free(table->old);
	free(table->changes);
	copies_close(table);
	*table = (struct table){ 0 };
}

static int change_do(struct rte_fib6 *routes, struct table_change *change)
{
	if (change->remove)
		return rte_fib6_delete(routes, TABLE_ADDRESS(change->prefix), change->len);
	return rte_fib6_add(routes, TABLE_ADDRESS(change->prefix), change->len, change->hop);
}

/* One that does not fit, or cannot be noted for the other copy, leaves the copies different: nothing may go by them. */
static void change_add(struct table *table, struct table_change *change)
{
	if (table->change_count == table->change_room) {
		unsigned int room = table->change_room ? 2 * table->change_room : 64;
		struct table_change *more = reallocarray(table->changes, room, sizeof(*more));

		if (!more) {
			table->full = true;
			return;
		}
		table->changes = more;
		table->change_room = room;
	}
	if (change_do(table->spare, change) && !change->remove)
		table->full = true;
	table->changes[table->change_count++] = *change;
}

void table_route(struct table *table, const uint8_t *prefix, uint8_t len, uint32_t hop)
{
	struct table_change change = { .len = len, .hop = hop };

	memcpy(change.prefix, prefix, sizeof(change.prefix));
	change_add(table, &change);
}

void table_route_remove(struct table *table, const uint8_t *prefix, uint8_t len)
{
	struct table_change change = { .len = len, .remove = true };

	memcpy(change.prefix, prefix, sizeof(change.prefix));
	change_add(table, &change);
}

bool table_route_get(const struct table *table, const uint8_t *prefix, uint8_t len, uint32_t *hop)
{
	struct rte_rib6_node *node;
	uint64_t number = 0;

	node = rte_rib6_lookup_exact(rte_fib6_get_rib(table->spare), TABLE_ADDRESS((uint8_t *)prefix), len);
	if (!node || rte_rib6_get_nh(node, &number))
		return false;
	*hop = (uint32_t)number;
	return true;
}

/* Workers may still have it: freed after they are seen to be past it. */
static void table_put_by(struct table *table, void *one)
{
	if (table->old_count == table->old_room) {
		unsigned int room = table->old_room ? 2 * table->old_room : 64;
		void **more = reallocarray(table->old, room, sizeof(*more));

		if (!more) {
			rte_rcu_qsbr_synchronize(table->readers, RTE_QSBR_THRID_INVALID);
			free(one);
			return;
		}
		table->old = more;
		table->old_room = room;
	}
	table->old[table->old_count++] = one;
}

int table_hop(struct table *table, uint32_t number, const struct hop *hop)
{
	struct hop *own = hop ? malloc(sizeof(*own)) : NULL, *before;

	if (own)
		*own = *hop;
	before = __atomic_exchange_n(&table->hops[number], own, __ATOMIC_ACQ_REL);
	if (before)
		table_put_by(table, before);
	return hop && !own ? -ENOMEM : 0;
}

int table_group(struct table *table, uint32_t number, const struct group *group)
{
	struct group *own = group ? malloc(sizeof(*own)) : NULL, *before;

	if (own)
		*own = *group;
	before = __atomic_exchange_n(&table->groups[number - TABLE_GROUP_FIRST], own, __ATOMIC_ACQ_REL);
	if (before)
		table_put_by(table, before);
	return group && !own ? -ENOMEM : 0;
}

static void table_show(struct table *table)
{
	bool off = table->off || table->full;

	table->why = table->off & (TABLE_OFF_RULES | TABLE_OFF_FILTERS) ? OUTCOME_kernel_rules : OUTCOME_kernel_route;
	__atomic_store_n(&table->routes, off ? NULL : table->front, __ATOMIC_RELEASE);
}

void table_off(struct table *table, enum table_off reason, bool off)
{
	table->off = off ? table->off | reason : table->off & ~(uint32_t)reason;
	table_show(table);
}

void table_commit(struct table *table)
{
	struct rte_fib6 *front = table->front;

	if (table->change_count) {
		table->front = table->spare;
		table->spare = front;
	}
	table_show(table);
	if (table->change_count || table->old_count)
		rte_rcu_qsbr_synchronize(table->readers, RTE_QSBR_THRID_INVALID);
	for (unsigned int i = 0; i < table->change_count; i++)
		if (change_do(table->spare, &table->changes[i]) && !table->changes[i].remove)
			table->full = true;
	for (unsigned int i = 0; i < table->old_count; i++)
		free(table->old[i]);
	table->change_count = table->old_count = 0;
	if (table->full)
		table_show(table);
}
