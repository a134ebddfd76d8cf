/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * hopspan status: everything attached and every counter, in all network namespaces, and the DPDK forwarders.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "attach.h"
#include "counters.h"
#include "dpdk.h"
#include "forward.h"
#include "path/path_json.h"

static json_t *devices_json(const char *folder)
{
	json_t *list = json_array();
	int devices = devices_open(folder, false);

	if (devices < 0)
		return list;
	for (int i = device_next(devices, 0); i; i = device_next(devices, i)) {
		struct device device;
		json_t *object;

		if (!device_get(devices, i, &device))
			continue;
		object = attach_json(&device);
		json_object_set_new(object, "host", json_boolean(device.roles & DEVICE_HOST));
		json_object_set_new(object, "router", json_boolean(device.roles & DEVICE_ROUTER));
		json_object_set_new(object, "border", json_boolean(device.roles & DEVICE_BORDER));
		if (device.roles & DEVICE_HOST) {
			json_object_set_new(object, "hook", json_string(hook_name(device.hook)));
			json_object_set_new(object, "sink_via", json_string(device_via_name(device.sink_via)));
		}
		if (device.roles & DEVICE_ROUTER) {
			json_object_set_new(
			    object, "router_hook",
			    json_string(device.via == DEVICE_VIA_KERNEL ? "kernel" : hook_name(device.router_hook)));
			json_object_set_new(object, "transit_via", json_string(device_via_name(device.via)));
			json_object_set_new(object, "forward", json_string(forward_name(device.forward)));
		}
		if (device.roles & DEVICE_BORDER) {
			json_object_set_new(object, "border_hook", json_string(hook_name(device.border_hook)));
			json_object_set_new(object, "border_via", json_string(device_via_name(device.border_via)));
		}
		json_array_append_new(list, object);
	}
	close(devices);
	return list;
}

static void netns_json(const char *folder, const char *cookie, void *list)
{
	json_t *object = json_pack("{s:s, s:o}", "netns_cookie", cookie, "devices", devices_json(folder));

	for (int i = 0; i < COUNTERS_ROLES; i++) {
		json_t *counters = counters_json(folder, counters_roles[i]);

		if (json_object_size(counters))
			json_object_set(object, counters_roles[i], counters);
		json_decref(counters);
	}
	path_json(object, folder);
	json_array_append_new(list, object);
}

static void cgroup_json(const char *folder, const char *id, void *list)
{
	json_array_append_new(list,
			      json_pack("{s:s, s:o}", "cgroup_id", id, "sockopt", counters_json(folder, "sockopt")));
}

/* Of each folder below `root`/`kind`. */
static json_t *folders_json(const char *root, const char *kind,
			    void (*each)(const char *folder, const char *name, void *list))
{
	json_t *list = json_array();

	places_each(root, kind, each, list);
	return list;
}

/* An outcome's text for its name. */
static const char *text_of(const char *name)
{
	for (int i = 0; i < OUTCOME_COUNT; i++)
		if (strcmp(outcome_name(i), name) == 0)
			return outcome_text(i);
	return "";
}

static void counters_print(const char *role, json_t *counters)
{
	const char *name;
	json_t *counter;

	json_object_foreach (counters, name, counter)
		printf("  %-10s %12lld  %s\n", role, (long long)json_integer_value(counter), text_of(name));
}

static void netns_print(const json_t *netns)
{
	const json_t *device;
	size_t i;

	printf("network namespace %s\n", json_string_value(json_object_get(netns, "netns_cookie")));
	json_array_foreach (json_object_get(netns, "devices"), i, device) {
		const json_t *node = json_object_get(device, "node");

		printf("  %-15s", json_string_value(json_object_get(device, "dev")));
		if (json_is_true(json_object_get(device, "host")))
			printf(" host via %s, %s", json_string_value(json_object_get(device, "sink_via")),
			       json_string_value(json_object_get(device, "hook")));
		if (json_is_true(json_object_get(device, "router")))
			printf(" router via %s, %s, forward %s",
			       json_string_value(json_object_get(device, "transit_via")),
			       json_string_value(json_object_get(device, "router_hook")),
			       json_string_value(json_object_get(device, "forward")));
		if (json_is_true(json_object_get(device, "border")))
			printf(" border via %s, %s", json_string_value(json_object_get(device, "border_via")),
			       json_string_value(json_object_get(device, "border_hook")));
		printf(node ? ", node %lld\n" : "\n", (long long)json_integer_value(node));
	}
	for (int role = 0; role < COUNTERS_ROLES; role++)
		counters_print(counters_roles[role], json_object_get(netns, counters_roles[role]));
	path_print(netns, "  ");
}

int cmd_status(const struct options *options, int argc, char **argv)
{
	const struct command *command = command_of(cmd_status);
	struct places places;
	json_t *object, *netns, *cgroup;
	size_t i;
	int status;

	if (argc)
		return misuse(command, "unknown word \"%s\"", argv[0]);
	status = words_check_machine("hopspan status");
	if (status)
		return status;
	if (places_open(&places, 0, "hopspan status"))
		return EXIT_FAILED;
	object = json_pack("{s:o, s:o, s:o}", "namespaces", folders_json(places.root, "netns", netns_json), "cgroups",
			   folders_json(places.root, "cgroup", cgroup_json), "forwarders", dpdk_json());
	if (options->json) {
		json_dumpf(object, stdout, JSON_INDENT(2));
		putchar('\n');
	} else if (!json_array_size(json_object_get(object, "namespaces")) &&
		   !json_array_size(json_object_get(object, "forwarders"))) {
		puts("hopspan is not at work on this machine");
	} else {
		json_array_foreach (json_object_get(object, "namespaces"), i, netns)
			netns_print(netns);
		json_array_foreach (json_object_get(object, "cgroups"), i, cgroup) {
			printf("cgroup %s\n", json_string_value(json_object_get(cgroup, "cgroup_id")));
			counters_print("sockopt", json_object_get(cgroup, "sockopt"));
		}
		dpdk_print(json_object_get(object, "forwarders"));
	}
	json_decref(object);
	return EXIT_DONE;
}
