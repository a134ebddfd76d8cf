/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A program of somebody else before ours: it moves TCP's sequence numbers, as a middlebox does.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

enum { TCP_AT = 54, SEQ_AT = TCP_AT + 4, CHECKSUM_AT = TCP_AT + 16, MOVED_BY = 1 << 30 };

/* IPv6, TCP, and nothing between. */
SEC("move")
int other_moves(struct __sk_buff *skb)
{
	__u32 before, after;
	__u8 next_header;

	if (skb->protocol != __builtin_bswap16(0x86dd) || bpf_skb_load_bytes(skb, 14 + 6, &next_header, 1) ||
	    next_header != 6 || bpf_skb_load_bytes(skb, SEQ_AT, &before, sizeof(before)))
		return -1;
	after = __builtin_bswap32(__builtin_bswap32(before) + MOVED_BY);
	bpf_l4_csum_replace(skb, CHECKSUM_AT, before, after, sizeof(before));
	bpf_skb_store_bytes(skb, SEQ_AT, &after, sizeof(after), 0);
	return -1;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
