/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * hopspan host: stamp and sink on the devices of a sending and receiving host, and the socket option.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attach.h"
#include "counters.h"
#include "identity.h"
#include "netlink.h"
#include "path/path_json.h"
#include "program.h"
#include "routes.h"
#include "start.h"
#include "tc/sink.h"

/* Has the device another side? What belongs to the pod's own devices cannot be had there. */
static int side_check(const struct words *words, const struct words_device *at)
{
	char driver[32];

	netlink_driver(at->name, driver, sizeof(driver));
	if (strcmp(driver, "veth") != 0)
		fprintf(stderr, "%s: %s: side peer: it is no veth\n", words->who, at->name);
	else if (words->via == DEVICE_VIA_XDP)
		fprintf(stderr, "%s: %s: side peer: packets are met at tc, not by XDP\n", words->who, at->name);
	else if (words->lower_mtu)
		fprintf(stderr, "%s: %s: side peer: the routes are the pod's, lower-mtu is for its side\n", words->who,
			at->name);
	else
		return 0;
	return EXIT_FAILED;
}

static int host_up_device(const struct places *places, int devices, const struct words *words,
			  const struct words_device *at, uint64_t cgroup_id, struct host_settings *settings)
{
	struct device device = { 0 };
	uint64_t old_cgroup;
	int status, error;

	device_get(devices, at->ifindex, &device);
	old_cgroup = device.roles & DEVICE_HOST ? device.cgroup_id : cgroup_id;
	device.roles |= DEVICE_HOST;
	device.replies = policies_reply(&settings->policies);
	device.plain = policies_have_plain(&settings->policies);
	device.budget = (uint32_t)words->budget;
	device.bulk_budget = (uint32_t)words_bulk_budget(words);
	device.node_id = (int32_t)words->node_id;
	device.sink_via_wanted = words->via;
	device.lower_mtu = words->lower_mtu;
	device.cgroup_id = cgroup_id;
	error = attach_identify(words->who, at, &device);
	if (error) {
		fprintf(stderr, "%s: %s: %s\n", words->who, at->name, strerror(-error));
		return EXIT_FAILED;
	}
	if (attach_check_via(words->who, words->via, &device) || (words->peer_side && side_check(words, at)))
		return EXIT_FAILED;
	if (device.peer_side != words->peer_side)
		for (enum program program = PROGRAM_STAMP; program <= PROGRAM_SINK_PEER; program++)
			detach_tc(places, program, at->ifindex);
	device.peer_side = words->peer_side;
	attach_hook(places, at->ifindex, DEVICE_HOST, words->order, &device);
	status = host_start(places, devices, words->who, at, &device, settings);
	if (!status && old_cgroup != cgroup_id && !devices_use_cgroup(places, old_cgroup))
		sockopt_remove(places, old_cgroup);
	return status;
}

/* Policies are the whole namespace's: other devices' sinks follow them. */
static int host_up_others(const struct places *places, int devices, const char *who,
			  const struct host_settings *settings)
{
	bool replies = policies_reply(&settings->policies), plain = policies_have_plain(&settings->policies);
	struct words_device at;
	struct device device;
	int status = EXIT_DONE;

	for (int i = device_next(devices, 0); i && !status; i = device_next(devices, i)) {
		if (!device_get(devices, i, &device) || !(device.roles & DEVICE_HOST) || !if_indextoname(i, at.name) ||
		    (device.replies == replies && device.plain == plain))
			continue;
		at.ifindex = i;
		device.replies = replies;
		device.plain = plain;
		status = host_start(places, devices, who, &at, &device, NULL);
	}
	return status;
}

/* What the words and node.yaml, which lives as long as `identity`, make of all that is there. */
static int settings_make(const struct places *places, const struct words *words, const struct identity *identity,
			 struct host_settings *settings)
{
	int map = counters_open_map(places->netns, "stamp_prefix");

	settings->reply_off = identity_reply_off(identity, &settings->reply_off_count);
	if (map >= 0) {
		policies_read(&settings->policies, map);
		close(map);
	}
	return policies_make(&settings->policies, &words->policy, words->named, words->named_count,
			     identity_destinations(identity), words->who);
}

static bool words_name(const struct words *words, int ifindex)
{
	for (unsigned int i = 0; i < words->device_count; i++)
		if (words->devices[i].ifindex == ifindex)
			return true;
	return false;
}

/* Routes by devices that the words do not name follow the policies, too. */
static int host_up_routes(int devices, const struct words *words, struct host_settings *settings)
{
	char name[IFNAMSIZ];
	struct device device;
	int error = 0;

	for (int i = device_next(devices, 0); i && !error; i = device_next(devices, i))
		if (device_get(devices, i, &device) && device.roles & DEVICE_HOST && device.lower_mtu &&
		    !words_name(words, i) && if_indextoname((unsigned int)i, name))
			error = routes_lower(&settings->policies, words->who, name, i);
	return error;
}

static int host_up(const struct places *places, int devices, const struct words *words, uint64_t cgroup_id)
{
	struct host_settings *settings = calloc(1, sizeof(*settings));
	struct identity *identity = NULL;
	int status = EXIT_DONE;

	if (!settings || identity_read(NULL, &identity) || settings_make(places, words, identity, settings) ||
	    host_up_routes(devices, words, settings))
		status = EXIT_FAILED;
	for (unsigned int i = 0; !status && i < words->device_count; i++)
		status = host_up_device(places, devices, words, &words->devices[i], cgroup_id, settings);
	if (!status)
		status = host_up_others(places, devices, words->who, settings);
	identity_free(identity);
	free(settings);
	return status;
}

int cmd_host_up(const struct options *options, int argc, char **argv)
{
	struct words words;
	struct places places;
	uint64_t cgroup_id;
	int cgroup_fd, devices, status = words_parse(&words, command_of(cmd_host_up), WORDS_HOST, false, argc, argv);

	(void)options;
	if (status || (status = words_check_machine(words.who)))
		return status;
	cgroup_fd = places_open_cgroup(words.cgroup, &cgroup_id, words.who);
	if (cgroup_fd < 0)
		return EXIT_FAILED;
	devices = attach_open(&places, &words);
	if (devices < 0 || sockopt_attach(&places, cgroup_fd, cgroup_id, words.who))
		status = EXIT_FAILED;
	if (!status)
		status = host_up(&places, devices, &words, cgroup_id);
	if (status && devices >= 0 && !devices_use_cgroup(&places, cgroup_id))
		sockopt_remove(&places, cgroup_id);
	attach_close(&places, devices);
	close(cgroup_fd);
	return status;
}

int cmd_host_down(const struct options *options, int argc, char **argv)
{
	(void)options;
	return attach_down(command_of(cmd_host_down), DEVICE_HOST, host_stop, argc, argv);
}

static json_t *destinations_json(const struct places *places)
{
	struct policies *policies = calloc(1, sizeof(*policies));
	int map = counters_open_map(places->netns, "stamp_prefix");
	json_t *list;

	if (policies && map >= 0)
		policies_read(policies, map);
	if (map >= 0)
		close(map);
	list = policies ? policies_json(policies) : json_array();
	free(policies);
	return list;
}

/* Ports in order. */
static int port_order(const void *a, const void *b)
{
	return (int)ntohs(*(const uint16_t *)a) - (int)ntohs(*(const uint16_t *)b);
}

static json_t *reply_off_json(const struct places *places)
{
	uint16_t ports[SINK_REPLY_OFF_MAX], *previous = NULL;
	int map = counters_open_map(places->netns, "reply_off");
	unsigned int count = 0;
	json_t *list = json_array();

	while (map >= 0 && count < SINK_REPLY_OFF_MAX && bpf_map_get_next_key(map, previous, &ports[count]) == 0)
		previous = &ports[count++];
	if (map >= 0)
		close(map);
	qsort(ports, count, sizeof(*ports), port_order);
	for (unsigned int i = 0; i < count; i++)
		json_array_append_new(list, json_integer(ntohs(ports[i])));
	return list;
}

static json_t *host_json(const struct places *places, int ifindex, const struct device *device)
{
	bool xdp = device->sink_via != DEVICE_VIA_XDP || program_is_attached_xdp(PROGRAM_XDP_SINK, ifindex);
	bool sink = is_attached_tc(places, attach_sink(device), ifindex, device);
	json_t *object = attach_json(device);

	json_object_set_new(object, "hook", json_string(hook_name(device->hook)));
	json_object_set_new(object, "order", json_string(hook_order_name(device->order)));
	json_object_set_new(object, "side", json_string(device->peer_side ? "peer" : "own"));
	json_object_set_new(object, "via", json_string(device_via_name(device->sink_via)));
	json_object_set_new(object, "budget", json_integer(device->budget));
	json_object_set_new(object, "bulk_budget", json_integer(device->bulk_budget));
	json_object_set_new(object, "replies", json_boolean(device->replies));
	json_object_set_new(object, "lower_mtu", json_boolean(device->lower_mtu));
	json_object_set_new(object, "cgroup_id", json_integer((json_int_t)device->cgroup_id));
	json_object_set_new(object, "destinations", destinations_json(places));
	json_object_set_new(object, "reply_off_ports", reply_off_json(places));
	json_object_set_new(object, "stamp_attached",
			    json_boolean(is_attached_tc(places, attach_stamp(device), ifindex, device)));
	json_object_set_new(object, "sink_attached", json_boolean(sink && xdp));
	path_json(object, places->netns);
	json_object_set_new(object, "stamp", counters_json(places->netns, "stamp"));
	json_object_set_new(object, "sink", counters_json(places->netns, "sink"));
	return object;
}

int cmd_host_show(const struct options *options, int argc, char **argv)
{
	return attach_show(options, command_of(cmd_host_show), DEVICE_HOST, host_json, argc, argv);
}
