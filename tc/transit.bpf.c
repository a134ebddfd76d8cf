/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A router, where a packet comes in, on devices where XDP costs more than it gives: tc ingress. No metadata from here;
 * tc/depart finds the slot by node id and hop limit.
 */
#include "tc.bpf.h"
#include "xdp/transit.bpf.h"

PLANE_COUNTERS(transit)

const volatile struct transit_config config SEC(".rodata.config");

PLANE_FIND(__sk_buff)

SEC("tc")
int tc_transit(struct __sk_buff *skb)
{
	enum outcome outcome = OUTCOME_pass;
	struct ioam6_found found;
	__u64 arrival_tai_ns = 0;
	__u32 slot = 0;
	__u8 *ip6;

	if (skb_has_options(skb, config.self.link_len, TC_LINEAR_LEN)) {
		ip6 = skb_ip6(skb, config.self.link_len);
		if (ip6 + IPV6_LEN <= skb_end(skb) && plane_find(skb, ip6, skb_end(skb), &found, &outcome))
			outcome = transit_arrive(ip6, skb_end(skb), &found, &config.self, &slot, &arrival_tai_ns);
	}
	count(outcome);
	return TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
