/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A router, where a packet goes out: tc egress. Completes the data that this node wrote when the packet came: egress
 * interface, delay since arrival, depth of the queue that the packet is about to join. The wait in that queue comes
 * after this and is not in the delay.
 */
#include "kernel.bpf.h"
#include "plane.bpf.h"
#include "tc.bpf.h"
#include "xdp/transit.h"

PLANE_COUNTERS(depart)

const volatile struct transit_config config SEC(".rodata.config");

PLANE_FIND(__sk_buff)

/* Where this node wrote, and when the packet came. */
struct slot {
	__u32 at; /* octets from the IPv6 header; 0: unknown */
	__u64 delay_ns;
};

static __always_inline struct slot slot_from_meta(struct __sk_buff *skb, __u64 now_tai_ns)
{
	struct transit_meta *meta = (void *)(long)skb->data_meta;
	struct slot slot = { 0 };

	if ((void *)(meta + 1) <= (void *)(long)skb->data && meta->magic == TRANSIT_META_MAGIC) {
		slot.at = meta->slot;
		slot.delay_ns = now_tai_ns - meta->arrival_tai_ns;
	}
	return slot;
}

/* Without metadata: the newest data in the trace, if it names this node and this hop; its fraction is the arrival. */
static __always_inline struct slot slot_from_trace(__u8 *ip6, const __u8 *end, const struct ioam6_found *found,
						   __u64 now_tai_ns)
{
	__u32 at = found->option + IOAM6_DATA_AT + found->trace.remaining_words * IOAM6_WORD, type = found->trace.type;
	__u32 own = (__u32)ip6[IPV6_HOP_LIMIT_AT] << 24 | (config.self.id & 0xffffff), now, then;
	__u8 *field = node_field(ip6, end, at, type, IOAM6_HOP_AND_ID, 0, 4);

	if (found->trace.remaining_words == found->data_words || !field || be32_load(field) != own)
		return (struct slot){ 0 };
	field = node_field(ip6, end, at, type, IOAM6_FRACTION, 0, 4);
	if (!field)
		return (struct slot){ .at = at, .delay_ns = ~0ULL };
	now = now_tai_ns % NS_PER_S;
	then = be32_load(field);
	return (struct slot){ .at = at, .delay_ns = now >= then ? now - then : now + NS_PER_S - then };
}

static __always_inline enum outcome depart_packet(struct __sk_buff *skb)
{
	__u64 now_tai_ns = clock_tai_ns();
	struct slot slot = slot_from_meta(skb, now_tai_ns);
	struct ioam6_node node = IOAM6_NODE_UNKNOWN;
	struct ioam6_found found;
	enum outcome outcome;
	__u8 *ip6, *end;

	ip6 = skb_ip6(skb, config.self.link_len);
	end = skb_end(skb);
	if (ip6 + IPV6_LEN > end)
		return OUTCOME_bad_truncated;
	if (!plane_find(skb, ip6, end, &found, &outcome))
		return outcome;
	if (!found.option)
		return OUTCOME_other_options;
	if (!slot.at)
		slot = slot_from_trace(ip6, end, &found, now_tai_ns);
	if (!slot.at)
		return OUTCOME_slot_lost;
	node.egress_if = config.self.interface;
	node.egress_if_wide = config.self.interface_wide;
	if (slot.delay_ns != ~0ULL)
		node.delay_ns = ioam6_delay(slot.delay_ns);
	node.queue = skb_queue_bytes(kernel_skb(skb, config.self.kfuncs), config.self.kfuncs);
	ioam6_complete(ip6, end, slot.at, found.trace.type, &node);
	return OUTCOME_completed;
}

SEC("tc")
int tc_depart(struct __sk_buff *skb)
{
	enum outcome outcome = OUTCOME_pass;

	/* What this host itself sends has not come in anywhere. */
	if (skb->ingress_ifindex && skb_has_options(skb, config.self.link_len, TC_LINEAR_LEN))
		outcome = depart_packet(skb);
	count(outcome);
	return TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
