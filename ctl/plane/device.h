/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The devices on which hopspan is at work in this network namespace: kept in a pinned map beside the programs' own,
 * so it lives exactly as long as what it describes.
 */
#ifndef HOPSPAN_DEVICE_H
#define HOPSPAN_DEVICE_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "places.h"
#include "tc/plane.h"

enum device_role { DEVICE_HOST = 1, DEVICE_ROUTER = 2, DEVICE_BORDER = 4 };
enum device_via { DEVICE_VIA_XDP = 1, DEVICE_VIA_TC = 2, DEVICE_VIA_KERNEL = 3 };

struct device {
	uint32_t roles;
	uint8_t made_clsact;
	uint8_t via;	    /* of a router: enum device_via */
	uint8_t via_wanted; /* 0: auto */
	uint8_t sink_via;   /* of a host */
	uint8_t sink_via_wanted;
	uint8_t replies;	     /* the sink carries contexts back */
	uint8_t plain;		     /* the sink takes identifier options without a context type for ours */
	uint8_t lower_mtu;	     /* its routes to proved prefixes were copied with a lower MTU */
	uint32_t budget;	     /* stamped packets a second */
	uint32_t bulk_budget;	     /* of these, shadows beside offloaded packets */
	int32_t node_id;	     /* by word; -1: node.yaml's */
	uint8_t hook, router_hook;   /* of tc: enum hook */
	uint8_t order, router_order; /* enum hook_order */
	int32_t tried;		     /* ifindex of a device of this name that could not be started; 0: none */
	uint8_t peer_side;	     /* a host's: programs are on the hooks where a pod's packets come in and go out */
	uint8_t via_why;	     /* of a router: enum device_why */
	uint8_t kernel_saved;	     /* what follows is set */
	uint8_t wait_measured;	     /* of a router */
	uint32_t kernel_before[3];   /* what its IOAM sysctls were: id, wide id, enabled */
	uint32_t kernel_written[3];
	uint8_t border_hook, border_via, border_via_wanted; /* 0: it has none */
	uint8_t forward;				    /* of a router: enum forward */
	uint64_t cgroup_id;				    /* of a host */
	struct plane_node self;
	char name[IFNAMSIZ];
};

/* Why the device is where it is. */
enum device_why {
	DEVICE_WHY_WORD,
	DEVICE_WHY_VETH,
	DEVICE_WHY_DRIVER,
	DEVICE_WHY_NO_DRIVER,
	DEVICE_WHY_OTHERS,
	DEVICE_WHY_BORDER
};

/* "xdp", "tc" or "kernel" */
const char *device_via_name(enum device_via via);
const char *device_why_text(enum device_why why);

/* fd of the map in `folder` (places.netns); -ENOENT without `create` if there is none. */
int devices_open(const char *folder, bool create);

/* False: hopspan is not at work on it. */
bool device_get(int devices, int ifindex, struct device *device);
int device_set(int devices, int ifindex, const struct device *device);
int device_remove(int devices, int ifindex);

/* One that is gone: what pinned links still hold of it, its border's rules, and its entry. */
void device_forget(const char *folder, int devices, int ifindex);

/* Entries of other devices that had this name and are gone: a new one has taken their place. */
void devices_forget_name(const char *folder, int devices, const char *name, int but_ifindex);

/* The ifindex under which a device of this name is remembered, or 0. */
int device_by_name(int devices, const char *name);

/* The ifindex behind `previous` (0: the first), or 0. */
int device_next(int devices, int previous);

/*
 * Takes `role` off the device and, if that was its last, the clsact qdisc that came with it, unless others use it.
 */
int device_drop_role(int devices, int ifindex, enum device_role role);

/* Does a device of any namespace use this cgroup's socket option? */
bool devices_use_cgroup(const struct places *places, uint64_t cgroup_id);

#endif
