/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The receiving host: records what a stamped packet brought and hands on the packet that the sender's stack made.
 * tc ingress.
 *
 * The context also opens a range on the receiving socket, so that the answer carries it back. Behind xdp/sink this does
 * what is left for it; a packet that comes without its metadata is handled here as a whole.
 */
#include "plane.bpf.h"
#include "sink.h"
#include "tc.bpf.h"

const volatile struct sink_config config SEC(".rodata.config");

#include "packet.bpf.h"

#include "xdp/sink.bpf.h"

#include "reply.bpf.h"

/* What xdp/sink has left before the packet. */
static __always_inline bool meta_read(const struct __sk_buff *skb, struct sink_meta *meta)
{
	const struct sink_meta *at = (void *)(long)skb->data_meta;

	if (!config.via_xdp || (const void *)(at + 1) > (void *)(long)skb->data || at->magic != SINK_META_MAGIC)
		return false;
	words_copy(meta, at, sizeof(*meta) / 4);
	return meta->outcome < OUTCOME_COUNT;
}

static __always_inline enum outcome sink_packet(struct __sk_buff *skb, bool *end_it)
{
	enum outcome outcome;
	struct sink_found sink;

	if (!sink_find(skb, &sink, &outcome))
		return outcome;
	*end_it = sink.ends;
	socket_tell(skb, &sink.context);
	return sink_take(skb, &sink, outcome, skb->ifindex);
}

SEC("tc")
int tc_sink(struct __sk_buff *skb)
{
	enum outcome outcome = OUTCOME_pass;
	struct sink_meta meta;
	bool end_it = false;

	if (meta_read(skb, &meta)) {
		if (skb_make_linear(skb, config.self.link_len, SINK_PACKET_LEN))
			socket_tell(skb, &meta.context);
		outcome = meta.outcome;
		end_it = meta.ends;
	} else if (skb_has_options(skb, config.self.link_len, SINK_PACKET_LEN)) {
		outcome = sink_packet(skb, &end_it);
	}
	count(outcome);
	return end_it ? TC_ACT_SHOT : TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
