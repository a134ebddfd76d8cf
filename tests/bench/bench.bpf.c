/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What the dataplane is measured against: programs that do nothing, and programs that make room in the trace again
 * before they go on to the one measured, because a test run repeats on one packet.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "bench.h"
#include "tc/plane.bpf.h"
#include "tc/tc.bpf.h"

const volatile struct bench_reset reset SEC(".rodata.reset");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} next SEC(".maps");

/* What xdp_restore() puts in front. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u8[BENCH_FRONT_LEN]);
} packet_front SEC(".maps");

SEC("xdp.frags")
int xdp_empty(struct xdp_md *xdp)
{
	(void)xdp;
	return XDP_PASS;
}

SEC("tc")
int tc_empty(struct __sk_buff *skb)
{
	(void)skb;
	return TC_ACT_UNSPEC;
}

/* What one reading of the clock takes, of all that an append does. */
SEC("xdp.frags")
int xdp_clock(struct xdp_md *xdp)
{
	(void)xdp;
	return bpf_ktime_get_ns() ? XDP_PASS : XDP_ABORTED;
}

SEC("xdp.frags")
int xdp_clock_tai(struct xdp_md *xdp)
{
	(void)xdp;
	return bpf_ktime_get_tai_ns() ? XDP_PASS : XDP_ABORTED;
}

/* As the programs read it: monotonic + offset. */
SEC("xdp.frags")
int xdp_clock_ours(struct xdp_md *xdp)
{
	(void)xdp;
	return clock_tai_ns() ? XDP_PASS : XDP_ABORTED;
}

/* Takes the metadata off too: at once whether there is any or none, so that both sides pay for it. */
SEC("xdp.frags")
int xdp_reset(struct xdp_md *xdp)
{
	__u8 *data = (void *)(long)xdp->data;

	if (data + BENCH_LENGTHS_AT + 2 > (__u8 *)(long)xdp->data_end)
		return XDP_ABORTED;
	be16_store(data + BENCH_LENGTHS_AT, reset.lengths);
	bpf_xdp_adjust_meta(xdp, xdp->data - xdp->data_meta);
	bpf_tail_call(xdp, &next, 0);
	return XDP_ABORTED;
}

/* Makes the packet again what it was, whatever was taken out of its front. */
SEC("xdp.frags")
int xdp_restore(struct xdp_md *xdp)
{
	__u32 key = 0;
	const __u8 *packet = bpf_map_lookup_elem(&packet_front, &key);
	__u8 *data;

	bpf_xdp_adjust_meta(xdp, xdp->data - xdp->data_meta);
	if (bpf_xdp_adjust_head(xdp, (int)(xdp->data_end - xdp->data) - BENCH_PACKET_LEN))
		return XDP_ABORTED;
	data = (void *)(long)xdp->data;
	if (!packet || data + BENCH_FRONT_LEN > (__u8 *)(long)xdp->data_end)
		return XDP_ABORTED;
	words_copy(data, packet, BENCH_FRONT_LEN / 4);
	bpf_tail_call(xdp, &next, 0);
	return XDP_ABORTED;
}

SEC("tc")
int tc_reset(struct __sk_buff *skb)
{
	__u8 *data = (void *)(long)skb->data;

	if (data + BENCH_LENGTHS_AT + 2 > (__u8 *)(long)skb->data_end)
		return TC_ACT_SHOT;
	be16_store(data + BENCH_LENGTHS_AT, reset.lengths);
	bpf_tail_call(skb, &next, 0);
	return TC_ACT_SHOT;
}

/* Empties again what is written on leaving. */
SEC("tc")
int tc_arrive(struct __sk_buff *skb)
{
	__u8 *node = (__u8 *)(long)skb->data + BENCH_SLOT_AT;

	if (node + ENCAP_HOP_LEN > (__u8 *)(long)skb->data_end)
		return TC_ACT_SHOT;
	be16_store(node + 6, 0xffff);
	be32_store(node + 12, IOAM6_NONE32);
	be32_store(node + 16, IOAM6_NONE32);
	bpf_tail_call(skb, &next, 0);
	return TC_ACT_SHOT;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
