/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The receiving host where the driver runs XDP: records what a stamped packet brought and takes it out before GRO, so
 * that packets merge as those of any other host. The context goes on as metadata to tc/sink, which finds the socket,
 * ends measurement copies and counts. What this leaves alone, tc/sink handles as if it were not there.
 */
#include "tc/plane.bpf.h"
#include "tc/sink.h"

const volatile struct sink_config config SEC(".rodata.config");

/* For sink.bpf.h. */
#define SINK_CONTEXT xdp_md

static __always_inline __u8 *packet_ip6(const struct xdp_md *xdp)
{
	return (__u8 *)(long)xdp->data + config.self.link_len;
}

static __always_inline __u8 *packet_end(const struct xdp_md *xdp)
{
	return (__u8 *)(long)xdp->data_end;
}

static __always_inline __u32 packet_len(struct xdp_md *xdp)
{
	return bpf_xdp_get_buff_len(xdp) - config.self.link_len;
}

static __always_inline bool packet_load(struct xdp_md *xdp, __u32 at, void *to, __u32 len)
{
	return !bpf_xdp_load_bytes(xdp, config.self.link_len + at, to, len);
}

static __always_inline bool packet_store(struct xdp_md *xdp, __u32 at, void *from, __u32 len)
{
	return !bpf_xdp_store_bytes(xdp, config.self.link_len + at, from, len);
}

#include "sink.bpf.h"

/* Link layer and IPv6, which move over what goes. */
struct sink_headers {
	__u8 link[16];
	__u8 ip6[IPV6_LEN];
};

static __always_inline void link_copy(__u8 *to, const __u8 *from)
{
	words_copy(to, from, ETHERNET_TYPE_AT / 4);
	be16_store(to + ETHERNET_TYPE_AT, be16_load(from + ETHERNET_TYPE_AT));
}

/* The front of the packet moves back by `len` octets, metadata with it. */
static __always_inline bool packet_shrink(struct xdp_md *xdp, __u32 len, const struct sink_fields *fields)
{
	__u8 *frame = (__u8 *)(long)xdp->data, *ip6 = packet_ip6(xdp);
	struct sink_headers headers;

	if (ip6 + IPV6_LEN > packet_end(xdp))
		return false;
	if (config.self.link_len)
		link_copy(headers.link, frame);
	words_copy(headers.ip6, ip6, IPV6_LEN / 4);
	words_copy(headers.ip6 + IPV6_PAYLOAD_LEN_AT, fields->octets, 1);
	if (bpf_xdp_adjust_head(xdp, (int)len))
		return false;
	frame = (__u8 *)(long)xdp->data;
	ip6 = packet_ip6(xdp);
	if (ip6 + IPV6_LEN > packet_end(xdp))
		return false;
	if (config.self.link_len)
		link_copy(frame, headers.link);
	words_copy(ip6, headers.ip6, IPV6_LEN / 4);
	return true;
}

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
