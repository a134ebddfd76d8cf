/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A packet that is being stamped: what is known of it, and the header written into it.
 */
#ifndef HOPSPAN_TC_STAMP_BPF_H
#define HOPSPAN_TC_STAMP_BPF_H

#include "namespaces.bpf.h"
#include "socket.bpf.h"
#include "stamp.h"
#include "tc.bpf.h"

PLANE_COUNTERS(stamp)

const volatile struct stamp_config config SEC(".rodata.config");

/*
 * One packet at work on this CPU: what was found out about it, and what the first pass tells the second, which a clone
 * makes before the first goes on. In a map and not on the stack, so that the verifier forgets each packet's numbers
 * and looks at stamp_send() once, not once for each way that leads there.
 */
struct stamp_work {
	__u32 clone_len; /* 0: no clone under way */
	__u32 clone_hops;
	__u32 shadow;		    /* the clone becomes one: CLONE_* */
	struct context own, beside; /* the packet's, and that of the shadow which goes before it */

	struct stamp_prefix destination;
	struct range_request range; /* the packet's place in the socket's stream */
	__u32 ack;
	__u32 ip_len; /* IPv6 header and payload */
	__u32 flow_label;
	__u32 way;		 /* enum outcome: stamped_* */
	__u32 tcp;		 /* else UDP */
	__u32 hops, shadow_hops; /* room */
	__u32 watched;		 /* its path is not known for sure: what becomes of the packet is remembered */
	__u32 trial;		 /* it is the one packet that tries the path */
	struct encap_shape shape;
	__u32 has_own;
	struct ioam6_node node; /* this host's data, while it is written */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct stamp_work);
} stamp_work SEC(".maps");

/*
 * This host's own data. A packet that pacing holds back leaves no earlier than its time. At the peer's side it comes
 * in: its time is none of sending, and its queue is behind it.
 */
static __always_inline void own_data(struct __sk_buff *skb, __u8 hop_limit, struct ioam6_node *node)
{
	const struct plane_namespaces *known = namespaces_now();
	__u64 now = bpf_ktime_get_ns(), leaves = now;

	if (!config.peer_side && skb->tstamp > now)
		leaves = skb->tstamp;
	*node = known ? namespace_node(&config.self, &known->node.list[0], leaves + clock_mono_to_tai(now))
		      : (struct ioam6_node)IOAM6_NODE_UNKNOWN;
	node->egress_if = config.self.interface;
	node->egress_if_wide = config.self.interface_wide;
	if (!config.peer_side)
		node->queue =
		    skb_queue_bytes(kernel_skb(skb, config.self.kfuncs), config.self.kfuncs, config.self.direct);
	node->hop_limit = hop_limit;
}

/* Writes the header of `shape` into the zeros behind the IPv6 header. */
static __always_inline bool header_write(struct __sk_buff *skb, const struct encap_shape *shape, __u32 hops, __u8 flags,
					 const struct context *context, struct ioam6_node *node)
{
	__u8 *end = skb_end(skb), *ip6 = skb_ip6(skb, config.self.link_len);

	if (ip6 + IPV6_LEN > end)
		return false;
	if (shape->type)
		own_data(skb, ip6[IPV6_HOP_LIMIT_AT], node);
	return encap_write(ip6 + IPV6_LEN, end, ip6[IPV6_NEXT_HEADER_AT], shape, hops, config.self.namespace, flags,
			   node, context);
}

/* The header of work->shape. A global function: the verifier looks at it once. */
__attribute__((noinline)) int header_write_work(struct __sk_buff *skb, __u32 hops, __u32 flags)
{
	__u32 key = 0;
	struct stamp_work *work = bpf_map_lookup_elem(&stamp_work, &key);

	if (!work || hops > ENCAP_HOPS_MAX)
		return false;
	return header_write(skb, &work->shape, hops, flags, flags & IOAM6_FLAG_ACTIVE ? &work->beside : &work->own,
			    &work->node);
}

/* Grows the packet by zeros behind the IPv6 header. After that nothing can fail: the room is there, and linear. */
static __always_inline bool packet_grow(struct __sk_buff *skb, __u32 len)
{
	return !bpf_skb_adjust_room(skb, len, BPF_ADJ_ROOM_NET, BPF_F_ADJ_ROOM_NO_CSUM_RESET);
}

/* The IPv6 header of a packet that has got `len` octets of hop-by-hop header. */
static __always_inline bool packet_grown(struct __sk_buff *skb, __u32 len)
{
	__u8 *ip6 = skb_ip6(skb, config.self.link_len);

	if (ip6 + IPV6_LEN > skb_end(skb))
		return false;
	ip6[IPV6_NEXT_HEADER_AT] = NEXT_HEADER_HOP_BY_HOP;
	be16_store(ip6 + IPV6_PAYLOAD_LEN_AT, be16_load(ip6 + IPV6_PAYLOAD_LEN_AT) + len);
	return true;
}

/* Grows the packet and writes the header of work->shape. */
static __always_inline bool stamp_write(struct __sk_buff *skb, const struct stamp_work *work, __u32 hops, __u8 flags)
{
	__u32 len = encap_len(&work->shape, hops);

	return packet_grow(skb, len) && header_write_work(skb, hops, flags) && packet_grown(skb, len);
}

#endif
