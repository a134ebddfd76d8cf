/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Lost packets, as their sender knows of them: when the bytes of a range first went, and that they go again. tc egress.
 */
#ifndef HOPSPAN_TC_REPEAT_BPF_H
#define HOPSPAN_TC_REPEAT_BPF_H

#include "records.bpf.h"
#include "stamp.bpf.h"

/* Beyond that a socket's clock is not to be trusted. */
enum { REPEAT_MOST_US = 1000000000 };

static __always_inline __u32 tcp_now_us(struct tcp_sock *tcp)
{
	return KERNEL_READ(config.self.kfuncs, tcp, tcp_mstamp);
}

/* The place of a data segment in its stream. False: it is none. */
static __always_inline bool segment_place(struct __sk_buff *skb, __u32 *seq, __u32 *len)
{
	__u8 *end = skb_end(skb), *ip6 = skb_ip6(skb, config.self.link_len), *tcp = ip6 + IPV6_LEN;
	__u32 payload_len, header_len;

	if (tcp + TCP_LEN_MIN > end || skb->protocol != bpf_htons(ETHERTYPE_IPV6) ||
	    ip6[IPV6_NEXT_HEADER_AT] != NEXT_HEADER_TCP || tcp[TCP_FLAGS_AT] & (TCP_SYN | TCP_RST))
		return false;
	payload_len = be16_load(ip6 + IPV6_PAYLOAD_LEN_AT);
	header_len = (tcp[TCP_HEADER_LEN_AT] >> 4) * 4;
	*seq = be32_load(tcp + TCP_SEQ_AT);
	*len = payload_len - header_len;
	return payload_len > header_len;
}

static __always_inline void sending_note(struct socket_state *state, __u32 end, __u32 now_us)
{
	struct socket_sending *sending = &state->sendings[state->sending_count++ & (SOCKET_SENDINGS - 1)];

	sending->end = end;
	sending->sent_us = now_us;
}

/* The newest range that the byte is in, or NULL. */
static __always_inline struct socket_range *range_of(struct socket_state *state, __u32 seq)
{
	for (__u32 i = 0; i < SOCKET_RANGES; i++) {
		struct socket_range *range = &state->ranges[(state->opened - 1 - i) & (SOCKET_RANGES - 1)];

		if (range->used && (range->from_start || (__s32)(range->begin - seq) <= 0))
			return range;
	}
	return NULL;
}

/*
 * Do the bytes from `seq` on have the range's context for certain? One learnt from the peer ends with the answer, and
 * where that is nobody says; the next request may have come without a context. So only its first segment.
 */
static __always_inline bool range_is_of(const struct socket_range *range, __u32 seq)
{
	return range->context.flags & CONTEXT_FLAG_SAMPLED &&
	       (!(range->context.attribution & CONTEXT_LEARNT) || range->begin == seq);
}

/* When the byte went last: with the segment that ends next behind it. 0: not known. */
static __always_inline __u32 sent_us(const struct socket_state *state, const struct socket_range *range, __u32 seq)
{
	__u32 nearest = -1U, found = range->sent_us;

	for (__u32 i = 0; i < SOCKET_SENDINGS; i++) {
		const struct socket_sending *sending =
		    &state->sendings[(state->sending_count - 1 - i) & (SOCKET_SENDINGS - 1)];
		__u32 behind = sending->end - seq;

		if (!sending->sent_us || (__s32)behind <= 0 || behind >= nearest)
			continue;
		nearest = behind;
		found = sending->sent_us;
	}
	return found;
}

static __always_inline bool repeat_put(const struct __sk_buff *skb, const struct socket_range *range, __u32 octets,
				       __u32 before_us)
{
	struct stamp_repeat *repeat = bpf_ringbuf_reserve(&records, sizeof(*repeat), 0);
	const __u8 *ip6 = skb_ip6(skb, config.self.link_len), *tcp = ip6 + IPV6_LEN;
	__u64 now;

	if (!repeat)
		return false;
	if (tcp + TCP_LEN_MIN > (__u8 *)(long)skb->data_end) {
		bpf_ringbuf_discard(repeat, BPF_RB_NO_WAKEUP);
		return false;
	}
	now = bpf_ktime_get_ns();
	repeat->again_tai_ns = now + clock_mono_to_tai(now);
	repeat->first_tai_ns = repeat->again_tai_ns - (__u64)before_us * 1000;
	words_copy(repeat->source, ip6 + IPV6_SOURCE_AT, 4);
	words_copy(repeat->destination, ip6 + IPV6_DESTINATION_AT, 4);
	repeat->source_port = be16_load(tcp);
	repeat->destination_port = be16_load(tcp + 2);
	repeat->octets = octets;
	repeat->reserved = 0;
	words_copy(&repeat->context, &range->context, CONTEXT_WORDS);
	bpf_ringbuf_submit(repeat, BPF_RB_NO_WAKEUP);
	return true;
}

/* A segment whose bytes went before. A global function: the verifier looks at it once. */
__attribute__((noinline)) int repeat_tell(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;
	struct socket_state *state = sk ? bpf_sk_storage_get(&sockets, sk, NULL, 0) : NULL;
	struct tcp_sock *tcp = sk ? kernel_tcp(sk, config.self.kfuncs) : NULL;
	struct socket_range *range;
	__u32 seq, len, before_us, now_us;

	if (!state || !tcp || !segment_place(skb, &seq, &len) ||
	    (__s32)(seq - KERNEL_READ(config.self.kfuncs, tcp, snd_una)) < 0)
		return 0;
	range = range_of(state, seq);
	if (!range || !range_is_of(range, seq))
		return 0;
	before_us = sent_us(state, range, seq);
	now_us = tcp_now_us(tcp);
	sending_note(state, seq + len, now_us);
	if (before_us && now_us - before_us < REPEAT_MOST_US)
		count(repeat_put(skb, range, len, now_us - before_us) ? OUTCOME_repeat_recorded : OUTCOME_ring_full);
	return 0;
}

/* A segment of a socket with ranges: its time is noted, or told if its bytes go again. */
static __always_inline void segment_watch(struct __sk_buff *skb, struct bpf_sock *sk, struct socket_state *state)
{
	struct tcp_sock *tcp = kernel_tcp(sk, config.self.kfuncs);
	__u32 seq, len;

	if (config.peer_side || !tcp || !segment_place(skb, &seq, &len))
		return;
	if ((__s32)(seq - KERNEL_READ(config.self.kfuncs, tcp, snd_nxt)) < 0)
		repeat_tell(skb);
	else
		sending_note(state, seq + len, tcp_now_us(tcp));
}

#endif
