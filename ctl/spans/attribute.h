/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Every attribute of a network span, once: X(word, key, type, unit, on, meaning). docs/attributes.md is made from
 * this list (tests/unit/attribute.c compares the two; with HOPSPAN_WRITE=1 it writes the page).
 *
 * "on" names the kinds of span that may have it; "sender" is the first span that leaves the sending host.
 */
#ifndef HOPSPAN_ATTRIBUTE_H
#define HOPSPAN_ATTRIBUTE_H

#include "span.h"

#define ATTRIBUTE_LIST(X)                                                                                              \
	X(about, "hopspan.about", STRING, "", "all", "a sentence for people, not to be parsed")                        \
	X(kind, "hopspan.kind", STRING, "", "all", "transfer, packet, link, node, hop or retransmission")              \
	X(direction, "hopspan.direction", STRING, "", "all", "request or reply")                                       \
	X(usual_ns, "hopspan.usual_ns", INT, "ns", "all",                                                              \
	  "median of the packets before, for the same place; absent below 100 packets")                                \
	X(transport, "network.transport", STRING, "", "transfer retransmission", "tcp, udp or icmpv6")                 \
	X(network_type, "network.type", STRING, "", "transfer retransmission", "ipv6")                                 \
	X(source_address, "source.address", STRING, "", "transfer retransmission", "the sender's address")             \
	X(source_port, "source.port", INT, "", "transfer retransmission", "the sender's port")                         \
	X(destination_address, "destination.address", STRING, "", "transfer retransmission", "the receiver's address") \
	X(destination_port, "destination.port", INT, "", "transfer retransmission", "the receiver's port")             \
	X(path, "hopspan.path", STRINGS, "", "transfer",                                                               \
	  "node names in order, the slowest packet's; \"?\" for each silent router")                                   \
	X(packets, "hopspan.packets", INT, "", "transfer retransmission",                                              \
	  "stamped packets; segments that were sent again")                                                            \
	X(min_ns, "hopspan.min_ns", INT, "ns", "transfer", "fastest stamped packet, stamp to arrival")                 \
	X(mean_ns, "hopspan.mean_ns", INT, "ns", "transfer", "mean of all stamped packets, stamp to arrival")          \
	X(max_ns, "hopspan.max_ns", INT, "ns", "transfer", "slowest stamped packet, stamp to arrival")                 \
	X(stamp, "hopspan.stamp", STRING, "", "transfer", "in-place, or shadow: a copy of the packet's headers")       \
	X(worst, "hopspan.worst", STRING, "", "transfer", "name of the span furthest above its usual")                 \
	X(worst_ns, "hopspan.worst_ns", INT, "ns", "transfer", "how long that one took")                               \
	X(silent_hops, "hopspan.silent_hops", INT, "", "transfer link hop",                                            \
	  "routers on the way that wrote nothing, by the hop limit; absent if none")                                   \
	X(overflow, "hopspan.overflow", BOOL, "", "transfer link hop",                                                 \
	  "nodes had no room to write; on the transfer and the last way")                                              \
	X(adjusted_ns, "hopspan.adjusted_ns", INT, "ns", "all",                                                        \
	  "how far start or end is drawn from the stamps, because clocks disagree")                                    \
	X(clock_error_ns, "hopspan.clock_error_ns", INT, "ns", "transfer",                                             \
	  "how far off the other host's clock may still be; absent if only one direction is seen")                     \
	X(records, "hopspan.records", STRINGS, "", "transfer",                                                         \
	  "only on the way to a central collector: packets as they came")                                              \
	X(node, "hopspan.node", STRING, "", "node hop sender", "the node's name")                                      \
	X(node_id, "hopspan.node_id", INT, "", "node hop sender", "its number in the packet")                          \
	X(hop, "hopspan.hop", INT, "", "node hop sender", "its place among those that wrote, 0 the sender")            \
	X(hop_limit, "hopspan.hop_limit", INT, "", "node hop sender", "hop limit on leaving it")                       \
	X(ingress_if, "hopspan.ingress_if", STRING, "", "node hop", "interface it came by")                            \
	X(egress_if, "hopspan.egress_if", STRING, "", "node hop sender", "interface it left by")                       \
	X(dataplane, "hopspan.dataplane", STRING, "", "node hop sender", "xdp, tc, dpdk, linux or other")              \
	X(time_unix_ns, "hopspan.time_unix_ns", INT, "ns", "node hop sender",                                          \
	  "arrival (sender: departure) as stamped; seconds that fit if it has none")                                   \
	X(delay_ns, "hopspan.delay_ns", INT, "ns", "node hop sender",                                                  \
	  "delay as it came in the packet; 2147483648: longer than the field holds")                                   \
	X(queue_bytes, "hopspan.queue_bytes", INT, "By", "node hop sender", "queue of the egress interface")           \
	X(queue_raw, "hopspan.queue_raw", INT, "", "node hop sender", "the same where the unit is not bytes")          \
	X(wait_ns, "hopspan.wait_ns", INT, "ns", "node", "part of the stay spent in the queue; absent if not known")   \
	X(wait, "hopspan.wait", STRING, "", "node", "how the wait was found: measured, estimated or lower-bound")      \
	X(from, "hopspan.from", STRING, "", "link hop", "name of the node it leaves")                                  \
	X(to, "hopspan.to", STRING, "", "link hop", "name of the node it reaches")                                     \
	X(link_ns, "hopspan.link_ns", INT, "ns", "link hop", "time between the two, uncut")

#define X(word, key, type, unit, on, meaning) AT_##word,
enum attribute_index { ATTRIBUTE_LIST(X) ATTRIBUTE_COUNT };
#undef X

struct attribute {
	const char *key;
	uint32_t key_len;
	enum attr_type type;
	const char *unit, *on, *meaning;
};

extern const struct attribute attributes[ATTRIBUTE_COUNT];

#endif
