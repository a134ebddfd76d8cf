/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A router whose own kernel writes the node data: node.yaml becomes the kernel's sysctls and IOAM namespaces, and what
 * they were before comes back when the last device goes.
 */
#ifndef HOPSPAN_KERNEL_H
#define HOPSPAN_KERNEL_H

#include "device.h"

struct json_t;

/* 0 or -errno; what is not plain was printed. `device` keeps what its sysctls were. */
int kernel_attach(const struct places *places, const char *who, struct device *device);

/* On the last of its devices everything else goes, too. */
void kernel_detach(const struct places *places, int devices, int ifindex, const struct device *device);

bool kernel_is_attached(const struct device *device);

/* An IOAM namespace of these that the kernel itself writes in, where it comes in by the device; -1: none. */
int kernel_writes(const char *name, const struct ioam6_namespaces *namespaces);

/* As the kernel has them. */
struct json_t *kernel_namespaces_json(void);

#endif
