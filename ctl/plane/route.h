/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* IPv6 routes of the main table, as far as copies of them need it: read, put, removed over rtnetlink. */
#ifndef HOPSPAN_ROUTE_H
#define HOPSPAN_ROUTE_H

#include <stdbool.h>
#include <stdint.h>

enum { ROUTE_METRICS_MAX = 20 };

struct route {
	uint8_t address[16];
	uint32_t len; /* bits */
	uint32_t metric;
	int ifindex;
	bool ours;	 /* made by us */
	const char *odd; /* why it cannot be copied; NULL: it can */
	uint8_t gateway[16], source[16];
	bool has_gateway, has_source;
	uint32_t flags;			     /* RTNH_F_ONLINK */
	uint32_t mtu;			     /* 0: the device's */
	uint32_t metrics[ROUTE_METRICS_MAX]; /* by RTAX number, the MTU's not among them; 0: none */
};

struct routes {
	struct route *list;
	unsigned int count;
};

/* Unicast routes but to link-local addresses. */
int routes_read(struct routes *routes);
void routes_free(struct routes *routes);

/* `old`: in place of that one, of the same prefix and metric; NULL: there is none, and -EEXIST if there is. */
int route_put(const struct route *route, const struct route *old);
int route_remove(const struct route *route);

/* What IPv6 takes for the device's MTU. */
uint32_t route_device_mtu(const char *device);

#endif
