/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A port: a DPDK device with its egress queue and its counters, joined with another one for good.
 */
#ifndef HOPSPAN_DPDK_PORT_H
#define HOPSPAN_DPDK_PORT_H

#include <rte_ethdev.h>
#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "queue.h"
#include "ring.h"

enum {
	PORT_BUFFERS = 2 * QUEUE_PACKETS + 256, /* per port: its queue, and what a driver keeps in its rings */
	VLAN_LEN = 4,
};

struct port {
	uint16_t id;
	uint32_t interface; /* its id on the wire: the ifindex, or for a port without one its number + 1 */
	char name[RTE_ETH_NAME_MAX_LEN];
	struct ring ring;	/* of an af_packet port */
	uint32_t frame_len_max; /* an untagged frame, by the MTU */
	uint32_t frame_room;	/* the same, by the ring */
	struct port *peer;	/* where its packets go */
	struct queue egress;
	uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes;
	uint64_t rx_missed, tx_errors; /* counted by kernel or driver */
};

/*
 * The frame length of af_packet rings that take a whole frame of each device, and one octet more to tell those that
 * were cut. Errors were printed; -errno.
 */
int port_frame_len(const struct config *config, uint32_t *frame_len);

/* All ports of DPDK, the configuration's devices first, in pairs; misuse or failure was printed: EXIT_*. */
int ports_open(struct port *ports, unsigned int *count, const struct config *config, uint32_t frame_len,
	       uint32_t buffer_count);
void ports_close(struct port *ports, unsigned int count);

/* Once in a while: the driver's counters, the MTU. -ENODEV: its device is gone. */
int port_check(struct port *port);

#endif
