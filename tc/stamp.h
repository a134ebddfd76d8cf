/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * tc/stamp and ctl: which packets of this device are stamped, and how.
 */
#ifndef HOPSPAN_TC_STAMP_H
#define HOPSPAN_TC_STAMP_H

#include "plane.h"
#include "wire/context.h"
#include "wire/encap.h"

enum stamp_way { STAMP_AUTO, STAMP_IN_PLACE, STAMP_CLONE, STAMP_SHADOW };

/* Is it known that the destination's path carries the option? Prove: shadows until the collector has found out. */
enum stamp_trust { STAMP_PROVE, STAMP_PROVED, STAMP_OFF };

/*
 * .rodata.config of the program. On the host's side of a container's veth it stands at ingress: later than the sender's
 * own egress and not within its call, so there it stamps in place or not at all, and no datagrams.
 */
struct stamp_config {
	struct plane_node self;
	uint8_t tcx;	   /* attached to tcx, not to clsact */
	uint8_t peer_side; /* tc ingress of the other side of a pod's veth */
	uint8_t reserved[6];
};

/* Map "stamp_prefix", longest match on the destination. No entry: bare. */
struct stamp_prefix {
	uint32_t prefix_len; /* bits */
	uint8_t address[16];
};

/* The first `first` packets of a context are stamped, then one in `every` (0: none). */
struct stamp_policy {
	uint8_t trust;	/* enum stamp_trust */
	uint8_t way;	/* enum stamp_way */
	uint8_t hops;	/* room asked for */
	uint8_t silent; /* 1: answers to this peer carry nothing back */
	uint16_t first; /* at least 1 */
	uint16_t every;
	struct encap_shape shape;
	uint16_t route_cut; /* octets that routes to there keep free for the header: their MTU was lowered */
	uint8_t reserved[2];
};
_Static_assert(sizeof(struct stamp_policy) == 20, "no padding");

enum { STAMP_PREFIXES_MAX = 1024 };

/*
 * A bucket of stamped packets, filled anew when it is empty and a window has passed. Processors share it without a
 * lock, so it is met within their number.
 */
struct stamp_budget {
	uint64_t window_packets; /* 0: no limit */
	uint64_t left;
	uint64_t filled_ns; /* CLOCK_MONOTONIC */
};

/* Map "stamp_host", one entry: what all devices of the namespace share. */
struct stamp_host {
	uint64_t policies_ns;	  /* CLOCK_MONOTONIC of their last change: what sockets keep of older ones is void */
	struct stamp_budget all;  /* stamped packets */
	struct stamp_budget bulk; /* of these, shadows beside offloaded packets: bulk data is not to be slowed down */
};

enum {
	STAMP_BUDGET_WINDOW_NS = 100000000,
	STAMP_BUDGET_DEFAULT = 100000, /* packets a second */
	STAMP_BULK_BUDGET_DEFAULT = 1000,
};

/* Bytes of a range are sent again: an entry of the ring buffer "records", told from a sink's by its length. */
struct stamp_repeat {
	int64_t first_tai_ns, again_tai_ns; /* when they went before, and now */
	uint8_t source[16], destination[16];
	uint16_t source_port, destination_port; /* host order */
	uint32_t octets;
	struct context context;
	uint32_t reserved;
};
_Static_assert(sizeof(struct stamp_repeat) == 88, "no padding");

#endif
