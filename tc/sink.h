/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A sink (tc/sink, xdp/sink) and ctl: the record of what arrived, in the ring buffer "records", and the switches.
 */
#ifndef HOPSPAN_TC_SINK_H
#define HOPSPAN_TC_SINK_H

#include "plane.h"
#include "wire/context.h"

enum {
	SINK_HEADER_LEN = 320, /* octets of hop-by-hop header that are looked at: our largest, with others beside it */
	SINK_PACKET_LEN = IPV6_LEN + SINK_HEADER_LEN + 24, /* and a TCP header */
	SINK_RING_LEN = 1 << 22,
};

struct sink_record {
	int64_t time_tai_ns; /* arrival */
	uint32_t ifindex;
	uint32_t packet_len;		 /* octets of `packet` that are filled */
	uint8_t packet[SINK_PACKET_LEN]; /* from the IPv6 header on, as it arrived */
};

/* .rodata.config of both programs. */
struct sink_config {
	struct plane_node self;
	uint8_t replies;    /* carry the context back in the answer */
	uint8_t plain;	    /* identifier options without a context type are ours */
	uint8_t via_xdp;    /* xdp/sink is before tc/sink: its metadata counts */
	uint8_t peer_side;  /* tc egress of the other side of a pod's veth: sockets are in that namespace */
	int32_t peer_netns; /* its id here; -1: this one */
};

/* Map "reply_off": local ports (network byte order) whose answers carry nothing back, whatever comes. */
enum { SINK_REPLY_OFF_MAX = 1024 };

/*
 * XDP metadata of a packet that xdp/sink has met: tc/sink does the rest, as XDP has no sockets. As much as every kernel
 * takes (32 octets before Linux 6.9).
 */
enum { SINK_META_MAGIC = 0x6873 };

struct sink_meta {
	uint16_t magic;
	uint8_t outcome; /* enum outcome: what is to be counted */
	uint8_t ends;	 /* a measurement copy, still with its header: it ends in tc/sink */
	struct context context;
};
_Static_assert(sizeof(struct sink_meta) == 32, "xdp_metalen_invalid()");

#endif
