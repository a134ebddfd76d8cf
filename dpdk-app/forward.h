/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What a router does with packets that have come, a worker's part of it: those that are certain get their hop, all
 * others go to the kernel as they came.
 *
 * Nothing is written to a packet before it is certain, and node data comes after that, so that the kernel never gets
 * half of it: what the kernel forwards is as if this node took no part in its trace.
 */
#ifndef HOPSPAN_DPDK_FORWARD_H
#define HOPSPAN_DPDK_FORWARD_H

#include <rte_mbuf.h>
#include <stdint.h>

#include "config.h"
#include "table.h"

struct rte_ring;
struct self;

enum { FORWARD_BURST = 32 };

/* What chooses among several next hops; by other policies the kernel does. */
enum { FORWARD_HASH_L3 = 0, FORWARD_HASH_L4 = 1 };

/* A port as workers see it. */
struct forward_port {
	uint8_t mac[6];
	bool up; /* the twin is up and its own master */
	bool on; /* the kernel would forward what comes by it */
};

/* What workers share with the thread that talks to the kernel. */
struct forward_shared {
	struct table table;
	struct forward_port ports[PORTS_MAX];	  /* by place */
	struct rte_ring *to_kernel, *from_kernel; /* mbuf->port: the port's place */
	uint32_t hash_policy;			  /* net.ipv6.fib_multipath_hash_policy */
	int kernel_fd, worker_fd;		  /* eventfd: wake the one that sleeps */
	uint32_t kernel_sleeps, worker_sleeps;
};

/* A worker's. */
struct forward {
	struct forward_shared *shared; /* NULL: this is no router */
	uint64_t *counts;	       /* by outcome */
	unsigned int number;	       /* the worker's */
};

void forward_init(struct forward *forward, struct forward_shared *shared, unsigned int number, uint64_t *counts);

/*
 * A burst that came by the port at place `ingress`: those that are forwarded are left in `packets`, in their order,
 * with the egress port's place of each in `egress`; they have their hop limit and addresses. Of `unix_ns` the times
 * that belong to them are left, *time_count of them.
 */
uint16_t forward_packets(struct forward *forward, const struct self *self, unsigned int ingress,
			 struct rte_mbuf **packets, uint16_t count, uint16_t *egress, int64_t *unix_ns,
			 uint16_t *time_count);

/* What the kernel sends, for worker 0: mbuf->port is the egress port's place. */
uint16_t forward_from_kernel(struct forward *forward, struct rte_mbuf **packets, uint16_t max);

/* Before and after a sleep. False: there is something to do. What wakes it is forward_fd(), -1: nothing. */
bool forward_sleep(struct forward *forward);
void forward_wake(struct forward *forward);

static inline int forward_fd(const struct forward *forward)
{
	return forward->shared && forward->number == 0 ? forward->shared->worker_fd : -1;
}

#endif
