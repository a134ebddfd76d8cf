/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * One stamped packet in user space: what a sink's ring buffer, a capture file or a live tap delivered, decoded.
 *
 * Everything behind this - JSON, transfers, spans - reads records and knows no packet.
 */
#ifndef HOPSPAN_RECORD_H
#define HOPSPAN_RECORD_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nodes.h"
#include "wire/encap.h"

enum { RECORD_HOPS_MAX = IOAM6_DATA_LEN_MAX / IOAM6_WORD };

struct record {
	int64_t time_unix_ns;  /* arrival: at the sink, or of the capture */
	int64_t seen_unix_ns;  /* the same by the collector's clock, which is one for all; 0: as time_unix_ns */
	const uint8_t *packet; /* the caller's: from the IPv6 header to the ports behind the options */
	size_t packet_len;
	struct in6_addr source, destination;
	uint16_t source_port, destination_port; /* 0 if the transport has none */
	uint8_t transport;			/* IP protocol number */
	uint8_t hop_limit;			/* as it arrived */
	uint16_t namespace;
	uint32_t type; /* trace type: which fields the hops have */
	bool has_context, overflow, active;
	struct context context;
	enum encap_carrier carrier;		 /* of the context */
	uint32_t room_left;			 /* hops that would still have fitted */
	unsigned int hop_count;			 /* 0: identifiers alone */
	struct ioam6_node hops[RECORD_HOPS_MAX]; /* path order, hops[0] the sender */
	int64_t hop_unix_ns[RECORD_HOPS_MAX];	 /* set by record_times(); INT64_MIN: not known */
};

/*
 * Decodes the IPv6 packet (or its first octets) at `ip6`: the trace of our namespace if there is one, else the first.
 * The transport's ports are taken from it if they are there; time_unix_ns and seen_unix_ns stay as they are.
 * OUTCOME_recorded, else why there is no record: OUTCOME_pass with neither a trace that a node has written to nor a
 * context, OUTCOME_bad_*.
 */
enum outcome record_decode(const uint8_t *ip6, size_t len, struct record *record);

/*
 * Fills hop_unix_ns from the hops' stamps: each node's format, TAI to UTC, whole seconds where none were sent (the
 * time nearest to the next stamp, the last hop's: to the arrival, from 0.75 s before it to 0.25 s after). Seconds
 * without a fraction are too coarse to be a stamp: not known.
 */
void record_times(struct record *record, struct nodes *nodes);

/* The node of a hop: by its 24-bit id, else by the wide one, else the node of no id. */
const struct node *record_node(const struct record *record, unsigned int hop, struct nodes *nodes);

#endif
