/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * An skb as tc programs see it: verdicts, TCP's offsets, pointers to the IPv6 header.
 */
#ifndef HOPSPAN_TC_TC_BPF_H
#define HOPSPAN_TC_TC_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "wire/ethernet.h"

enum { TC_ACT_UNSPEC = -1, TC_ACT_OK = 0, TC_ACT_SHOT = 2, TC_ACT_STOLEN = 4 };
enum { NET_XMIT_SUCCESS = 0, NET_XMIT_DROP = 1, NET_XMIT_CN = 2 };

enum { NEXT_HEADER_ROUTING = 43, NEXT_HEADER_FRAGMENT = 44, NEXT_HEADER_DESTINATION = 60 };

/* Of a packet that a router writes to, made linear at once: the largest trace, with room for other options. */
enum { TC_LINEAR_LEN = IPV6_LEN + 320 };

enum { UDP_LEN = 8 };

/* RFC 9293 section 3.1 */
enum {
	TCP_LEN_MIN = 20,
	TCP_LEN_MAX = 60,
	TCP_SEQ_AT = 4,
	TCP_HEADER_LEN_AT = 12,
	TCP_FLAGS_AT = 13,
	TCP_CHECKSUM_AT = 16,
	TCP_SYN = 0x02,
	TCP_RST = 0x04,
	TCP_ACK = 0x10,
};

static __always_inline __u8 *skb_end(const struct __sk_buff *skb)
{
	return (__u8 *)(long)skb->data_end;
}

static __always_inline __u8 *skb_ip6(const struct __sk_buff *skb, __u32 link_len)
{
	return (__u8 *)(long)skb->data + link_len;
}

/* `len` octets behind the link layer are linear, or all there are. Packet pointers are new afterwards. */
static __always_inline bool skb_make_linear(struct __sk_buff *skb, __u32 link_len, __u32 len)
{
	len += link_len;
	if (len > skb->len)
		len = skb->len;
	return (__u8 *)(long)skb->data + len <= skb_end(skb) || !bpf_skb_pull_data(skb, len);
}

/* skb_has_options() of a packet that is IPv6 by its link layer. */
static __always_inline bool skb_has_options_at(struct __sk_buff *skb, __u32 link_len, __u32 len)
{
	__u8 *ip6 = skb_ip6(skb, link_len);
	__u32 header_len = 0;
	bool linear;

	if (ip6 + IPV6_LEN > skb_end(skb) && bpf_skb_pull_data(skb, link_len + IPV6_LEN))
		return false;
	ip6 = skb_ip6(skb, link_len);
	if (ip6 + IPV6_LEN > skb_end(skb) || !ipv6_is(ip6) || ip6[IPV6_NEXT_HEADER_AT] != NEXT_HEADER_HOP_BY_HOP ||
	    !skb_make_linear(skb, link_len, len))
		return false;
	ip6 = skb_ip6(skb, link_len);
	if (ip6 + IPV6_LEN + HBH_LEN_MIN <= skb_end(skb))
		header_len = IPV6_LEN + (ip6[IPV6_LEN + 1] + 1U) * 8;
	linear = header_len <= len || skb_make_linear(skb, link_len, header_len);
	asm volatile("" ::: "memory"); /* packet pointers kept from one of several ways here become mere numbers */
	return linear;
}

/*
 * An IPv6 packet with a hop-by-hop header; all of that is linear, and `len` octets of the packet. Packet pointers are
 * new afterwards.
 */
static __always_inline bool skb_has_options(struct __sk_buff *skb, __u32 link_len, __u32 len)
{
	return skb->protocol == bpf_htons(ETHERTYPE_IPV6) && skb_has_options_at(skb, link_len, len);
}

/*
 * Octets before the IPv6 header, of which the device adds `link_len`; -1: no IPv6. The outermost VLAN tag is mostly not
 * in the frame but beside it: then skb->protocol is what it says within.
 */
static __always_inline int skb_ip6_at(struct __sk_buff *skb, __u32 link_len)
{
	__u16 type_be = skb->protocol;

	if (type_be == bpf_htons(ETHERTYPE_IPV6))
		return link_len;
	for (int tags = 0; link_len && tags < VLAN_TAGS_MAX && ethertype_is_vlan(bpf_ntohs(type_be)); tags++) {
		link_len += VLAN_TAG_LEN;
		if (bpf_skb_load_bytes(skb, link_len - sizeof(type_be), &type_be, sizeof(type_be)))
			return -1;
		if (type_be == bpf_htons(ETHERTYPE_IPV6))
			return link_len;
	}
	return -1;
}

#endif
