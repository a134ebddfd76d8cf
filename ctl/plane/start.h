/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Putting a role on one device, from what `device` says is wanted of it: by the words of `up`, or once more when a
 * device has come back.
 */
#ifndef HOPSPAN_START_H
#define HOPSPAN_START_H

#include "device.h"
#include "policies.h"
#include "words.h"

/* What all host devices of a namespace share. */
struct host_settings {
	struct policies policies;
	const uint16_t *reply_off; /* ports */
	unsigned int reply_off_count;
};

/* An exit status, everything printed; if it fails, nothing of the role is left. NULL settings stay as they are. */
int host_start(const struct places *places, int devices, const char *who, const struct words_device *at,
	       struct device *device, struct host_settings *settings);
int router_start(const struct places *places, int devices, const char *who, const struct words_device *at,
		 struct device *device);

/* NULL rules are there already. A border that was up stays so if it fails. */
int border_start(const struct places *places, int devices, const char *who, const struct words_device *at,
		 struct device *device, const struct rules *rules);

void host_stop(const struct places *places, int devices, int ifindex);

/* The socket option of one cgroup, shared by all namespaces. */
int sockopt_attach(const struct places *places, int cgroup_fd, uint64_t cgroup_id, const char *who);
void sockopt_remove(const struct places *places, uint64_t cgroup_id);

#endif
