/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A sink's record: what arrived, as ctl reads it from the ring buffer "records".
 */
#ifndef HOPSPAN_TC_SINK_H
#define HOPSPAN_TC_SINK_H

#include "plane.h"

enum {
	SINK_PACKET_LEN = 336, /* IPv6 header, hop-by-hop header with the largest trace, TCP header */
	SINK_RING_LEN = 1 << 22,
};

struct sink_record {
	int64_t time_tai_ns; /* arrival */
	uint32_t ifindex;
	uint32_t packet_len; /* octets of `packet` that are filled */
	uint8_t packet[SINK_PACKET_LEN]; /* from the IPv6 header on, as it arrived */
};

/* .rodata.config of the program. */
struct sink_config {
	struct plane_node self;
	uint8_t replies; /* carry the context back in the answer */
	uint8_t reserved[7];
};

#endif
