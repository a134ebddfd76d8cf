/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * tc/stamp and ctl: which packets of this device are stamped, and how.
 */
#ifndef HOPSPAN_TC_STAMP_H
#define HOPSPAN_TC_STAMP_H

#include "plane.h"

enum stamp_way { STAMP_AUTO, STAMP_IN_PLACE, STAMP_CLONE, STAMP_SHADOW };

/* .rodata.config of the program. */
struct stamp_config {
	struct plane_node self;
};

/* Map "stamp_prefix", longest match on the destination. No entry: bare. */
struct stamp_prefix {
	uint32_t prefix_len; /* bits */
	uint8_t address[16];
};

struct stamp_policy {
	uint8_t way;  /* enum stamp_way */
	uint8_t hops; /* room asked for */
	uint8_t reserved[6];
};

enum { STAMP_PREFIXES_MAX = 1024 };

#endif
