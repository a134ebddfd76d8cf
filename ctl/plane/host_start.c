/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Stamp and sink on one device, and the socket option. */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "attach.h"
#include "counters.h"
#include "netlink.h"
#include "program.h"
#include "routes.h"
#include "start.h"
#include "tc/sink.h"

int sockopt_attach(const struct places *places, int cgroup_fd, uint64_t cgroup_id, const char *who)
{
	struct bpf_object *object;
	char folder[PATH_MAX];
	int error;

	places_cgroup(places, cgroup_id, folder);
	if (mkdir(folder, 0700) && errno != EEXIST)
		return -errno;
	error = program_load(PROGRAM_SOCKOPT, NULL, 0, folder, folder, &object);
	if (!error) {
		error = program_attach_cgroup(object, cgroup_fd, folder);
		program_unload(object);
	}
	if (error)
		fprintf(stderr, "%s: socket option: %s\n", who, strerror(-error));
	return error;
}

void sockopt_remove(const struct places *places, uint64_t cgroup_id)
{
	char folder[PATH_MAX];

	places_cgroup(places, cgroup_id, folder);
	places_empty(folder);
	rmdir(folder);
}

static struct stamp_budget budget_of(uint32_t packets_per_second)
{
	uint64_t packets = (uint64_t)packets_per_second * STAMP_BUDGET_WINDOW_NS / 1000000000;

	return (struct stamp_budget){ .window_packets = packets, .left = packets };
}

/* After the policies: what sockets keep of older ones ends here. */
static int limits_set(int map, const struct device *device)
{
	struct stamp_host host = { .all = budget_of(device->budget), .bulk = budget_of(device->bulk_budget) };
	struct timespec now;
	uint32_t key = 0;

	clock_gettime(CLOCK_MONOTONIC, &now);
	host.policies_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	return bpf_map_update_elem(map, &key, &host, BPF_ANY) ? -errno : 0;
}

/* First come new ports, then old ones go. */
static int reply_off_set(int map, const struct host_settings *settings)
{
	uint16_t old[SINK_REPLY_OFF_MAX], *previous = NULL;
	unsigned int count = 0;
	uint8_t off = 1;

	while (count < SINK_REPLY_OFF_MAX && bpf_map_get_next_key(map, previous, &old[count]) == 0)
		previous = &old[count++];
	for (unsigned int i = 0; i < settings->reply_off_count; i++) {
		uint16_t port_be = htons(settings->reply_off[i]);

		for (unsigned int j = 0; j < count; j++)
			if (old[j] == port_be)
				old[j] = 0; /* stays */
		if (bpf_map_update_elem(map, &port_be, &off, BPF_ANY))
			return -errno;
	}
	for (unsigned int i = 0; i < count; i++)
		if (old[i])
			bpf_map_delete_elem(map, &old[i]);
	return 0;
}

/*
 * The sink of tc is always there, before XDP's: it does what XDP leaves to it. Where `auto` cannot have XDP it does
 * all.
 */
static int sink_attach(const struct places *places, const char *who, const struct words_device *at, const char *cgroup,
		       struct device *device, const struct host_settings *settings)
{
	uint8_t why;
	enum device_via via =
	    device->peer_side ? DEVICE_VIA_TC : attach_via_behind(device->sink_via_wanted, device, &why);
	struct sink_config config = { .self = device->self,
				      .replies = device->replies,
				      .plain = device->plain,
				      .via_xdp = via == DEVICE_VIA_XDP,
				      .peer_side = device->peer_side,
				      .peer_netns = device->peer_side ? netlink_peer_netns(at->ifindex) : -1 };
	struct bpf_object *object;
	int error = 0;

	if (via != DEVICE_VIA_XDP)
		error = program_detach_xdp(PROGRAM_XDP_SINK, at->ifindex);
	if (!error)
		error = program_load(attach_sink(device), &config, sizeof(config), places->netns, cgroup, &object);
	if (error)
		return error;
	if (settings)
		error = policies_write(&settings->policies, program_map(object, "stamp_prefix"));
	if (!error && settings)
		error = reply_off_set(program_map(object, "reply_off"), settings);
	if (!error)
		error = attach_tc(places, object, attach_sink(device), at->ifindex, device);
	program_unload(object);
	if (!error && via == DEVICE_VIA_XDP) {
		error = attach_xdp(places, who, at, device->sink_via_wanted, PROGRAM_XDP_SINK, &config, sizeof(config));
		if (!device->sink_via_wanted && (error == -EOPNOTSUPP || error == -EBUSY)) {
			via = DEVICE_VIA_TC;
			error = 0;
		}
	}
	device->sink_via = via;
	return error;
}

static int stamp_attach(const struct places *places, const struct words_device *at, const char *cgroup,
			struct device *device)
{
	struct stamp_config config = { .self = device->self,
				       .tcx = device->hook == HOOK_TCX,
				       .peer_side = device->peer_side };
	struct bpf_object *object;
	int error = program_load(attach_stamp(device), &config, sizeof(config), places->netns, cgroup, &object);

	if (error)
		return error;
	error = limits_set(program_map(object, "stamp_host"), device);
	if (!error)
		error = attach_tc(places, object, attach_stamp(device), at->ifindex, device);
	program_unload(object);
	return error;
}

/* Sink first: a host that stamps must be able to take its own replies back. */
static int host_attach(const struct places *places, const char *who, const struct words_device *at,
		       struct device *device, const struct host_settings *settings)
{
	char cgroup[PATH_MAX];
	int error;

	places_cgroup(places, device->cgroup_id, cgroup);
	error = sink_attach(places, who, at, cgroup, device, settings);
	return error ? error : stamp_attach(places, at, cgroup, device);
}

/* The devices map knows of it before it is done, so that it will be undone. */
static int host_route(const struct places *places, const char *who, const struct words_device *at,
		      const struct device *device, struct host_settings *settings)
{
	struct policies *there = NULL;
	int map, error;

	if (!device->lower_mtu) {
		error = routes_restore(at->ifindex);
		return error < 0 ? error : 0;
	}
	if (settings)
		return routes_lower(&settings->policies, who, at->name, at->ifindex);
	there = calloc(1, sizeof(*there));
	map = counters_open_map(places->netns, "stamp_prefix");
	if (there && map >= 0)
		policies_read(there, map);
	error = there ? routes_lower(there, who, at->name, at->ifindex) : -ENOMEM;
	if (map >= 0)
		close(map);
	free(there);
	return error;
}

int host_start(const struct places *places, int devices, const char *who, const struct words_device *at,
	       struct device *device, struct host_settings *settings)
{
	int error = device_set(devices, at->ifindex, device);

	if (!error)
		error = host_route(places, who, at, device, settings);
	if (!error)
		error = host_attach(places, who, at, device, settings);
	if (error) {
		fprintf(stderr, "%s: %s: %s\n", who, at->name, strerror(-error));
		host_stop(places, devices, at->ifindex);
		return EXIT_FAILED;
	}
	device_set(devices, at->ifindex, device);
	devices_forget_name(places->netns, devices, at->name, at->ifindex);
	return EXIT_DONE;
}

void host_stop(const struct places *places, int devices, int ifindex)
{
	struct device device;

	if (!device_get(devices, ifindex, &device) || !(device.roles & DEVICE_HOST))
		return;
	if (device.lower_mtu)
		routes_restore(ifindex);
	detach_tc(places, attach_stamp(&device), ifindex);
	program_detach_xdp(PROGRAM_XDP_SINK, ifindex);
	detach_tc(places, attach_sink(&device), ifindex);
	device_drop_role(devices, ifindex, DEVICE_HOST);
	if (!devices_use_cgroup(places, device.cgroup_id))
		sockopt_remove(places, device.cgroup_id);
}
