/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Which octets go when one option leaves a hop-by-hop header that has others as well.
 *
 * The option goes with all padding around it. What followed moves by a multiple of 8 octets, so that whatever alignment
 * other options need (RFC 8200 section 4.2: 8n + y at most) still holds; up to 7 octets of padding fill the rest.
 *
 *	| next,len | option A | PadN | ours ........... | PadN | option B |
 *	                      ^at                              ^stop
 *	| next,len | option A | padding | option B |
 */
#ifndef HOPSPAN_WIRE_CUT_H
#define HOPSPAN_WIRE_CUT_H

#include "ipv6.h"

struct cut {
	uint16_t at, stop; /* octets from the start of the IPv6 header */
};

/*
 * Of the option at `option` octets from `ip6`, which is in the header. False: the header is malformed up to the next
 * option, or has too many of them to tell.
 */
WIRE_INLINE bool cut_find(uint8_t *ip6, const uint8_t *end, uint32_t option, struct cut *cut)
{
	uint32_t at = IPV6_LEN + OPTION_HEADER_LEN;
	struct hbh_walk walk;
	enum outcome why;

	if (!hbh_start(&walk, ip6, end))
		return false;
	*cut = (struct cut){ .stop = walk.stop };
	for (int i = 0; i < HBH_STEPS_MAX; i++) {
		enum hbh_step step = hbh_step(&walk, &why);

		if (step == HBH_END)
			return cut->at;
		if (step == HBH_BAD)
			return false;
		if (step == HBH_PADDING)
			continue;
		if (cut->at) {
			cut->stop = walk.option;
			return true;
		}
		if (walk.option == option)
			cut->at = at;
		at = walk.at;
	}
	return cut->at && walk.at == walk.stop;
}

/* Octets of padding that take the place of what goes. */
WIRE_INLINE uint32_t cut_padding(const struct cut *cut)
{
	return (cut->stop - cut->at) % 8U;
}

/* Octets by which the header becomes shorter. */
WIRE_INLINE uint32_t cut_len(const struct cut *cut)
{
	return (cut->stop - cut->at) & ~7U;
}

#endif
