/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Both ends of a router that is measured: what makes its packets as they come in, and what looks at each at the far
 * end. And the least that a router could do: everything goes out by one device.
 */
#include "xdp/transit.bpf.h"

#include "hop.h"

PLANE_COUNTERS(transit)

const volatile struct transit_config config SEC(".rodata.config");

TRANSIT_FIND(xdp_md)

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} next SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct hop_plan);
} hop_plan SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct hop_seen);
} hop_seen SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} hop_out SEC(".maps");

/* A test run sends its frames again, with all that was done to them: each is made as it was. */
SEC("xdp.frags")
int hop_front(struct xdp_md *xdp)
{
	__u32 key = 0;
	struct hop_plan *plan = bpf_map_lookup_elem(&hop_plan, &key);
	__u8 *frame = (void *)(long)xdp->data;

	if (!plan || frame + BENCH_LENGTHS_AT + 2 > (__u8 *)(long)xdp->data_end)
		return XDP_ABORTED;
	words_copy(frame, plan->macs, 3);
	frame[ETHERNET_LEN + IPV6_HOP_LIMIT_AT] = HOP_LIMIT;
	frame[HOP_PREFIX_AT] = plan->sent++ & plan->destinations;
	if (plan->lengths)
		be16_store(frame + BENCH_LENGTHS_AT, plan->lengths);
	bpf_tail_call(xdp, &next, 0);
	return plan->verdict;
}

/* Node data that needs no clock. */
static __always_inline enum outcome append_timeless(__u8 *ip6, const __u8 *end, const struct ioam6_found *found,
						    const struct plane_namespaces *now)
{
	__u32 place = ioam6_namespace_place(&now->node, found->trace.namespace), slot;
	struct ioam6_node node = namespace_node(&config.self, ioam6_namespace_at(&now->node, place), 0);

	node.ingress_if = config.self.interface;
	node.ingress_if_wide = config.self.interface_wide;
	node.hop_limit = ip6[IPV6_HOP_LIMIT_AT] - 1;
	return ioam6_append(ip6, end, found, &node, &slot);
}

/* No lookup: the trace as xdp_transit does it, or without asking for the time, and out. */
static __always_inline int fixed(struct xdp_md *xdp, bool timeless)
{
	__u8 *frame = (void *)(long)xdp->data, *end = (void *)(long)xdp->data_end, *ip6 = frame + ETHERNET_LEN;
	const struct plane_namespaces *now = namespaces_now();
	enum outcome outcome = OUTCOME_pass;
	struct ioam6_found found;
	__u64 arrival_tai_ns = 0;
	__u32 slot = 0;

	if (!now || ip6 + IPV6_LEN > end || ip6[IPV6_NEXT_HEADER_AT] != NEXT_HEADER_HOP_BY_HOP)
		return XDP_ABORTED;
	if (transit_find(xdp, ip6, end, ETHERNET_LEN, now, &found, &outcome))
		outcome = timeless ? append_timeless(ip6, end, &found, now)
				   : transit_arrive(ip6, end, &found, now, &config.self, &slot, &arrival_tai_ns);
	count(outcome);
	ip6[IPV6_HOP_LIMIT_AT]--;
	words_copy(frame, frame, 3);
	return bpf_redirect_map(&hop_out, 0, XDP_ABORTED);
}

SEC("xdp.frags")
int hop_fixed(struct xdp_md *xdp)
{
	return fixed(xdp, false);
}

SEC("xdp.frags")
int hop_timeless(struct xdp_md *xdp)
{
	return fixed(xdp, true);
}

/* The helper's lookup alone, as an XDP forwarder asks it, and out by what it says. */
SEC("xdp.frags")
int hop_fib(struct xdp_md *xdp)
{
	__u8 *frame = (void *)(long)xdp->data, *ip6 = frame + ETHERNET_LEN;
	struct bpf_fib_lookup fib = { .family = 10, .ifindex = xdp->ingress_ifindex };

	if (ip6 + IPV6_LEN > (__u8 *)(long)xdp->data_end)
		return XDP_ABORTED;
	words_copy(fib.ipv6_src, ip6 + IPV6_SOURCE_AT, 4);
	words_copy(fib.ipv6_dst, ip6 + IPV6_DESTINATION_AT, 4);
	fib.tot_len = IPV6_LEN + be16_load(ip6 + IPV6_PAYLOAD_LEN_AT);
	if (bpf_fib_lookup(xdp, &fib, sizeof(fib), 0) != BPF_FIB_LKUP_RET_SUCCESS)
		return XDP_ABORTED;
	ip6[IPV6_HOP_LIMIT_AT]--;
	words_copy(frame, frame, 3);
	return bpf_redirect_map(&hop_out, 0, XDP_ABORTED);
}

SEC("xdp.frags")
int hop_pass(struct xdp_md *xdp)
{
	(void)xdp;
	return XDP_PASS;
}

SEC("xdp.frags")
int hop_far(struct xdp_md *xdp)
{
	__u32 key = 0;
	struct hop_seen *seen = bpf_map_lookup_elem(&hop_seen, &key);
	__u8 *frame = (void *)(long)xdp->data, *ip6 = frame + ETHERNET_LEN;
	__u32 at = BENCH_OPTION_AT + IOAM6_DATA_AT, lengths;
	__u8 *end = (void *)(long)xdp->data_end;
	bool right;

	if (!seen || frame + BENCH_PACKET_LEN > end || be32_load(ip6 + IPV6_DESTINATION_AT) != 0xfd687301)
		return XDP_PASS;
	right = ip6[IPV6_HOP_LIMIT_AT] == HOP_LIMIT - 1;
	if (seen->remaining != HOP_NO_TRACE) {
		lengths = be16_load(frame + BENCH_LENGTHS_AT) & 0x7f;
		right &= lengths == seen->remaining;
		at += lengths * IOAM6_WORD;
		if (at > BENCH_PACKET_LEN - IOAM6_WORD || frame + at + IOAM6_WORD > end)
			right = false;
		else if (seen->id)
			right &= be32_load(frame + at) == ((HOP_LIMIT - 1) << 24 | seen->id);
	}
	__sync_fetch_and_add(right ? &seen->right : &seen->wrong, 1);
	return XDP_DROP;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
