/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The IOAM namespaces that the programs of a network namespace write in: the pinned map "namespaces". */
#ifndef HOPSPAN_NAMESPACES_H
#define HOPSPAN_NAMESPACES_H

#include "tc/plane.h"

struct json_t;

/*
 * Puts these in place of those that are there, for all programs at one instant; makes the map where there is none.
 * 0 or -errno.
 */
int namespaces_set(const char *folder, const struct ioam6_namespaces *namespaces);

/* What programs write now. 0 or -errno. */
int namespaces_get(const char *folder, struct plane_namespaces *now);

const char *namespace_time_name(unsigned int time);

/* Each with its number and all that was set; those that programs write now. */
struct json_t *namespaces_list_json(const struct ioam6_namespaces *namespaces);
struct json_t *namespaces_json(const char *folder);

#endif
