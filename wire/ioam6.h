/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The IOAM pre-allocated trace option: find it, check it, read and write its header, sizes of its fields.
 *
 * RFC 9486 section 3 (the IPv6 option) and RFC 9197 section 4.4 (the trace). README.md has the pictures.
 */
#ifndef HOPSPAN_WIRE_IOAM6_H
#define HOPSPAN_WIRE_IOAM6_H

#include "ipv6.h"

enum {
	IOAM6_OPTION_MUTABLE = 0x31,   /* trace, proof of transit */
	IOAM6_OPTION_IMMUTABLE = 0x11, /* direct export */
	IOAM6_TYPE_AT = 3,	       /* in the option: IOAM option type */
	IOAM6_TYPE_PREALLOCATED = 0,

	IOAM6_NAMESPACE_AT = 4, /* in the option, whatever its IOAM type */
	IOAM6_LENGTHS_AT = 6,	/* in the option: a trace's NodeLen, flags, RemainingLen */
	IOAM6_TRACE_AT = 4,	/* in the option: the trace header */
	IOAM6_TRACE_LEN = 8,
	IOAM6_DATA_AT = IOAM6_TRACE_AT + IOAM6_TRACE_LEN,
	IOAM6_DATA_LEN_MAX = 244, /* so that the 8-bit option length holds */

	IOAM6_FLAG_OVERFLOW = 8, /* of the 4 flag bits, RFC 9197 4.4.1 */
	IOAM6_FLAG_LOOPBACK = 4, /* RFC 9322 */
	IOAM6_FLAG_ACTIVE = 2,	 /* RFC 9322 */

	IOAM6_WORD = 4,
	IOAM6_NODE_WORDS_MAX = 26,	/* every bit of the trace type, without the snapshot's data */
	IOAM6_SNAPSHOT_NONE = 0xffffff, /* schema id of an empty snapshot */
	IOAM6_NAMESPACE_ANY = -1,

	IOAM6_USUAL_AT = 4,	       /* of the option in the hop-by-hop header */
	IOAM6_USUAL_PADN = 0x01020000, /* behind it: PadN, 4 octets */
};
_Static_assert(IOAM6_DATA_AT + IOAM6_DATA_LEN_MAX <= 0xff + OPTION_HEADER_LEN, "RFC 9486 section 3");

/* Trace type bit `n` of RFC 9197 section 4.4.1, 0 the most significant of 24. */
#define IOAM6_BIT(n) (0x800000U >> (n))

enum {
	IOAM6_HOP_AND_ID = IOAM6_BIT(0),
	IOAM6_INTERFACES = IOAM6_BIT(1),
	IOAM6_SECONDS = IOAM6_BIT(2),
	IOAM6_FRACTION = IOAM6_BIT(3),
	IOAM6_DELAY = IOAM6_BIT(4),
	IOAM6_DATA = IOAM6_BIT(5),
	IOAM6_QUEUE = IOAM6_BIT(6),
	IOAM6_CHECKSUM = IOAM6_BIT(7),
	IOAM6_HOP_AND_ID_WIDE = IOAM6_BIT(8),
	IOAM6_INTERFACES_WIDE = IOAM6_BIT(9),
	IOAM6_DATA_WIDE = IOAM6_BIT(10),
	IOAM6_BUFFER = IOAM6_BIT(11),
	IOAM6_UNDEFINED = 0x000ffc, /* bits 12-21 */
	IOAM6_SNAPSHOT = IOAM6_BIT(22),

	IOAM6_SHORT_FIELDS = 0xff1ffc, /* bits 0-7 and 11-21: one word each */
	IOAM6_WIDE_FIELDS = 0x00e000,  /* bits 8-10: two words each */
};
_Static_assert(IOAM6_SNAPSHOT == 0x000002, "RFC 9197 section 4.4.1");

/*
 * The trace type that hopspan's hosts ask for: 20 octets a hop and 4 for its empty snapshot. Where a packet has it,
 * functions of a type are called with this constant, which leaves little of them.
 */
enum {
	IOAM6_USUAL_TYPE =
	    IOAM6_HOP_AND_ID | IOAM6_INTERFACES | IOAM6_FRACTION | IOAM6_DELAY | IOAM6_QUEUE | IOAM6_SNAPSHOT,
	IOAM6_USUAL_NODE_WORDS = 5,
};
_Static_assert(__builtin_popcount(IOAM6_USUAL_TYPE &IOAM6_SHORT_FIELDS) == IOAM6_USUAL_NODE_WORDS &&
		   !(IOAM6_USUAL_TYPE & IOAM6_WIDE_FIELDS),
	       "NodeLen of the usual type");

/* Words of the fields in `type`, without the opaque snapshot: NodeLen for a whole trace type. */
WIRE_INLINE uint32_t ioam6_words(uint32_t type)
{
	if (type == IOAM6_USUAL_TYPE)
		return IOAM6_USUAL_NODE_WORDS;
	return (uint32_t)__builtin_popcount(type & IOAM6_SHORT_FIELDS) +
	       2 * (uint32_t)__builtin_popcount(type & IOAM6_WIDE_FIELDS);
}

/* Words that a node without a snapshot of its own adds. */
WIRE_INLINE uint32_t ioam6_node_words(uint32_t type)
{
	return ioam6_words(type) + (type & IOAM6_SNAPSHOT ? 1 : 0);
}

/* Octets from the start of a node's data to the field `bit` of `type`. */
WIRE_INLINE uint32_t ioam6_field_at(uint32_t type, uint32_t bit)
{
	return ioam6_words(type & ~(2 * bit - 1)) * IOAM6_WORD;
}

/* The trace header; host order. */
struct ioam6_trace {
	uint16_t namespace;
	uint8_t node_words; /* NodeLen */
	uint8_t flags;
	uint8_t remaining_words; /* RemainingLen */
	uint32_t type;
};

/* `at` points to the trace header: option + IOAM6_TRACE_AT. */
WIRE_INLINE struct ioam6_trace ioam6_trace_read(const uint8_t *at)
{
	uint32_t lengths = be16_load(at + 2), type = be32_load(at + 4);

	return (struct ioam6_trace){
		.namespace = be16_load(at),
		.node_words = lengths >> 11,
		.flags = lengths >> 7 & 0xf,
		.remaining_words = lengths & 0x7f,
		.type = type >> 8,
	};
}

/* NodeLen, flags and RemainingLen: all of the trace header that a transit node may change. */
WIRE_INLINE void ioam6_lengths_write(uint8_t *at, const struct ioam6_trace *trace)
{
	be16_store(at + 2, (uint16_t)(trace->node_words << 11 | trace->flags << 7 | trace->remaining_words));
}

WIRE_INLINE void ioam6_trace_write(uint8_t *at, const struct ioam6_trace *trace)
{
	be16_store(at, trace->namespace);
	ioam6_lengths_write(at, trace);
	be32_store(at + 4, trace->type << 8);
}

/* What the walk over a hop-by-hop header found. Offsets from the start of the IPv6 header, 0: none. */
struct ioam6_found {
	uint16_t header_len; /* of the hop-by-hop header */
	uint16_t option;     /* the first pre-allocated trace of the namespace asked for */
	uint16_t data_words; /* of its data, free space included */
	uint16_t identifier; /* the first identifier option, whosever it is */
	bool others;	     /* options that are neither padding nor one of those two */
	struct ioam6_trace trace;
};

/* The namespaces that a node takes part in: each one's place among them, the first 1; 0 for all others. */
struct ioam6_known {
	uint8_t place[UINT16_MAX + 1];
};

/* The verifier of 6.1 knows nothing of a number whose octets were swapped, so it is told that this one has 16 bits. */
WIRE_INLINE uint32_t ioam6_known_place(const struct ioam6_known *known, uint32_t id)
{
	HBH_FORGET(id, UINT16_MAX);
	return known->place[id];
}

/*
 * Checks one option that has the IOAM type; fills `found` if it is the trace asked for. False: malformed, whosever it
 * is: the next Linux router drops the packet for it.
 */
WIRE_INLINE bool ioam6_check(const struct hbh_walk *walk, int namespace, const struct ioam6_known *known,
			     struct ioam6_found *found, enum outcome *why)
{
	struct ioam6_trace trace;
	uint32_t data_words;
	uint8_t *option;

	*why = OUTCOME_bad_alignment;
	if (walk->option % IOAM6_WORD)
		return false;
	*why = OUTCOME_bad_trace_len;
	option = bytes_at(walk->ip6, walk->end, walk->option, IOAM6_TRACE_AT);
	if (!option || walk->len < IOAM6_TRACE_AT - OPTION_HEADER_LEN)
		return false;
	if (option[IOAM6_TYPE_AT] != IOAM6_TYPE_PREALLOCATED) {
		found->others = true;
		return true;
	}
	option = bytes_at(walk->ip6, walk->end, walk->option, IOAM6_DATA_AT);
	if (!option || walk->len < IOAM6_DATA_AT - OPTION_HEADER_LEN ||
	    (walk->len - (IOAM6_DATA_AT - OPTION_HEADER_LEN)) % IOAM6_WORD)
		return false;
	trace = ioam6_trace_read(option + IOAM6_TRACE_AT);
	data_words = (walk->len - (IOAM6_DATA_AT - OPTION_HEADER_LEN)) / IOAM6_WORD;
	*why = OUTCOME_bad_node_len;
	if (trace.node_words != ioam6_words(trace.type))
		return false;
	*why = OUTCOME_bad_remaining_len;
	if (trace.remaining_words > data_words)
		return false;
	if (found->option || (known ? !ioam6_known_place(known, trace.namespace)
				    : namespace != IOAM6_NAMESPACE_ANY && trace.namespace != namespace)) {
		found->others = true;
		return true;
	}
	found->option = walk->option;
	found->data_words = data_words;
	found->trace = trace;
	return true;
}

/*
 * The usual header, as hopspan and Linux write it, without a walk:
 *
 *	| next,len | PadN 2 | option with one trace | nothing, or PadN 4 |
 *
 * False: not certain, so the walk has to say what it is.
 */
WIRE_INLINE bool ioam6_find_usual(uint8_t *ip6, const uint8_t *end, int namespace, struct ioam6_found *found)
{
	uint8_t *front = bytes_at(ip6, end, IPV6_LEN, IOAM6_USUAL_AT + IOAM6_DATA_AT), *back;
	uint32_t header_len, option_len, data_words;
	struct ioam6_trace trace;
	struct hbh_walk walk;

	*found = (struct ioam6_found){ 0 };
	if (!front || !hbh_start(&walk, ip6, end) || be16_load(front + OPTION_HEADER_LEN) != OPTION_PADN << 8)
		return false;
	header_len = walk.stop - IPV6_LEN;
	front += IOAM6_USUAL_AT;
	if (front[0] != IOAM6_OPTION_MUTABLE || front[IOAM6_TYPE_AT] != IOAM6_TYPE_PREALLOCATED)
		return false;
	option_len = OPTION_HEADER_LEN + front[1];
	if (IOAM6_USUAL_AT + option_len != header_len) {
		back = bytes_at(ip6, end, walk.stop - 4, 4);
		if (IOAM6_USUAL_AT + option_len + 4 != header_len || !back || be32_load(back) != IOAM6_USUAL_PADN)
			return false;
	}
	if (option_len < IOAM6_DATA_AT || (option_len - IOAM6_DATA_AT) % IOAM6_WORD)
		return false;
	data_words = (option_len - IOAM6_DATA_AT) / IOAM6_WORD;
	trace = ioam6_trace_read(front + IOAM6_TRACE_AT);
	if ((namespace != IOAM6_NAMESPACE_ANY && trace.namespace != namespace) ||
	    trace.node_words != ioam6_words(trace.type) || trace.remaining_words > data_words)
		return false;
	found->header_len = header_len;
	found->option = IPV6_LEN + IOAM6_USUAL_AT;
	found->data_words = data_words;
	found->trace = trace;
	return true;
}

/* ioam6_find() for any header. With `known` it is the first trace of one of those namespaces that counts. */
WIRE_INLINE bool ioam6_walk_known(uint8_t *ip6, const uint8_t *end, int namespace, const struct ioam6_known *known,
				  struct ioam6_found *found, enum outcome *why)
{
	struct hbh_walk walk;

	*found = (struct ioam6_found){ 0 };
	*why = OUTCOME_bad_truncated;
	if (!hbh_start(&walk, ip6, end))
		return false;
	found->header_len = walk.stop - IPV6_LEN;
	for (int i = 0; i < HBH_STEPS_MAX; i++) {
		enum hbh_step step = hbh_step(&walk, why);

		if (step == HBH_END)
			return true;
		if (step == HBH_BAD)
			return false;
		if (step == HBH_PADDING)
			continue;
		if (walk.type == OPTION_IDENTIFIER && !found->identifier)
			found->identifier = walk.option;
		else if (walk.type != IOAM6_OPTION_MUTABLE)
			found->others = true;
		else if (!ioam6_check(&walk, namespace, known, found, why))
			return false;
	}
	*why = OUTCOME_bad_option_count;
	return walk.at == walk.stop;
}

WIRE_INLINE bool ioam6_walk(uint8_t *ip6, const uint8_t *end, int namespace, struct ioam6_found *found,
			    enum outcome *why)
{
	return ioam6_walk_known(ip6, end, namespace, NULL, found, why);
}

/*
 * Looks into the hop-by-hop header behind the IPv6 header at `ip6`, which the caller knows to be there and to be
 * followed by one. False: malformed, `why` says how. True with found->option 0: well-formed, but no such trace.
 */
WIRE_INLINE bool ioam6_find(uint8_t *ip6, const uint8_t *end, int namespace, struct ioam6_found *found,
			    enum outcome *why)
{
	return ioam6_find_usual(ip6, end, namespace, found) || ioam6_walk(ip6, end, namespace, found, why);
}

/* The same for the first trace of a namespace that the node takes part in. */
WIRE_INLINE bool ioam6_find_known(uint8_t *ip6, const uint8_t *end, const struct ioam6_known *known,
				  struct ioam6_found *found, enum outcome *why)
{
	return (ioam6_find_usual(ip6, end, IOAM6_NAMESPACE_ANY, found) &&
		ioam6_known_place(known, found->trace.namespace)) ||
	       ioam6_walk_known(ip6, end, IOAM6_NAMESPACE_ANY, known, found, why);
}

#endif
