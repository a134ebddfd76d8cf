/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What xdp/transit and tc/depart do, on plain memory. wrong.txt changes lines of this file, too. */
#include "node.h"

#include "wire/node.h"

enum { NS_PER_S = 1000000000 };

int node_arrive(uint8_t *ip6, uint32_t len, uint64_t tai_ns, struct stay *stay)
{
	struct ioam6_node node = IOAM6_NODE_UNKNOWN;
	const uint8_t *end = ip6 + len;
	struct ioam6_found found;
	enum outcome outcome;

	*stay = (struct stay){ .came_tai_ns = tai_ns };
	if (len < IPV6_LEN || !ipv6_is(ip6) || ip6[IPV6_NEXT_HEADER_AT] != NEXT_HEADER_HOP_BY_HOP)
		return OUTCOME_pass;
	if (!ipv6_is_whole(ip6, len))
		return OUTCOME_bad_truncated;
	if (!ioam6_find(ip6, end, 0x6873, &found, &outcome))
		return outcome;
	if (!found.option)
		return OUTCOME_other_options;
	node.id = SELF_ID;
	node.id_wide = SELF_ID_WIDE;
	node.ingress_if = SELF_IN;
	node.ingress_if_wide = SELF_IN_WIDE;
	node.hop_limit = ip6[IPV6_HOP_LIMIT_AT] - 1;
	node.seconds = (uint32_t)(tai_ns / NS_PER_S);
	node.fraction = (uint32_t)(tai_ns % NS_PER_S);
	stay->type = found.trace.type;
	return (int)ioam6_append(ip6, end, &found, &node, &stay->slot);
}

void node_depart(uint8_t *ip6, uint32_t len, uint64_t tai_ns, const struct stay *stay)
{
	struct ioam6_node node = IOAM6_NODE_UNKNOWN;

	if (!stay->slot)
		return;
	node.egress_if = SELF_OUT;
	node.egress_if_wide = SELF_OUT_WIDE;
	node.delay_ns = ioam6_delay(tai_ns - stay->came_tai_ns);
	node.queue = 0;
	ioam6_complete(ip6, ip6 + len, stay->slot, stay->type, &node);
}
