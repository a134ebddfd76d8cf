/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The receiving host where the driver runs XDP: records what a stamped packet brought and takes it out before GRO, so
 * that packets merge as those of any other host. The context goes on as metadata to tc/sink, which finds the socket,
 * ends measurement copies and counts. What this leaves alone, tc/sink handles as if it were not there.
 */
#include "tc/plane.bpf.h"
#include "tc/sink.h"

const volatile struct sink_config config SEC(".rodata.config");

#include "packet.bpf.h"
#include "sink.bpf.h"

static __always_inline void meta_write(struct xdp_md *xdp, const struct sink_found *sink, enum outcome outcome)
{
	struct sink_meta *meta = (void *)(long)xdp->data_meta;

	if ((void *)(meta + 1) > (void *)(long)xdp->data)
		return;
	meta->magic = SINK_META_MAGIC;
	meta->outcome = outcome;
	meta->ends = sink->ends;
	words_copy(&meta->context, &sink->context, CONTEXT_WORDS);
}

/* Only a packet with a context gets metadata: packets with it no longer merge in GRO. */
static __always_inline void sink_packet(struct xdp_md *xdp)
{
	struct sink_found sink;
	enum outcome outcome;

	if (!sink_find(xdp, &sink, &outcome))
		return;
	if (bpf_xdp_adjust_meta(xdp, -(int)sizeof(struct sink_meta))) {
		count(OUTCOME_xdp_refused);
		return;
	}
	meta_write(xdp, &sink, sink_take(xdp, &sink, outcome, xdp->ingress_ifindex));
	count(OUTCOME_xdp_took);
}

SEC("xdp.frags")
int xdp_sink(struct xdp_md *xdp)
{
	__u8 *ip6 = packet_ip6(xdp);

	if (ip6 + IPV6_LEN <= packet_end(xdp) && ipv6_is(ip6) && ip6[IPV6_NEXT_HEADER_AT] == NEXT_HEADER_HOP_BY_HOP &&
	    (!config.self.link_len || be16_load(ip6 - 2) == ETHERTYPE_IPV6))
		sink_packet(xdp);
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
