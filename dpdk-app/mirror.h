/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What the kernel knows of routes and neighbours, and what of it the forwarding table gets.
 *
 * The table gets a prefix's next hop only where the kernel can be meant to do just the same: one route that is the best
 * by table and metric, unicast, with next hops by devices of ports. All other prefixes are there, too, as the
 * kernel's, so that no wider prefix is taken in their place. Prefixes of a link are the kernel's, and each neighbour
 * in them that it knows is a route of its own.
 */
#ifndef HOPSPAN_DPDK_MIRROR_H
#define HOPSPAN_DPDK_MIRROR_H

#include "config.h"
#include "table.h"

struct mirror_next {
	uint8_t gateway[TABLE_ADDRESS_LEN]; /* zero: none, the destination is a neighbour */
	uint32_t ifindex;		    /* of the device that it goes by */
	uint32_t weight;		    /* among several */
};

/* A route of the kernel's; the same in all of it: the same route. */
struct mirror_route {
	struct mirror_next nexts[GROUP_HOPS_MAX];
	uint32_t count;
	uint32_t metric;
	uint32_t mtu; /* 0: the device's */
	bool local;   /* in the table of local addresses, which comes before the main one */
	bool odd;     /* the kernel's alone: not unicast, to nowhere, by tunnels ... */
};

/* A neighbour's address on the link and whether the kernel would have it confirmed if it sent there. */
struct mirror_neighbour {
	uint8_t address[TABLE_ADDRESS_LEN];
	uint8_t mac[6];
	uint32_t ifindex;
	bool stale;
};

/* A port as routes see it: the twin's device. */
struct mirror_port {
	uint32_t ifindex; /* 0: none at this place, or it is down */
	uint32_t mtu;
	uint8_t mac[6];
};

struct mirror;

/* 0 or -errno. */
int mirror_open(struct mirror **mirror, struct table *table, uint32_t route_max);
void mirror_close(struct mirror *mirror);

void mirror_port_set(struct mirror *mirror, unsigned int place, const struct mirror_port *port);

/*
 * A route is there, in place of that of the same table and metric if `replaces`; or it is gone. False: this does not
 * fit what was known of the prefix, which is the kernel's until all is read again.
 */
bool mirror_route_add(struct mirror *mirror, const uint8_t *prefix, uint8_t len, const struct mirror_route *route,
		      bool replaces);
bool mirror_route_remove(struct mirror *mirror, const uint8_t *prefix, uint8_t len, const struct mirror_route *route);

/* A neighbour that can be sent to, or one that no longer can. */
void mirror_neighbour_put(struct mirror *mirror, const struct mirror_neighbour *neighbour);
void mirror_neighbour_remove(struct mirror *mirror, uint32_t ifindex, const uint8_t *address);

/* All is read: what is not told of between the two is gone. */
void mirror_read_begin(struct mirror *mirror);
void mirror_read_end(struct mirror *mirror);

/* Workers see what was told since the last time. */
void mirror_commit(struct mirror *mirror);

/* Calls `use` for each neighbour that packets were for since the last call and that is not known or to be confirmed. */
void mirror_used(struct mirror *mirror, void (*use)(void *context, uint32_t ifindex, const uint8_t *address),
		 void *context);

/* A next hop whose neighbour is not known has come since the last mirror_used(). */
bool mirror_has_new(const struct mirror *mirror);

/* For people: routes known, hops and groups of them in use, neighbours known. */
struct mirror_counts {
	uint32_t routes, hops, groups, neighbours;
};
struct mirror_counts mirror_counts(const struct mirror *mirror);

#endif
