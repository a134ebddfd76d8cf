/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A router's arrival, the same for XDP and tc: finds the trace and writes what is known when a packet comes.
 */
#ifndef HOPSPAN_XDP_TRANSIT_BPF_H
#define HOPSPAN_XDP_TRANSIT_BPF_H

#include "tc/plane.bpf.h"
#include "transit.h"

/*
 * The step for what plane_find() found in the packet at `ip6`. OUTCOME_appended: *slot and *arrival_tai_ns are set. The
 * hop limit written is the one on leaving, so one less than now.
 */
static __always_inline enum outcome transit_arrive(__u8 *ip6, const __u8 *end, const struct ioam6_found *found,
						   const volatile struct plane_node *self, __u32 *slot,
						   __u64 *arrival_tai_ns)
{
	struct ioam6_node node = IOAM6_NODE_UNKNOWN;

	if (!found->option)
		return OUTCOME_other_options;
	if (ioam6_has_room(found)) {
		*arrival_tai_ns = clock_tai_ns();
		node = plane_node_data(self, *arrival_tai_ns);
		node.ingress_if = self->interface;
		node.ingress_if_wide = self->interface_wide;
		node.hop_limit = ip6[IPV6_HOP_LIMIT_AT] - 1;
	}
	return ioam6_append(ip6, end, found, &node, slot);
}

#endif
