/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A router, where a packet comes in: XDP. Time, ids and ingress interface go into the trace; time and place travel on
 * as metadata, so that tc/depart can complete them. Every packet passes to the kernel, which forwards it as ever; with
 * the fast path (forward.bpf.h), what is certain leaves from here.
 */
#include "transit.bpf.h"

PLANE_COUNTERS(transit)

const volatile struct transit_config config SEC(".rodata.config");

TRANSIT_FIND(xdp_md)

#include "forward.bpf.h"

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
	meta->netns = config.netns;
	meta->arrival_tai_ns = arrival_tai_ns;
	return OUTCOME_appended;
}

/* Octets before the IPv6 header, on a device with or without Ethernet; -1: no IPv6 packet with options. */
static __always_inline int packet_ip6_at(const __u8 *frame, const __u8 *end)
{
	__u32 at = config.self.link_len;
	const __u8 *ip6;

	if (at) {
		at = ethernet_ip6_at(frame, end);
		if (!at)
			return -1;
	}
	ip6 = frame + at;
	if (ip6 + IPV6_LEN > end || !ipv6_is(ip6) || ip6[IPV6_NEXT_HEADER_AT] != NEXT_HEADER_HOP_BY_HOP)
		return -1;
	return at;
}

/* Transit's own work. */
static __always_inline enum outcome arrive(struct xdp_md *xdp, __u32 link_len, struct arrival *arrival)
{
	__u8 *ip6 = (__u8 *)(long)xdp->data + link_len, *end = (void *)(long)xdp->data_end;
	const struct plane_namespaces *now = namespaces_now();
	enum outcome outcome = OUTCOME_other_options;

	if (!now || ip6 + IPV6_LEN > end || !transit_find(xdp, ip6, end, link_len, now, &arrival->found, &outcome))
		return outcome;
	return transit_arrive(ip6, end, &arrival->found, now, &config.self, &arrival->slot, &arrival->tai_ns);
}

SEC("xdp.frags")
int xdp_transit(struct xdp_md *xdp)
{
	int link_len = packet_ip6_at((void *)(long)xdp->data, (void *)(long)xdp->data_end);
	enum outcome outcome = OUTCOME_pass;
	struct arrival arrival;

	arrival.slot = 0;
	arrival.tai_ns = 0;
	if (link_len >= 0)
		outcome = arrive(xdp, link_len, &arrival);
	if (config.forward == FORWARD_XDP && forward(xdp, outcome, link_len, &arrival)) {
		count(outcome);
		return XDP_REDIRECT;
	}
	if (outcome == OUTCOME_appended)
		outcome = meta_write(xdp, arrival.slot, arrival.tai_ns);
	count(outcome);
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
