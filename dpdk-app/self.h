/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Who the forwarder is: the ids and IOAM namespaces of node.yaml and the command line. Read anew on SIGHUP; each
 * worker has a copy, goes on with the old one meanwhile and takes the new one between two bursts.
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

/* NULL: no memory. */
struct self *self_copy(const struct self *self);

/*
 * A copy for one worker, which takes it from *next and owns it then; what it has used before it puts into *old. 0 or
 * -errno.
 */
int self_hand(const struct self *self, struct self **next, struct self **old);

#endif
