/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What `host`, `router` and `border` share: the namespace's state, taking devices down, showing them. */
#include "attach.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "identity.h"
#include "path/path_json.h"
#include "clock.h"
#include "kernel.h"
#include "namespaces.h"
#include "netlink.h"
#include "wait.h"

/* The kernel's own entry beside ours would be a second one of the same node. */
static int kernel_check(const struct places *places, const char *who, const struct ioam6_namespaces *namespaces)
{
	int devices = devices_open(places->netns, false), error = 0;
	struct device device;

	for (int i = devices < 0 ? 0 : device_next(devices, 0); i && !error; i = device_next(devices, i))
		if (device_get(devices, i, &device) && device.roles & DEVICE_ROUTER && device.via != DEVICE_VIA_KERNEL)
			error = attach_kernel_check(who, device.name, namespaces);
	if (devices >= 0)
		close(devices);
	return error;
}

int attach_kernel_check(const char *who, const char *name, const struct ioam6_namespaces *namespaces)
{
	int id = kernel_writes(name, namespaces);

	if (id < 0)
		return 0;
	fprintf(stderr,
		"%s: %s: the kernel itself writes there in namespace %d (sysctl net.ipv6.conf.%s.ioam6_enabled)\n", who,
		name, id, name);
	return -EEXIST;
}

/* What all programs of the namespace read: there before the first of them, and changed under those that run. */
static int netns_identify(const struct places *places, const struct words *words)
{
	struct identity *identity = NULL;
	int error = identity_read(NULL, &identity);

	if (error)
		return error;
	if (kernel_check(places, words->who, identity_namespaces(identity))) {
		identity_free(identity);
		return -EEXIST;
	}
	error = clock_set(places->netns,
			  words->has_clock_offset ? words->clock_offset_ns : identity_clock_offset(identity));
	if (!error)
		error = namespaces_set(places->netns, identity_namespaces(identity));
	identity_free(identity);
	if (error)
		fprintf(stderr, "%s: BPF maps: %s%s\n", words->who, strerror(-error),
			error == -EPERM ? ": this machine does not allow BPF" : "");
	return error;
}

int attach_open(struct places *places, const struct words *words)
{
	int error, devices;

	places_lock();
	error = places_open(places, 1, words->who);
	if (error)
		return error;
	error = netns_identify(places, words);
	if (error)
		return error;
	devices = devices_open(places->netns, true);
	if (devices < 0)
		fprintf(stderr, "%s: BPF maps: %s\n", words->who, strerror(-devices));
	return devices;
}

void attach_close(const struct places *places, int devices)
{
	if (devices >= 0 && !device_next(devices, 0))
		places_empty(places->netns);
	if (devices >= 0)
		close(devices);
	places_tidy(places);
}

/* Attached to a device without IPv6 all would stay silent, so it is said; it may get its addresses later. */
static void ipv6_check(const char *who, const char *dev)
{
	char path[sizeof("/proc/sys/net/ipv6/conf//disable_ipv6") + IFNAMSIZ];
	FILE *file;
	int disabled;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/disable_ipv6", dev);
	file = fopen(path, "re");
	disabled = file ? fgetc(file) : '0';
	if (file)
		fclose(file);
	if (disabled == '1')
		fprintf(stderr, "%s: %s: IPv6 is switched off there (sysctl net.ipv6.conf.%s.disable_ipv6=0)\n", who,
			dev, dev);
}

int attach_identify(const char *who, const struct words_device *at, struct device *device)
{
	struct identity *identity;
	int error = identity_read(NULL, &identity), link_len = netlink_link_len(at->name);

	if (error)
		return error;
	identity_fill(identity, at->name, at->ifindex, &device->self);
	identity_free(identity);
	if (link_len < 0)
		return link_len;
	if (device->node_id >= 0)
		device->self.id = (uint32_t)device->node_id;
	device->self.link_len = (uint8_t)link_len;
	device->self.kfuncs = program_kernel_has_casts();
	device->self.direct = netlink_is_direct(at->ifindex);
	strcpy(device->name, at->name);
	ipv6_check(who, at->name);
	return 0;
}

enum program attach_stamp(const struct device *device)
{
	return device->peer_side ? PROGRAM_STAMP_PEER : PROGRAM_STAMP;
}

enum program attach_sink(const struct device *device)
{
	return device->peer_side ? PROGRAM_SINK_PEER : PROGRAM_SINK;
}

/* Detaches what is not as it is wanted now. Only on one hook all of ours have an order: that of the border, if any. */
static void hook_change(const struct places *places, int ifindex, enum program first, enum program last,
			enum hook_order order, uint8_t border_hook, uint8_t *hook, uint8_t *order_now)
{
	enum hook wanted = border_hook ? border_hook : hook_choose(ifindex);

	if (*hook && (*hook != wanted || *order_now != order))
		for (enum program program = first; program <= last; program++)
			hook_detach(program, ifindex, places->netns);
	*hook = (uint8_t)wanted;
	*order_now = (uint8_t)order;
}

void attach_hook(const struct places *places, int ifindex, enum device_role role, enum hook_order order,
		 struct device *device)
{
	if (role == DEVICE_HOST)
		hook_change(places, ifindex, PROGRAM_STAMP, PROGRAM_SINK_PEER, order, device->border_hook,
			    &device->hook, &device->order);
	else
		hook_change(places, ifindex, PROGRAM_TC_TRANSIT, PROGRAM_DEPART, order, device->border_hook,
			    &device->router_hook, &device->router_order);
}

static bool is_of_host(enum program program)
{
	return program >= PROGRAM_STAMP && program <= PROGRAM_SINK_PEER;
}

static enum hook hook_of(enum program program, const struct device *device)
{
	if (program_is_border(program))
		return device->border_hook;
	return is_of_host(program) ? device->hook : device->router_hook;
}

int attach_tc(const struct places *places, struct bpf_object *object, enum program program, int ifindex,
	      struct device *device)
{
	enum hook hook = hook_of(program, device);
	enum hook_order order = is_of_host(program) ? device->order : device->router_order;
	bool made_clsact;
	int error = hook_attach(object, program, ifindex, places->netns, hook, order, &made_clsact);

	device->made_clsact |= made_clsact;
	return error;
}

int detach_tc(const struct places *places, enum program program, int ifindex)
{
	return hook_detach(program, ifindex, places->netns);
}

bool is_attached_tc(const struct places *places, enum program program, int ifindex, const struct device *device)
{
	return hook_is_attached(program, ifindex, places->netns, hook_of(program, device));
}

/* XDP where the driver runs it and it costs nothing; on veth it would turn the peer's segmentation offload off. */
enum device_via attach_via(enum device_via wanted, const char *device, uint8_t *why)
{
	char driver[32] = "";
	bool veth;

	*why = DEVICE_WHY_WORD;
	if (wanted)
		return wanted;
	netlink_driver(device, driver, sizeof(driver));
	veth = strcmp(driver, "veth") == 0;
	*why = veth ? DEVICE_WHY_VETH : DEVICE_WHY_DRIVER;
	return veth ? DEVICE_VIA_TC : DEVICE_VIA_XDP;
}

enum device_via attach_via_behind(enum device_via wanted, const struct device *device, uint8_t *why)
{
	enum device_via via = attach_via(wanted, device->name, why);

	if (!(device->roles & DEVICE_BORDER) || via == DEVICE_VIA_TC)
		return via;
	*why = DEVICE_WHY_BORDER;
	return DEVICE_VIA_TC;
}

int attach_check_via(const char *who, enum device_via wanted, const struct device *device)
{
	if (wanted != DEVICE_VIA_XDP || !(device->roles & DEVICE_BORDER))
		return 0;
	fprintf(stderr, "%s: %s: there is a border, and XDP would be before it: via tc\n", who, device->name);
	return -EBUSY;
}

int attach_xdp(const struct places *places, const char *who, const struct words_device *at, enum device_via wanted,
	       enum program program, const void *config, size_t len)
{
	char other[PROGRAM_NAME_LEN] = "";
	struct bpf_object *object;
	int error = program_load(program, config, len, places->netns, NULL, &object);

	if (error)
		return error;
	error = program_attach_xdp(object, program, at->ifindex, other);
	program_unload(object);
	if (error == -EBUSY && wanted)
		fprintf(stderr, "%s: %s: another XDP program is there%s%s: try via tc\n", who, at->name,
			*other ? ", " : "", strcmp(other, "xdp_dispatcher") == 0 ? "libxdp's dispatcher" : other);
	if (error == -EOPNOTSUPP && wanted)
		fprintf(stderr, "%s: %s: no XDP in its driver: try via tc\n", who, at->name);
	return error;
}

/* The devices that the words name, also those that are gone, or all of the role: how many, or -ENODEV, printed. */
static int devices_chosen(const struct words *words, int devices, enum device_role role, int *chosen)
{
	int count = 0;
	struct device device;

	for (unsigned int i = 0; i < words->device_count; i++) {
		const struct words_device *at = &words->devices[i];
		int ifindex = at->ifindex;

		if (devices >= 0 && (!ifindex || !device_get(devices, ifindex, &device)))
			ifindex = device_by_name(devices, at->name);
		if (!ifindex && !at->ifindex) {
			fprintf(stderr, "%s: %s: no such device\n", words->who, at->name);
			return -ENODEV;
		}
		chosen[count++] = ifindex;
	}
	if (words->device_count || devices < 0)
		return count;
	for (int i = device_next(devices, 0); i && count < WORDS_DEVICES_MAX; i = device_next(devices, i))
		if (device_get(devices, i, &device) && device.roles & role)
			chosen[count++] = i;
	return count;
}

int attach_down(const struct command *command, enum device_role role,
		void (*detach)(const struct places *places, int devices, int ifindex), int argc, char **argv)
{
	int chosen[WORDS_DEVICES_MAX], devices, status, count;
	struct words words;
	struct places places;

	status = words_parse(&words, command, 0, true, argc, argv);
	if (status || (status = words_check_machine(words.who)))
		return status;
	places_lock();
	if (places_open(&places, 0, words.who))
		return EXIT_FAILED;
	devices = devices_open(places.netns, false);
	count = devices_chosen(&words, devices, role, chosen);
	if (devices < 0)
		return count < 0 ? EXIT_FAILED : EXIT_DONE; /* hopspan is not at work here */
	status = count < 0 ? EXIT_FAILED : EXIT_DONE;
	for (; count > 0; count--)
		detach(&places, devices, chosen[count - 1]);
	attach_close(&places, devices);
	return status;
}

json_t *attach_json(const struct device *device)
{
	const struct plane_node *self = &device->self;
	json_t *object = json_pack("{s:s, s:i, s:i}", "dev", device->name, "interface", self->interface, "namespace",
				   self->namespace);

	if (self->id < 0xffffff)
		json_object_set_new(object, "node", json_integer(self->id));
	if (self->id_wide < 0xffffffffffffff)
		json_object_set_new(object, "node_wide", json_sprintf("%llu", (unsigned long long)self->id_wide));
	return object;
}

/* One value, as it stands behind its name. */
static void scalar_print(const json_t *value)
{
	if (json_is_string(value))
		printf(" %s", json_string_value(value));
	else if (json_is_boolean(value))
		printf(" %s", json_is_true(value) ? "yes" : "no");
	else
		printf(" %lld", (long long)json_integer_value(value));
}

/* A line: the first member names the rest. */
static void row_print(json_t *row)
{
	const char *name;
	json_t *member;
	bool first = true;

	json_object_foreach (row, name, member) {
		if (first && json_is_string(member))
			printf("      %-22s", json_string_value(member));
		else if (first)
			printf("      %-22lld", (long long)json_integer_value(member));
		else
			printf(" %s", name), scalar_print(member);
		first = false;
	}
	putchar('\n');
}

/* One value as text: rows and counters a line each. */
static void value_print(const char *key, json_t *value)
{
	bool rows = json_is_object(json_array_get(value, 0));
	const char *name;
	json_t *member;
	size_t i;

	printf(rows || json_is_object(value) ? "    %s\n" : "    %-24s", key);
	if (json_is_object(value)) {
		json_object_foreach (value, name, member)
			printf("      %-22s %12lld\n", name, (long long)json_integer_value(member));
		return;
	}
	json_array_foreach (value, i, member)
		rows ? row_print(member) : scalar_print(member);
	if (rows)
		return;
	if (!json_is_array(value))
		scalar_print(value);
	putchar('\n');
}

static void attach_print(const json_t *device)
{
	const char *key;
	json_t *value;

	printf("%s\n", json_string_value(json_object_get(device, "dev")));
	json_object_foreach ((json_t *)device, key, value)
		if (strcmp(key, "queues") == 0)
			wait_print(value, "      ");
		else if (strcmp(key, "dev") != 0 && strcmp(key, "paths") != 0)
			value_print(key, value);
	path_print(device, "    ");
}

int attach_show(const struct options *options, const struct command *command, enum device_role role,
		json_t *(*json)(const struct places *places, int ifindex, const struct device *device), int argc,
		char **argv)
{
	int chosen[WORDS_DEVICES_MAX], devices, status, count;
	struct words words;
	struct places places;
	json_t *list = json_array();

	status = words_parse(&words, command, 0, true, argc, argv);
	if (!status)
		status = words_check_machine(words.who);
	if (!status && places_open(&places, 0, words.who))
		status = EXIT_FAILED;
	devices = status ? -1 : devices_open(places.netns, false);
	count = status ? 0 : devices_chosen(&words, devices, role, chosen);
	if (count < 0)
		status = EXIT_FAILED;
	for (int i = 0; devices >= 0 && i < count; i++) {
		struct device device;
		json_t *object;

		if (!device_get(devices, chosen[i], &device) || !(device.roles & role))
			continue;
		object = json(&places, chosen[i], &device);
		json_array_append(list, object);
		if (!options->json)
			attach_print(object);
		json_decref(object);
	}
	if (devices >= 0)
		close(devices);
	if (!status && options->json)
		json_dumpf(list, stdout, JSON_INDENT(2)), putchar('\n');
	else if (!status && !json_array_size(list))
		fprintf(stderr, "%s: not at work here\n", words.who);
	json_decref(list);
	return status;
}
