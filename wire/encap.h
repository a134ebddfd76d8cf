/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The hop-by-hop header that a sending host inserts, and where a sink finds the context in it.
 *
 *	octet 0    2      4       8            16                16+24k               68+24k
 *	| next,len | PadN | option | trace hdr | free: 24 a hop | own data + context | PadN |
 *
 * 72 + 24k octets with room for k hops behind the host (RFC 9486: the option starts at a multiple of 4).
 */
#ifndef HOPSPAN_WIRE_ENCAP_H
#define HOPSPAN_WIRE_ENCAP_H

#include "context.h"
#include "node.h"

enum {
	ENCAP_TYPE = IOAM6_USUAL_TYPE,
	ENCAP_NODE_WORDS = IOAM6_USUAL_NODE_WORDS,
	ENCAP_HOP_LEN = 24,
	ENCAP_HOPS_MAX = 4,
	ENCAP_OPTION_AT = IOAM6_USUAL_AT,
	ENCAP_FREE_AT = ENCAP_OPTION_AT + IOAM6_DATA_AT,
	ENCAP_OWN_LEN = ENCAP_HOP_LEN + CONTEXT_LEN,
	ENCAP_PAD_LEN = 4,
	ENCAP_LEN_MIN = ENCAP_FREE_AT + ENCAP_OWN_LEN + ENCAP_PAD_LEN,
	ENCAP_LEN_MAX = ENCAP_LEN_MIN + ENCAP_HOPS_MAX * ENCAP_HOP_LEN,
};
_Static_assert(ENCAP_LEN_MIN == 72 && ENCAP_LEN_MIN % 8 == 0 && ENCAP_HOP_LEN % 8 == 0, "RFC 8200 section 4.3");
_Static_assert(ENCAP_LEN_MAX - ENCAP_FREE_AT - ENCAP_PAD_LEN <= IOAM6_DATA_LEN_MAX, "RFC 9486 section 3");

/* Octets of the header with room for `hops`. */
WIRE_INLINE uint32_t encap_len(uint32_t hops)
{
	return ENCAP_LEN_MIN + hops * ENCAP_HOP_LEN;
}

/* Room for how many hops `octets` allow, at most `hops_max`; less than 0: not even the header fits. */
WIRE_INLINE int encap_hops(int octets, int hops_max)
{
	int hops;

	if (octets < ENCAP_LEN_MIN)
		return -1;
	hops = (octets - ENCAP_LEN_MIN) / ENCAP_HOP_LEN;
	return hops < hops_max ? hops : hops_max;
}

/* PadN of 2 to 7 octets in all; `len` is a constant. */
WIRE_INLINE void padn_write(uint8_t *at, uint32_t len)
{
	at[0] = OPTION_PADN;
	at[1] = len - OPTION_HEADER_LEN;
	for (uint32_t i = OPTION_HEADER_LEN; i < len; i++)
		at[i] = 0;
}

/* Everything before the free space. */
WIRE_INLINE void encap_write_front(uint8_t *at, uint8_t next_header, uint32_t hops, uint16_t namespace, uint8_t flags)
{
	uint32_t len = encap_len(hops);
	struct ioam6_trace trace = {
		.namespace = namespace,
		.node_words = ENCAP_NODE_WORDS,
		.flags = flags,
		.remaining_words = hops * ENCAP_HOP_LEN / IOAM6_WORD,
		.type = ENCAP_TYPE,
	};

	at[0] = next_header;
	at[1] = len / 8 - 1;
	padn_write(at + 2, 2);
	at[ENCAP_OPTION_AT] = IOAM6_OPTION_MUTABLE;
	at[ENCAP_OPTION_AT + 1] = len - ENCAP_OPTION_AT - OPTION_HEADER_LEN - ENCAP_PAD_LEN;
	be16_store(at + ENCAP_OPTION_AT + 2, IOAM6_TYPE_PREALLOCATED);
	ioam6_trace_write(at + ENCAP_OPTION_AT + IOAM6_TRACE_AT, &trace);
}

/*
 * Writes the whole header at `at`, into encap_len(hops) octets before `end`, whatever they held. The node's snapshot
 * fields are set here. False, and nothing of use written: `end` came first.
 */
WIRE_INLINE bool encap_write(uint8_t *at, const uint8_t *end, uint8_t next_header, uint32_t hops, uint16_t namespace,
			     uint8_t flags, struct ioam6_node *node, const struct context *context)
{
	if (hops > ENCAP_HOPS_MAX || at + ENCAP_LEN_MIN > end)
		return false;
	encap_write_front(at, next_header, hops, namespace, flags);
	at += ENCAP_FREE_AT;
	for (uint32_t hop = 0; hop < ENCAP_HOPS_MAX; hop++) {
		if (hop >= hops)
			break;
		if (at + ENCAP_HOP_LEN > end)
			return false;
		for (int i = 0; i < ENCAP_HOP_LEN; i += 4)
			be32_store(at + i, 0);
		at += ENCAP_HOP_LEN;
	}
	if (at + ENCAP_OWN_LEN + ENCAP_PAD_LEN > end)
		return false;
	node->schema_id = CONTEXT_SCHEMA_ID;
	node->schema_words = CONTEXT_WORDS;
	node_write(at, end, ENCAP_TYPE, node);
	context_write(at + ENCAP_HOP_LEN, context);
	padn_write(at + ENCAP_OWN_LEN, ENCAP_PAD_LEN);
	return true;
}

/*
 * The context of a trace: it ends the encapsulating host's data, which is the last in memory, so it is the last
 * CONTEXT_LEN octets of the option. False: none there, or not under our schema.
 */
WIRE_INLINE bool encap_find_context(uint8_t *ip6, const uint8_t *end, const struct ioam6_found *found,
				    struct context *context)
{
	uint32_t data_end = found->option + IOAM6_DATA_AT + found->data_words * IOAM6_WORD;
	uint8_t *at;

	if (!(found->trace.type & IOAM6_SNAPSHOT) ||
	    found->data_words < found->trace.remaining_words + CONTEXT_WORDS + 1 + found->trace.node_words)
		return false;
	at = bytes_at(ip6, end, data_end - CONTEXT_LEN - IOAM6_WORD, CONTEXT_LEN + IOAM6_WORD);
	if (!at || be32_load(at) != (CONTEXT_WORDS << 24 | CONTEXT_SCHEMA_ID))
		return false;
	return context_read(at + IOAM6_WORD, context);
}

#endif
