/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A router's arrival, the same for XDP and tc: finds the trace and writes what is known when a packet comes.
 */
#ifndef HOPSPAN_XDP_TRANSIT_BPF_H
#define HOPSPAN_XDP_TRANSIT_BPF_H

#include "tc/namespaces.bpf.h"
#include "wire/ethernet.h"
#include "transit.h"

/*
 * transit_find() is ioam6_find_known() on the packet of `context_type` (a tc or an XDP program's) whose IPv6 header is
 * at `ip6`, `link_len` octets from its start; found->option is 0 where it says false. The walk over an unusual header
 * is a global function: the verifier looks at it once, and not once for each state that its caller may be in, which for
 * the verifier of Linux 6.1 are more than it has patience for.
 */
#define TRANSIT_FIND(context_type)                                                                                    \
	__attribute__((noinline)) int transit_walk(struct context_type *packet, __u32 link_len,                       \
						   const struct ioam6_known *known, struct ioam6_found *found)        \
	{                                                                                                             \
		__u8 *ip6 = (__u8 *)(long)packet->data + (link_len & TRANSIT_LINK_LEN_MASK);                          \
		const __u8 *end = (__u8 *)(long)packet->data_end;                                                     \
		enum outcome why = OUTCOME_bad_truncated;                                                             \
                                                                                                                      \
		if (!found || !known || ip6 + IPV6_LEN > end)                                                         \
			return why;                                                                                   \
		return ioam6_walk_known(ip6, end, IOAM6_NAMESPACE_ANY, known, found, &why) ? PLANE_WALKED : (int)why; \
	}                                                                                                             \
                                                                                                                      \
	static __always_inline bool transit_find(struct context_type *packet, __u8 *ip6, const __u8 *end,             \
						 __u32 link_len, const struct plane_namespaces *now,                  \
						 struct ioam6_found *found, enum outcome *why)                        \
	{                                                                                                             \
		int walked;                                                                                           \
                                                                                                                      \
		*why = OUTCOME_bad_truncated;                                                                         \
		if (!FRAME_HOLDS(packet, ip6, end, link_len))                                                         \
			return false;                                                                                 \
		if (ioam6_find_usual(ip6, end, IOAM6_NAMESPACE_ANY, found) &&                                         \
		    ioam6_namespace_place(&now->node, found->trace.namespace))                                        \
			return true;                                                                                  \
		walked = transit_walk(packet, link_len, &now->node.known, found);                                     \
		*why = walked == PLANE_WALKED ? OUTCOME_other_options : walked;                                       \
		return walked == PLANE_WALKED && found->option;                                                       \
	}

/* The link layer: none, or Ethernet with up to two VLAN tags. */
enum { TRANSIT_LINK_LEN_MASK = 0x1f };
_Static_assert(ETHERNET_LEN + VLAN_TAGS_MAX * VLAN_TAG_LEN <= TRANSIT_LINK_LEN_MASK, "a mask for the verifier");

/*
 * The step for the trace that transit_find() found in the packet at `ip6`. OUTCOME_appended: *slot and *arrival_tai_ns
 * are set. The hop limit written is the one on leaving, so one less than now.
 */
static __always_inline enum outcome transit_arrive(__u8 *ip6, const __u8 *end, const struct ioam6_found *found,
						   const struct plane_namespaces *now,
						   const volatile struct plane_node *self, __u32 *slot,
						   __u64 *arrival_tai_ns)
{
	__u32 place = ioam6_namespace_place(&now->node, found->trace.namespace);
	const struct ioam6_namespace *namespace = ioam6_namespace_at(&now->node, place);
	struct ioam6_node node = IOAM6_NODE_UNKNOWN;

	ioam6_namespace_set(&node, namespace);
	if (ioam6_has_room(found, namespace->schema_words)) {
		*arrival_tai_ns = clock_tai_ns();
		node = namespace_node(self, namespace, *arrival_tai_ns);
		node.ingress_if = self->interface;
		node.ingress_if_wide = self->interface_wide;
		node.hop_limit = ip6[IPV6_HOP_LIMIT_AT] - 1;
	}
	return ioam6_append(ip6, end, found, &node, slot);
}

/*
 * The newest data of the trace is of this arrival: XDP wrote it before tc, because one of them is just taking the place
 * of the other. A packet that comes by once more has one hop less left.
 */
static __always_inline bool transit_has_arrived(const __u8 *ip6, const __u8 *end, const struct ioam6_found *found,
						const struct transit_meta *meta, const void *meta_end, __u32 netns)
{
	__u32 newest = found->option + IOAM6_DATA_AT + found->trace.remaining_words * IOAM6_WORD;
	__u32 bit = found->trace.type & IOAM6_HOP_AND_ID ? IOAM6_HOP_AND_ID : IOAM6_HOP_AND_ID_WIDE;
	const __u8 *hop_limit;

	if ((const void *)(meta + 1) > meta_end || meta->magic != TRANSIT_META_MAGIC || meta->netns != netns ||
	    meta->slot != newest)
		return false;
	hop_limit = node_field((__u8 *)ip6, end, newest, found->trace.type, bit, 0, 1);
	return !hop_limit || *hop_limit == (__u8)(ip6[IPV6_HOP_LIMIT_AT] - 1);
}

#endif
