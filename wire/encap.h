/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The hop-by-hop header that a sending host inserts, and where a sink finds the context in it. Three carriers:
 *
 *	snapshot         | next,len | PadN 2 | trace option: header, free, own data with the context | PadN |
 *	generic-context  | next,len | identifier option: context type, context | trace option | PadN |
 *	generic          | next,len | identifier option: context               | trace option | PadN |
 *
 * Without a trace type the identifiers travel alone. With the usual trace type and room for k hops behind the host:
 * 72 + 24k, 68 + 20k and 64 + 20k octets, rounded up to 8 (RFC 9486: the trace option starts at a multiple of 4).
 * The identifier option: draft-iurman-6man-generic-id and -carry-identifier, in the experimental type of RFC 4727.
 */
#ifndef HOPSPAN_WIRE_ENCAP_H
#define HOPSPAN_WIRE_ENCAP_H

#include "context.h"
#include "node.h"

enum encap_carrier { ENCAP_SNAPSHOT, ENCAP_GENERIC_CONTEXT, ENCAP_GENERIC, ENCAP_CARRIERS };

/* How a sender's headers look; encap_shape() makes it. */
struct encap_shape {
	uint32_t type;	   /* trace type; 0: identifiers alone */
	uint8_t carrier;   /* enum encap_carrier */
	uint8_t option_at; /* the trace option, in octets from the header's start */
	uint8_t own_len;   /* octets of the sender's node data, the context's included where it is in there */
	uint8_t hop_len;   /* octets of each later node's */
};

#define ENCAP_SHAPE_USUAL                                                                          \
	((struct encap_shape){ .type = IOAM6_USUAL_TYPE,                                           \
			       .carrier = ENCAP_SNAPSHOT,                                          \
			       .option_at = IOAM6_USUAL_AT,                                        \
			       .own_len = (IOAM6_USUAL_NODE_WORDS + 1) * IOAM6_WORD + CONTEXT_LEN, \
			       .hop_len = (IOAM6_USUAL_NODE_WORDS + 1) * IOAM6_WORD })

/* Identifiers alone, in the form that says what they are. */
#define ENCAP_SHAPE_IDS                                          \
	((struct encap_shape){ .carrier = ENCAP_GENERIC_CONTEXT, \
			       .option_at = OPTION_HEADER_LEN + IDENTIFIER_CONTEXT_LEN })

enum {
	ENCAP_HOPS_USUAL = 4,
	ENCAP_HOP_LEN = (IOAM6_USUAL_NODE_WORDS + 1) * IOAM6_WORD, /* in the usual shape */
	ENCAP_HOPS_MAX = 15,
	ENCAP_OPTION_AT = IOAM6_USUAL_AT,
	ENCAP_GENERIC_TYPE = IOAM6_USUAL_TYPE & ~IOAM6_SNAPSHOT, /* the usual one of the other carriers */
	ENCAP_PAD_LEN = 4,
	ENCAP_LEN_MAX = 296, /* of any shape */
};

/*
 * The shape of a carrier with a trace type. The snapshot's bit 22 is the carrier's business: it is set or cleared
 * here. A snapshot needs a trace: its type 0 is the usual one.
 */
WIRE_INLINE struct encap_shape encap_shape(enum encap_carrier carrier, uint32_t type)
{
	struct encap_shape shape = { .carrier = carrier };

	if (carrier == ENCAP_SNAPSHOT)
		shape.type = (type ? type : IOAM6_USUAL_TYPE) | IOAM6_SNAPSHOT;
	else
		shape.type = type & ~IOAM6_SNAPSHOT;
	shape.option_at = OPTION_HEADER_LEN + (carrier == ENCAP_SNAPSHOT  ? OPTION_HEADER_LEN
					       : carrier == ENCAP_GENERIC ? IDENTIFIER_LEN
									  : IDENTIFIER_CONTEXT_LEN);
	shape.hop_len = ioam6_node_words(shape.type) * IOAM6_WORD;
	shape.own_len = shape.hop_len + (carrier == ENCAP_SNAPSHOT ? CONTEXT_LEN : 0);
	return shape;
}

/* Octets of node data of a header with room for `hops`. */
WIRE_INLINE uint32_t encap_data_len(const struct encap_shape *shape, uint32_t hops)
{
	return shape->own_len + hops * shape->hop_len;
}

/* Octets of the header with room for `hops`. */
WIRE_INLINE uint32_t encap_len(const struct encap_shape *shape, uint32_t hops)
{
	uint32_t len = shape->option_at;

	if (shape->type)
		len += IOAM6_DATA_AT + encap_data_len(shape, hops);
	return (len + 7) & ~7U;
}

/* Room for how many hops `octets` allow, at most `hops_max`; less than 0: not even the header fits. */
WIRE_INLINE int encap_hops(const struct encap_shape *shape, int octets, int hops_max)
{
	int least = shape->option_at + (shape->type ? IOAM6_DATA_AT + shape->own_len : 0), hops;

	octets &= ~7;
	if (octets < least)
		return -1;
	if (octets >= least + hops_max * shape->hop_len) /* mostly; a division costs */
		return hops_max;
	hops = (uint32_t)(octets - least) / shape->hop_len;
	return hops < hops_max ? hops : hops_max;
}

/* The most hops that a trace of this shape can have room for (RFC 9486 section 3: an 8-bit length). */
WIRE_INLINE int encap_hops_max(const struct encap_shape *shape)
{
	int hops = shape->type ? (IOAM6_DATA_LEN_MAX - shape->own_len) / shape->hop_len : 0;

	return hops < ENCAP_HOPS_MAX ? hops : ENCAP_HOPS_MAX;
}

/* PadN of 2 to 7 octets in all; `len` is a constant. */
WIRE_INLINE void padn_write(uint8_t *at, uint32_t len)
{
	at[0] = OPTION_PADN;
	at[1] = len - OPTION_HEADER_LEN;
	for (uint32_t i = OPTION_HEADER_LEN; i < len; i++)
		at[i] = 0;
}

/* Everything before the trace option. */
WIRE_INLINE bool encap_write_front(uint8_t *at, const uint8_t *end, uint8_t next_header, uint32_t len,
				   enum encap_carrier carrier, const struct context *context)
{
	if (at + HBH_LEN_MIN > end)
		return false;
	at[0] = next_header;
	at[1] = len / 8 - 1;
	at += OPTION_HEADER_LEN;
	if (carrier == ENCAP_SNAPSHOT) {
		padn_write(at, OPTION_HEADER_LEN);
		return true;
	}
	if (at + (carrier == ENCAP_GENERIC ? IDENTIFIER_LEN : IDENTIFIER_CONTEXT_LEN) > end)
		return false;
	identifier_write(at, carrier == ENCAP_GENERIC_CONTEXT, context);
	return true;
}

/* The trace option up to its data. */
WIRE_INLINE void encap_write_option(uint8_t *at, const struct encap_shape *shape, uint32_t hops, uint16_t namespace,
				    uint8_t flags)
{
	struct ioam6_trace trace = {
		.namespace = namespace,
		.node_words = ioam6_words(shape->type),
		.flags = flags,
		.remaining_words = hops * shape->hop_len / IOAM6_WORD,
		.type = shape->type,
	};

	at[0] = IOAM6_OPTION_MUTABLE;
	at[1] = IOAM6_DATA_AT - OPTION_HEADER_LEN + encap_data_len(shape, hops);
	be16_store(at + 2, IOAM6_TYPE_PREALLOCATED);
	ioam6_trace_write(at + IOAM6_TRACE_AT, &trace);
}

/* The sender's own data, `at` octets from `start`: behind the free space, with the context where it belongs in there.
 */
WIRE_INLINE bool encap_write_own(uint8_t *start, const uint8_t *end, uint32_t at, const struct encap_shape *shape,
				 struct ioam6_node *node, const struct context *context)
{
	uint8_t *snapshot;

	node->schema_id = CONTEXT_SCHEMA_ID;
	node->schema_words = CONTEXT_WORDS;
	if (!node_write_at(start, end, at, shape->type, node))
		return false;
	if (shape->carrier != ENCAP_SNAPSHOT)
		return true;
	snapshot = bytes_at(start, end, at + shape->hop_len, CONTEXT_LEN);
	if (!snapshot)
		return false;
	context_write(snapshot, context);
	return true;
}

/*
 * Writes the whole header at `at`, into encap_len(shape, hops) zeros before `end`. The node's snapshot fields are set
 * here. False, and nothing of use written: `end` came first.
 */
WIRE_INLINE bool encap_write(uint8_t *at, const uint8_t *end, uint8_t next_header, const struct encap_shape *shape,
			     uint32_t hops, uint16_t namespace, uint8_t flags, struct ioam6_node *node,
			     const struct context *context)
{
	uint32_t len = encap_len(shape, hops), used = shape->option_at;
	uint8_t *option, *rest;

	if (!encap_write_front(at, end, next_header, len, shape->carrier, context))
		return false;
	if (shape->type) {
		option = bytes_at(at, end, used, IOAM6_DATA_AT);
		if (!option ||
		    !encap_write_own(at, end, used + IOAM6_DATA_AT + hops * shape->hop_len, shape, node, context))
			return false;
		encap_write_option(option, shape, hops, namespace, flags);
		used += IOAM6_DATA_AT + encap_data_len(shape, hops);
	}
	if (used == len)
		return true;
	rest = bytes_at(at, end, used, ENCAP_PAD_LEN);
	if (rest)
		padn_write(rest, ENCAP_PAD_LEN);
	return rest;
}

/* The context of a snapshot: it ends the encapsulating host's data, so it is the last CONTEXT_LEN octets of the trace.
 */
WIRE_INLINE bool encap_find_snapshot(uint8_t *ip6, const uint8_t *end, const struct ioam6_found *found,
				     struct context *context)
{
	uint32_t data_end = found->option + IOAM6_DATA_AT + found->data_words * IOAM6_WORD;
	uint8_t *at;

	if (!found->option || !(found->trace.type & IOAM6_SNAPSHOT) ||
	    found->data_words < found->trace.remaining_words + CONTEXT_WORDS + 1 + found->trace.node_words)
		return false;
	at = bytes_at(ip6, end, data_end - CONTEXT_LEN - IOAM6_WORD, CONTEXT_LEN + IOAM6_WORD);
	if (!at || be32_load(at) != (CONTEXT_WORDS << 24 | CONTEXT_SCHEMA_ID))
		return false;
	return context_read(at + IOAM6_WORD, context);
}

/*
 * The context of an identifier option. The form without a context type could be anybody's experiment: it is read only
 * where `plain` says that it is ours.
 */
WIRE_INLINE bool encap_find_identifier(uint8_t *ip6, const uint8_t *end, const struct ioam6_found *found, bool plain,
				       struct context *context, enum encap_carrier *carrier)
{
	uint8_t *option = found->identifier ? bytes_at(ip6, end, found->identifier, IDENTIFIER_LEN) : NULL;

	if (!option)
		return false;
	*carrier = ENCAP_GENERIC;
	if (option[1] == IDENTIFIER_LEN - OPTION_HEADER_LEN)
		return plain && context_read(option + IDENTIFIER_AT, context);
	*carrier = ENCAP_GENERIC_CONTEXT;
	if (option[1] != IDENTIFIER_CONTEXT_LEN - OPTION_HEADER_LEN)
		return false;
	option = bytes_at(ip6, end, found->identifier, IDENTIFIER_CONTEXT_LEN);
	if (!option || be16_load(option + OPTION_HEADER_LEN) != IDENTIFIER_CONTEXT_TYPE)
		return false;
	return context_read(option + IDENTIFIER_CONTEXT_AT, context);
}

/*
 * The context that the packet carries, and what carries it; false: none. `plain`: identifier options without a context
 * type are ours here. Where both are, the snapshot decides: its schema is surely ours.
 */
WIRE_INLINE bool encap_find_context(uint8_t *ip6, const uint8_t *end, const struct ioam6_found *found, bool plain,
				    struct context *context, enum encap_carrier *carrier)
{
	*carrier = ENCAP_SNAPSHOT;
	return encap_find_snapshot(ip6, end, found, context) ||
	       encap_find_identifier(ip6, end, found, plain, context, carrier);
}

#endif
