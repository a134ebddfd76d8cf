/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * node.yaml: which ids this machine writes into packets. Every key may be left out:
 *
 *	node_id: 2                       24 bits
 *	node_id_wide: 0x11223344556677   56 bits
 *	interfaces:
 *	  eth1: {id: 3, id_wide: 70003}  16 and 32 bits; default: the ifindex
 *	namespaces:
 *	  0x6873: {time: ptp}            how time is written: ptp | ntp | posix; a host stamps in the first namespace,
 *	                                 0x6873 if it is among them
 *	  1: {data: 7, data_wide: 8,     namespace data of 32 and 64 bits
 *	      schema_id: 9, schema: 00}  the node's own opaque snapshot: 24 bits, and octets in hex
 *	clock_offset: -5000000           ns that this node's clock is off, for tests
 *	destinations:
 *	  2001:db8::/32: {path: proved}  how packets are stamped, by destination: destinations.h
 *	replies:
 *	  off_ports: [8080]              local ports whose answers carry nothing back
 *	dpdk: {...}                      the DPDK forwarder's: dpdk-app/config.h
 *
 * Numbers are decimal or 0x and are written as given; all ones, the default of both node ids, means "not available".
 */
#ifndef HOPSPAN_IDENTITY_H
#define HOPSPAN_IDENTITY_H

#include <stdbool.h>

#include "destinations.h"
#include "tc/plane.h"

struct identity;

/* $HOPSPAN_NODE_YAML, else /etc/hopspan/node.yaml, or NULL where that does not exist. */
const char *identity_path(void);

/*
 * NULL path: identity_path(), or nothing but defaults where there is none.
 * Errors were printed with file, line and column where known; -errno.
 */
int identity_read(const char *path, struct identity **identity);
void identity_free(struct identity *identity);

/* Fills the ids and the first namespace of `self`, nothing else. An ifindex beyond 16 bits makes the short id all ones.
 */
void identity_fill(const struct identity *identity, const char *device, int ifindex, struct plane_node *self);

/* The n-th device that the file names, or NULL. */
const char *identity_interface(const struct identity *identity, unsigned int n);

/* At least one. */
const struct ioam6_namespaces *identity_namespaces(const struct identity *identity);

int64_t identity_clock_offset(const struct identity *identity);

/* ns, as text. */
bool identity_offset_parse(const char *text, int64_t *offset_ns);

const struct destinations *identity_destinations(const struct identity *identity);

/* Ports in host order, each once. */
const uint16_t *identity_reply_off(const struct identity *identity, unsigned int *count);

#endif
