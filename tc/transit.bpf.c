/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A router, where a packet comes in, on devices where XDP costs more than it gives: tc ingress. No metadata from here;
 * tc/depart finds the slot by node id and hop limit.
 */
#include "tc.bpf.h"
#include "xdp/transit.bpf.h"

PLANE_COUNTERS(transit)

const volatile struct transit_config config SEC(".rodata.config");

TRANSIT_FIND(__sk_buff)

static __always_inline enum outcome arrive(struct __sk_buff *skb, __u32 link_len)
{
	__u8 *ip6 = skb_ip6(skb, link_len), *end = skb_end(skb);
	const struct plane_namespaces *now = namespaces_now();
	enum outcome outcome = OUTCOME_other_options;
	struct ioam6_found found;
	__u64 arrival_tai_ns = 0;
	__u32 slot = 0;

	if (!now || ip6 + IPV6_LEN > end || !transit_find(skb, ip6, end, link_len, now, &found, &outcome))
		return outcome;
	if (transit_has_arrived(ip6, end, &found, (void *)(long)skb->data_meta, (void *)(long)skb->data, config.netns))
		return OUTCOME_xdp_arrived;
	return transit_arrive(ip6, end, &found, now, &config.self, &slot, &arrival_tai_ns);
}

SEC("tc")
int tc_transit(struct __sk_buff *skb)
{
	int link_len = skb_ip6_at(skb, config.self.link_len);

	count(link_len >= 0 && skb_has_options_at(skb, link_len, TC_LINEAR_LEN) ? arrive(skb, link_len) : OUTCOME_pass);
	return TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
