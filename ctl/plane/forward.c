/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The fast path's maps, and what is said about a device that is on it. */
#include "forward.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <jansson.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "counters.h"
#include "features.h"
#include "hook.h"
#include "netlink.h"
#include "program.h"
#include "route.h"
#include "wire/ipv6.h"

const char *forward_name(enum forward forward)
{
	return forward == FORWARD_XDP ? "xdp" : "kernel";
}

static bool is_veth(const char *device)
{
	char driver[32];

	netlink_driver(device, driver, sizeof(driver));
	return strcmp(driver, "veth") == 0;
}

void forward_configure(const struct device *device, struct transit_config *config)
{
	config->forward = device->forward;
	config->veth = is_veth(device->name);
}

int forward_check(const char *who, const struct words_device *at, const struct device *device)
{
	int out;

	if (device->forward != FORWARD_XDP)
		return 0;
	if (device->roles & DEVICE_BORDER) {
		fprintf(stderr, "%s: %s: forward xdp: there is a border, which what XDP sends would not pass\n", who,
			at->name);
		return -EBUSY;
	}
	out = features_xdp_out(at->ifindex);
	if (out == -EOPNOTSUPP || !device->self.kfuncs) {
		fprintf(stderr, "%s: %s: forward xdp: not with this kernel, Linux 6.3 is the first to tell enough\n",
			who, at->name);
		return -EOPNOTSUPP;
	}
	if (device->self.link_len != ETHERNET_LEN) {
		fprintf(stderr, "%s: %s: forward xdp: the device has no Ethernet header\n", who, at->name);
		return -EOPNOTSUPP;
	}
	if (netlink_rxvlan(at->name) && !is_veth(at->name)) {
		fprintf(stderr,
			"%s: %s: forward xdp: VLAN tags are gone before XDP sees a frame (ethtool -K %s rxvlan off)\n",
			who, at->name, at->name);
		return -EOPNOTSUPP;
	}
	return 0;
}

static uint32_t port_key(int ifindex)
{
	return (uint32_t)ifindex % FORWARD_PORTS_MAX;
}

/*
 * One run on nothing, so that the program notes its device. It may fail, on a device that is down: then the first
 * packet does it.
 */
static void port_note(int ifindex)
{
	unsigned char frame[ETHERNET_LEN + IPV6_LEN] = { 0 };
	struct xdp_md context = { .data_end = sizeof(frame), .ingress_ifindex = (uint32_t)ifindex };
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = sizeof(frame), .ctx_in = &context,
		    .ctx_size_in = sizeof(context), .repeat = 1);
	int fd = program_attached_xdp(PROGRAM_XDP_TRANSIT, ifindex);

	if (fd < 0)
		return;
	bpf_prog_test_run_opts(fd, &options);
	close(fd);
}

/* A port, then the way to it. */
int forward_open(const struct places *places, int ifindex, const struct device *device)
{
	struct forward_port port = { .ifindex = (uint32_t)ifindex,
				     .interface = device->self.interface,
				     .interface_wide = device->self.interface_wide },
			    other;
	struct bpf_devmap_val to = { .ifindex = (uint32_t)ifindex, .bpf_prog.fd = -1 };
	int ports = counters_open_map(places->netns, "forward_ports");
	int out = counters_open_map(places->netns, "forward_out"), error = 0;
	uint32_t key = port_key(ifindex);
	char name[IFNAMSIZ];

	if (ports < 0 || out < 0 || bpf_map_lookup_elem(ports, &key, &other))
		error = -ENOENT;
	else if (other.ifindex && other.ifindex != port.ifindex && if_indextoname(other.ifindex, name))
		error = -ENOSPC;
	else if (bpf_map_update_elem(ports, &key, &port, BPF_ANY) || bpf_map_update_elem(out, &ifindex, &to, BPF_ANY))
		error = -errno;
	if (ports >= 0)
		close(ports);
	if (out >= 0)
		close(out);
	if (!error)
		port_note(ifindex);
	return error;
}

/* The way to it, then the port. */
void forward_close(const struct places *places, int ifindex)
{
	struct forward_port none = { 0 }, port;
	int ports = counters_open_map(places->netns, "forward_ports");
	int out = counters_open_map(places->netns, "forward_out");
	uint32_t key = port_key(ifindex);

	if (out >= 0) {
		bpf_map_delete_elem(out, &ifindex);
		close(out);
	}
	if (ports < 0)
		return;
	if (bpf_map_lookup_elem(ports, &key, &port) == 0 && port.ifindex == (uint32_t)ifindex)
		bpf_map_update_elem(ports, &key, &none, BPF_ANY);
	close(ports);
}

/* Routes by the device with an MTU that is not locked: only the kernel's own forwarding knows of it. */
static unsigned int routes_with_mtu(int ifindex)
{
	unsigned int count = 0;
	struct routes routes;

	if (routes_read(&routes))
		return 0;
	for (unsigned int i = 0; i < routes.count; i++) {
		const struct route *route = &routes.list[i];

		count += route->ifindex == ifindex && route->mtu && !(route->metrics[RTAX_LOCK] & 1U << RTAX_MTU);
	}
	routes_free(&routes);
	return count;
}

/* What packets that XDP sends out by the device do not meet. */
static json_t *bypassed_json(const struct places *places, int ifindex)
{
	json_t *list = json_array();
	char qdisc[32];
	int others = hook_others(ifindex, places->netns, true);
	unsigned int routes = routes_with_mtu(ifindex);

	netlink_qdisc(ifindex, qdisc, sizeof(qdisc));
	if (qdisc[0] && strcmp(qdisc, "noqueue") != 0)
		json_array_append_new(list, json_sprintf("qdisc %s", qdisc));
	if (others > 0)
		json_array_append_new(list, json_sprintf("%d tc programs of others at egress", others));
	others = hook_others(ifindex, places->netns, false);
	if (others > 0)
		json_array_append_new(list, json_sprintf("%d tc programs of others at ingress", others));
	if (routes)
		json_array_append_new(list, json_sprintf("the MTU of %u routes, which is not locked", routes));
	return list;
}

void forward_json(const struct places *places, int ifindex, const struct device *device, json_t *object)
{
	json_object_set_new(object, "forward", json_string(forward_name(device->forward)));
	if (device->forward != FORWARD_XDP)
		return;
	json_object_set_new(object, "forward_out", json_boolean(features_xdp_out(ifindex) == 1));
	json_object_set_new(object, "forward_bypasses", bypassed_json(places, ifindex));
}

void forward_warn(const struct places *places, const char *who, int ifindex, const struct device *device)
{
	json_t *list, *what;
	size_t i;

	if (device->forward != FORWARD_XDP)
		return;
	list = bypassed_json(places, ifindex);
	if (features_xdp_out(ifindex) != 1)
		fprintf(stderr, "%s: %s: takes nothing from XDP%s: what leaves by it is left to the kernel\n", who,
			device->name,
			is_veth(device->name) ? " until its other side has XDP or GRO (ethtool -K PEER gro on)" : "");
	json_array_foreach (list, i, what)
		fprintf(stderr, "%s: %s: forward xdp passes by: %s\n", who, device->name, json_string_value(what));
	json_decref(list);
}
