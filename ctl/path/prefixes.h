/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The policy of a single destination, and the prefix in which its path is judged together with others. */
#ifndef HOPSPAN_PATH_PREFIXES_H
#define HOPSPAN_PATH_PREFIXES_H

#include "plane/policies.h"

/* Longest match; NULL: none. */
const struct stamp_policy *prefixes_find(const struct policies *policies, const uint8_t address[16],
					 struct stamp_prefix *prefix);

/* The address's policy's prefix, but no wider than a /64: in what is wider, paths have nothing in common. */
struct stamp_prefix prefixes_group(const struct policies *policies, const uint8_t address[16]);

#endif
