/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The router: twins of the ports, and a thread between them, the kernel's routes and the workers.
 *
 *	          kernel: addresses, routes, neighbours, ICMPv6, OSPF ...
 *	            | rtnetlink            | twin of A     | twin of B
 *	            v                      |               |
 *	  thread: mirror -> table       to_kernel, from_kernel
 *	                      |            |
 *	  workers:  port A ->(+)-> forward -> port B
 */
#ifndef HOPSPAN_DPDK_ROUTER_H
#define HOPSPAN_DPDK_ROUTER_H

#include "forward.h"
#include "mirror.h"

struct port;
struct router;

/* Packet buffers that it keeps beside those of ports and workers. */
enum { ROUTER_RING = 1024, ROUTER_BUFFERS = 2 * ROUTER_RING };

/* Makes the twins and reads what the kernel knows. Ports are running. Errors were printed; -errno. */
int router_open(struct router **router, const struct config *config, const struct port *ports, unsigned int port_count,
		struct rte_rcu_qsbr *readers);

/* What workers take part in. */
struct forward_shared *router_shared(struct router *router);

/* The thread: to be started before the workers, to be ended after them. 0 or -errno. */
int router_start(struct router *router);
void router_close(struct router *router);

/* What the thread itself has dropped: frames that a twin did not take. */
uint64_t router_dropped(const struct router *router);

struct mirror_counts router_counts(const struct router *router);
const char *router_twin(const struct router *router, unsigned int place);

#endif
