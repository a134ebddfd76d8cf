/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Who the forwarder is: the ids and IOAM namespaces of node.yaml and the command line. Read anew on SIGHUP; the worker
 * goes on with the old ones meanwhile and takes the new ones between two bursts.
 */
#ifndef HOPSPAN_DPDK_SELF_H
#define HOPSPAN_DPDK_SELF_H

#include "config.h"
#include "wire/node.h"

struct port;

struct self {
	struct ioam6_namespaces namespaces;
	uint64_t id_wide;
	int64_t clock_offset_ns;
	int64_t tai_to_utc_ns;
	uint32_t id;
	struct {
		uint32_t wide;
		uint16_t id;
	} interfaces[PORTS_MAX]; /* by the port's place */
};

/* Errors were printed; -errno, -ENOKEY where nothing says which node this is. */
int self_read(const struct config *config, const struct port *ports, unsigned int port_count, struct self **self);

/*
 * A thread that waits for SIGHUP, which self_block() keeps from all others, and puts what it reads into *next. The
 * worker owns what it finds there; what it has used before it puts into *old.
 */
void self_block(void);
int self_watch(const struct config *config, const struct port *ports, unsigned int port_count, struct self **next,
	       struct self **old);

#endif
