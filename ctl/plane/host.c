/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * hopspan host: stamp and sink on the devices of a sending and receiving host, and the socket option.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attach.h"
#include "counters.h"
#include "program.h"
#include "tc/sink.h"
#include "wire/encap.h"
#include "words.h"

/* The socket option of one cgroup, shared by all namespaces. */
static int sockopt_attach(const struct places *places, int cgroup_fd, uint64_t cgroup_id, const char *who)
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

static void sockopt_remove(const struct places *places, uint64_t cgroup_id)
{
	char folder[PATH_MAX];

	places_cgroup(places, cgroup_id, folder);
	places_empty(folder);
	rmdir(folder);
}

static bool words_prove(const struct words *words, const struct stamp_prefix *prefix)
{
	for (unsigned int i = 0; i < words->proved_count; i++)
		if (memcmp(prefix, &words->proved[i], sizeof(*prefix)) == 0)
			return true;
	return false;
}

/*
 * Makes the namespace's map what the words say: new prefixes first, then the old ones go, so that no packet meets a
 * gap. Words without any leave the prefixes as they are, but go by the way that they name.
 */
static int prefixes_set(int map, const struct words *words)
{
	struct stamp_policy policy = {
		.trust = STAMP_PROVED,
		.way = words->way,
		.hops = ENCAP_HOPS_USUAL,
		.first = 1,
		.shape = ENCAP_SHAPE_USUAL,
	};
	struct stamp_prefix old[STAMP_PREFIXES_MAX], *previous = NULL;
	unsigned int count = 0;

	for (unsigned int i = 0; i < words->proved_count; i++)
		if (bpf_map_update_elem(map, &words->proved[i], &policy, BPF_ANY))
			return -errno;
	while (count < STAMP_PREFIXES_MAX && bpf_map_get_next_key(map, previous, &old[count]) == 0)
		previous = &old[count++];
	for (unsigned int i = 0; i < count; i++)
		if (!words->proved_count)
			bpf_map_update_elem(map, &old[i], &policy, BPF_EXIST);
		else if (!words_prove(words, &old[i]))
			bpf_map_delete_elem(map, &old[i]);
	return 0;
}

static int budget_set(int map, long packets_per_second)
{
	struct stamp_budget budget = { .window_packets =
					   (uint64_t)packets_per_second * STAMP_BUDGET_WINDOW_NS / 1000000000 };
	uint32_t key = 0;

	budget.left = budget.window_packets;
	return bpf_map_update_elem(map, &key, &budget, BPF_ANY) ? -errno : 0;
}

/*
 * The sink of tc is always there, before XDP's: it does what XDP leaves to it. Where `auto` cannot have XDP it does all.
 */
static int sink_attach(const struct places *places, const struct words *words, const struct words_device *at,
		       const char *cgroup, struct device *device)
{
	enum device_via via = attach_via(words, at->name);
	struct sink_config config = { .self = device->self,
				      .replies = device->replies,
				      .via_xdp = via == DEVICE_VIA_XDP };
	struct bpf_object *object;
	int error = 0;

	if (via != DEVICE_VIA_XDP)
		error = program_detach_xdp(PROGRAM_XDP_SINK, at->ifindex);
	if (!error)
		error = program_load(PROGRAM_SINK, &config, sizeof(config), places->netns, cgroup, &object);
	if (error)
		return error;
	error = attach_tc(object, PROGRAM_SINK, at->ifindex, device);
	program_unload(object);
	if (!error && via == DEVICE_VIA_XDP) {
		error = attach_xdp(places, words, at, PROGRAM_XDP_SINK, &config, sizeof(config));
		if (!words->via && (error == -EOPNOTSUPP || error == -EBUSY)) {
			via = DEVICE_VIA_TC;
			error = 0;
		}
	}
	device->sink_via = via;
	return error;
}

/* Sink first: a host that stamps must be able to take its own replies back. */
static int host_attach(const struct places *places, const struct words *words, const struct words_device *at,
		       struct device *device)
{
	struct stamp_config stamp = { .self = device->self };
	char cgroup[PATH_MAX];
	struct bpf_object *object;
	int error;

	places_cgroup(places, device->cgroup_id, cgroup);
	error = sink_attach(places, words, at, cgroup, device);
	if (error)
		return error;
	error = program_load(PROGRAM_STAMP, &stamp, sizeof(stamp), places->netns, cgroup, &object);
	if (error)
		return error;
	error = prefixes_set(program_map(object, "stamp_prefix"), words);
	if (!error)
		error = budget_set(program_map(object, "stamp_budget"), words->budget);
	if (!error)
		error = attach_tc(object, PROGRAM_STAMP, at->ifindex, device);
	program_unload(object);
	return error;
}

static void host_detach(const struct places *places, int devices, int ifindex)
{
	struct device device;

	if (!device_get(devices, ifindex, &device) || !(device.roles & DEVICE_HOST))
		return;
	program_detach_tc(PROGRAM_STAMP, ifindex);
	program_detach_xdp(PROGRAM_XDP_SINK, ifindex);
	program_detach_tc(PROGRAM_SINK, ifindex);
	device_drop_role(devices, ifindex, DEVICE_HOST);
	if (!devices_use_cgroup(places, device.cgroup_id))
		sockopt_remove(places, device.cgroup_id);
}

static int host_up_device(const struct places *places, int devices, const struct words *words,
			  const struct words_device *at, uint64_t cgroup_id)
{
	struct device device = { 0 };
	uint64_t old_cgroup;
	int error;

	device_get(devices, at->ifindex, &device);
	old_cgroup = device.roles & DEVICE_HOST ? device.cgroup_id : cgroup_id;
	device.roles |= DEVICE_HOST;
	device.replies = words->replies;
	device.way = words->way;
	device.budget = (uint32_t)words->budget;
	device.cgroup_id = cgroup_id;
	error = attach_identify(words, at, &device);
	if (!error)
		error = device_set(devices, at->ifindex, &device);
	if (!error)
		error = host_attach(places, words, at, &device);
	if (error) {
		fprintf(stderr, "%s: %s: %s\n", words->who, at->name, strerror(-error));
		host_detach(places, devices, at->ifindex);
		return EXIT_FAILED;
	}
	device_set(devices, at->ifindex, &device);
	if (old_cgroup != cgroup_id && !devices_use_cgroup(places, old_cgroup))
		sockopt_remove(places, old_cgroup);
	return EXIT_DONE;
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
	devices = attach_open(&places, words.who);
	if (devices < 0 || sockopt_attach(&places, cgroup_fd, cgroup_id, words.who))
		status = EXIT_FAILED;
	for (unsigned int i = 0; !status && i < words.device_count; i++)
		status = host_up_device(&places, devices, &words, &words.devices[i], cgroup_id);
	if (status && devices >= 0 && !devices_use_cgroup(&places, cgroup_id))
		sockopt_remove(&places, cgroup_id);
	attach_close(&places, devices);
	close(cgroup_fd);
	return status;
}

int cmd_host_down(const struct options *options, int argc, char **argv)
{
	(void)options;
	return attach_down(command_of(cmd_host_down), DEVICE_HOST, host_detach, argc, argv);
}

static json_t *prefixes_json(const struct places *places)
{
	struct stamp_prefix prefix, *previous = NULL;
	json_t *list = json_array();
	char text[INET6_ADDRSTRLEN];
	int map = counters_open_map(places->netns, "stamp_prefix");

	while (map >= 0 && bpf_map_get_next_key(map, previous, &prefix) == 0) {
		inet_ntop(AF_INET6, prefix.address, text, sizeof(text));
		json_array_append_new(list, json_sprintf("%s/%u", text, prefix.prefix_len));
		previous = &prefix;
	}
	if (map >= 0)
		close(map);
	return list;
}

static json_t *host_json(const struct places *places, int ifindex, const struct device *device)
{
	bool xdp = device->sink_via != DEVICE_VIA_XDP || program_is_attached_xdp(PROGRAM_XDP_SINK, ifindex);
	bool sink = program_is_attached_tc(PROGRAM_SINK, ifindex);
	json_t *object = attach_json(device);

	json_object_set_new(object, "via", json_string(device_via_name(device->sink_via)));
	json_object_set_new(object, "way", json_string(words_way_name(device->way)));
	json_object_set_new(object, "carrier", json_string("snapshot"));
	json_object_set_new(object, "budget", json_integer(device->budget));
	json_object_set_new(object, "replies", json_boolean(device->replies));
	json_object_set_new(object, "cgroup_id", json_integer((json_int_t)device->cgroup_id));
	json_object_set_new(object, "proved", prefixes_json(places));
	json_object_set_new(object, "stamp_attached", json_boolean(program_is_attached_tc(PROGRAM_STAMP, ifindex)));
	json_object_set_new(object, "sink_attached", json_boolean(sink && xdp));
	json_object_set_new(object, "stamp", counters_json(places->netns, "stamp"));
	json_object_set_new(object, "sink", counters_json(places->netns, "sink"));
	return object;
}

int cmd_host_show(const struct options *options, int argc, char **argv)
{
	return attach_show(options, command_of(cmd_host_show), DEVICE_HOST, host_json, argc, argv);
}
