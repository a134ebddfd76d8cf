/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The trace context of a packet, and what carries it: the opaque snapshot of the encapsulating host's node data, or an
 * identifier option of its own.
 *
 * The block is our own, 28 octets; ids are the W3C Trace Context's octets in its order:
 *
 *	0           16        24       25     26           27
 *	| trace id  | span id | version | flags | attribution | 0 |
 *
 * In a snapshot (RFC 9197 section 4.4.2.13) it stands behind the length 7 and the schema id; in an identifier option
 * behind type and length, and, in the form that says what it is, a context type and 16 bits of zero.
 */
#ifndef HOPSPAN_WIRE_CONTEXT_H
#define HOPSPAN_WIRE_CONTEXT_H

#include "ipv6.h"

enum {
	CONTEXT_NAMESPACE = 0x6873, /* default IOAM namespace */
	CONTEXT_SCHEMA_ID = 0x687370,
	CONTEXT_VERSION = 1,

	CONTEXT_TRACE_ID_LEN = 16,
	CONTEXT_SPAN_ID_LEN = 8,
	CONTEXT_LEN = 28,
	CONTEXT_WORDS = CONTEXT_LEN / 4,
	CONTEXT_SPAN_ID_AT = 16,
	CONTEXT_VERSION_AT = 24,
	CONTEXT_FLAGS_AT = 25,
	CONTEXT_ATTRIBUTION_AT = 26,

	CONTEXT_FLAG_SAMPLED = 0x01, /* W3C; other bits occur beside it */

	CONTEXT_LEARNT = 0x80, /* from the peer: this is a reply */
	CONTEXT_SHADOW = 0x40, /* a measurement copy */
	CONTEXT_INSIDE = 0x01, /* its bytes begin inside the packet, not at its first octet */
};

/* The identifier option's two forms: the block alone, or behind a type that says what it is. */
enum {
	IDENTIFIER_AT = OPTION_HEADER_LEN,
	IDENTIFIER_LEN = IDENTIFIER_AT + CONTEXT_LEN,
	IDENTIFIER_CONTEXT_AT = OPTION_HEADER_LEN + 4,
	IDENTIFIER_CONTEXT_LEN = IDENTIFIER_CONTEXT_AT + CONTEXT_LEN,
	IDENTIFIER_CONTEXT_TYPE = 0xfff0, /* of the range for experiments */
};

struct context {
	uint8_t trace_id[CONTEXT_TRACE_ID_LEN];
	uint8_t span_id[CONTEXT_SPAN_ID_LEN];
	uint8_t version;
	uint8_t flags;
	uint8_t attribution;
	uint8_t reserved;
} __attribute__((aligned(4)));
_Static_assert(sizeof(struct context) == CONTEXT_LEN, "the block has no padding");

/* All octets, so the block is the struct; `at` has CONTEXT_LEN of them. */
WIRE_INLINE void context_write(uint8_t *at, const struct context *context)
{
	words_copy(at, context, CONTEXT_WORDS);
}

/* False: not a version that we read. */
WIRE_INLINE bool context_read(const uint8_t *at, struct context *context)
{
	words_copy(context, at, CONTEXT_WORDS);
	return context->version == CONTEXT_VERSION;
}

/* An identifier option of IDENTIFIER_CONTEXT_LEN octets `with_type`, else of IDENTIFIER_LEN. */
WIRE_INLINE void identifier_write(uint8_t *at, bool with_type, const struct context *context)
{
	at[0] = OPTION_IDENTIFIER;
	at[1] = (with_type ? IDENTIFIER_CONTEXT_LEN : IDENTIFIER_LEN) - OPTION_HEADER_LEN;
	if (with_type)
		be32_store(at + OPTION_HEADER_LEN, (uint32_t)IDENTIFIER_CONTEXT_TYPE << 16);
	context_write(at + (with_type ? IDENTIFIER_CONTEXT_AT : IDENTIFIER_AT), context);
}

WIRE_INLINE bool context_is_reply(const struct context *context)
{
	return context->attribution & CONTEXT_LEARNT;
}

#endif
