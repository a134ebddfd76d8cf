/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What hop.bpf.c and hop.c agree on: a packet over one router. */
#ifndef HOPSPAN_BENCH_HOP_H
#define HOPSPAN_BENCH_HOP_H

#include "bench.h"

enum { HOP_NODE_ID = 7, HOP_LIMIT = 64, HOP_PREFIX_AT = ETHERNET_LEN + IPV6_DESTINATION_AT + 7 };

/* Map "hop_plan", one entry: what the packets of a batch are. Each destination has a route of its own. */
struct hop_plan {
	uint8_t macs[12]; /* to the router, from the sender */
	uint16_t lengths; /* of the trace; 0: the packet has none */
	uint8_t verdict;  /* where no program is next */
	uint8_t reserved;
	uint32_t destinations; /* their number, a power of two, less one */
	uint32_t sent;
};

/* Map "hop_seen", one entry: what the far end is to see, and what it saw. */
struct hop_seen {
	uint32_t remaining; /* words in the trace; HOP_NO_TRACE: there is none */
	uint32_t id;	    /* of the newest node; 0: whoever it is */
	uint64_t right, wrong;
};

enum { HOP_NO_TRACE = 0xff };

#endif
