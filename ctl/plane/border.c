/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * hopspan border: what of our options may come in and go out by a device that leads out of the domain.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attach.h"
#include "counters.h"
#include "namespaces.h"
#include "program.h"
#include "rules.h"
#include "start.h"

static struct border_config config_of(const struct places *places, const struct device *device, int ifindex,
				      bool egress)
{
	struct border_config config = { .self = device->self, .place = border_place((uint32_t)ifindex, egress) };
	struct plane_namespaces *now = calloc(1, sizeof(*now));

	if (now && namespaces_get(places->netns, now) == 0)
		for (unsigned int i = 0; i < now->node.count; i++)
			config.ours.namespaces[config.ours.namespace_count++] = now->node.list[i].id;
	if (!config.ours.namespace_count)
		config.ours.namespaces[config.ours.namespace_count++] = device->self.namespace;
	free(now);
	return config;
}

/* With `rules`, they are the device's before the program is there. */
static int hook_tc(const struct places *places, enum program program, int ifindex, struct device *device,
		   const struct rules *rules)
{
	struct border_config config = config_of(places, device, ifindex, program_is_egress(program));
	struct bpf_object *object;
	int error = program_load(program, &config, sizeof(config), places->netns, NULL, &object);

	if (error)
		return error;
	if (rules)
		error = rules_write(rules, program_map(object, "border_rules"), ifindex);
	if (!error)
		error = attach_tc(places, object, program, ifindex, device);
	program_unload(object);
	return error;
}

/* XDP only ever comes before tc's, which is there in any case and does what XDP leaves to it. */
static int hook_xdp(const struct places *places, const char *who, const struct words_device *at, struct device *device)
{
	struct border_config config = config_of(places, device, at->ifindex, false);
	uint8_t why;
	int error;

	device->border_via = DEVICE_VIA_TC;
	if (attach_via(device->border_via_wanted, at->name, &why) != DEVICE_VIA_XDP)
		return program_detach_xdp(PROGRAM_XDP_BORDER, at->ifindex);
	error = attach_xdp(places, who, at, device->border_via_wanted, PROGRAM_XDP_BORDER, &config, sizeof(config));
	if (!device->border_via_wanted && (error == -EOPNOTSUPP || error == -EBUSY))
		return 0;
	if (!error)
		device->border_via = DEVICE_VIA_XDP;
	return error;
}

static int border_attach(const struct places *places, const char *who, const struct words_device *at,
			 struct device *device, const struct rules *rules)
{
	int error = hook_tc(places, PROGRAM_BORDER_OUT, at->ifindex, device, rules);

	if (!error)
		error = hook_tc(places, PROGRAM_BORDER_IN, at->ifindex, device, NULL);
	return error ? error : hook_xdp(places, who, at, device);
}

static void border_detach(const struct places *places, int devices, int ifindex)
{
	struct device device;

	if (!device_get(devices, ifindex, &device) || !(device.roles & DEVICE_BORDER))
		return;
	program_detach_xdp(PROGRAM_XDP_BORDER, ifindex);
	detach_tc(places, PROGRAM_BORDER_IN, ifindex);
	detach_tc(places, PROGRAM_BORDER_OUT, ifindex);
	rules_remove(places->netns, ifindex);
	device.border_hook = 0;
	device_set(devices, ifindex, &device);
	device_drop_role(devices, ifindex, DEVICE_BORDER);
}

int border_start(const struct places *places, int devices, const char *who, const struct words_device *at,
		 struct device *device, const struct rules *rules)
{
	struct device before;
	bool was_up = device_get(devices, at->ifindex, &before) && before.roles & DEVICE_BORDER;
	int error = device_set(devices, at->ifindex, device);

	if (!error)
		error = border_attach(places, who, at, device, rules);
	if (error) {
		fprintf(stderr, "%s: %s: %s\n", who, at->name, strerror(-error));
		if (!was_up)
			border_detach(places, devices, at->ifindex);
		return EXIT_FAILED;
	}
	device_set(devices, at->ifindex, device);
	devices_forget_name(places->netns, devices, at->name, at->ifindex);
	return EXIT_DONE;
}

/* Not where the kernel is the router. */
static bool has_router_programs(const struct device *device)
{
	return device->roles & DEVICE_ROUTER && device->via != DEVICE_VIA_KERNEL;
}

/* What of ours is at work on the device stands on its inner side, or there is no border. */
static int place_check(const char *who, const char *name, struct device *device)
{
	bool host = device->roles & DEVICE_HOST, router = has_router_programs(device);
	bool sink_xdp = host && device->sink_via == DEVICE_VIA_XDP;

	if (sink_xdp || (router && device->via == DEVICE_VIA_XDP)) {
		fprintf(stderr,
			"%s: %s: the %s's XDP program would be before the border: first hopspan %s up ... via tc\n",
			who, name, sink_xdp ? "host" : "router", sink_xdp ? "host" : "router");
		return -EBUSY;
	}
	if (host && router && device->hook != device->router_hook) {
		fprintf(stderr,
			"%s: %s: host and router are on different hooks, tcx and clsact: up one of them again\n", who,
			name);
		return -EBUSY;
	}
	return 0;
}

static int border_up_device(const struct places *places, int devices, const struct words *words,
			    const struct words_device *at)
{
	struct device device = { .node_id = -1 };
	int error;

	device_get(devices, at->ifindex, &device);
	if (place_check(words->who, at->name, &device))
		return EXIT_FAILED;
	if (!(device.roles & DEVICE_BORDER))
		device.border_hook = device.roles & DEVICE_HOST	    ? device.hook
				     : has_router_programs(&device) ? device.router_hook
								    : (uint8_t)hook_choose(at->ifindex);
	device.roles |= DEVICE_BORDER;
	device.border_via_wanted = words->via;
	error = attach_identify(words->who, at, &device);
	if (error) {
		fprintf(stderr, "%s: %s: %s\n", words->who, at->name, strerror(-error));
		return EXIT_FAILED;
	}
	return border_start(places, devices, words->who, at, &device, &words->rules);
}

int cmd_border_up(const struct options *options, int argc, char **argv)
{
	struct words words;
	struct places places;
	int devices, status = words_parse(&words, command_of(cmd_border_up), WORDS_BORDER, false, argc, argv);

	(void)options;
	if (status || (status = words_check_machine(words.who)))
		return status;
	rules_add_defaults(&words.rules);
	devices = attach_open(&places, &words);
	if (devices < 0)
		status = EXIT_FAILED;
	for (unsigned int i = 0; !status && i < words.device_count; i++)
		status = border_up_device(&places, devices, &words, &words.devices[i]);
	attach_close(&places, devices);
	return status;
}

int cmd_border_down(const struct options *options, int argc, char **argv)
{
	(void)options;
	return attach_down(command_of(cmd_border_down), DEVICE_BORDER, border_detach, argc, argv);
}

static json_t *border_json(const struct places *places, int ifindex, const struct device *device)
{
	bool xdp = device->border_via != DEVICE_VIA_XDP || program_is_attached_xdp(PROGRAM_XDP_BORDER, ifindex);
	json_t *object = attach_json(device);
	struct rules rules;

	rules_read(places->netns, ifindex, &rules);
	json_object_set_new(object, "hook", json_string(hook_name(device->border_hook)));
	json_object_set_new(object, "via", json_string(device_via_name(device->border_via)));
	json_object_set_new(object, "in", rules_json(&rules, false));
	json_object_set_new(object, "out", rules_json(&rules, true));
	json_object_set_new(object, "in_attached",
			    json_boolean(xdp && is_attached_tc(places, PROGRAM_BORDER_IN, ifindex, device)));
	json_object_set_new(object, "out_attached",
			    json_boolean(is_attached_tc(places, PROGRAM_BORDER_OUT, ifindex, device)));
	json_object_set_new(object, "border_in", counters_json(places->netns, "border_in"));
	json_object_set_new(object, "border_out", counters_json(places->netns, "border_out"));
	return object;
}

int cmd_border_show(const struct options *options, int argc, char **argv)
{
	return attach_show(options, command_of(cmd_border_show), DEVICE_BORDER, border_json, argc, argv);
}
