/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The forwarding table: which hop a destination is sent to. Workers read it without locks; one thread writes.
 *
 * Of the routes there are two copies. Workers read one while the writer changes the other; table_commit() exchanges
 * them, waits until no worker reads the old one any more, and does the same changes to it. Hops are never changed where
 * they are: another one takes the place.
 */
#ifndef HOPSPAN_DPDK_TABLE_H
#define HOPSPAN_DPDK_TABLE_H

#include <rte_fib6.h>
#include <rte_rcu_qsbr.h>
#include <rte_rib6.h>
#include <stdbool.h>
#include <stdint.h>

#include "wire/outcome.h"

/* DPDK 24.11 has a type for addresses; before, they are plain octets. */
#if __has_include(<rte_ip6.h>)
#include <rte_ip6.h>
#define TABLE_ADDRESS(octets) ((struct rte_ipv6_addr *)(octets))
#else
#define TABLE_ADDRESS(octets) (octets)
#endif

enum {
	TABLE_ADDRESS_LEN = 16,
	TABLE_ADDRESS_BITS = 128,
	TABLE_ROUTES_DEFAULT = 16384,
	TABLE_ROUTES_MAX = 1000000,
	TABLE_HOPS_MAX = 16384,
	/* Numbers of hops that never are one: the kernel's, and the kernel's because it has to find the neighbour. */
	TABLE_HOP_KERNEL = 0,
	TABLE_HOP_UNKNOWN = 1,
	TABLE_HOP_FIRST = 2,
	/* From here on numbers are of groups. */
	TABLE_GROUP_FIRST = TABLE_HOPS_MAX,
	TABLE_GROUPS_MAX = 8192,
	GROUP_HOPS_MAX = 16,
};

/* Where a packet goes: a port, and the addresses that its frame begins with there. */
struct hop {
	uint32_t mtu;  /* of IPv6 packets, octets */
	uint16_t port; /* the egress port's place */
	uint8_t addresses[12];
};

/* Hops of which a flow's hash chooses one, as in the kernel: the first whose bound is not below it. */
struct group {
	uint32_t count;
	struct {
		uint32_t bound; /* the last one's: UINT32_MAX */
		uint32_t hop;
	} hops[GROUP_HOPS_MAX];
};

enum table_off {
	TABLE_OFF_UNREAD = 1, /* the kernel's routes could not be read */
	TABLE_OFF_RULES = 2,  /* policy rules choose among tables */
	TABLE_OFF_FILTERS = 4,
};

struct table {
	struct rte_fib6 *routes; /* what workers read; NULL: all is the kernel's, for the reason `why` */
	enum outcome why;
	struct hop *hops[TABLE_HOPS_MAX]; /* NULL: the neighbour is not known */
	uint8_t used[TABLE_HOPS_MAX];	  /* set by workers that send by a hop, or would */
	struct group *groups[TABLE_GROUPS_MAX];
	struct rte_rcu_qsbr *readers; /* the workers: past what they read when they begin a round */
	struct rte_fib6 *front, *spare;
	struct table_change *changes; /* done to `spare` and not yet to `front` */
	unsigned int change_count, change_room;
	void **old; /* hops and groups out of their place, to be freed */
	unsigned int old_count, old_room;
	uint32_t route_max;
	bool full;    /* a route did not fit: nothing goes by the table until table_empty() */
	uint32_t off; /* of enum table_off */
};

/* Megabytes of DPDK's memory that a table for so many routes takes. */
uint64_t table_megabytes(uint32_t route_max);

/* 0 or -errno. All packets are the kernel's until the first table_commit(). `readers` are the caller's. */
int table_open(struct table *table, uint32_t route_max, struct rte_rcu_qsbr *readers);
void table_close(struct table *table);

/* Without a route, as after table_open(); hops stay. */
int table_empty(struct table *table);

/* The writer's: seen by workers once table_commit() has returned. */
void table_route(struct table *table, const uint8_t *prefix, uint8_t len, uint32_t hop);
void table_route_remove(struct table *table, const uint8_t *prefix, uint8_t len);

/* What table_route() was last told of exactly this prefix. */
bool table_route_get(const struct table *table, const uint8_t *prefix, uint8_t len, uint32_t *hop);

/* In place of the hop that is there, at once; NULL: none. -ENOMEM: none is there now. */
int table_hop(struct table *table, uint32_t number, const struct hop *hop);

/* The same for a group's number. */
int table_group(struct table *table, uint32_t number, const struct group *group);

/* All is the kernel's as long as there is a reason. */
void table_off(struct table *table, enum table_off reason, bool off);

void table_commit(struct table *table);

/* The hop of a number that the routes gave; NULL: none. */
static inline const struct hop *table_hop_at(const struct table *table, uint64_t number)
{
	return __atomic_load_n(&table->hops[number % TABLE_HOPS_MAX], __ATOMIC_ACQUIRE);
}

static inline bool table_is_group(uint64_t number)
{
	return number >= TABLE_GROUP_FIRST;
}

/* The number of the group's hop for a flow. */
static inline uint32_t table_pick(const struct table *table, uint64_t number, uint32_t hash)
{
	const struct group *group =
	    __atomic_load_n(&table->groups[(number - TABLE_GROUP_FIRST) % TABLE_GROUPS_MAX], __ATOMIC_ACQUIRE);

	for (uint32_t i = 0; group && i < group->count; i++)
		if (hash <= group->hops[i].bound)
			return group->hops[i].hop;
	return TABLE_HOP_KERNEL;
}

/* A store only where it changes something: workers share the line. */
static inline void table_use(struct table *table, uint64_t number)
{
	uint8_t *used = &table->used[number % TABLE_HOPS_MAX];

	if (!__atomic_load_n(used, __ATOMIC_RELAXED))
		__atomic_store_n(used, 1, __ATOMIC_RELAXED);
}

#endif
