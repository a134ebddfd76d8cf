/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Taking options out of a packet, the same for XDP and tc: the whole hop-by-hop header, or one option of several.
 *
 * The includer says what a packet is to it: packet.bpf.h of tc or XDP, all offsets from the IPv6 header.
 */
#ifndef HOPSPAN_XDP_STRIP_BPF_H
#define HOPSPAN_XDP_STRIP_BPF_H

#include "tc/packet.h"
#include "wire/cut.h"

enum { STRIP_FRONT_LEN = 320 }; /* octets of a header before what is cut out of it */

/* False: BIG TCP. Which length would be the new one, only the kernel knows. */
static __always_inline bool fields_set(const __u8 *ip6, __u32 len, __u8 next_header, struct ip6_fields *fields)
{
	__u32 payload_len = be16_load(ip6 + IPV6_PAYLOAD_LEN_AT);

	be16_store(fields->octets, payload_len - len);
	fields->octets[2] = next_header;
	fields->octets[3] = ip6[IPV6_HOP_LIMIT_AT];
	return payload_len;
}

/* Takes the whole hop-by-hop header out. */
static __always_inline bool header_strip(struct PACKET_CONTEXT *packet, __u32 header_len)
{
	__u8 *ip6 = packet_ip6(packet);
	struct ip6_fields fields;

	if (ip6 + IPV6_LEN + 1 > packet_end(packet) || !fields_set(ip6, header_len, ip6[IPV6_LEN], &fields))
		return false;
	return packet_shrink(packet, header_len, &fields);
}

/* The part of a header before what is cut out of it, which moves, and the padding behind. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u8[512 + 8]);
} strip_front SEC(".maps");

static __always_inline void padding_put(__u8 *front, __u32 at, __u32 padding)
{
	for (__u32 i = 0; i < HBH_PADDING_MAX; i++)
		if (i < padding)
			front[at + i] = 0;
	if (padding >= OPTION_HEADER_LEN) {
		front[at] = OPTION_PADN;
		front[at + 1] = padding - OPTION_HEADER_LEN;
	}
}

/* Rare packets come here: global functions, so that the verifier looks at each once. */
__attribute__((noinline)) int option_cut_find(struct PACKET_CONTEXT *packet, __u32 option, struct cut *cut)
{
	__u8 *ip6 = packet_ip6(packet), *end = packet_end(packet);

	return cut && ip6 + IPV6_LEN <= end && ip6[IPV6_NEXT_HEADER_AT] == NEXT_HEADER_HOP_BY_HOP &&
	       cut_find(ip6, end, option, cut);
}

/*
 * Takes one option out of a header that stays. Returns whether it could; after the packet has shrunk nothing fails, as
 * its headers are linear and its own.
 */
__attribute__((noinline)) int option_cut(struct PACKET_CONTEXT *packet, __u32 option)
{
	__u32 key = 0, before, padding;
	__u8 *front = bpf_map_lookup_elem(&strip_front, &key), *ip6;
	struct ip6_fields fields;
	struct cut cut = { 0 };

	if (!front || !option_cut_find(packet, option, &cut))
		return false;
	ip6 = packet_ip6(packet);
	if (ip6 + IPV6_LEN > packet_end(packet) || !fields_set(ip6, cut_len(&cut), NEXT_HEADER_HOP_BY_HOP, &fields))
		return false;
	padding = cut_padding(&cut);
	before = cut.at - IPV6_LEN - 1;
	asm volatile("" : "+r"(before)); /* 6.1 loses the bound of a length that is compared before it changes */
	before &= 511;
	asm volatile("" : "+r"(before));
	if (before >= STRIP_FRONT_LEN || !packet_load(packet, IPV6_LEN, front, before + 1))
		return false;
	front[1] -= cut_len(&cut) / 8;
	padding_put(front, before + 1, padding);
	return packet_shrink(packet, cut_len(&cut), &fields) &&
	       packet_store(packet, IPV6_LEN, front, before + 1 + padding);
}

#endif
