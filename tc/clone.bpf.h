/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Clones: a packet's substitute where it has no headroom itself, and shadows.
 *
 * A clone has no socket, so it may grow. It is redirected to this same device, meets this program again at once, and
 * is stamped there.
 */
#ifndef HOPSPAN_TC_CLONE_BPF_H
#define HOPSPAN_TC_CLONE_BPF_H

#include "stamp.bpf.h"

enum { SHADOWS_WITHOUT_SACK = 2 }; /* an acknowledgement number */

/* stamp_work.shadow */
enum { CLONE_PLAIN, CLONE_WHOLE, CLONE_CUT };

/* TCP's checksum anew, of the header that is left. A global function: few packets need it. */
__attribute__((noinline)) int shadow_sum(struct __sk_buff *skb)
{
	__u8 *ip6 = skb_ip6(skb, config.self.link_len), *tcp = ip6 + IPV6_LEN, *end = skb_end(skb);
	__u32 header_len, sum;

	if (tcp + TCP_LEN_MIN > end)
		return false;
	header_len = (tcp[TCP_HEADER_LEN_AT] >> 4) * 4;
	be16_store(tcp + TCP_CHECKSUM_AT, 0);
	sum = NEXT_HEADER_TCP + header_len;
	for (int i = 0; i < 32; i += 2)
		sum += be16_load(ip6 + IPV6_SOURCE_AT + i);
	for (__u32 i = 0; i < TCP_LEN_MAX && i < header_len && tcp + i + 2 <= end; i += 2)
		sum += be16_load(tcp + i);
	sum = (sum & 0xffff) + (sum >> 16);
	be16_store(tcp + TCP_CHECKSUM_AT, ~(sum + (sum >> 16)));
	return true;
}

/*
 * Makes the clone a shadow: its TCP header alone, no flag but ACK (a FIN would end the stream before its data), the
 * sequence number that of the first byte it speaks for. Where the checksum is left to the device the field holds the
 * pseudo header's sum, and only the length in it changes; a device above may have finished it.
 */
static __always_inline bool shadow_cut(struct __sk_buff *skb, __u32 first_seq)
{
	__u32 tcp_at = config.self.link_len + IPV6_LEN, payload_len, header_len;
	__u8 *ip6 = skb_ip6(skb, config.self.link_len), *tcp = ip6 + IPV6_LEN;

	if (tcp + TCP_LEN_MIN > skb_end(skb))
		return false;
	payload_len = be16_load(ip6 + IPV6_PAYLOAD_LEN_AT);
	header_len = (tcp[TCP_HEADER_LEN_AT] >> 4) * 4;
	if (bpf_skb_change_tail(skb, tcp_at + header_len, 0))
		return false;
	ip6 = skb_ip6(skb, config.self.link_len);
	tcp = ip6 + IPV6_LEN;
	if (tcp + TCP_LEN_MIN > skb_end(skb))
		return false;
	be32_store(tcp + TCP_SEQ_AT, first_seq);
	tcp[TCP_FLAGS_AT] = TCP_ACK;
	be16_store(ip6 + IPV6_PAYLOAD_LEN_AT, header_len);
	if (!skb_sum_is_left(kernel_skb(skb, config.self.kfuncs)))
		return shadow_sum(skb);
	return !bpf_l4_csum_replace(skb, tcp_at + TCP_CHECKSUM_AT, bpf_htonl(payload_len), bpf_htonl(header_len),
				    BPF_F_PSEUDO_HDR | sizeof(__u32));
}

/* Sends a clone through this program to the same device. False: it did not get out. */
static __always_inline bool clone_send(struct __sk_buff *skb, struct stamp_work *work, __u32 hops, bool shadow)
{
	long sent;

	work->clone_hops = hops;
	work->shadow = shadow ? CLONE_WHOLE : CLONE_PLAIN;
	work->clone_len = skb->len;
	sent = bpf_clone_redirect(skb, skb->ifindex, 0);
	work->clone_len = 0;
	return sent == NET_XMIT_SUCCESS || sent == NET_XMIT_CN;
}

/* To a host without a sink shadows are duplicate acknowledgements; without SACK three of them mean loss to it. */
static __always_inline bool shadow_may_go(struct socket_state *state, struct bpf_sock *sk, __u32 ack)
{
	if (state->shadow_ack != ack) {
		state->shadow_ack = ack;
		state->shadow_count = 0;
	}
	return state->shadow_count++ < SHADOWS_WITHOUT_SACK || tcp_has_sack(kernel_tcp(sk, config.self.kfuncs));
}

static __always_inline enum outcome shadow_send(struct __sk_buff *skb, struct bpf_sock *sk, struct socket_state *state,
						struct stamp_work *work)
{
	if (!shadow_may_go(state, sk, work->ack))
		return OUTCOME_bare_shadow_limit;
	work->beside.attribution |= CONTEXT_SHADOW;
	return clone_send(skb, work, work->shadow_hops, true) ? OUTCOME_stamped_shadow : OUTCOME_bare_clone_failed;
}

/*
 * The packet ends here, its clone has gone in its place. tcx knows no STOLEN, and takes it for "go on"; where a packet
 * is dropped its sender hears of it, as TCP does, and slows down. A redirection to no device ends it and says that all
 * is well.
 */
static __always_inline int packet_replaced(void)
{
	return config.tcx ? bpf_redirect(0, 0) : TC_ACT_STOLEN;
}

/*
 * The clone becomes a shadow and is sent once more, as a queue counts the length that a packet had when it came here:
 * a shaper would wait for, or refuse, what was cut off. Cloned once more for that, not redirected: only so is it known
 * whether the queue took it.
 */
static __always_inline int shadow_make(struct __sk_buff *skb, struct stamp_work *work)
{
	long sent;

	if (!shadow_cut(skb, work->range.first_seq) || !stamp_write(skb, work, work->clone_hops, IOAM6_FLAG_ACTIVE))
		return TC_ACT_SHOT;
	if (!skb_has_queue(kernel_skb(skb, config.self.kfuncs), config.self.kfuncs))
		return TC_ACT_UNSPEC;
	work->shadow = CLONE_CUT;
	work->clone_len = skb->len;
	sent = bpf_clone_redirect(skb, skb->ifindex, 0);
	return sent == NET_XMIT_SUCCESS || sent == NET_XMIT_CN ? packet_replaced() : TC_ACT_SHOT;
}

/* Without a socket: the clone that clone_send() has just sent, or not ours. A clone that fails here is dropped alone.
 */
static __always_inline int stamp_again(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct stamp_work *work = bpf_map_lookup_elem(&stamp_work, &key);

	if (!work || work->clone_len != skb->len) {
		count(OUTCOME_pass);
		return TC_ACT_UNSPEC;
	}
	if (work->shadow == CLONE_CUT)
		return TC_ACT_UNSPEC;
	if (work->shadow == CLONE_WHOLE)
		return shadow_make(skb, work);
	return stamp_write(skb, work, work->clone_hops, 0) ? TC_ACT_UNSPEC : TC_ACT_SHOT;
}

#endif
