/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The socket's own packet: its headers read, and whether it is what it seems.
 *
 * skb->sk survives into tunnels and through stacked devices, so the outermost headers must be the socket's, with
 * nothing between IPv6 and its TCP or UDP.
 */
#ifndef HOPSPAN_TC_SEGMENT_BPF_H
#define HOPSPAN_TC_SEGMENT_BPF_H

#include "stamp.bpf.h"

static __always_inline bool next_header_is_extension(__u8 type)
{
	return type == NEXT_HEADER_HOP_BY_HOP || type == NEXT_HEADER_ROUTING || type == NEXT_HEADER_FRAGMENT ||
	       type == NEXT_HEADER_DESTINATION;
}

/* IPv6 with `protocol` directly behind it: *payload_len, and the addresses into `work`. */
static __always_inline enum outcome ipv6_parse(struct __sk_buff *skb, struct stamp_work *work, __u8 protocol,
					       __u32 *payload_len)
{
	__u8 *end = skb_end(skb), *ip6 = skb_ip6(skb, config.self.link_len);

	if (skb->protocol != bpf_htons(ETHERTYPE_IPV6))
		return OUTCOME_bare_protocol;
	if (ip6 + IPV6_LEN > end)
		return OUTCOME_bad_truncated;
	*payload_len = be16_load(ip6 + IPV6_PAYLOAD_LEN_AT);
	if (!*payload_len) /* some kernels give it a hop-by-hop header, with the length in a jumbo option */
		return OUTCOME_bare_big_tcp;
	if (ip6[IPV6_NEXT_HEADER_AT] != protocol)
		return next_header_is_extension(ip6[IPV6_NEXT_HEADER_AT]) ? OUTCOME_bare_extension
									  : OUTCOME_bare_protocol;
	work->ip_len = IPV6_LEN + *payload_len;
	work->flow_label = be32_load(ip6) & IPV6_FLOW_LABEL;
	work->destination.prefix_len = 128;
	words_copy(work->destination.address, ip6 + IPV6_DESTINATION_AT, 4);
	return OUTCOME_pass;
}

/* A segment; work->range.len is 0 where it carries no data or is none to be stamped. */
static __always_inline enum outcome segment_parse(struct __sk_buff *skb, struct stamp_work *work)
{
	__u8 *tcp;
	__u32 payload_len, header_len;
	enum outcome outcome = ipv6_parse(skb, work, NEXT_HEADER_TCP, &payload_len);

	if (outcome != OUTCOME_pass)
		return outcome;
	tcp = skb_ip6(skb, config.self.link_len) + IPV6_LEN;
	if (tcp + TCP_LEN_MIN > skb_end(skb))
		return OUTCOME_bad_truncated;
	header_len = (tcp[TCP_HEADER_LEN_AT] >> 4) * 4;
	work->range.seq = be32_load(tcp + TCP_SEQ_AT);
	work->range.len = payload_len - header_len;
	if (tcp[TCP_FLAGS_AT] & (TCP_SYN | TCP_RST) || payload_len <= header_len)
		work->range.len = 0;
	return OUTCOME_pass;
}

/*
 * Is it the socket's own segment, sent for the first time? Sequence numbers tell, also behind NAT. At the peer's side
 * TCP is ahead of the packet, and the ranges alone know.
 */
static __always_inline enum outcome segment_check(const struct stamp_work *work, struct bpf_tcp_sock *tp,
						  struct tcp_sock *tcp)
{
	__u32 write_seq = KERNEL_READ(config.self.kfuncs, tcp, write_seq), seq = work->range.seq;

	if (!work->range.len)
		return OUTCOME_bare_no_data;
	if ((__s32)(seq - tp->snd_una) < 0 || (__s32)(write_seq - seq - work->range.len) < 0)
		return OUTCOME_bare_sequence;
	if (seq != tp->snd_nxt && !config.peer_side)
		return OUTCOME_bare_retransmission;
	return OUTCOME_pass;
}

/*
 * Octets that the packet may grow by: up to the device's MTU and to what TCP takes for the path's, which is its MSS
 * with the headers it counts in.
 */
static __always_inline int segment_room(const struct stamp_work *work, struct bpf_tcp_sock *tp, struct tcp_sock *tcp,
					struct sk_buff *kskb)
{
	__u32 path = tp->mss_cache + IPV6_LEN + KERNEL_READ(config.self.kfuncs, tcp, tcp_header_len);
	__u32 device = skb_device_mtu(kskb, config.self.kfuncs);

	return (int)(path < device ? path : device) - (int)work->ip_len;
}

/*
 * A datagram of the socket, still within the call that sends it. One that waited (for its neighbour's address) may be
 * older than the socket's context; so may one that another process sent than set the context.
 */
static __always_inline enum outcome datagram_parse(struct __sk_buff *skb, struct stamp_work *work, struct bpf_sock *sk,
						   const struct socket_state *state, struct sk_buff *kskb)
{
	__u32 payload_len;
	__u8 *udp;
	enum outcome outcome = ipv6_parse(skb, work, NEXT_HEADER_UDP, &payload_len);

	if (outcome != OUTCOME_pass)
		return outcome;
	udp = skb_ip6(skb, config.self.link_len) + IPV6_LEN;
	if (udp + UDP_LEN > skb_end(skb))
		return OUTCOME_bad_truncated;
	if (skb_is_tunnelled(kskb) || be16_load(udp) != sk->src_port)
		return OUTCOME_bare_sequence;
	if (config.peer_side || !in_system_call() || (state->set_process && state->set_process != current_process()))
		return OUTCOME_bare_late;
	work->range.seq = 0;
	work->range.len = 1;
	return OUTCOME_pass;
}

static __always_inline int datagram_room(const struct stamp_work *work, struct sk_buff *kskb)
{
	__u32 route = skb_route_mtu(kskb, config.self.kfuncs), device = skb_device_mtu(kskb, config.self.kfuncs);

	return (int)(route && route < device ? route : device) - (int)work->ip_len;
}

#endif
