/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Longest matches among the prefixes of a namespace's policies. */
#include "prefixes.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <stdio.h>
#include <string.h>

enum { GROUP_LEN_MIN = 64 };

void prefixes_read(struct prefixes *prefixes, int map)
{
	struct stamp_prefix *previous = NULL;
	unsigned int count = 0;

	while (count < STAMP_PREFIXES_MAX && bpf_map_get_next_key(map, previous, &prefixes->prefixes[count]) == 0) {
		previous = &prefixes->prefixes[count];
		if (bpf_map_lookup_elem(map, previous, &prefixes->policies[count]) == 0)
			count++;
	}
	prefixes->count = count;
}

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

const struct stamp_policy *prefixes_find(const struct prefixes *prefixes, const uint8_t address[16],
					 struct stamp_prefix *prefix)
{
	const struct stamp_policy *found = NULL;

	for (unsigned int i = 0; i < prefixes->count; i++) {
		const struct stamp_prefix *candidate = &prefixes->prefixes[i];

		if ((found && candidate->prefix_len <= prefix->prefix_len) || !prefix_matches(candidate, address))
			continue;
		*prefix = *candidate;
		found = &prefixes->policies[i];
	}
	return found;
}

struct stamp_prefix prefixes_group(const struct prefixes *prefixes, const uint8_t address[16])
{
	struct stamp_prefix group = { .prefix_len = 0 };

	if (!prefixes_find(prefixes, address, &group) || group.prefix_len < GROUP_LEN_MIN)
		group.prefix_len = GROUP_LEN_MIN;
	memcpy(group.address, address, sizeof(group.address));
	address_cut(group.address, group.prefix_len);
	return group;
}

const char *prefix_text(const struct stamp_prefix *prefix, char text[PREFIX_TEXT_LEN])
{
	char address[INET6_ADDRSTRLEN];

	inet_ntop(AF_INET6, prefix->address, address, sizeof(address));
	snprintf(text, PREFIX_TEXT_LEN, "%s/%u", address, prefix->prefix_len);
	return text;
}
