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
#include "ioam6.h"

enum {
	BORDER_NAMESPACES_MAX = 8,
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
	uint16_t namespaces[BORDER_NAMESPACES_MAX];
	uint8_t namespace_count;
	uint8_t reserved[3];
};

/* Offsets are from the start of the IPv6 header. */
struct border_found {
	uint16_t header_len;		 /* of the hop-by-hop header */
	uint16_t count;			 /* options that were looked for; those beyond the array are only counted */
	uint16_t at[BORDER_OPTIONS_MAX]; /* each, in their order */
	bool others;			 /* options that were not looked for */
	bool active;			 /* the packet is a copy for measurement */
};

WIRE_INLINE bool border_namespace_is_ours(const volatile struct border_ours *ours, uint16_t namespace)
{
	bool is_ours = false;

	for (int i = 0; i < BORDER_NAMESPACES_MAX; i++)
		is_ours |= i < ours->namespace_count && ours->namespaces[i] == namespace;
	return is_ours;
}

/* An IOAM option of ours? One too short for a namespace is nobody's. Active (RFC 9322) is so in any namespace. */
WIRE_INLINE bool border_ioam(const struct hbh_walk *walk, const volatile struct border_ours *ours, bool *active)
{
	const uint8_t *option = bytes_at(walk->ip6, walk->end, walk->option, IOAM6_LENGTHS_AT);

	if (!option || walk->len < IOAM6_LENGTHS_AT - OPTION_HEADER_LEN)
		return false;
	if (walk->type == IOAM6_OPTION_MUTABLE && option[IOAM6_TYPE_AT] == IOAM6_TYPE_PREALLOCATED &&
	    walk->len >= IOAM6_DATA_AT - OPTION_HEADER_LEN) {
		const uint8_t *trace = bytes_at(walk->ip6, walk->end, walk->option + IOAM6_TRACE_AT, IOAM6_TRACE_LEN);

		*active |= trace && ioam6_trace_read(trace).flags & IOAM6_FLAG_ACTIVE;
	}
	return border_namespace_is_ours(ours, be16_load(option + IOAM6_NAMESPACE_AT));
}

/*
 * An identifier option that a host of ours could read? With our context type, or, without any, of the right length and
 * version: whether hosts inside read those is not known here, so they count as ours.
 */
WIRE_INLINE bool border_identifier(const struct hbh_walk *walk, bool *active)
{
	bool plain = walk->len == IDENTIFIER_LEN - OPTION_HEADER_LEN;
	uint32_t context_at = plain ? IDENTIFIER_AT : IDENTIFIER_CONTEXT_AT;
	const uint8_t *option = bytes_at(walk->ip6, walk->end, walk->option, IDENTIFIER_CONTEXT_AT), *context;
	bool ours;

	if (!option || walk->len < IDENTIFIER_CONTEXT_AT - OPTION_HEADER_LEN)
		return false;
	ours = be16_load(option + OPTION_HEADER_LEN) == IDENTIFIER_CONTEXT_TYPE;
	if (!plain && (!ours || walk->len != IDENTIFIER_CONTEXT_LEN - OPTION_HEADER_LEN))
		return ours;
	context = bytes_at(walk->ip6, walk->end, walk->option + context_at, CONTEXT_LEN);
	if (!context || context[CONTEXT_VERSION_AT] != CONTEXT_VERSION)
		return ours;
	*active |= context[CONTEXT_ATTRIBUTION_AT] & CONTEXT_SHADOW;
	return true;
}

/*
 * Looks for options of ours, or with `ioam` for those of any IOAM namespace as well. The caller knows that an IPv6
 * header is at `ip6` whose next header is hop-by-hop. False: where options are cannot be told, so nobody reads them.
 */
WIRE_INLINE bool border_find(uint8_t *ip6, const uint8_t *end, const volatile struct border_ours *ours, bool ioam,
			     struct border_found *found, enum outcome *why)
{
	struct hbh_walk walk;
	uint32_t len;

	*found = (struct border_found){ 0 };
	*why = OUTCOME_bad_truncated;
	if (!hbh_start(&walk, ip6, end))
		return false;
	found->header_len = walk.stop - IPV6_LEN;
	for (int i = 0; i < BORDER_STEPS_MAX; i++) {
		enum hbh_step step = hbh_next(&walk, &len, why);
		bool wanted = false;

		if (step == HBH_END)
			return true;
		if (step == HBH_BAD)
			return false;
		if (step == HBH_PADDING)
			continue;
		if (walk.type == OPTION_IDENTIFIER)
			wanted = border_identifier(&walk, &found->active);
		else if (walk.type == IOAM6_OPTION_MUTABLE || walk.type == IOAM6_OPTION_IMMUTABLE)
			wanted = border_ioam(&walk, ours, &found->active) || ioam;
		if (!wanted)
			found->others = true;
		else if (found->count++ < BORDER_OPTIONS_MAX)
			found->at[(found->count - 1) & (BORDER_OPTIONS_MAX - 1)] = walk.option;
	}
	*why = OUTCOME_bad_option_count;
	return walk.at == walk.stop;
}

#endif
