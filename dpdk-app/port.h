/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A port: a DPDK device, joined with another one for good. Workers share it: each has a transmit queue of its own, each
 * receive queue is polled by one of them. What they count and what waits for the port is theirs.
 */
#ifndef HOPSPAN_DPDK_PORT_H
#define HOPSPAN_DPDK_PORT_H

#include <rte_ethdev.h>
#include <stdbool.h>
#include <stdint.h>

#include "arrival.h"
#include "config.h"
#include "eal.h"
#include "queue.h"
#include "ring.h"

enum {
	PORT_BUFFERS = 1024 + 256, /* per port and queue, beside what may wait: what a driver keeps in its rings */
};

enum port_state {
	PORT_UP,
	PORT_DOWN, /* no carrier, or switched off: what is for it is dropped */
	PORT_GONE, /* DPDK has let go of it; workers leave it alone until its device comes back */
};

struct port {
	const struct config_port *config;
	uint16_t id;
	uint16_t rx_queues, tx_queues; /* of the latter one for each worker */
	enum port_state state;	       /* port_state(): it changes at any time */
	uint32_t interface;	       /* its id on the wire: the ifindex, or for a port without one its number + 1 */
	char name[RTE_ETH_NAME_MAX_LEN];
	bool is_device;		       /* a Linux device that was named; its rings are as we made them */
	uint32_t ring_frame_len;       /* what a device's rings are made of */
	unsigned int ring_count;       /* of an af_packet port: as many as queues, of either direction */
	struct ring rings[QUEUES_MAX]; /* by queue */
	uint32_t frame_len_max;	       /* an untagged frame, by the MTU */
	uint32_t frame_room;	       /* the same, by the ring */
	struct port *peer;	       /* where its packets go */
	bool said_unfinished;	       /* port_says_unfinished() */
	struct rte_mempool *pool;
	struct line line;	       /* what all queues of packets for it share */
	struct arrival arrival;	       /* when packets came by it */
	uint64_t rx_missed, tx_errors; /* counted by kernel or driver */
	uint64_t tx_errors_before;     /* of the latter, by the driver of a device that is gone */
};

static inline enum port_state port_state(const struct port *port)
{
	return __atomic_load_n(&port->state, __ATOMIC_ACQUIRE);
}

/*
 * The frame length of af_packet rings that take a whole frame of each device, and one octet more to tell those that
 * were cut. Errors were printed; -errno.
 */
int port_frame_len(const struct config *config, struct eal_buffers *buffers);

/*
 * The configuration's devices, then all other ports of DPDK, in pairs. Where one of them has not as many transmit
 * queues there are fewer workers, which is said. Misuse or failure was printed: EXIT_*.
 */
int ports_open(struct port *ports, unsigned int *count, unsigned int *workers, const struct config *config,
	       const struct eal_buffers *buffers);
void ports_close(struct port *ports, unsigned int count);

/* Packet buffers that so many ports and workers need. */
unsigned int ports_buffers(const struct config *config, unsigned int ports, unsigned int workers);

/* Once in a while: the driver's counters, the MTU. */
void port_count(struct port *port);

/* Once in its life, when a frame has come whose checksum is not finished. */
bool port_says_unfinished(struct port *port);

/* What its device is like now. */
enum port_state port_look(const struct port *port);

/* Lets go of a device that is gone, when no worker uses the port any more; takes it again, 0 or -errno. */
void port_release(struct port *port);
int port_retake(struct port *port);

#endif
