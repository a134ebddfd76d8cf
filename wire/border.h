/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What a border of the domain looks for in a hop-by-hop header: IOAM options, identifier options of ours, and packets
 * that were made for measurement alone.
 *
 * An option is known by type and namespace, or by the identifier's context type; whether the rest of it is well-formed
 * does not matter, as it is to go. So the walk is looser than that of the nodes which read options: padding and the
 * number of options are nothing to it, and there is no option that those find and this one does not.
 */
#ifndef HOPSPAN_WIRE_BORDER_H
#define HOPSPAN_WIRE_BORDER_H

#include "context.h"
#include "node.h"

enum {
	BORDER_OPTIONS_MAX = HBH_OPTIONS_MAX,

	/* Options and paddings: as many as Linux's rules allow, every padding octet by itself. */
	BORDER_STEPS_MAX = HBH_OPTIONS_MAX + (HBH_OPTIONS_MAX + 1) * HBH_PADDING_MAX,

	/*
	 * What an option becomes that can only be overwritten: one for experiments (RFC 4727), skip if unknown, may
	 * change on the way, zeros in it. Padding may not be that long.
	 */
	OPTION_BLANK = 0x3e,
	OPTION_LEN_MAX = OPTION_HEADER_LEN + 0xff,
};

/* Whose options are ours. */
struct border_ours {
	uint16_t namespaces[IOAM6_NAMESPACES_MAX];
	uint8_t namespace_count;
	uint8_t reserved[3];
};

/* Offsets are from the start of the IPv6 header. */
struct border_found {
	uint16_t header_len;		 /* of the hop-by-hop header */
	uint16_t count;			 /* options that were looked for */
	uint16_t at[BORDER_OPTIONS_MAX]; /* each, in their order */
	bool others;			 /* options that were not looked for */
	bool active;			 /* the packet is a copy for measurement */
};

/* An option in the header: its place, and what its first two octets say. */
struct border_option {
	uint8_t *ip6;
	const uint8_t *end;
	uint32_t at;
	uint8_t type, len;
};

WIRE_INLINE bool border_namespace_is_ours(const volatile struct border_ours *ours, uint16_t namespace)
{
	bool is_ours = false;

	for (int i = 0; i < IOAM6_NAMESPACES_MAX; i++)
		is_ours |= i < ours->namespace_count && ours->namespaces[i] == namespace;
	return is_ours;
}

/* An IOAM option of ours? One too short for a namespace is nobody's. Active (RFC 9322) is so in any namespace. */
WIRE_INLINE bool border_ioam(const struct border_option *option, const volatile struct border_ours *ours, bool *active)
{
	const uint8_t *octets = bytes_at(option->ip6, option->end, option->at, IOAM6_LENGTHS_AT), *trace;

	if (!octets || option->len < IOAM6_LENGTHS_AT - OPTION_HEADER_LEN)
		return false;
	if (option->type == IOAM6_OPTION_MUTABLE && octets[IOAM6_TYPE_AT] == IOAM6_TYPE_PREALLOCATED &&
	    option->len >= IOAM6_DATA_AT - OPTION_HEADER_LEN) {
		trace = bytes_at(option->ip6, option->end, option->at + IOAM6_TRACE_AT, IOAM6_TRACE_LEN);
		*active |= trace && ioam6_trace_read(trace).flags & IOAM6_FLAG_ACTIVE;
	}
	return border_namespace_is_ours(ours, be16_load(octets + IOAM6_NAMESPACE_AT));
}

/*
 * An identifier option that a host of ours could read? With our context type, or, without any, of the right length and
 * version: whether hosts inside read those is not known here, so they count as ours.
 */
WIRE_INLINE bool border_identifier(const struct border_option *option, bool *active)
{
	bool plain = option->len == IDENTIFIER_LEN - OPTION_HEADER_LEN, ours;
	uint32_t context_at = plain ? IDENTIFIER_AT : IDENTIFIER_CONTEXT_AT;
	const uint8_t *octets = bytes_at(option->ip6, option->end, option->at, IDENTIFIER_CONTEXT_AT), *context;

	if (!octets || option->len < IDENTIFIER_CONTEXT_AT - OPTION_HEADER_LEN)
		return false;
	ours = be16_load(octets + OPTION_HEADER_LEN) == IDENTIFIER_CONTEXT_TYPE;
	if (!plain && (!ours || option->len != IDENTIFIER_CONTEXT_LEN - OPTION_HEADER_LEN))
		return ours;
	context = bytes_at(option->ip6, option->end, option->at + context_at, CONTEXT_LEN);
	if (!context || context[CONTEXT_VERSION_AT] != CONTEXT_VERSION)
		return ours;
	*active |= context[CONTEXT_ATTRIBUTION_AT] & CONTEXT_SHADOW;
	return true;
}

/* Of those that may be looked for, in found->at, only those stay that are. */
WIRE_INLINE void border_choose(uint8_t *ip6, const uint8_t *end, const volatile struct border_ours *ours, bool ioam,
			       struct border_found *found)
{
	uint32_t wanted = 0;

	for (uint32_t i = 0; i < BORDER_OPTIONS_MAX && i < found->count; i++) {
		struct border_option option = { .ip6 = ip6, .end = end, .at = found->at[i] };
		const uint8_t *head = bytes_at(ip6, end, option.at, OPTION_HEADER_LEN);
		bool is_wanted;

		if (!head)
			return; /* the walk was here */
		option.type = head[0];
		option.len = head[1];
		if (option.type == OPTION_IDENTIFIER)
			is_wanted = border_identifier(&option, &found->active);
		else
			is_wanted = border_ioam(&option, ours, &found->active) || ioam;
		if (is_wanted)
			found->at[wanted++ & (BORDER_OPTIONS_MAX - 1)] = option.at;
		else
			found->others = true;
	}
	found->count = wanted;
}

/*
 * Looks for options of ours, or with `ioam` for those of any IOAM namespace as well. The caller knows that an IPv6
 * header is at `ip6` whose next header is hop-by-hop. False: where options are cannot be told, or there are more of
 * them than any node takes, so nobody reads them.
 */
WIRE_INLINE bool border_find(uint8_t *ip6, const uint8_t *end, const volatile struct border_ours *ours, bool ioam,
			     struct border_found *found, enum outcome *why)
{
	enum hbh_step step = HBH_PADDING;
	struct hbh_walk walk;
	uint32_t len;

	*found = (struct border_found){ 0 };
	*why = OUTCOME_bad_truncated;
	if (!hbh_start(&walk, ip6, end))
		return false;
	found->header_len = walk.stop - IPV6_LEN;
	for (int i = 0; i < BORDER_STEPS_MAX; i++) {
		step = hbh_next(&walk, &len, why);
		if (step == HBH_BAD)
			return false;
		if (step == HBH_END)
			break;
		if (step == HBH_PADDING)
			continue;
		if (walk.type != OPTION_IDENTIFIER && walk.type != IOAM6_OPTION_MUTABLE &&
		    walk.type != IOAM6_OPTION_IMMUTABLE)
			found->others = true;
		else if (found->count++ < BORDER_OPTIONS_MAX)
			found->at[(found->count - 1) & (BORDER_OPTIONS_MAX - 1)] = walk.option;
	}
	*why = OUTCOME_bad_option_count;
	if (walk.at != walk.stop || found->count > BORDER_OPTIONS_MAX)
		return false;
	border_choose(ip6, end, ours, ioam, found);
	return true;
}

#endif
