/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The IPv6 header and a bounded walk over the options of a hop-by-hop header.
 *
 * RFC 8200 sections 3 and 4. The walk is as strict as Linux's own (at most 7 octets of padding in a row, all zero;
 * at most 8 options; every option inside the header), because a packet that breaks these rules is dropped by the
 * next stock router: it is not to be written to. All offsets are in octets from the start of the IPv6 header.
 */
#ifndef HOPSPAN_WIRE_IPV6_H
#define HOPSPAN_WIRE_IPV6_H

#include "bytes.h"
#include "outcome.h"

enum {
	ETHERNET_LEN = 14,
	ETHERNET_TYPE_AT = 12,
	ETHERTYPE_IPV6 = 0x86dd,

	IPV6_LEN = 40,
	IPV6_FLOW_LABEL = 0xfffff, /* of the first word */
	PAYLOAD_LEN_MAX = 0xffff,
	IPV6_PAYLOAD_LEN_AT = 4,
	IPV6_NEXT_HEADER_AT = 6,
	IPV6_HOP_LIMIT_AT = 7,
	IPV6_SOURCE_AT = 8,
	IPV6_DESTINATION_AT = 24,

	NEXT_HEADER_HOP_BY_HOP = 0,
	NEXT_HEADER_TCP = 6,
	NEXT_HEADER_UDP = 17,
	NEXT_HEADER_ICMPV6 = 58,

	HBH_LEN_MIN = 8,
	HBH_LEN_MAX = 2048, /* (255 + 1) * 8 */
	HBH_OPTIONS_MAX = 8,
	HBH_PADDING_MAX = 7,
	HBH_STEPS_MAX = 24, /* options and paddings; what needs more steps is refused */

	OPTION_PAD1 = 0x00,
	OPTION_PADN = 0x01,
	OPTION_IDENTIFIER = 0x1e, /* RFC 4727: for experiments; skip if unknown, does not change on the way */
	OPTION_HEADER_LEN = 2,
};

WIRE_INLINE bool ipv6_is(const uint8_t *ip6)
{
	return ip6[0] >> 4 == 6;
}

/* Is all of its payload in the `len` octets from its header on? A payload length of 0 (BIG TCP) says nothing. */
WIRE_INLINE bool ipv6_is_whole(const uint8_t *ip6, uint64_t len)
{
	return (uint64_t)IPV6_LEN + be16_load(ip6 + IPV6_PAYLOAD_LEN_AT) <= len;
}

/* The pointer `at` octets behind `start` if `len` octets are there, else NULL. The form that the verifier follows. */
WIRE_INLINE uint8_t *bytes_at(uint8_t *start, const uint8_t *end, uint32_t at, uint32_t len)
{
	uint64_t offset = at;
	uint8_t *p;

	WIRE_OPAQUE(offset);
	if (offset > IPV6_LEN + HBH_LEN_MAX)
		return NULL;
	p = start + offset;
	WIRE_OPAQUE(p);
	return p + len > end ? NULL : p;
}

/*
 * A walk over the options of one hop-by-hop header:
 *
 *	IPv6 header | next, len | option | padding | option | padding |
 *	0           40          ^at                                   ^stop
 */
struct hbh_walk {
	uint8_t *ip6;
	const uint8_t *end;
	uint32_t at;	   /* the next option */
	uint32_t stop;	   /* the end of the header */
	uint32_t option;   /* the option just found */
	uint32_t padding;  /* octets of padding since the last option */
	uint32_t options;  /* found so far */
	uint8_t type, len; /* of the option just found; len counts from the next octet */
};

enum hbh_step { HBH_END, HBH_PADDING, HBH_OPTION, HBH_BAD };

/*
 * For the verifier: makes the walk's numbers mere ranges, the same after each step. Else every combination of how far
 * the walk came and what it counted would be a state of its own, a million of them. HBH_ZERO is the next header of a
 * packet that has a hop-by-hop header: 0, but only at run time. Nothing elsewhere.
 */
#ifdef __bpf__
#define HBH_ZERO(walk) (*(volatile uint8_t *)((walk)->ip6 + IPV6_NEXT_HEADER_AT))
#define HBH_FORGET(value, mask)     \
	do {                        \
		WIRE_OPAQUE(value); \
		(value) &= (mask);  \
	} while (0)
#else
#define HBH_ZERO(walk) 0
#define HBH_FORGET(value, mask) ((void)(value))
#endif

WIRE_INLINE void hbh_forget(struct hbh_walk *walk)
{
	HBH_FORGET(walk->at, 0xfff);
	HBH_FORGET(walk->padding, 0xf);
	HBH_FORGET(walk->options, 0xf);
}

/*
 * Begins a walk. The caller knows that an IPv6 header is there whose next header is hop-by-hop. What is behind the
 * packet's own length is its frame's padding, no header; a length of 0 (BIG TCP) says nothing.
 */
WIRE_INLINE bool hbh_start(struct hbh_walk *walk, uint8_t *ip6, const uint8_t *end)
{
	uint8_t *header = bytes_at(ip6, end, IPV6_LEN, HBH_LEN_MIN);
	uint32_t payload_len;

	if (!header)
		return false;
	payload_len = be16_load(ip6 + IPV6_PAYLOAD_LEN_AT);
	*walk = (struct hbh_walk){ .ip6 = ip6, .end = end };
	walk->padding = walk->options = HBH_ZERO(walk);
	walk->at = IPV6_LEN + OPTION_HEADER_LEN + HBH_ZERO(walk);
	walk->stop = IPV6_LEN + (header[1] + 1U) * 8;
	if (payload_len && IPV6_LEN + payload_len < walk->stop)
		return false;
	return bytes_at(ip6, end, walk->stop - 1, 1) != NULL;
}

/* Are the `len` octets of a PadN's data zero? More than 5 never come here. */
WIRE_INLINE bool padding_is_zero(const struct hbh_walk *walk, uint32_t at, uint32_t len)
{
	for (uint32_t i = 0; i < HBH_PADDING_MAX - OPTION_HEADER_LEN && i < len; i++) {
		const uint8_t *octet = bytes_at(walk->ip6, walk->end, at + i, 1);

		if (!octet || *octet)
			return false;
	}
	return true;
}

/*
 * One option or padding further, by lengths alone: *len octets with its header. `why` is set with HBH_BAD. What is
 * padding by its type may break the rules for padding.
 */
WIRE_INLINE enum hbh_step hbh_next(struct hbh_walk *walk, uint32_t *len, enum outcome *why)
{
	uint32_t left;
	uint8_t *p;

	*len = 1;
	hbh_forget(walk);
	if (walk->at == walk->stop)
		return HBH_END;
	left = walk->stop - walk->at;
	*why = OUTCOME_bad_truncated;
	p = bytes_at(walk->ip6, walk->end, walk->at, 1);
	if (!p)
		return HBH_BAD;
	walk->type = p[0];
	if (walk->type != OPTION_PAD1) {
		*why = OUTCOME_bad_option_len;
		p = bytes_at(walk->ip6, walk->end, walk->at, OPTION_HEADER_LEN);
		if (!p || left < OPTION_HEADER_LEN)
			return HBH_BAD;
		walk->len = p[1];
		*len = OPTION_HEADER_LEN + walk->len;
		if (*len > left)
			return HBH_BAD;
	}
	walk->option = walk->at;
	walk->at += *len;
	return walk->type <= OPTION_PADN ? HBH_PADDING : HBH_OPTION;
}

/* One option or padding further. `why` is set with HBH_BAD. */
WIRE_INLINE enum hbh_step hbh_step(struct hbh_walk *walk, enum outcome *why)
{
	uint32_t len;
	enum hbh_step step = hbh_next(walk, &len, why);

	if (step == HBH_END || step == HBH_BAD)
		return step;
	if (step == HBH_PADDING) {
		*why = OUTCOME_bad_padding;
		walk->padding += len;
		if (walk->padding > HBH_PADDING_MAX)
			return HBH_BAD;
		if (len > OPTION_HEADER_LEN &&
		    !padding_is_zero(walk, walk->option + OPTION_HEADER_LEN, len - OPTION_HEADER_LEN))
			return HBH_BAD;
		return HBH_PADDING;
	}
	*why = OUTCOME_bad_option_count;
	walk->padding = HBH_ZERO(walk);
	walk->options++;
	return walk->options > HBH_OPTIONS_MAX ? HBH_BAD : HBH_OPTION;
}

#endif
