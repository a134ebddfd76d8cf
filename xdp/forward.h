/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The fast path of a router, and ctl: which devices XDP may send packets out by.
 */
#ifndef HOPSPAN_XDP_FORWARD_H
#define HOPSPAN_XDP_FORWARD_H

#include <stdint.h>

/* Who forwards what comes in by a device. */
enum forward { FORWARD_KERNEL, FORWARD_XDP };

/*
 * Map "forward_ports", one entry for each device that XDP may send out by, at its ifindex modulo FORWARD_PORTS_MAX;
 * map "forward_out" (the same devices by ifindex) is what the kernel redirects by, and what decides.
 */
struct forward_port {
	uint32_t ifindex; /* 0: none */
	uint32_t interface_wide;
	uint64_t device;    /* the kernel's own net_device, noted when the device's program runs; 0: not yet */
	uint16_t interface; /* what its node data says */
	uint8_t reserved[6];
};

enum { FORWARD_PORTS_MAX = 1024 };

/* Map "forward_turns": when a neighbour was last seen by the kernel, in jiffies. */
enum {
	FORWARD_TURNS_MAX = 1024,
	FORWARD_TURN_JIFFIES = 256, /* a quarter of a second to two and a half */
};

#endif
