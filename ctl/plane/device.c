/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The map of devices at work, and what goes when one leaves. */
#include "device.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "netlink.h"
#include "hook.h"
#include "wait.h"
#include "rules.h"

enum { DEVICES_MAX = 4096 };

const char *device_via_name(enum device_via via)
{
	return via == DEVICE_VIA_XDP ? "xdp" : via == DEVICE_VIA_KERNEL ? "kernel" : "tc";
}

const char *device_why_text(enum device_why why)
{
	static const char *const texts[] = {
		[DEVICE_WHY_WORD] = "as the word says",
		[DEVICE_WHY_VETH] = "veth, XDP would turn the peer's segmentation off",
		[DEVICE_WHY_DRIVER] = "the driver runs XDP",
		[DEVICE_WHY_NO_DRIVER] = "the driver runs no XDP",
		[DEVICE_WHY_OTHERS] = "another XDP program is there",
		[DEVICE_WHY_BORDER] = "XDP would be before the border",
	};

	return why < sizeof(texts) / sizeof(texts[0]) ? texts[why] : "";
}

int devices_open(const char *folder, bool create)
{
	char path[PATH_MAX + 16];
	int fd;

	snprintf(path, sizeof(path), "%s/devices", folder);
	fd = bpf_obj_get(path);
	if (fd >= 0 || !create || errno != ENOENT)
		return fd < 0 ? -errno : fd;
	fd = bpf_map_create(BPF_MAP_TYPE_HASH, "devices", sizeof(int), sizeof(struct device), DEVICES_MAX, NULL);
	if (fd >= 0 && bpf_obj_pin(fd, path)) {
		int error = -errno;

		close(fd);
		return error;
	}
	return fd < 0 ? -errno : fd;
}

bool device_get(int devices, int ifindex, struct device *device)
{
	return bpf_map_lookup_elem(devices, &ifindex, device) == 0;
}

int device_set(int devices, int ifindex, const struct device *device)
{
	return bpf_map_update_elem(devices, &ifindex, device, BPF_ANY) ? -errno : 0;
}

int device_remove(int devices, int ifindex)
{
	return bpf_map_delete_elem(devices, &ifindex) ? -errno : 0;
}

int device_next(int devices, int previous)
{
	int next;

	return bpf_map_get_next_key(devices, previous ? &previous : NULL, &next) ? 0 : next;
}

void device_forget(const char *folder, int devices, int ifindex)
{
	for (enum program program = PROGRAM_STAMP; program <= PROGRAM_BORDER_OUT; program++)
		hook_detach(program, ifindex, folder);
	wait_stop(folder, ifindex);
	rules_remove(folder, ifindex);
	device_remove(devices, ifindex);
}

void devices_forget_name(const char *folder, int devices, const char *name, int but_ifindex)
{
	struct device device;
	char now[IFNAMSIZ];

	for (int i = device_next(devices, 0), next; i; i = next) {
		next = device_next(devices, i);
		if (i != but_ifindex && device_get(devices, i, &device) && strcmp(device.name, name) == 0 &&
		    !if_indextoname((unsigned int)i, now))
			device_forget(folder, devices, i);
	}
}

int device_by_name(int devices, const char *name)
{
	struct device device;

	for (int i = device_next(devices, 0); i; i = device_next(devices, i))
		if (device_get(devices, i, &device) && strcmp(device.name, name) == 0)
			return i;
	return 0;
}

int device_drop_role(int devices, int ifindex, enum device_role role)
{
	struct device device;
	int error = 0;

	if (!device_get(devices, ifindex, &device))
		return 0;
	device.roles &= ~(uint32_t)role;
	if (device.roles)
		return device_set(devices, ifindex, &device);
	if (device.made_clsact && netlink_filters(ifindex) == 0)
		error = hook_remove_clsact(ifindex);
	device_remove(devices, ifindex);
	return error;
}

static bool netns_uses_cgroup(const char *folder, uint64_t cgroup_id)
{
	int devices = devices_open(folder, false);
	bool used = false;

	if (devices < 0)
		return false;
	for (int i = device_next(devices, 0); i && !used; i = device_next(devices, i)) {
		struct device device;

		used = device_get(devices, i, &device) && device.roles & DEVICE_HOST && device.cgroup_id == cgroup_id;
	}
	close(devices);
	return used;
}

struct cgroup_use {
	uint64_t id;
	bool used;
};

static void netns_ask(const char *folder, const char *name, void *arg)
{
	struct cgroup_use *cgroup = arg;

	(void)name;
	cgroup->used |= netns_uses_cgroup(folder, cgroup->id);
}

bool devices_use_cgroup(const struct places *places, uint64_t cgroup_id)
{
	struct cgroup_use cgroup = { .id = cgroup_id };

	places_each(places->root, "netns", netns_ask, &cgroup);
	return cgroup.used;
}
