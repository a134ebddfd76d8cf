/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * hopspan router: arrival (XDP or tc ingress) and departure (tc egress) on the devices of a router.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "attach.h"
#include "clock.h"
#include "counters.h"
#include "namespaces.h"
#include "program.h"
#include "start.h"
#include "xdp/transit.h"

static int hook_tc(const struct places *places, enum program program, const struct transit_config *config, int ifindex,
		   struct device *device)
{
	struct bpf_object *object;
	int error = program_load(program, config, sizeof(*config), places->netns, NULL, &object);

	if (error)
		return error;
	error = attach_tc(places, object, program, ifindex, device);
	program_unload(object);
	return error;
}

static int arrive_attach(const struct places *places, const char *who, const struct words_device *at,
			 const struct transit_config *config, struct device *device)
{
	enum device_via via = attach_via(device->via_wanted, at->name);
	int error = 0;

	if (via == DEVICE_VIA_XDP) {
		error = attach_xdp(places, who, at, device->via_wanted, PROGRAM_XDP_TRANSIT, config, sizeof(*config));
		if (error == -EOPNOTSUPP && !device->via_wanted)
			via = DEVICE_VIA_TC; /* the driver has no native XDP */
	}
	if (via == DEVICE_VIA_TC)
		error = hook_tc(places, PROGRAM_TC_TRANSIT, config, at->ifindex, device);
	if (error)
		return error;
	device->via = via;
	return via == DEVICE_VIA_XDP ? detach_tc(places, PROGRAM_TC_TRANSIT, at->ifindex)
				     : program_detach_xdp(PROGRAM_XDP_TRANSIT, at->ifindex);
}

static void router_detach(const struct places *places, int devices, int ifindex)
{
	struct device device;

	if (!device_get(devices, ifindex, &device) || !(device.roles & DEVICE_ROUTER))
		return;
	program_detach_xdp(PROGRAM_XDP_TRANSIT, ifindex);
	detach_tc(places, PROGRAM_TC_TRANSIT, ifindex);
	detach_tc(places, PROGRAM_DEPART, ifindex);
	device_drop_role(devices, ifindex, DEVICE_ROUTER);
}

/* Departure first: what arrives then is completed. */
static int router_attach(const struct places *places, const char *who, const struct words_device *at,
			 struct device *device)
{
	struct transit_config config = { .self = device->self, .netns = (uint32_t)places->netns_cookie };
	int error = hook_tc(places, PROGRAM_DEPART, &config, at->ifindex, device);

	return error ? error : arrive_attach(places, who, at, &config, device);
}

int router_start(const struct places *places, int devices, const char *who, const struct words_device *at,
		 struct device *device)
{
	int error = device_set(devices, at->ifindex, device);

	if (!error)
		error = router_attach(places, who, at, device);
	if (error) {
		fprintf(stderr, "%s: %s: %s\n", who, at->name, strerror(-error));
		router_detach(places, devices, at->ifindex);
		return EXIT_FAILED;
	}
	device_set(devices, at->ifindex, device);
	devices_forget_name(places->netns, devices, at->name, at->ifindex);
	return EXIT_DONE;
}

static int router_up_device(const struct places *places, int devices, const struct words *words,
			    const struct words_device *at)
{
	struct device device = { 0 };
	int error;

	device_get(devices, at->ifindex, &device);
	device.roles |= DEVICE_ROUTER;
	device.node_id = (int32_t)words->node_id;
	device.via_wanted = words->via;
	error = attach_identify(words->who, at, &device);
	if (error) {
		fprintf(stderr, "%s: %s: %s\n", words->who, at->name, strerror(-error));
		return EXIT_FAILED;
	}
	if (device.self.id == 0xffffff && device.self.id_wide == 0xffffffffffffff) {
		fprintf(stderr, "%s: which node is this? node-id N, or node.yaml\n", words->who);
		return EXIT_FAILED;
	}
	attach_hook(places, at->ifindex, DEVICE_ROUTER, words->order, &device);
	return router_start(places, devices, words->who, at, &device);
}

int cmd_router_up(const struct options *options, int argc, char **argv)
{
	struct words words;
	struct places places;
	int devices, status = words_parse(&words, command_of(cmd_router_up), WORDS_ROUTER, false, argc, argv);

	(void)options;
	if (status || (status = words_check_machine(words.who)))
		return status;
	devices = attach_open(&places, &words);
	if (devices < 0)
		status = EXIT_FAILED;
	for (unsigned int i = 0; !status && i < words.device_count; i++)
		status = router_up_device(&places, devices, &words, &words.devices[i]);
	attach_close(&places, devices);
	return status;
}

int cmd_router_down(const struct options *options, int argc, char **argv)
{
	(void)options;
	return attach_down(command_of(cmd_router_down), DEVICE_ROUTER, router_detach, argc, argv);
}

static json_t *router_json(const struct places *places, int ifindex, const struct device *device)
{
	bool arrives = device->via == DEVICE_VIA_XDP ? program_is_attached_xdp(PROGRAM_XDP_TRANSIT, ifindex)
						     : is_attached_tc(places, PROGRAM_TC_TRANSIT, ifindex, device);
	json_t *object = attach_json(device);

	json_object_set_new(object, "interface_wide", json_integer(device->self.interface_wide));
	json_object_set_new(object, "namespaces", namespaces_json(places->netns));
	json_object_set_new(object, "clock_offset", json_integer(clock_offset_ns(places->netns)));
	json_object_set_new(object, "hook", json_string(hook_name(device->router_hook)));
	json_object_set_new(object, "order", json_string(hook_order_name(device->router_order)));
	json_object_set_new(object, "via", json_string(device_via_name(device->via)));
	json_object_set_new(object, "delay", json_string("before-queue"));
	json_object_set_new(object, "transit_attached", json_boolean(arrives));
	json_object_set_new(object, "depart_attached",
			    json_boolean(is_attached_tc(places, PROGRAM_DEPART, ifindex, device)));
	json_object_set_new(object, "transit", counters_json(places->netns, "transit"));
	json_object_set_new(object, "depart", counters_json(places->netns, "depart"));
	return object;
}

int cmd_router_show(const struct options *options, int argc, char **argv)
{
	return attach_show(options, command_of(cmd_router_show), DEVICE_ROUTER, router_json, argc, argv);
}
