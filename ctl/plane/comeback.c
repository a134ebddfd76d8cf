/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Finds devices that have come back, and starts them again. */
#include "comeback.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attach.h"
#include "netlink.h"
#include "path/netns.h"
#include "start.h"

#define WHO "hopspan collect"

enum { NAMESPACES_MAX = 256 };

struct comeback {
	struct netns list[NAMESPACES_MAX]; /* where each was found last */
	unsigned int count;
};

int comeback_new(struct comeback **comeback)
{
	*comeback = calloc(1, sizeof(**comeback));
	return *comeback ? 0 : -ENOMEM;
}

void comeback_free(struct comeback *comeback)
{
	free(comeback);
}

/* Its new ifindex, if it is one that has come back since it was looked at last; else 0. */
static int device_returned(int devices, int ifindex, const struct device *device)
{
	struct device other;
	char name[IFNAMSIZ];
	int now = (int)if_nametoindex(device->name);

	if (!now || now == ifindex || now == device->tried || if_indextoname((unsigned int)ifindex, name) ||
	    device_get(devices, now, &other))
		return 0;
	return now;
}

/* What `up` had found out about the device, as it is now. */
static int device_renew(struct device *device, int old, const struct words_device *at)
{
	int link_len = netlink_link_len(at->name);

	if (link_len < 0)
		return link_len;
	device->self.link_len = (uint8_t)link_len;
	if (device->self.interface == old)
		device->self.interface = at->ifindex < 0xffff ? (uint16_t)at->ifindex : 0xffff;
	if (device->self.interface_wide == (uint32_t)old)
		device->self.interface_wide = (uint32_t)at->ifindex;
	device->made_clsact = 0;
	device->hook = device->router_hook = device->border_hook = 0;
	return 0;
}

static void device_restart(const struct places *places, int devices, int old, struct device device, int now)
{
	struct words_device at = { .ifindex = now };
	uint32_t roles = device.roles;
	int status = EXIT_DONE;

	strcpy(at.name, device.name);
	device.tried = now;
	device_set(devices, old, &device);
	if (device_renew(&device, old, &at))
		return; /* it is gone again */
	device.roles = 0;
	if (roles & DEVICE_BORDER) {
		device.roles |= DEVICE_BORDER;
		device.border_hook = (uint8_t)hook_choose(now);
		status = rules_move(places->netns, old, now) ? EXIT_FAILED
							     : border_start(places, devices, WHO, &at, &device, NULL);
	}
	if (!status && roles & DEVICE_HOST) {
		attach_hook(places, now, DEVICE_HOST, device.order, &device);
		device.roles |= DEVICE_HOST;
		status = host_start(places, devices, WHO, &at, &device, NULL);
	}
	if (!status && roles & DEVICE_ROUTER) {
		attach_hook(places, now, DEVICE_ROUTER, device.router_order, &device);
		device.roles = roles;
		status = router_start(places, devices, WHO, &at, &device);
	}
	if (status)
		return;
	device_forget(places->netns, devices, old);
	fprintf(stderr, WHO ": %s has come back\n", at.name);
}

/* In the namespace: the one that this thread is in. */
static void netns_look(void)
{
	struct places places;
	struct device device;
	int lock, devices, now;

	if (places_open(&places, 0, WHO))
		return;
	lock = places_lock();
	devices = devices_open(places.netns, false);
	for (int i = devices < 0 ? 0 : device_next(devices, 0), next; i; i = next) {
		next = device_next(devices, i);
		now = device_get(devices, i, &device) ? device_returned(devices, i, &device) : 0;
		if (now)
			device_restart(&places, devices, i, device, now);
	}
	if (devices >= 0)
		close(devices);
	places_unlock(lock);
}

static struct netns *netns_of(struct comeback *comeback, uint64_t cookie)
{
	for (unsigned int i = 0; i < comeback->count; i++)
		if (comeback->list[i].cookie == cookie)
			return &comeback->list[i];
	if (comeback->count == NAMESPACES_MAX)
		comeback->count = 0; /* of those that are still there it is found again */
	comeback->list[comeback->count] = (struct netns){ .cookie = cookie };
	return &comeback->list[comeback->count++];
}

static void netns_visit(const char *folder, const char *name, void *comeback)
{
	int home = netns_enter(netns_of(comeback, strtoull(name, NULL, 10)));

	(void)folder;
	if (home < 0)
		return;
	netns_look();
	netns_leave(home);
}

void comeback_look(struct comeback *comeback)
{
	struct places places;

	if (places_open(&places, 0, WHO) == 0)
		places_each(places.root, "netns", netns_visit, comeback);
}
