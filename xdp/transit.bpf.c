/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A router, where a packet comes in: XDP. Time, ids and ingress interface go into the trace; time and place travel on
 * as metadata, so that tc/depart can complete them. Every packet passes to the kernel, which forwards it as ever.
 */
#include "transit.bpf.h"

PLANE_COUNTERS(transit)

const volatile struct transit_config config SEC(".rodata.config");

PLANE_FIND(xdp_md)

/* Only a packet that got a slot has metadata: packets with it no longer merge in GRO. */
static __always_inline enum outcome meta_write(struct xdp_md *xdp, __u32 slot, __u64 arrival_tai_ns)
{
	struct transit_meta *meta;

	if (bpf_xdp_adjust_meta(xdp, -(int)sizeof(*meta)))
		return OUTCOME_no_metadata;
	meta = (void *)(long)xdp->data_meta;
	if ((void *)(meta + 1) > (void *)(long)xdp->data)
		return OUTCOME_no_metadata;
	meta->magic = TRANSIT_META_MAGIC;
	meta->slot = slot;
	meta->arrival_tai_ns = arrival_tai_ns;
	return OUTCOME_appended;
}

SEC("xdp.frags")
int xdp_transit(struct xdp_md *xdp)
{
	__u8 *frame = (void *)(long)xdp->data, *end = (void *)(long)xdp->data_end;
	__u8 *ip6 = frame + config.self.link_len;
	struct ioam6_found found;
	enum outcome outcome;
	__u64 arrival_tai_ns = 0;
	__u32 slot = 0;

	if (ip6 + IPV6_LEN > end || (config.self.link_len && be16_load(ip6 - 2) != ETHERTYPE_IPV6) || !ipv6_is(ip6) ||
	    ip6[IPV6_NEXT_HEADER_AT] != NEXT_HEADER_HOP_BY_HOP) {
		count(OUTCOME_pass);
		return XDP_PASS;
	}
	if (plane_find(xdp, ip6, end, &found, &outcome))
		outcome = transit_arrive(ip6, end, &found, &config.self, &slot, &arrival_tai_ns);
	if (outcome == OUTCOME_appended)
		outcome = meta_write(xdp, slot, arrival_tai_ns);
	count(outcome);
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
