/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The transit step on a packet's way: node data is appended when it has arrived and completed when it departs, so that
 * the delay includes the wait in the egress queue. Between the two it travels with a note in its mbuf.
 */
#ifndef HOPSPAN_DPDK_TRANSIT_H
#define HOPSPAN_DPDK_TRANSIT_H

#include <rte_mbuf.h>
#include <rte_mbuf_dyn.h>
#include <stdint.h>
#include <stdlib.h>

#include "arrival.h"
#include "clock.h"
#include "self.h"
#include "wire/outcome.h"
#include "wire/usual.h"

/* The note, in a dynamic field of the mbuf; it is there if the packet's flag is set. */
struct stay {
	uint64_t taken_ticks; /* when the burst came from the driver */
	int32_t before_ns;    /* how long it had been here by then; less than 0: it came after */
	uint32_t type;	      /* of the trace */
	uint32_t queue_bytes; /* what it met in the egress queue: transit_join() */
	uint16_t data_at;     /* octets from the buffer's start to this node's data */
};

struct transit {
	const struct clock *clock; /* all workers' */
	uint64_t stay_flag;	   /* in ol_flags */
	int stay_at;		   /* offset in the mbuf */
	struct self *self;
	struct self *next, *old;	    /* self_hand(): to be taken, and given back */
	struct usual_node usual[PORTS_MAX]; /* what `self` writes into nearly all packets, by the ingress port */
	uint64_t counts[OUTCOME_COUNT];
};

enum { TRANSIT_BURST_MAX = 64 }; /* packets in a call of the functions below */

/* Reserves the note's place; `self` is its own from here on. 0 or -errno. */
int transit_init(struct transit *transit, struct self *self, const struct clock *clock);

/* To be called when `self` is another one. */
void transit_prepare(struct transit *transit);

/* Takes another self, if one is waiting. */
static inline void transit_renew(struct transit *transit)
{
	struct self *next;

	if (likely(!__atomic_load_n(&transit->next, __ATOMIC_RELAXED)))
		return;
	next = __atomic_exchange_n(&transit->next, NULL, __ATOMIC_ACQ_REL);
	free(__atomic_exchange_n(&transit->old, transit->self, __ATOMIC_ACQ_REL));
	transit->self = next;
	transit_prepare(transit);
}

static inline struct stay *transit_stay(const struct transit *transit, struct rte_mbuf *packet)
{
	return RTE_MBUF_DYNFIELD(packet, transit->stay_at, struct stay *);
}

/*
 * To be called when a packet joins an egress queue that holds `bytes`. Whether it carries data or not: a branch that
 * nothing could foretell would cost more.
 */
static inline void transit_join(const struct transit *transit, struct rte_mbuf *packet, uint64_t bytes)
{
	transit_stay(transit, packet)->queue_bytes = (uint32_t)bytes;
}

/* A burst came from the driver by the port at place `ingress` at `ticks`. */
void transit_arrive(struct transit *transit, struct rte_mbuf **packets, uint16_t count, unsigned int ingress,
		    uint64_t ticks, const struct arrivals *arrivals);

/*
 * A burst is about to be handed to the port at place `egress`: completes the data of those that have some, and
 * returns how many these are. May be called again for packets that the port did not take.
 */
uint32_t transit_depart(struct transit *transit, struct rte_mbuf **packets, uint16_t count, unsigned int egress,
			uint64_t ticks);

/* How many of the packets carry data of this node. */
uint32_t transit_count(const struct transit *transit, struct rte_mbuf **packets, uint16_t count);

#endif
