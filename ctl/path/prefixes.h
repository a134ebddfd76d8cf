/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A namespace's policies, as the collector sees them, and the prefixes in which paths are judged together. */
#ifndef HOPSPAN_PATH_PREFIXES_H
#define HOPSPAN_PATH_PREFIXES_H

#include <stdbool.h>

#include "tc/stamp.h"

struct prefixes {
	struct stamp_prefix prefixes[STAMP_PREFIXES_MAX];
	struct stamp_policy policies[STAMP_PREFIXES_MAX];
	unsigned int count;
};

/* From the map "stamp_prefix". */
void prefixes_read(struct prefixes *prefixes, int map);

/* Longest match; NULL: none. */
const struct stamp_policy *prefixes_find(const struct prefixes *prefixes, const uint8_t address[16],
					 struct stamp_prefix *prefix);

/* The address's policy's prefix, but no wider than a /64: in what is wider, paths have nothing in common. */
struct stamp_prefix prefixes_group(const struct prefixes *prefixes, const uint8_t address[16]);

/* "2001:db8::/64" */
enum { PREFIX_TEXT_LEN = 52 };
const char *prefix_text(const struct stamp_prefix *prefix, char text[PREFIX_TEXT_LEN]);

#endif
