/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What `host`, `router` and `border` do alike: open the namespace's state, take a device down, show it.
 */
#ifndef HOPSPAN_ATTACH_H
#define HOPSPAN_ATTACH_H

#include "device.h"
#include "hook.h"
#include "words.h"

struct json_t;

/*
 * Folders and device list of this network namespace, made if need be, its clock and its IOAM namespaces as node.yaml
 * and the words have them: the fd of the list, or -errno, printed.
 */
int attach_open(struct places *places, const struct words *words);
void attach_close(const struct places *places, int devices);

/* 0, or -EEXIST where the kernel itself writes in one of these namespaces on the device, printed. */
int attach_kernel_check(const char *who, const char *name, const struct ioam6_namespaces *namespaces);

/* Fills device->self and name from node.yaml and device->node_id; -errno, printed. */
int attach_identify(const char *who, const struct words_device *at, struct device *device);

/* The one that a host's device has, by its side. */
enum program attach_stamp(const struct device *device);
enum program attach_sink(const struct device *device);

/* What the role's programs are attached to, and in which order, from here on. Detaches those that are not so. */
void attach_hook(const struct places *places, int ifindex, enum device_role role, enum hook_order order,
		 struct device *device);
int attach_tc(const struct places *places, struct bpf_object *object, enum program program, int ifindex,
	      struct device *device);
int detach_tc(const struct places *places, enum program program, int ifindex);
bool is_attached_tc(const struct places *places, enum program program, int ifindex, const struct device *device);

/* Where packets that come in are met: as wanted, else as the device's driver asks. */
enum device_via attach_via(enum device_via wanted, const char *device, uint8_t *why);

/* The same for what has to stand behind the device's border, if it has one: XDP would be before that. */
enum device_via attach_via_behind(enum device_via wanted, const struct device *device, uint8_t *why);

/* Is XDP wanted of a device with a border? -EBUSY, printed. */
int attach_check_via(const char *who, enum device_via wanted, const struct device *device);

/* Loads an XDP program and attaches it. -EBUSY and, where XDP is wanted and no other, -EOPNOTSUPP were printed. */
int attach_xdp(const struct places *places, const char *who, const struct words_device *at, enum device_via wanted,
	       enum program program, const void *config, size_t len);

/* The verb `down`, of one device or all of the role. */
int attach_down(const struct command *command, enum device_role role,
		void (*detach)(const struct places *places, int devices, int ifindex), int argc, char **argv);

/* The verb `show`: `json` describes one device; text is made from the same object. */
int attach_show(const struct options *options, const struct command *command, enum device_role role,
		struct json_t *(*json)(const struct places *places, int ifindex, const struct device *device), int argc,
		char **argv);

/* What every device has: name, node, interface, namespace. */
struct json_t *attach_json(const struct device *device);

#endif
