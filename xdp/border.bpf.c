/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The border of the domain where the driver runs XDP, for what comes in: strips and drops before packets merge.
 * tc/border_in is behind it and meets every packet that goes on, so all that this is not sure of is left to that one,
 * counted there alone.
 */
#include "tc/border.h"
#include "tc/counters.bpf.h"

PLANE_COUNTERS(border_in)

const volatile struct border_config config SEC(".rodata.config");

#include "packet.bpf.h"

#include "border.bpf.h"

SEC("xdp.frags")
int xdp_border(struct xdp_md *xdp)
{
	__u8 *ip6 = packet_ip6(xdp);
	enum outcome outcome;

	if (ip6 + IPV6_LEN > packet_end(xdp) || !ipv6_is(ip6) || ip6[IPV6_NEXT_HEADER_AT] != NEXT_HEADER_HOP_BY_HOP ||
	    (config.self.link_len && be16_load(ip6 - 2) != ETHERTYPE_IPV6))
		return XDP_PASS;
	outcome = border_packet(xdp, 0);
	switch (outcome) {
	case OUTCOME_active_ended:
	case OUTCOME_drop_options:
		count(outcome);
		return XDP_DROP;
	case OUTCOME_stripped:
	case OUTCOME_blanked:
		count(outcome);
		count(OUTCOME_xdp_took);
		return XDP_PASS;
	default:
		return XDP_PASS;
	}
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
