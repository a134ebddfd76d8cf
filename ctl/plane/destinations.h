/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * node.yaml's
 *
 *	destinations:
 *	  2001:db8::/32: {path: proved, carrier: generic, hops: 6}
 */
#ifndef HOPSPAN_DESTINATIONS_H
#define HOPSPAN_DESTINATIONS_H

#include "policy.h"
#include "record/document.h"
#include "spans/arena.h"

struct destination {
	struct stamp_prefix prefix;
	struct policy policy;
	unsigned int line, column; /* in the file */
};

enum { DESTINATIONS_MAX = 511 };

struct destinations {
	struct destination *list;
	unsigned int count;
	const char *path; /* of the file; NULL: none was read */
};

/* The value of the key; -EINVAL, printed. The list is the arena's. */
int destinations_read(const struct document *document, const yaml_node_t *node, struct arena *arena,
		      struct destinations *destinations);

#endif
