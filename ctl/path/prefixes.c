/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Longest matches among the prefixes of a namespace's policies. */
#include "prefixes.h"

#include <string.h>

enum { GROUP_LEN_MIN = 64 };

static void address_cut(uint8_t address[16], uint32_t len)
{
	for (uint32_t i = 0; i < 16; i++) {
		uint32_t kept = len > 8 * i ? len - 8 * i : 0;

		if (kept < 8)
			address[i] &= (uint8_t)(0xff00 >> kept);
	}
}

static bool prefix_matches(const struct stamp_prefix *prefix, const uint8_t address[16])
{
	uint8_t cut[16], own[16];

	memcpy(cut, address, sizeof(cut));
	memcpy(own, prefix->address, sizeof(own));
	address_cut(cut, prefix->prefix_len);
	address_cut(own, prefix->prefix_len);
	return memcmp(cut, own, sizeof(cut)) == 0;
}

const struct stamp_policy *prefixes_find(const struct policies *policies, const uint8_t address[16],
					 struct stamp_prefix *prefix)
{
	const struct stamp_policy *found = NULL;

	for (unsigned int i = 0; i < policies->count; i++) {
		const struct stamp_prefix *candidate = &policies->prefixes[i];

		if ((found && candidate->prefix_len <= prefix->prefix_len) || !prefix_matches(candidate, address))
			continue;
		*prefix = *candidate;
		found = &policies->policies[i];
	}
	return found;
}

struct stamp_prefix prefixes_group(const struct policies *policies, const uint8_t address[16])
{
	struct stamp_prefix group = { .prefix_len = 0 };

	if (!prefixes_find(policies, address, &group) || group.prefix_len < GROUP_LEN_MIN)
		group.prefix_len = GROUP_LEN_MIN;
	memcpy(group.address, address, sizeof(group.address));
	address_cut(group.address, group.prefix_len);
	return group;
}
