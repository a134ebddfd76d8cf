/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The stock kernel's own IOAM: its namespaces and schemas, over generic netlink (linux/ioam6_genl.h). All in the
 * network namespace that the process was in at ioam_open().
 */
#ifndef HOPSPAN_IOAM_H
#define HOPSPAN_IOAM_H

#include <stdint.h>

#include "wire/node.h"

struct ioam {
	int fd;
	uint16_t family;
	uint32_t sequence;
};

/* 0 or -errno; -ENOENT: this kernel has no IOAM. */
int ioam_open(struct ioam *ioam);
void ioam_close(struct ioam *ioam);

/* What the kernel has: times are POSIX, schemas come without their data. 0 or -errno. */
int ioam_list(struct ioam *ioam, struct ioam6_namespaces *namespaces);

/* 0 or -errno; -EEXIST: it is there already. The schema, if any, is another call's. */
int ioam_namespace_add(struct ioam *ioam, const struct ioam6_namespace *namespace);
int ioam_namespace_delete(struct ioam *ioam, uint16_t id);

/* Adds the namespace's schema and makes it the namespace's. */
int ioam_schema_add(struct ioam *ioam, const struct ioam6_namespace *namespace);
int ioam_schema_delete(struct ioam *ioam, uint32_t id);

#endif
