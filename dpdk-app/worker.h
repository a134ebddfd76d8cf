/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The forwarding loop: one thread, on a core of its own, takes each packet from its arrival to its departure. Workers
 * share nothing that they write: a packet's flow comes by one receive queue, and so stays in order.
 */
#ifndef HOPSPAN_DPDK_WORKER_H
#define HOPSPAN_DPDK_WORKER_H

#include <rte_rcu_qsbr.h>
#include <signal.h>

#include "forward.h"
#include "port.h"
#include "transit.h"

struct port_counts {
	uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes;
};

struct worker {
	struct transit transit;
	struct forward forward; /* of a router */
	struct port *ports;	/* all of them */
	unsigned int port_count;
	unsigned int index; /* also its transmit queue on every port */
	unsigned int core;
	struct rx_queue {
		struct port *port;
		uint16_t queue;
	} rx_queues[PORTS_MAX * QUEUES_MAX]; /* those that it polls */
	unsigned int rx_queue_count;
	struct queue egress[PORTS_MAX];	      /* by the port's place, as the counters are */
	struct port_counts counts[PORTS_MAX]; /* what this worker took from the port and handed to it */
	bool busy;			      /* poll without a pause */
	const volatile sig_atomic_t *stop;
	struct rte_rcu_qsbr *readers; /* tells when it has begun a new round */
	uint64_t moved_ticks;	      /* when a packet last moved */
} __rte_cache_aligned;

/* Shares the receive queues out among the workers and gives each its egress queues. 0 or -errno. */
int workers_init(struct worker *workers, unsigned int count, struct port *ports, unsigned int port_count,
		 const struct config *config, const struct clock *clock, const volatile sig_atomic_t *stop);

/* Returns when no worker uses any more what was taken from them before. */
void workers_wait(const struct worker *workers);

/*
 * Runs them on DPDK's cores, this one among them, until *stop, then empties the queues as far as the ports let it.
 */
void workers_run(struct worker *workers, unsigned int count);

#endif
