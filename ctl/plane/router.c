/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * hopspan router: arrival (XDP or tc ingress) and departure (tc egress) on the devices of a router.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attach.h"
#include "clock.h"
#include "counters.h"
#include "forward.h"
#include "identity.h"
#include "kernel.h"
#include "namespaces.h"
#include "program.h"
#include "start.h"
#include "wait.h"
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

/* `auto` goes by tc where the driver has no XDP, or somebody else has it. */
static bool arrive_falls_back(int error, struct device *device)
{
	if (device->via_wanted || (error != -EOPNOTSUPP && error != -EBUSY))
		return false;
	device->via_why = error == -EBUSY ? DEVICE_WHY_OTHERS : DEVICE_WHY_NO_DRIVER;
	return true;
}

static int arrive_attach(const struct places *places, const char *who, const struct words_device *at,
			 const struct transit_config *config, struct device *device)
{
	enum device_via via = attach_via_behind(device->via_wanted, device, &device->via_why);
	int error = 0;

	if (via == DEVICE_VIA_XDP) {
		error = attach_xdp(places, who, at, device->via_wanted, PROGRAM_XDP_TRANSIT, config, sizeof(*config));
		if (arrive_falls_back(error, device))
			via = DEVICE_VIA_TC;
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
	if (device.via == DEVICE_VIA_KERNEL)
		kernel_detach(places, devices, ifindex, &device);
	forward_close(places, ifindex);
	program_detach_xdp(PROGRAM_XDP_TRANSIT, ifindex);
	detach_tc(places, PROGRAM_TC_TRANSIT, ifindex);
	detach_tc(places, PROGRAM_DEPART, ifindex);
	wait_stop(places->netns, ifindex);
	device_drop_role(devices, ifindex, DEVICE_ROUTER);
}

/* Departure first: what arrives then is completed. The way out by XDP is last to open and first to close. */
static int router_attach(const struct places *places, const char *who, const struct words_device *at,
			 struct device *device)
{
	struct transit_config config = { .self = device->self, .netns = (uint32_t)places->netns_cookie };
	int error;

	if (device->via_wanted == DEVICE_VIA_KERNEL)
		return kernel_attach(places, who, device);
	forward_configure(device, &config);
	if (device->forward != FORWARD_XDP)
		forward_close(places, at->ifindex);
	error = hook_tc(places, PROGRAM_DEPART, &config, at->ifindex, device);
	if (!error && device->wait_measured)
		error = wait_start(places, who, at, &device->self);
	else
		wait_stop(places->netns, at->ifindex);
	if (!error)
		error = arrive_attach(places, who, at, &config, device);
	return error || device->forward != FORWARD_XDP ? error : forward_open(places, at->ifindex, device);
}

/* The devices map knows of it before it is done, so that it will be undone. */
int router_start(const struct places *places, int devices, const char *who, const struct words_device *at,
		 struct device *device)
{
	int error;

	if (device->via_wanted == DEVICE_VIA_KERNEL)
		device->via = DEVICE_VIA_KERNEL;
	error = device_set(devices, at->ifindex, device);
	if (!error)
		error = router_attach(places, who, at, device);
	device_set(devices, at->ifindex, device);
	if (error) {
		fprintf(stderr, "%s: %s: %s\n", who, at->name, strerror(-error));
		router_detach(places, devices, at->ifindex);
		return EXIT_FAILED;
	}
	devices_forget_name(places->netns, devices, at->name, at->ifindex);
	return EXIT_DONE;
}

/* Two entries of one node in a packet are none that anybody could read. */
static bool router_conflicts(const struct places *places, const struct words *words, const struct words_device *at,
			     const struct device *device)
{
	bool kernel = words->via == DEVICE_VIA_KERNEL, conflicts = false;
	struct plane_namespaces *now;

	if (device->roles & DEVICE_ROUTER && device->via && (device->via == DEVICE_VIA_KERNEL) != kernel) {
		fprintf(stderr, "%s: %s: %s is at work there, both would write into each packet: router down dev %s\n",
			words->who, at->name, kernel ? "hopspan's transit" : "the kernel's IOAM", at->name);
		return true;
	}
	now = kernel ? NULL : calloc(1, sizeof(*now));
	if (now && namespaces_get(places->netns, now) == 0)
		conflicts = attach_kernel_check(words->who, at->name, &now->node);
	free(now);
	return conflicts;
}

static int router_up_device(const struct places *places, int devices, const struct words *words,
			    const struct words_device *at)
{
	struct device device = { 0 };
	int error, status;

	device_get(devices, at->ifindex, &device);
	if (router_conflicts(places, words, at, &device))
		return EXIT_FAILED;
	device.roles |= DEVICE_ROUTER;
	device.node_id = (int32_t)words->node_id;
	device.forward = (uint8_t)words->forward;
	device.via_wanted = words->forward == FORWARD_XDP ? DEVICE_VIA_XDP : words->via;
	device.wait_measured = words->wait_measured;
	error = attach_identify(words->who, at, &device);
	if (error) {
		fprintf(stderr, "%s: %s: %s\n", words->who, at->name, strerror(-error));
		return EXIT_FAILED;
	}
	if (device.self.id == 0xffffff && device.self.id_wide == 0xffffffffffffff) {
		fprintf(stderr, "%s: which node is this? node-id N, or node.yaml\n", words->who);
		return EXIT_FAILED;
	}
	if (attach_check_via(words->who, words->via, &device) || forward_check(words->who, at, &device))
		return EXIT_FAILED;
	if (words->via != DEVICE_VIA_KERNEL)
		attach_hook(places, at->ifindex, DEVICE_ROUTER, words->order, &device);
	status = router_start(places, devices, words->who, at, &device);
	if (!status && device.via_why)
		printf("%s: via %s: %s\n", at->name, device_via_name(device.via), device_why_text(device.via_why));
	if (!status)
		forward_warn(places, words->who, at->ifindex, &device);
	return status;
}

/* Without a device: those that node.yaml names. */
static int kernel_devices_add(struct words *words)
{
	struct identity *identity = NULL;
	int status = EXIT_DONE;

	if (words->device_count)
		return EXIT_DONE;
	if (identity_read(NULL, &identity))
		return EXIT_FAILED;
	for (unsigned int i = 0; !status && identity_interface(identity, i); i++)
		status = words_add(words, identity_interface(identity, i));
	identity_free(identity);
	if (!status && !words->device_count)
		status = misuse(command_of(cmd_router_up), "which device? dev DEV, or interfaces in node.yaml");
	return status;
}

/* `router up kernel`: all that is left to choose is the devices. */
static int kernel_words_check(struct words *words)
{
	if (words->via)
		return misuse(command_of(cmd_router_up), "via: the kernel it is");
	if (words->order)
		return misuse(command_of(cmd_router_up), "order: the kernel has no hooks for its own");
	if (words->has_clock_offset && words->clock_offset_ns)
		return misuse(command_of(cmd_router_up), "clock-offset: the kernel writes its own time");
	if (words->wait_measured)
		return misuse(command_of(cmd_router_up),
			      "wait measured: the kernel writes no departure to measure from");
	if (words->forward == FORWARD_XDP)
		return misuse(command_of(cmd_router_up), "forward: the kernel it is");
	words->via = DEVICE_VIA_KERNEL;
	return kernel_devices_add(words);
}

int cmd_router_up(const struct options *options, int argc, char **argv)
{
	bool kernel = argc && strcmp(argv[0], "kernel") == 0;
	struct words words;
	struct places places;
	int devices, status;

	(void)options;
	status = words_parse(&words, command_of(cmd_router_up), WORDS_ROUTER, kernel, argc - kernel, argv + kernel);
	if (kernel && !status)
		status = kernel_words_check(&words);
	if (!status && words.forward == FORWARD_XDP && words.via == DEVICE_VIA_TC)
		status = misuse(command_of(cmd_router_up), "forward xdp: not via tc");
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

static bool router_arrives(const struct places *places, int ifindex, const struct device *device)
{
	if (device->via == DEVICE_VIA_KERNEL)
		return kernel_is_attached(device);
	return device->via == DEVICE_VIA_XDP ? program_is_attached_xdp(PROGRAM_XDP_TRANSIT, ifindex)
					     : is_attached_tc(places, PROGRAM_TC_TRANSIT, ifindex, device);
}

/* What hopspan's own programs do on the device. */
static void transit_json(json_t *object, const struct places *places, int ifindex, const struct device *device)
{
	json_object_set_new(object, "clock_offset", json_integer(clock_offset_ns(places->netns)));
	json_object_set_new(object, "hook", json_string(hook_name(device->router_hook)));
	json_object_set_new(object, "order", json_string(hook_order_name(device->router_order)));
	forward_json(places, ifindex, device, object);
	json_object_set_new(object, "depart_attached",
			    json_boolean(is_attached_tc(places, PROGRAM_DEPART, ifindex, device)));
	wait_json(object, places->netns, ifindex, device->wait_measured);
	json_object_set_new(object, "transit", counters_json(places->netns, "transit"));
	json_object_set_new(object, "depart", counters_json(places->netns, "depart"));
}

static json_t *router_json(const struct places *places, int ifindex, const struct device *device)
{
	bool kernel = device->via == DEVICE_VIA_KERNEL;
	json_t *object = attach_json(device);

	json_object_set_new(object, "interface_wide", json_integer(device->self.interface_wide));
	json_object_set_new(object, "via", json_string(device_via_name(device->via)));
	if (device->via_why)
		json_object_set_new(object, "why", json_string(device_why_text(device->via_why)));
	json_object_set_new(object, "delay", json_string(kernel ? "none" : "before-queue"));
	json_object_set_new(object, "namespaces", kernel ? kernel_namespaces_json() : namespaces_json(places->netns));
	json_object_set_new(object, "transit_attached", json_boolean(router_arrives(places, ifindex, device)));
	if (!kernel)
		transit_json(object, places, ifindex, device);
	return object;
}

int cmd_router_show(const struct options *options, int argc, char **argv)
{
	return attach_show(options, command_of(cmd_router_show), DEVICE_ROUTER, router_json, argc, argv);
}
