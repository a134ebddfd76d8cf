/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What a packet is to XDP, for the code that tc shares. The includer has `config`; offsets are from the IPv6 header.
 */
#ifndef HOPSPAN_XDP_PACKET_BPF_H
#define HOPSPAN_XDP_PACKET_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "tc/packet.h"
#include "wire/ipv6.h"

#define PACKET_CONTEXT xdp_md

static __always_inline __u8 *packet_ip6(const struct xdp_md *xdp)
{
	return (__u8 *)(long)xdp->data + config.self.link_len;
}

static __always_inline __u8 *packet_end(const struct xdp_md *xdp)
{
	return (__u8 *)(long)xdp->data_end;
}

static __always_inline __u32 packet_len(struct xdp_md *xdp)
{
	return bpf_xdp_get_buff_len(xdp) - config.self.link_len;
}

static __always_inline bool packet_load(struct xdp_md *xdp, __u32 at, void *to, __u32 len)
{
	return !bpf_xdp_load_bytes(xdp, config.self.link_len + at, to, len);
}

static __always_inline bool packet_store(struct xdp_md *xdp, __u32 at, void *from, __u32 len)
{
	return !bpf_xdp_store_bytes(xdp, config.self.link_len + at, from, len);
}

/* Link layer and IPv6, which move over what goes. */
struct packet_headers {
	__u8 link[16];
	__u8 ip6[IPV6_LEN];
};

static __always_inline void link_copy(__u8 *to, const __u8 *from)
{
	words_copy(to, from, ETHERNET_TYPE_AT / 4);
	be16_store(to + ETHERNET_TYPE_AT, be16_load(from + ETHERNET_TYPE_AT));
}

/* The front of the packet moves back by `len` octets, metadata with it. */
static __always_inline bool packet_shrink(struct xdp_md *xdp, __u32 len, const struct ip6_fields *fields)
{
	__u8 *frame = (__u8 *)(long)xdp->data, *ip6 = packet_ip6(xdp);
	struct packet_headers headers;

	if (ip6 + IPV6_LEN > packet_end(xdp))
		return false;
	if (config.self.link_len)
		link_copy(headers.link, frame);
	words_copy(headers.ip6, ip6, IPV6_LEN / 4);
	words_copy(headers.ip6 + IPV6_PAYLOAD_LEN_AT, fields->octets, 1);
	if (bpf_xdp_adjust_head(xdp, (int)len))
		return false;
	frame = (__u8 *)(long)xdp->data;
	ip6 = packet_ip6(xdp);
	if (ip6 + IPV6_LEN > packet_end(xdp))
		return false;
	if (config.self.link_len)
		link_copy(frame, headers.link);
	words_copy(ip6, headers.ip6, IPV6_LEN / 4);
	return true;
}

#endif
