/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A router's arrival (XDP or tc ingress) and departure (tc egress), and ctl.
 */
#ifndef HOPSPAN_XDP_TRANSIT_H
#define HOPSPAN_XDP_TRANSIT_H

#include "forward.h"
#include "tc/plane.h"

/* .rodata.config of the arrival and departure programs. */
struct transit_config {
	struct plane_node self;
	uint32_t netns;	 /* the low half of the network namespace's cookie: whose metadata it is */
	uint8_t forward; /* of arrival by XDP: enum forward */
	uint8_t veth;	 /* the device is one */
	uint8_t reserved[2];
};

/*
 * XDP metadata of a packet that got a slot: travels in front of the frame through the kernel's forwarding. Its end is
 * spare, because the neighbour cache writes the next link-layer header there.
 */
enum { TRANSIT_META_MAGIC = 0x6872 };

struct transit_meta {
	uint16_t magic;
	uint16_t slot;	/* of the node data, octets from the IPv6 header */
	uint32_t netns; /* whose: it survives the way over a veth into another */
	uint64_t arrival_tai_ns;
	uint8_t spare[16];
};
_Static_assert(sizeof(struct transit_meta) == 32, "xdp_metalen_invalid()");

#endif
