/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A border at tc, in and out: finds the IPv6 header, also behind VLAN tags that are in the frame, and makes all of the
 * hop-by-hop header readable, however long it is: what is not looked at here could be read further in.
 */
#ifndef HOPSPAN_TC_BORDER_BPF_H
#define HOPSPAN_TC_BORDER_BPF_H

#include "packet.bpf.h"
#include "wire/ethernet.h"
#include "xdp/border.bpf.h"

enum { NOT_IPV6 = 0xffff };

/* Octets of tags before the IPv6 header. */
static __always_inline __u32 tags_len(struct __sk_buff *skb)
{
	__u8 frame[ETHERNET_LEN + BORDER_SHIFT_MAX];
	__u32 at;

	if (skb->protocol == bpf_htons(ETHERTYPE_IPV6))
		return 0;
	if (!config.self.link_len || !ethertype_is_vlan(bpf_ntohs(skb->protocol)) ||
	    bpf_skb_load_bytes(skb, 0, frame, sizeof(frame)))
		return NOT_IPV6;
	at = ethernet_ip6_at(frame, frame + sizeof(frame));
	return at ? at - ETHERNET_LEN : NOT_IPV6;
}

static __always_inline enum outcome border_meet(struct __sk_buff *skb)
{
	__u32 shift = tags_len(skb);
	__u8 fixed[IPV6_LEN + OPTION_HEADER_LEN], *ip6 = packet_ip6(skb);

	if (!shift && ip6 + IPV6_LEN <= packet_end(skb) && ip6[IPV6_NEXT_HEADER_AT] != NEXT_HEADER_HOP_BY_HOP)
		return OUTCOME_pass; /* nearly all */
	if (shift == NOT_IPV6 || !packet_load(skb, shift, fixed, sizeof(fixed)) ||
	    fixed[IPV6_NEXT_HEADER_AT] != NEXT_HEADER_HOP_BY_HOP || !ipv6_is(fixed))
		return OUTCOME_pass;
	if (!skb_make_linear(skb, config.self.link_len + shift, IPV6_LEN + (fixed[IPV6_LEN + 1] + 1) * 8))
		return OUTCOME_drop_unstripped;
	return border_packet(skb, shift);
}

static __always_inline int border_verdict(enum outcome outcome)
{
	return border_ends(outcome) ? TC_ACT_SHOT : TC_ACT_UNSPEC;
}

#endif
