/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * One node's data in a trace: the transit step, once for XDP, tc and DPDK, and its reader.
 *
 * RFC 9197 section 4.4.2. A node writes at the end of the free space, so that in memory the last hop comes first:
 *
 *	trace header | free ... | node n | ... | node 1 | host |
 *	             ^data      ^data + RemainingLen
 */
#ifndef HOPSPAN_WIRE_NODE_H
#define HOPSPAN_WIRE_NODE_H

#include "ioam6.h"

#define IOAM6_NONE32 0xffffffffU
#define IOAM6_DELAY_OVERFLOW 0x80000000U

/* All fields a node can write, in host order. All ones in a field's width on the wire: not available. */
struct ioam6_node {
	uint64_t id_wide; /* 56 bits */
	uint64_t data_wide;
	uint32_t id; /* 24 bits */
	uint32_t ingress_if_wide, egress_if_wide;
	uint32_t seconds, fraction; /* time of reception, in the namespace's format */
	uint32_t delay_ns;	    /* 31 bits; IOAM6_DELAY_OVERFLOW: more */
	uint32_t data;
	uint32_t queue; /* depth of the egress queue; hopspan writes octets */
	uint32_t buffer;
	uint32_t schema_id;    /* 24 bits, of the opaque snapshot */
	uint32_t schema_words; /* of its data, which the writer is given at schema; the reader sets schema_at */
	uint32_t schema_at;    /* where the reader found that data, octets from the start of the data it was given */
	const uint8_t *schema;
	uint16_t ingress_if, egress_if;
	uint8_t hop_limit; /* on leaving the node */
};

/* A node of which nothing is known; its writer writes "not available" in every field. */
#define IOAM6_NODE_UNKNOWN                                                                                      \
	{                                                                                                       \
		.id_wide = ~0ULL, .data_wide = ~0ULL, .id = ~0U, .ingress_if_wide = ~0U, .egress_if_wide = ~0U, \
		.seconds = ~0U, .fraction = ~0U, .delay_ns = ~0U, .data = ~0U, .queue = ~0U, .buffer = ~0U,     \
		.schema_id = IOAM6_SNAPSHOT_NONE, .ingress_if = 0xffff, .egress_if = 0xffff, .hop_limit = 0xff, \
	}

/* How a namespace's nodes write time (RFC 9197 section 5), in the order of nodes.yaml's words. */
enum ioam6_time { IOAM6_TIME_PTP, IOAM6_TIME_NTP, IOAM6_TIME_POSIX };

enum {
	IOAM6_NS_PER_US = 1000,
	IOAM6_NS_PER_S = 1000000000,
	IOAM6_SCHEMA_LEN_MAX = IOAM6_DATA_LEN_MAX - IOAM6_WORD, /* what the longest trace has room for */
};
#define IOAM6_NTP_TO_UNIX_S 2208988800U /* 1900 to 1970 */

/* What a node writes into each packet of one namespace. Host order; all ones: not available. */
struct ioam6_namespace {
	uint64_t data_wide;
	uint32_t data;
	uint32_t schema_id; /* IOAM6_SNAPSHOT_NONE: none */
	uint16_t id;
	uint8_t time; /* enum ioam6_time */
	uint8_t schema_words;
	uint8_t reserved[4];
	uint8_t schema[IOAM6_SCHEMA_LEN_MAX]; /* as it is on the wire */
};

enum { IOAM6_NAMESPACES_MAX = 16 };

/* All that a node takes part in, one at least. */
struct ioam6_namespaces {
	struct ioam6_namespace list[IOAM6_NAMESPACES_MAX];
	struct ioam6_known known; /* places in `list` */
	uint32_t count;
	uint32_t reserved;
};

/* Its place in the list, the first 1, which is found without a look at the others; 0: the node takes no part in it. */
WIRE_INLINE uint32_t ioam6_namespace_place(const struct ioam6_namespaces *namespaces, uint16_t id)
{
	return namespaces->list[0].id == id ? 1 : ioam6_known_place(&namespaces->known, id);
}

/* `place` is one that the list has. */
WIRE_INLINE const struct ioam6_namespace *ioam6_namespace_at(const struct ioam6_namespaces *namespaces, uint32_t place)
{
	return &namespaces->list[(place - 1) % IOAM6_NAMESPACES_MAX];
}

/* NULL: the node takes no part in it. */
WIRE_INLINE const struct ioam6_namespace *ioam6_namespace_find(const struct ioam6_namespaces *namespaces, uint16_t id)
{
	uint32_t place = ioam6_namespace_place(namespaces, id);

	return place && namespaces->count ? ioam6_namespace_at(namespaces, place) : NULL;
}

/* Adds one at the end of the list; false: it is there already, or the list is full. */
WIRE_INLINE bool ioam6_namespaces_add(struct ioam6_namespaces *namespaces, const struct ioam6_namespace *namespace)
{
	if (namespaces->count == IOAM6_NAMESPACES_MAX || namespaces->known.place[namespace->id])
		return false;
	namespaces->list[namespaces->count++] = *namespace;
	namespaces->known.place[namespace->id] = (uint8_t)namespaces->count;
	return true;
}

/* TAI - UTC is what the formats that count UTC need: NTP and POSIX. */
WIRE_INLINE void ioam6_time_set(struct ioam6_node *node, enum ioam6_time time, uint64_t tai_ns, uint64_t tai_to_utc_ns)
{
	uint64_t ns = time == IOAM6_TIME_PTP ? tai_ns : tai_ns - tai_to_utc_ns, seconds = ns / IOAM6_NS_PER_S;
	uint64_t rest_ns = ns - seconds * IOAM6_NS_PER_S;

	node->seconds = (uint32_t)seconds;
	node->fraction = (uint32_t)rest_ns;
	if (time == IOAM6_TIME_NTP) {
		node->seconds += IOAM6_NTP_TO_UNIX_S;
		node->fraction = (uint32_t)((rest_ns << 32) / IOAM6_NS_PER_S);
	} else if (time == IOAM6_TIME_POSIX) {
		node->fraction = (uint32_t)rest_ns / IOAM6_NS_PER_US;
	}
}

/* A fraction of a second as ns, rounded up, so that a time read is at most a format's step after the one written. */
WIRE_INLINE uint32_t ioam6_fraction_ns(enum ioam6_time time, uint32_t fraction)
{
	if (time == IOAM6_TIME_NTP)
		return (uint32_t)(((uint64_t)fraction * IOAM6_NS_PER_S + 0xffffffff) >> 32);
	return time == IOAM6_TIME_POSIX ? fraction * IOAM6_NS_PER_US : fraction;
}

/* What is the same in all packets of the namespace. */
WIRE_INLINE void ioam6_namespace_set(struct ioam6_node *node, const struct ioam6_namespace *namespace)
{
	node->data = namespace->data;
	node->data_wide = namespace->data_wide;
	node->schema_id = namespace->schema_id;
	node->schema_words = namespace->schema_words;
	node->schema = namespace->schema;
}

/* A delay as the field holds it: RFC 9197 section 4.4.2.5. */
WIRE_INLINE uint32_t ioam6_delay(uint64_t delay_ns)
{
	return delay_ns >> 31 ? IOAM6_DELAY_OVERFLOW : (uint32_t)delay_ns;
}

/* The writer's caller has looked for the room at once. Decided when compiling: the verifier allows no such question. */
#define NODE_ROOM_IS_KNOWN(end) (__builtin_constant_p(!(end)) && !(end))

/* One field of node_write: at *p, which moves on. False: no octets there. */
WIRE_INLINE bool node_put32(uint8_t **p, const uint8_t *end, bool wanted, uint32_t value)
{
	if (!wanted)
		return true;
	if (!NODE_ROOM_IS_KNOWN(end) && *p + 4 > end)
		return false;
	be32_store(*p, value);
	*p += 4;
	return true;
}

WIRE_INLINE bool node_put64(uint8_t **p, const uint8_t *end, bool wanted, uint64_t value)
{
	return node_put32(p, end, wanted, (uint32_t)(value >> 32)) && node_put32(p, end, wanted, (uint32_t)value);
}

/*
 * Writes the fields of `type` at `p`, up to and with the snapshot's header; its data, if any, is the caller's.
 * Undefined bits get all ones, as RFC 9197 section 4.4.1 asks. False: `end` came first; NULL: the caller has looked for
 * ioam6_node_words(type), which for a constant type is one look instead of one a field.
 */
WIRE_INLINE bool node_write(uint8_t *p, const uint8_t *end, uint32_t type, const struct ioam6_node *node)
{
	uint32_t interfaces = (uint32_t)node->ingress_if << 16 | node->egress_if;
	uint64_t interfaces_wide = (uint64_t)node->ingress_if_wide << 32 | node->egress_if_wide;
	uint64_t hop_and_id_wide = (uint64_t)node->hop_limit << 56 | (node->id_wide & ~0ULL >> 8);
	bool fits =
	    node_put32(&p, end, type & IOAM6_HOP_AND_ID, (uint32_t)node->hop_limit << 24 | (node->id & 0xffffff)) &&
	    node_put32(&p, end, type & IOAM6_INTERFACES, interfaces) &&
	    node_put32(&p, end, type & IOAM6_SECONDS, node->seconds) &&
	    node_put32(&p, end, type & IOAM6_FRACTION, node->fraction) &&
	    node_put32(&p, end, type & IOAM6_DELAY, node->delay_ns) &&
	    node_put32(&p, end, type & IOAM6_DATA, node->data) &&
	    node_put32(&p, end, type & IOAM6_QUEUE, node->queue) &&
	    node_put32(&p, end, type & IOAM6_CHECKSUM, IOAM6_NONE32) &&
	    node_put64(&p, end, type & IOAM6_HOP_AND_ID_WIDE, hop_and_id_wide) &&
	    node_put64(&p, end, type & IOAM6_INTERFACES_WIDE, interfaces_wide) &&
	    node_put64(&p, end, type & IOAM6_DATA_WIDE, node->data_wide) &&
	    node_put32(&p, end, type & IOAM6_BUFFER, node->buffer);

	if (type & IOAM6_UNDEFINED)
		for (uint32_t bit = IOAM6_BIT(12); bit >= IOAM6_BIT(21); bit >>= 1)
			fits = fits && node_put32(&p, end, type & bit, IOAM6_NONE32);
	return fits &&
	       node_put32(&p, end, type & IOAM6_SNAPSHOT, node->schema_words << 24 | (node->schema_id & 0xffffff));
}

/* node_write() at `at` octets from `start`, with one look at the room where `type` is a constant. */
WIRE_INLINE bool node_write_at(uint8_t *start, const uint8_t *end, uint32_t at, uint32_t type,
			       const struct ioam6_node *node)
{
	bool constant = __builtin_constant_p(type);
	uint8_t *p = bytes_at(start, end, at, constant ? ioam6_node_words(type) * IOAM6_WORD : 0);

	return p && node_write(p, constant ? NULL : end, type, node);
}

/* The next word of node_read's input, or all ones where the type lacks the field. */
WIRE_INLINE uint32_t node_get32(const uint8_t **p, bool wanted)
{
	const uint8_t *at = *p;

	if (!wanted)
		return IOAM6_NONE32;
	*p += 4;
	return be32_load(at);
}

WIRE_INLINE uint64_t node_get64(const uint8_t **p, bool wanted)
{
	uint64_t high = node_get32(p, wanted);

	return high << 32 | node_get32(p, wanted);
}

/*
 * Reads one node's data at `at` octets into `data`. Returns its octets, the snapshot's data included, or 0 when they
 * do not fit in the `len` octets of data. User space only: it trusts `len`, where BPF needs an `end`.
 */
WIRE_INLINE uint32_t node_read(const uint8_t *data, uint32_t at, uint32_t len, uint32_t type, struct ioam6_node *node)
{
	const uint8_t *p = data + at;
	uint32_t octets = ioam6_node_words(type) * IOAM6_WORD, word;
	uint64_t wide;

	*node = (struct ioam6_node)IOAM6_NODE_UNKNOWN;
	if (octets == 0 || at + octets > len)
		return 0;
	word = node_get32(&p, type & IOAM6_HOP_AND_ID);
	node->id = type & IOAM6_HOP_AND_ID ? word & 0xffffff : word;
	node->hop_limit = word >> 24;
	word = node_get32(&p, type & IOAM6_INTERFACES);
	node->ingress_if = word >> 16;
	node->egress_if = word & 0xffff;
	node->seconds = node_get32(&p, type & IOAM6_SECONDS);
	node->fraction = node_get32(&p, type & IOAM6_FRACTION);
	node->delay_ns = node_get32(&p, type & IOAM6_DELAY);
	node->data = node_get32(&p, type & IOAM6_DATA);
	node->queue = node_get32(&p, type & IOAM6_QUEUE);
	node_get32(&p, type & IOAM6_CHECKSUM);
	wide = node_get64(&p, type & IOAM6_HOP_AND_ID_WIDE);
	node->id_wide = type & IOAM6_HOP_AND_ID_WIDE ? wide & ~0ULL >> 8 : wide;
	if (!(type & IOAM6_HOP_AND_ID))
		node->hop_limit = wide >> 56;
	wide = node_get64(&p, type & IOAM6_INTERFACES_WIDE);
	node->ingress_if_wide = wide >> 32;
	node->egress_if_wide = (uint32_t)wide;
	node->data_wide = node_get64(&p, type & IOAM6_DATA_WIDE);
	node->buffer = node_get32(&p, type & IOAM6_BUFFER);
	p += ioam6_words(type & IOAM6_UNDEFINED) * IOAM6_WORD;
	if (type & IOAM6_SNAPSHOT) {
		word = node_get32(&p, true);
		node->schema_id = word & 0xffffff;
		node->schema_words = word >> 24;
		node->schema_at = at + octets;
		octets += node->schema_words * IOAM6_WORD;
	}
	return at + octets > len ? 0 : octets;
}

/* Words that a node adds to a trace which ioam6_find() has checked; `schema_words` of them are its own snapshot. */
WIRE_INLINE uint32_t ioam6_step_words(const struct ioam6_trace *trace, uint32_t schema_words)
{
	return trace->node_words + (trace->type & IOAM6_SNAPSHOT ? 1U + schema_words : 0U);
}

/* Room for one more node. Where nothing is left not even a node that adds no words has it, as in Linux. */
WIRE_INLINE bool ioam6_words_fit(const struct ioam6_trace *trace, uint32_t schema_words)
{
	return trace->remaining_words && trace->remaining_words >= ioam6_step_words(trace, schema_words);
}

/* Will ioam6_append() write node data? If not, there is no need to find out the time. */
WIRE_INLINE bool ioam6_has_room(const struct ioam6_found *found, uint32_t schema_words)
{
	return !(found->trace.flags & IOAM6_FLAG_OVERFLOW) && ioam6_words_fit(&found->trace, schema_words);
}

/* The snapshot's data, `at` octets from `ip6`. False, and nothing written: `end` came first. */
WIRE_INLINE bool snapshot_write(uint8_t *ip6, const uint8_t *end, uint32_t at, const uint8_t *schema, uint32_t words)
{
	if (words > IOAM6_SCHEMA_LEN_MAX / IOAM6_WORD || !bytes_at(ip6, end, at, words * IOAM6_WORD))
		return false;
	for (uint32_t i = 0; i < IOAM6_SCHEMA_LEN_MAX / IOAM6_WORD && i < words; i++) {
		uint8_t *word = bytes_at(ip6, end, at + i * IOAM6_WORD, IOAM6_WORD);

		if (!word)
			return false;
		words_copy(word, schema + i * IOAM6_WORD, 1);
	}
	return true;
}

/*
 * The transit step: appends `node` to the trace that ioam6_find() found. Nothing is written but the overflow flag
 * unless it returns OUTCOME_appended; then *slot is the octets from `ip6` to the data written.
 */
WIRE_INLINE enum outcome ioam6_append(uint8_t *ip6, const uint8_t *end, const struct ioam6_found *found,
				      const struct ioam6_node *node, uint32_t *slot)
{
	uint8_t *option = bytes_at(ip6, end, found->option, IOAM6_DATA_AT);
	struct ioam6_trace trace = found->trace;
	uint32_t words = ioam6_step_words(&trace, node->schema_words), at;

	if (!option)
		return OUTCOME_bad_truncated;
	if (trace.flags & IOAM6_FLAG_OVERFLOW)
		return OUTCOME_overflowed;
	if (!ioam6_words_fit(&trace, node->schema_words)) {
		trace.flags |= IOAM6_FLAG_OVERFLOW;
		ioam6_lengths_write(option + IOAM6_TRACE_AT, &trace);
		return OUTCOME_no_room;
	}
	trace.remaining_words -= words;
	at = found->option + IOAM6_DATA_AT + (uint32_t)trace.remaining_words * IOAM6_WORD;
	if (trace.type & IOAM6_SNAPSHOT && node->schema_words &&
	    !snapshot_write(ip6, end, at + ioam6_node_words(trace.type) * IOAM6_WORD, node->schema, node->schema_words))
		return OUTCOME_bad_truncated;
	if (!(trace.type == IOAM6_USUAL_TYPE ? node_write_at(ip6, end, at, IOAM6_USUAL_TYPE, node)
					     : node_write_at(ip6, end, at, trace.type, node)))
		return OUTCOME_bad_truncated;
	ioam6_lengths_write(option + IOAM6_TRACE_AT, &trace);
	*slot = at;
	return OUTCOME_appended;
}

/* `len` octets of the field `bit`, `within` octets into it, in the node data at `slot`; NULL where the type lacks it.
 */
WIRE_INLINE uint8_t *node_field(uint8_t *ip6, const uint8_t *end, uint32_t slot, uint32_t type, uint32_t bit,
				uint32_t within, uint32_t len)
{
	return type & bit ? bytes_at(ip6, end, slot + ioam6_field_at(type, bit) + within, len) : NULL;
}

/* As far as `type` goes. */
WIRE_INLINE void node_complete(uint8_t *ip6, const uint8_t *end, uint32_t slot, uint32_t type,
			       const struct ioam6_node *node)
{
	uint8_t *field = node_field(ip6, end, slot, type, IOAM6_INTERFACES, 2, 2);

	if (field)
		be16_store(field, node->egress_if);
	field = node_field(ip6, end, slot, type, IOAM6_DELAY, 0, 4);
	if (field)
		be32_store(field, node->delay_ns);
	field = node_field(ip6, end, slot, type, IOAM6_QUEUE, 0, 4);
	if (field)
		be32_store(field, node->queue);
	field = node_field(ip6, end, slot, type, IOAM6_INTERFACES_WIDE, 4, 4);
	if (field)
		be32_store(field, node->egress_if_wide);
}

/* The step on leaving: completes the data that this node wrote at `slot` octets from `ip6`. */
WIRE_INLINE void ioam6_complete(uint8_t *ip6, const uint8_t *end, uint32_t slot, uint32_t type,
				const struct ioam6_node *node)
{
	if (type == IOAM6_USUAL_TYPE)
		node_complete(ip6, end, slot, IOAM6_USUAL_TYPE, node);
	else
		node_complete(ip6, end, slot, type, node);
}

#endif
