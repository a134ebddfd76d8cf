/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Loses packets at tc egress where the kernel has no netem. Its word comes as the class of its filter, flowid 1:WORD,
 * of which a program sees 16 bits: so many of 10000 packets, and whether only IPv6 with a hop-by-hop header is meant.
 */
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>

#include "wire/ipv6.h"

enum { LOSS_OPTIONS_ONLY = 0x8000, LOSS_CERTAIN = 10000 };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2); /* packets that could be lost, that were */
	__type(key, __u32);
	__type(value, __u64);
} loss SEC(".maps");

static __always_inline void loss_count(__u32 key)
{
	__u64 *packets = bpf_map_lookup_elem(&loss, &key);

	if (packets)
		__sync_fetch_and_add(packets, 1);
}

static __always_inline bool has_options(struct __sk_buff *skb)
{
	__u8 next_header = ~0;

	return skb->protocol == bpf_htons(ETH_P_IPV6) &&
	       bpf_skb_load_bytes_relative(skb, IPV6_NEXT_HEADER_AT, &next_header, 1, BPF_HDR_START_NET) == 0 &&
	       next_header == NEXT_HEADER_HOP_BY_HOP;
}

SEC("tc")
int tc_loss(struct __sk_buff *skb)
{
	__u32 word = skb->tc_classid;

	if ((word & LOSS_OPTIONS_ONLY) && !has_options(skb))
		return TC_ACT_UNSPEC;
	loss_count(0);
	if (bpf_get_prandom_u32() % LOSS_CERTAIN >= (word & ~LOSS_OPTIONS_ONLY))
		return TC_ACT_UNSPEC;
	loss_count(1);
	return TC_ACT_SHOT;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
