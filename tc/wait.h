/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The waits of stamped packets in a router's queues, as tc/wait.bpf.c measures them, and ctl.
 */
#ifndef HOPSPAN_TC_WAIT_H
#define HOPSPAN_TC_WAIT_H

#include "histogram.h"
#include "plane.h"

/* .rodata.config of the program, one per namespace: it sees every packet that the machine sends. */
struct wait_config {
	uint64_t netns_cookie;
	uint8_t kfuncs; /* as in struct plane_node */
	uint8_t reserved[7];
};

/*
 * Map "wait_queues": a transmit queue, and what waited in it. ctl makes queue 0 of each device that is to be measured;
 * the program makes the others as it meets them.
 */
enum { WAIT_QUEUES_MAX = 4096, WAIT_BUCKETS = HISTOGRAM_BUCKETS(36) /* 69 s; longer is in the last */ };

struct wait_key {
	uint32_t ifindex, queue;
};

struct wait_queue {
	struct plane_node self; /* who wrote the departures that count here */
	uint64_t packets, sum_ns, max_ns;
	uint64_t count[WAIT_BUCKETS];
};

#endif
