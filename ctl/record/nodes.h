/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * nodes.yaml: what the numbers in a packet mean. A list of
 *
 *	- node: 2                      24 bits; or node_wide: 56 bits
 *	  name: r1
 *	  role: router                 host | router
 *	  dataplane: xdp               xdp | tc | dpdk | linux | other
 *	  time: ptp                    ptp | ntp | posix
 *	  delay: before-queue          before-queue | after-queue | none
 *	  queue: bytes                 bytes | packets | unknown
 *	  interfaces: {3: eth1}
 *
 * Keys may be left out, but for the id; numbers are decimal or 0x. A node not listed: ptp, before-queue, bytes, named
 * "node 4711"; without any id: "node ?". A list belongs to one thread, as lookups add to it.
 */
#ifndef HOPSPAN_NODES_H
#define HOPSPAN_NODES_H

#include <stdint.h>

/* Ids that mean "not available": all ones. */
#define NODE_ID_NONE 0xffffffULL
#define NODE_ID_WIDE_NONE 0xffffffffffffffULL

enum node_role { NODE_ROLE_UNKNOWN, NODE_HOST, NODE_ROUTER };
enum node_dataplane { NODE_OTHER, NODE_XDP, NODE_TC, NODE_DPDK, NODE_LINUX };
enum node_time { NODE_PTP, NODE_NTP, NODE_POSIX };
enum node_delay { NODE_BEFORE_QUEUE, NODE_AFTER_QUEUE, NODE_NO_DELAY };
enum node_queue { NODE_QUEUE_BYTES, NODE_QUEUE_PACKETS, NODE_QUEUE_UNKNOWN };

struct node_interface {
	uint32_t id;
	char *name;
};

struct node {
	uint64_t id; /* 24 bits, or 56 if `wide` */
	int wide;
	char *name;
	enum node_role role;
	enum node_dataplane dataplane;
	enum node_time time;
	enum node_delay delay;
	enum node_queue queue;
	struct node_interface *interfaces;
	unsigned int interface_count;
};

struct nodes;

/* NULL path: an empty list. Errors were printed with file, line and column where known; -errno. */
int nodes_read(const char *path, struct nodes **nodes);
void nodes_free(struct nodes *nodes);

/* Never NULL: an unlisted node is made with the defaults and the name "node N", and lives as long as the list. */
const struct node *nodes_find(struct nodes *nodes, uint64_t id, int wide);

/* The name, or "if N" for one not listed; lives as long as the list. */
const char *nodes_interface(struct nodes *nodes, const struct node *node, uint32_t id);

const char *node_dataplane_name(enum node_dataplane dataplane);

#endif
