/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The fast path of a router's device (xdp/forward.h): whether it can have it, and its entry in the maps. */
#ifndef HOPSPAN_FORWARD_H
#define HOPSPAN_FORWARD_H

#include "device.h"
#include "words.h"
#include "xdp/transit.h"

struct json_t;

/* "kernel" or "xdp" */
const char *forward_name(enum forward forward);

/* What the program is to know. */
void forward_configure(const struct device *device, struct transit_config *config);

/* Can this device have it here? 0 or -errno, printed. */
int forward_check(const char *who, const struct words_device *at, const struct device *device);

/* The device's program is attached: from here on XDP may send out by it, or no longer. -errno, not printed. */
int forward_open(const struct places *places, int ifindex, const struct device *device);
void forward_close(const struct places *places, int ifindex);

/* What the way round the kernel leaves out or cannot do, as things are: a line each to stderr. */
void forward_warn(const struct places *places, const char *who, int ifindex, const struct device *device);

/* The same, for `show`. */
void forward_json(const struct places *places, int ifindex, const struct device *device, struct json_t *object);

#endif
