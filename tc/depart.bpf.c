/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A router, where a packet goes out: tc egress. Completes the data that this node wrote when the packet came: egress
 * interface, delay since arrival, depth of the queue that the packet is about to join. The wait in that queue comes
 * after this and is not in the delay.
 */
#include "kernel.bpf.h"
#include "plane.bpf.h"
#include "tc.bpf.h"
#include "xdp/transit.bpf.h"

PLANE_COUNTERS(depart)

const volatile struct transit_config config SEC(".rodata.config");

TRANSIT_FIND(__sk_buff)

/* Where this node wrote, and how long ago the packet came. */
struct slot {
	__u32 at; /* octets from the IPv6 header; 0: unknown */
	bool from_meta;
	__u64 delay_ns; /* all ones: not known */
};

/* What depart looks at. */
struct leaving {
	__u8 *ip6;
	const __u8 *end;
	struct ioam6_found found;
	__u32 newest; /* the last data written into the trace, octets from `ip6` */
	__u64 mono_ns, tai_ns;
};

/* A clock that was set back between two times shows none. */
static __always_inline __u64 time_between(__u64 from_ns, __u64 to_ns)
{
	return to_ns >= from_ns ? to_ns - from_ns : ~0ULL;
}

/* Metadata of another namespace, or of an earlier way through this one, says nothing of the newest data. */
static __always_inline struct slot slot_from_meta(struct __sk_buff *skb, const struct leaving *leaving)
{
	struct transit_meta *meta = (void *)(long)skb->data_meta;

	if ((void *)(meta + 1) > (void *)(long)skb->data || meta->magic != TRANSIT_META_MAGIC ||
	    meta->netns != config.netns || meta->slot != leaving->newest)
		return (struct slot){ 0 };
	return (struct slot){ .at = meta->slot,
			      .from_meta = true,
			      .delay_ns = time_between(meta->arrival_tai_ns, leaving->tai_ns) };
}

static __always_inline bool field_is(const struct leaving *leaving, __u32 bit, __u32 within, __u32 value)
{
	const __u8 *field =
	    node_field(leaving->ip6, leaving->end, leaving->newest, leaving->found.trace.type, bit, within, IOAM6_WORD);

	return field && be32_load(field) == value;
}

/* Does the newest data name this node and this hop, by each id that the trace type has, and by one at least? */
static __always_inline bool data_names_self(const struct leaving *leaving)
{
	__u32 type = leaving->found.trace.type, hop = (__u32)leaving->ip6[IPV6_HOP_LIMIT_AT] << 24;

	if (type & IOAM6_HOP_AND_ID && !field_is(leaving, IOAM6_HOP_AND_ID, 0, hop | (config.self.id & 0xffffff)))
		return false;
	if (type & IOAM6_HOP_AND_ID_WIDE &&
	    (!field_is(leaving, IOAM6_HOP_AND_ID_WIDE, 0, hop | (config.self.id_wide >> 32 & 0xffffff)) ||
	     !field_is(leaving, IOAM6_HOP_AND_ID_WIDE, IOAM6_WORD, config.self.id_wide)))
		return false;
	return type & (IOAM6_HOP_AND_ID | IOAM6_HOP_AND_ID_WIDE);
}

/* Are the fields still empty that are written on leaving? A neighbour with the same id, or a host, has filled them. */
static __always_inline bool data_is_unfinished(const struct leaving *leaving)
{
	__u32 type = leaving->found.trace.type;
	const __u8 *field = node_field(leaving->ip6, leaving->end, leaving->newest, type, IOAM6_INTERFACES, 2, 2);

	return (!field || be16_load(field) == 0xffff) &&
	       (!(type & IOAM6_DELAY) || field_is(leaving, IOAM6_DELAY, 0, IOAM6_NONE32)) &&
	       (!(type & IOAM6_QUEUE) || field_is(leaving, IOAM6_QUEUE, 0, IOAM6_NONE32)) &&
	       (!(type & IOAM6_INTERFACES_WIDE) || field_is(leaving, IOAM6_INTERFACES_WIDE, IOAM6_WORD, IOAM6_NONE32));
}

/* From the time that the data holds; without its seconds the packet is taken to have stayed for less than one. */
static __always_inline __u64 delay_from_data(const struct leaving *leaving, enum ioam6_time time)
{
	__u32 type = leaving->found.trace.type, then_ns, now_ns;
	struct ioam6_node now = {};
	__s32 seconds;
	const __u8 *field = node_field(leaving->ip6, leaving->end, leaving->newest, type, IOAM6_FRACTION, 0, 4);

	if (!field)
		return ~0ULL;
	ioam6_time_set(&now, time, leaving->tai_ns, time == IOAM6_TIME_PTP ? 0 : clock_tai_to_utc_ns());
	then_ns = ioam6_fraction_ns(time, be32_load(field));
	now_ns = ioam6_fraction_ns(time, now.fraction);
	field = node_field(leaving->ip6, leaving->end, leaving->newest, type, IOAM6_SECONDS, 0, 4);
	if (!field)
		return now_ns >= then_ns ? now_ns - then_ns : now_ns + IOAM6_NS_PER_S - then_ns;
	seconds = now.seconds - be32_load(field);
	return seconds < 0 ? ~0ULL : time_between(then_ns, (__u64)seconds * IOAM6_NS_PER_S + now_ns);
}

/* Without metadata: the newest data in the trace, if it is what this node wrote a moment ago. */
static __always_inline struct slot slot_from_trace(const struct leaving *leaving, const struct plane_namespaces *now)
{
	__u32 place = ioam6_namespace_place(&now->node, leaving->found.trace.namespace);
	struct slot slot = { .at = leaving->newest, .delay_ns = ~0ULL };

	if (!data_names_self(leaving) || !data_is_unfinished(leaving))
		return (struct slot){ 0 };
	if (namespace_is_settled(now, place, leaving->mono_ns))
		slot.delay_ns = delay_from_data(leaving, ioam6_namespace_at(&now->node, place)->time);
	return slot;
}

/* On a bridge the hop limit is not one less than it was. */
static __always_inline void hop_limit_set(const struct leaving *leaving, __u32 at)
{
	__u32 type = leaving->found.trace.type;
	__u8 *field = node_field(leaving->ip6, leaving->end, at, type, IOAM6_HOP_AND_ID, 0, 1);

	if (field)
		*field = leaving->ip6[IPV6_HOP_LIMIT_AT];
	field = node_field(leaving->ip6, leaving->end, at, type, IOAM6_HOP_AND_ID_WIDE, 0, 1);
	if (field)
		*field = leaving->ip6[IPV6_HOP_LIMIT_AT];
}

static __always_inline enum outcome slot_complete(struct __sk_buff *skb, const struct leaving *leaving,
						  const struct plane_namespaces *now)
{
	struct ioam6_node node = IOAM6_NODE_UNKNOWN;
	struct slot slot = slot_from_meta(skb, leaving);

	if (!slot.at)
		slot = slot_from_trace(leaving, now);
	if (!slot.at)
		return OUTCOME_slot_lost;
	node.egress_if = config.self.interface;
	node.egress_if_wide = config.self.interface_wide;
	if (slot.delay_ns != ~0ULL)
		node.delay_ns = ioam6_delay(slot.delay_ns);
	node.queue = skb_queue_bytes(kernel_skb(skb, config.self.kfuncs), config.self.kfuncs, config.self.direct);
	if (slot.from_meta)
		hop_limit_set(leaving, slot.at);
	ioam6_complete(leaving->ip6, leaving->end, slot.at, leaving->found.trace.type, &node);
	return OUTCOME_completed;
}

/* Where there was no room, nothing is this node's: its data is the last, if any. */
static __always_inline enum outcome depart_packet(struct __sk_buff *skb, __u32 link_len)
{
	struct leaving leaving = { .ip6 = skb_ip6(skb, link_len), .end = skb_end(skb), .mono_ns = bpf_ktime_get_ns() };
	const struct plane_namespaces *now = namespaces_now();
	const struct ioam6_trace *trace = &leaving.found.trace;
	enum outcome outcome = OUTCOME_other_options;

	if (!now || leaving.ip6 + IPV6_LEN > leaving.end ||
	    !transit_find(skb, leaving.ip6, leaving.end, link_len, now, &leaving.found, &outcome))
		return outcome;
	if (trace->flags & IOAM6_FLAG_OVERFLOW)
		return OUTCOME_overflowed;
	if (trace->remaining_words == leaving.found.data_words)
		return OUTCOME_slot_lost;
	leaving.tai_ns = leaving.mono_ns + clock_mono_to_tai(leaving.mono_ns);
	leaving.newest = leaving.found.option + IOAM6_DATA_AT + trace->remaining_words * IOAM6_WORD;
	return slot_complete(skb, &leaving, now);
}

SEC("tc")
int tc_depart(struct __sk_buff *skb)
{
	enum outcome outcome = OUTCOME_pass;
	int link_len;

	/* What this host itself sends has not come in anywhere. */
	if (skb->ingress_ifindex) {
		link_len = skb_ip6_at(skb, config.self.link_len);
		if (link_len >= 0 && skb_has_options_at(skb, link_len, TC_LINEAR_LEN))
			outcome = depart_packet(skb, link_len);
	}
	count(outcome);
	return TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
