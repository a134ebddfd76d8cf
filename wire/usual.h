/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The transit step on the packet that nearly all are: the usual header (ioam6_find_usual) with a trace of the usual
 * type in the namespace of the packet before. It does what ioam6_find() and ioam6_append() do, in a few steps and with
 * node data that is made once for many packets. User space: the verifier would not follow.
 *
 *	| next,len,PadN 2 | option 12 | free ... | node n | ... |
 *	  ^ front: 8 octets, then trace: 8 octets
 */
#ifndef HOPSPAN_WIRE_USUAL_H
#define HOPSPAN_WIRE_USUAL_H

#include "node.h"

enum {
	USUAL_WORDS = IOAM6_USUAL_NODE_WORDS + 1, /* of one node, with its empty snapshot */
	USUAL_NODE_LEN = USUAL_WORDS * IOAM6_WORD,
	USUAL_OPTION_AT = IPV6_LEN + IOAM6_USUAL_AT,
	USUAL_TRACE_AT = USUAL_OPTION_AT + IOAM6_TRACE_AT,
	USUAL_LENGTHS_AT = USUAL_OPTION_AT + IOAM6_LENGTHS_AT,
	USUAL_DATA_AT = USUAL_OPTION_AT + IOAM6_DATA_AT,

	/* In NodeLen, flags and RemainingLen as one number. */
	USUAL_REMAINING = 0x7f,
	USUAL_OVERFLOW = IOAM6_FLAG_OVERFLOW << 7,

	/* In a node's data. */
	USUAL_EGRESS_AT = 6,
	USUAL_FRACTION_AT = 8,
	USUAL_DELAY_AT = 12, /* and queue depth behind it */
};

/* Behind the first octet of the Ethernet type: its second one, version, ..., next header. */
#define USUAL_FRAME_MASK 0xfff00000000000ffULL
#define USUAL_FRAME ((uint64_t)(ETHERTYPE_IPV6 & 0xff) << 56 | 6ULL << 52 | NEXT_HEADER_HOP_BY_HOP)
/* PadN 2, option type, IOAM type; of a whole one the lengths, too. Next header and a reserved octet are free. */
#define USUAL_FRONT_MASK 0x0000ffffff0000ffULL
#define USUAL_FRONT ((uint64_t)OPTION_PADN << 40 | (uint64_t)IOAM6_OPTION_MUTABLE << 24 | IOAM6_TYPE_PREALLOCATED)
#define USUAL_FRONT_WHOLE_MASK 0x00ffffffffff00ffULL
/* Namespace, NodeLen and trace type; flags, RemainingLen and a reserved octet are free. */
#define USUAL_TRACE_MASK 0xfffff800ffffff00ULL
#define USUAL_TRACE(namespace) \
	((uint64_t)(namespace) << 48 | (uint64_t)IOAM6_USUAL_NODE_WORDS << 43 | (uint64_t)IOAM6_USUAL_TYPE << 8)
#define USUAL_NONE (~0ULL) /* nothing is like this under a mask */

/* What a node adds to each of many packets, the hop limit being each packet's own, and what all their headers are. */
struct usual_node {
	uint64_t trace_be; /* USUAL_TRACE(), as on the wire, or USUAL_NONE */
	uint64_t front_be; /* the last header's, whole, as on the wire; what follows from it: */
	uint32_t packet_len_min;
	uint16_t pad_at; /* the PadN of 4 behind the option; 0: none */
	uint8_t room_words;
	uint8_t spares; /* room_words, less this node's, plus 1; 0: not even room for this node's */
	uint8_t data[USUAL_NODE_LEN];
};

/* `node` has what is the same in all packets of the namespace, ioam6_namespace_set(). */
WIRE_INLINE void usual_node_make(struct usual_node *usual, const struct ioam6_namespace *namespace,
				 const struct ioam6_node *node)
{
	usual->trace_be = namespace->schema_words ? USUAL_NONE : WIRE_SWAP64(USUAL_TRACE(namespace->id));
	usual->front_be = USUAL_NONE;
	usual->packet_len_min = USUAL_DATA_AT;
	usual->pad_at = usual->room_words = usual->spares = 0;
	node_write(usual->data, usual->data + USUAL_NODE_LEN, IOAM6_USUAL_TYPE, node);
}

WIRE_INLINE void usual_node_time(struct usual_node *usual, uint32_t fraction)
{
	be32_store(usual->data + USUAL_FRACTION_AT, fraction);
}

/* False: certainly no untagged frame with options, by one load. Octets 13 to 20 must be memory, if not the frame's. */
WIRE_INLINE bool usual_has_options(const uint8_t *frame)
{
	return be64_is(frame + ETHERNET_TYPE_AT + 1, USUAL_FRAME_MASK, WIRE_SWAP64(USUAL_FRAME));
}

/* A packet like the one before? */
WIRE_INLINE bool usual_is_like(const struct usual_node *usual, const uint8_t *ip6, const uint8_t *end)
{
	uint32_t packet_len = IPV6_LEN + be16_load(ip6 + IPV6_PAYLOAD_LEN_AT);

	return packet_len >= usual->packet_len_min && ip6 + packet_len <= end &&
	       be64_is(ip6 + IPV6_LEN, USUAL_FRONT_WHOLE_MASK, usual->front_be) &&
	       be64_is(ip6 + USUAL_TRACE_AT, USUAL_TRACE_MASK, usual->trace_be) &&
	       (!usual->pad_at || be32_load(ip6 + usual->pad_at) == IOAM6_USUAL_PADN);
}

/* Its header is the one to compare with from now on, if it is a usual one: 16 octets at least are there. */
WIRE_INLINE bool usual_learn(struct usual_node *usual, const uint8_t *ip6)
{
	uint64_t front = be64_load(ip6 + IPV6_LEN);
	uint32_t header_len = ((uint32_t)(front >> 48 & 0xff) + 1) * 8;
	uint32_t option_len = OPTION_HEADER_LEN + (uint32_t)(front >> 16 & 0xff);
	uint32_t rest = header_len - IOAM6_USUAL_AT - option_len;

	if ((front & USUAL_FRONT_MASK) != USUAL_FRONT || option_len < IOAM6_DATA_AT || (rest != 0 && rest != 4))
		return false;
	usual->front_be = WIRE_SWAP64(front & USUAL_FRONT_WHOLE_MASK);
	usual->packet_len_min = IPV6_LEN + header_len;
	usual->pad_at = (uint16_t)(rest ? IPV6_LEN + header_len - rest : 0);
	usual->room_words = (uint8_t)((option_len - IOAM6_DATA_AT) / IOAM6_WORD);
	usual->spares = usual->room_words < USUAL_WORDS ? 0 : usual->room_words - USUAL_WORDS + 1;
	return true;
}

/*
 * Looks at an IPv6 packet that has a hop-by-hop header. It may be cut short by `end`, but IPV6_LEN octets are memory.
 * True: ioam6_find() would find a trace like those of `usual`, if not one whose RemainingLen is wrong. False: who
 * knows.
 */
WIRE_INLINE bool usual_find(struct usual_node *usual, const uint8_t *ip6, const uint8_t *end)
{
	return usual_is_like(usual, ip6, end) ||
	       (ip6 + USUAL_DATA_AT <= end && usual_learn(usual, ip6) && usual_is_like(usual, ip6, end));
}

/* ioam6_append() where usual_find() was true; *data_at is in octets from `ip6`. */
WIRE_INLINE enum outcome usual_append(const struct usual_node *usual, uint8_t *ip6, uint32_t *data_at)
{
	uint32_t lengths = be16_load(ip6 + USUAL_LENGTHS_AT), remaining_words = lengths & USUAL_REMAINING;
	uint32_t spare_words =
	    (lengths & (USUAL_OVERFLOW | USUAL_REMAINING)) - USUAL_WORDS; /* many, if it does not fit */

	if (__builtin_expect(spare_words < usual->spares, true)) {
		*data_at = USUAL_DATA_AT + spare_words * IOAM6_WORD;
		__builtin_memcpy(ip6 + *data_at, usual->data, USUAL_NODE_LEN);
		ip6[*data_at] = ip6[IPV6_HOP_LIMIT_AT];
		be16_store(ip6 + USUAL_LENGTHS_AT, (uint16_t)(lengths - USUAL_WORDS));
		return OUTCOME_appended;
	}
	if (remaining_words > usual->room_words)
		return OUTCOME_bad_remaining_len;
	if (lengths & USUAL_OVERFLOW)
		return OUTCOME_overflowed;
	be16_store(ip6 + USUAL_LENGTHS_AT, (uint16_t)(lengths | USUAL_OVERFLOW));
	return OUTCOME_no_room;
}

/* ioam6_complete() of what usual_append() wrote at `data`. */
WIRE_INLINE void usual_complete(uint8_t *data, const struct ioam6_node *node)
{
	be16_store(data + USUAL_EGRESS_AT, node->egress_if);
	be64_store(data + USUAL_DELAY_AT, (uint64_t)node->delay_ns << 32 | node->queue);
}

#endif
