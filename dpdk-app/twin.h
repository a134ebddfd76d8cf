/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A port's twin: the device by which the kernel takes part in a router. It has the port's address on the link, its MTU
 * and its link state; IP addresses, routes and neighbours are the twin's, and so the kernel's.
 *
 * A TAP device of our own, not one of DPDK's ports: frames for the kernel are the exception, so one system call for
 * each is no loss, and it can be slept on, has a carrier that we set, and needs neither huge pages nor vhost-net.
 */
#ifndef HOPSPAN_DPDK_TWIN_H
#define HOPSPAN_DPDK_TWIN_H

#include <net/if.h>
#include <rte_mbuf.h>
#include <stdbool.h>
#include <stdint.h>

struct twin {
	char name[IFNAMSIZ];
	int fd;
	uint32_t ifindex;
	bool carrier;
};

/* Makes the device, or takes one of that name that is there and in no one's use. Errors were printed; -errno. */
int twin_open(struct twin *twin, const char *name);

/* A device that was not there before goes, with all that the kernel knew by it. */
void twin_close(struct twin *twin);

/* As the port has it. 0 or -errno. */
int twin_mac_set(struct twin *twin, const uint8_t *mac);
int twin_mtu_set(struct twin *twin, uint32_t mtu);
void twin_carrier_set(struct twin *twin, bool carrier);

/* 0 or -errno; -EIO: the device is down. */
int twin_write(const struct twin *twin, const struct rte_mbuf *packet);

/* A frame that the kernel sends, into `packet`. -EAGAIN: none. */
int twin_read(const struct twin *twin, struct rte_mbuf *packet);

#endif
