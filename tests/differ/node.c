/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What xdp/transit and tc/depart do, on plain memory. wrong.txt changes lines of this file, too. */
#include "node.h"

#include "wire/node.h"

#define TAI_TO_UTC_NS 37000000000

static struct ioam6_namespaces namespaces = {
	.list = { { .data_wide = DATA_WIDE_PLAIN,
		    .data = DATA_PLAIN,
		    .schema_id = IOAM6_SNAPSHOT_NONE,
		    .id = NAMESPACE_PLAIN,
		    .time = IOAM6_TIME_PTP },
		  { .data_wide = DATA_WIDE_SCHEMA,
		    .data = DATA_SCHEMA,
		    .schema_id = SCHEMA_ID,
		    .id = NAMESPACE_SCHEMA,
		    .time = IOAM6_TIME_POSIX,
		    .schema_words = SCHEMA_WORDS,
		    .schema = SCHEMA_TEXT } },
	.known.place = { [NAMESPACE_PLAIN] = 1, [NAMESPACE_SCHEMA] = 2 },
	.count = 2,
};

int node_arrive(uint8_t *ip6, uint32_t len, uint64_t tai_ns, struct stay *stay)
{
	struct ioam6_node node = IOAM6_NODE_UNKNOWN;
	const struct ioam6_namespace *namespace;
	const uint8_t *end = ip6 + len;
	struct ioam6_found found;
	enum outcome outcome;

	*stay = (struct stay){ .came_tai_ns = tai_ns };
	if (len < IPV6_LEN || !ipv6_is(ip6) || ip6[IPV6_NEXT_HEADER_AT] != NEXT_HEADER_HOP_BY_HOP)
		return OUTCOME_pass;
	if (!ipv6_is_whole(ip6, len))
		return OUTCOME_bad_truncated;
	if (!ioam6_find_known(ip6, end, &namespaces.known, &found, &outcome))
		return outcome;
	if (!found.option)
		return OUTCOME_other_options;
	namespace = ioam6_namespace_at(&namespaces, ioam6_namespace_place(&namespaces, found.trace.namespace));
	ioam6_namespace_set(&node, namespace);
	ioam6_time_set(&node, namespace->time, tai_ns, TAI_TO_UTC_NS);
	node.id = SELF_ID;
	node.id_wide = SELF_ID_WIDE;
	node.ingress_if = SELF_IN;
	node.ingress_if_wide = SELF_IN_WIDE;
	node.hop_limit = ip6[IPV6_HOP_LIMIT_AT] - 1;
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
