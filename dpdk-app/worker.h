/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The forwarding loop: one thread takes each packet from its arrival to its departure. */
#ifndef HOPSPAN_DPDK_WORKER_H
#define HOPSPAN_DPDK_WORKER_H

#include <signal.h>

#include "port.h"
#include "transit.h"

struct worker {
	struct transit transit;
	struct port ports[PORTS_MAX];
	unsigned int port_count;
	bool busy;	       /* poll without a pause */
	uint64_t moved_ticks;  /* when a packet last moved */
	uint64_t check_ticks;  /* when the ports are looked at next */
	uint64_t second_ticks; /* in a second, about */
};

/* Forwards until *stop, then empties the queues as far as the ports let it. 0, or -ENODEV: a port's device is gone. */
int worker_run(struct worker *worker, const volatile sig_atomic_t *stop);

#endif
