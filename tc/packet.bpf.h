/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What a packet is to tc, for the code that XDP shares. The includer has `config`; offsets are from the IPv6 header.
 */
#ifndef HOPSPAN_TC_PACKET_BPF_H
#define HOPSPAN_TC_PACKET_BPF_H

#include "packet.h"
#include "tc.bpf.h"

#define PACKET_CONTEXT __sk_buff

static __always_inline __u8 *packet_ip6(const struct __sk_buff *skb)
{
	return skb_ip6(skb, config.self.link_len);
}

static __always_inline __u8 *packet_end(const struct __sk_buff *skb)
{
	return skb_end(skb);
}

static __always_inline __u32 packet_len(const struct __sk_buff *skb)
{
	return skb->len - config.self.link_len;
}

static __always_inline bool packet_load(const struct __sk_buff *skb, __u32 at, void *to, __u32 len)
{
	return !bpf_skb_load_bytes(skb, config.self.link_len + at, to, len);
}

/* A device that has summed up the packet gets the sum corrected. */
static __always_inline bool packet_store(struct __sk_buff *skb, __u32 at, const void *from, __u32 len)
{
	return !bpf_skb_store_bytes(skb, config.self.link_len + at, from, len, BPF_F_RECOMPUTE_CSUM);
}

/* Out go `len` octets behind the IPv6 header, which says what `fields` do then. */
static __always_inline bool packet_shrink(struct __sk_buff *skb, __u32 len, const struct ip6_fields *fields)
{
	return !bpf_skb_adjust_room(skb, -(__s32)len, BPF_ADJ_ROOM_NET,
				    BPF_F_ADJ_ROOM_NO_CSUM_RESET | BPF_F_ADJ_ROOM_FIXED_GSO) &&
	       packet_store(skb, IPV6_PAYLOAD_LEN_AT, fields->octets, sizeof(fields->octets));
}

#endif
