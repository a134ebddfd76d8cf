/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The straight way, which the first segment of nearly every request takes: whatever has to be known is looked at once,
 * and nothing is kept for later.
 *
 * The newest range alone waits, for one packet; this segment is one, sent for the first time, of bytes all in that
 * range; the destination is proved, and the packet has room and headroom for all that its policy asks for, in place, in
 * one of the usual shapes. In doubt it is not straight: tc_stamp's other way decides everything, these the same.
 */
#ifndef HOPSPAN_TC_STRAIGHT_BPF_H
#define HOPSPAN_TC_STRAIGHT_BPF_H

#include "budget.bpf.h"
#include "policy.bpf.h"
#include "segment.bpf.h"

/* A policy for which a range is served by one packet, which carries one of the usual headers itself. */
static __always_inline bool policy_is_straight(const struct stamp_policy *policy)
{
	bool usual = policy->shape.carrier == ENCAP_SNAPSHOT && policy->shape.type == IOAM6_USUAL_TYPE,
	     ids = policy->shape.carrier == ENCAP_GENERIC_CONTEXT && !policy->shape.type;

	return (usual || ids) && policy->trust == STAMP_PROVED && policy->way <= STAMP_IN_PLACE && policy->first == 1 &&
	       !policy->every && !policy->route_cut;
}

/* Is the packet the segment at its socket's front, its bytes all in the range? *room: as segment_room() has it. */
static __always_inline bool segment_is_straight(struct __sk_buff *skb, struct bpf_sock *sk, struct bpf_tcp_sock *tp,
						const struct socket_range *range, struct sk_buff *kskb, int *room)
{
	__u8 *end = skb_end(skb), *ip6 = skb_ip6(skb, config.self.link_len), *segment = ip6 + IPV6_LEN;
	struct tcp_sock *tcp = kernel_tcp(sk, config.self.kfuncs);
	__u32 seq, payload_len, header_len, path, device;

	if (!tcp || segment + TCP_LEN_MIN > end || skb->protocol != bpf_htons(ETHERTYPE_IPV6) ||
	    ip6[IPV6_NEXT_HEADER_AT] != NEXT_HEADER_TCP || segment[TCP_FLAGS_AT] & (TCP_SYN | TCP_RST))
		return false;
	payload_len = be16_load(ip6 + IPV6_PAYLOAD_LEN_AT);
	header_len = (segment[TCP_HEADER_LEN_AT] >> 4) * 4;
	seq = be32_load(segment + TCP_SEQ_AT);
	path = tp->mss_cache + IPV6_LEN + KERNEL_READ(config.self.kfuncs, tcp, tcp_header_len);
	device = skb_device_mtu(kskb, config.self.kfuncs);
	*room = (int)(path < device ? path : device) - (int)(IPV6_LEN + payload_len);
	return payload_len > header_len && seq == tp->snd_nxt && (__s32)(seq - tp->snd_una) >= 0 &&
	       (__s32)(KERNEL_READ(config.self.kfuncs, tcp, write_seq) - seq - (payload_len - header_len)) >= 0 &&
	       (range->from_start || (__s32)(range->begin - seq) <= 0);
}

/* Room for how many hops in place; less than 0: the other way decides. */
static __always_inline int straight_hops(const struct stamp_policy *policy, const struct encap_shape *shape, int room,
					 int headroom)
{
	int wanted = encap_hops(shape, room, policy->hops), fits = encap_hops(shape, headroom, wanted);

	return wanted < 0 || fits > ENCAP_HOPS_MAX || (fits < wanted && policy->way != STAMP_IN_PLACE) ? -1 : fits;
}

/* Takes the range and writes the header of a constant shape. */
static __always_inline enum outcome straight_write(struct __sk_buff *skb, struct stamp_host *host,
						   struct socket_state *state, const struct encap_shape *shape,
						   __u32 slot, int hops, __u32 sent_us)
{
	struct socket_range *range = &state->ranges[slot];
	__u32 len = encap_len(shape, hops);
	struct ioam6_node node;

	if (hops < 0)
		return OUTCOME_pass;
	budget_spend(&host->all);
	range->packets = 1;
	range->sent_us = sent_us;
	range_serve(state, 1ULL << slot);
	return packet_grow(skb, len) && header_write(skb, shape, hops, 0, &range->context, &node) &&
		       packet_grown(skb, len)
		   ? OUTCOME_stamped_in_place
		   : OUTCOME_bare_headroom;
}

/* Pass: not straight, and nothing was touched. */
static __always_inline enum outcome stamp_straight(struct __sk_buff *skb, struct bpf_sock *sk,
						   struct socket_state *state)
{
	__u32 key = 0, slot = (state->opened - 1) & (SOCKET_RANGES - 1);
	struct stamp_host *host = bpf_map_lookup_elem(&stamp_host, &key);
	struct sk_buff *kskb = kernel_skb(skb, config.self.kfuncs);
	const struct stamp_policy *policy = &state->policy;
	struct bpf_tcp_sock *tp;
	struct tcp_sock *tcp;
	int room, headroom;
	__u32 sent_us;

	if (config.peer_side || !host || !kskb || skb->gso_size || state->sent_count ||
	    ranges_waiting(state) != 1ULL << slot || state->policies_ns != host->policies_ns ||
	    !policy_is_straight(policy) || (host->all.window_packets && !host->all.left))
		return OUTCOME_pass;
	tp = bpf_tcp_sock(sk);
	if (!tp || !segment_is_straight(skb, sk, tp, &state->ranges[slot], kskb, &room))
		return OUTCOME_pass;
	headroom = skb_headroom(kskb, config.self.kfuncs);
	tcp = kernel_tcp(sk, config.self.kfuncs);
	if (!tcp)
		return OUTCOME_pass;
	sent_us = KERNEL_READ(config.self.kfuncs, tcp, tcp_mstamp);
	if (__builtin_expect(policy->shape.type != 0, 1)) /* its code comes first: a jump to cold code costs 20 ns */
		return straight_write(skb, host, state, &ENCAP_SHAPE_USUAL, slot,
				      straight_hops(policy, &ENCAP_SHAPE_USUAL, room, headroom), sent_us);
	return straight_write(skb, host, state, &ENCAP_SHAPE_IDS, slot,
			      straight_hops(policy, &ENCAP_SHAPE_IDS, room, headroom), sent_us);
}

#endif
