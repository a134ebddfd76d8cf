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

/*
 * Map "stamp_budget", one entry: a bucket of stamped packets for all devices of the namespace, filled anew when it is
 * empty and a window has passed. Processors share it without a lock, so it is met within their number.
 */
struct stamp_budget {
	uint64_t window_packets; /* 0: no limit */
	uint64_t left;
	uint64_t filled_ns; /* CLOCK_MONOTONIC */
};

enum { STAMP_BUDGET_WINDOW_NS = 100000000, STAMP_BUDGET_DEFAULT = 100000 /* packets a second */ };

#endif
