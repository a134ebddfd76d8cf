/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What the kernel of this network namespace says over rtnetlink: links, neighbours, routes, rules, forwarding. First
 * all of it, then each change; where changes were lost, all of it again.
 */
#ifndef HOPSPAN_DPDK_RTNETLINK_H
#define HOPSPAN_DPDK_RTNETLINK_H

#include "mirror.h"

struct rtnetlink;

/* A device as it is now. */
struct rtnetlink_link {
	uint32_t ifindex;
	uint32_t mtu;
	uint8_t mac[6];
	bool up;      /* as somebody has set it */
	bool carrier; /* as it is */
	bool master;  /* part of a bridge, bond or VRF */
	bool gone;
};

/* Whom links and forwarding are told; all else goes to the mirror. */
struct rtnetlink_calls {
	void (*link)(void *context, const struct rtnetlink_link *link);
	void (*forwarding)(void *context, uint32_t ifindex, bool on);
	void *context;
};

/* Errors were printed; -errno. */
int rtnetlink_open(struct rtnetlink **rtnetlink, struct mirror *mirror, struct table *table,
		   const struct rtnetlink_calls *calls);
void rtnetlink_close(struct rtnetlink *rtnetlink);

/* To poll; rtnetlink_read() then reads what is there, and all of it if that is due. */
int rtnetlink_fd(const struct rtnetlink *rtnetlink);
void rtnetlink_read(struct rtnetlink *rtnetlink);

/* At the next rtnetlink_read() all is read. */
void rtnetlink_again(struct rtnetlink *rtnetlink);
bool rtnetlink_is_due(const struct rtnetlink *rtnetlink);

/* Asks the kernel to have the neighbour confirmed, as if it had sent there. */
void rtnetlink_use(struct rtnetlink *rtnetlink, uint32_t ifindex, const uint8_t *address);

#endif
