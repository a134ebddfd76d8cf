/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A load on one connection, with contexts or without, and what both ends' TCP saw of it.
 */
#ifndef HOPSPAN_BENCH_FLOW_H
#define HOPSPAN_BENCH_FLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "pair.h"

/* What is sent: the first ones are those that qdisc.c compares the ways under. */
enum flow { FLOW_BULK, FLOW_SEGMENTS, FLOW_MIXED, FLOW_REQUESTS, FLOW_COMPARED, FLOW_MEGABYTES = FLOW_COMPARED };

struct flow_load {
	const char *name;
	uint32_t message_len;
	uint32_t per_context; /* messages of one context */
	bool apart;	      /* no two messages in one segment (MSG_EOR) */
	bool answered;	      /* one at a time, each waits for its answer */
};

extern const struct flow_load flow_loads[]; /* by enum flow */

struct flow_result {
	uint64_t octets, messages;
	double ns, processor_ns; /* until the last octet; of all threads, and what the kernel did in them */
	double p50_ns, p99_ns;	 /* of answered messages, else 0 */
	uint32_t segments_received, out_of_order; /* with data; at the receiver */
	uint32_t retransmitted;
};

/* Sends for `send_ns` and until all has arrived. */
void flow_run(const struct flow_load *load, const struct pair *pair, bool contexts, double send_ns,
	      struct flow_result *result);

#endif
