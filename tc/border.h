/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A border (tc ingress and egress, XDP) and ctl: what may cross, for whom.
 */
#ifndef HOPSPAN_TC_BORDER_H
#define HOPSPAN_TC_BORDER_H

#include "plane.h"
#include "stamp.h"
#include "wire/border.h"

enum border_action {
	BORDER_STRIP,	   /* options of ours go */
	BORDER_STRIP_IOAM, /* and those of any other IOAM namespace */
	BORDER_DROP,	   /* a packet with either ends */
	BORDER_ALLOW,
	BORDER_ACTIONS
};

/* .rodata.config of its programs. */
struct border_config {
	struct plane_node self;
	struct border_ours ours;
	uint32_t place; /* border_place() of this device and direction */
};

/*
 * Map "border_rules": for each place a map of prefixes (struct stamp_prefix) of addresses outside, the source of what
 * comes in and the destination of what goes out, to enum border_action; longest match. A place's rules change all at
 * once. Where none is found, BORDER_STRIP.
 */
enum { BORDER_PLACES_MAX = 1024, BORDER_PREFIXES_MAX = 1024 };

static inline uint32_t border_place(uint32_t ifindex, bool egress)
{
	return ifindex << 1 | egress;
}

#endif
