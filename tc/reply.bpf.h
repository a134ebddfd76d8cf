/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The receiving socket is told what came, and carries a request's context back in its answer.
 */
#ifndef HOPSPAN_TC_REPLY_BPF_H
#define HOPSPAN_TC_REPLY_BPF_H

#include "policy.bpf.h"
#include "sink.h"
#include "socket.bpf.h"
#include "tc.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SINK_REPLY_OFF_MAX);
	__type(key, __u16);
	__type(value, __u8);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} reply_off SEC(".maps");

/* Who sent it to whom: the socket's view, so `dport` is the local port. */
static __always_inline bool tuple_read(struct __sk_buff *skb, struct bpf_sock_tuple *tuple, __u8 *protocol)
{
	__u8 *end = skb_end(skb), *ip6 = skb_ip6(skb, config.self.link_len), *header, *ports;
	__u32 at = IPV6_LEN;

	if (ip6 + IPV6_LEN > end)
		return false;
	*protocol = ip6[IPV6_NEXT_HEADER_AT];
	if (*protocol == NEXT_HEADER_HOP_BY_HOP) {
		header = bytes_at(ip6, end, IPV6_LEN, HBH_LEN_MIN);
		if (!header)
			return false;
		*protocol = header[0];
		at += (header[1] + 1U) * 8;
	}
	ports = bytes_at(ip6, end, at, *protocol == NEXT_HEADER_TCP ? TCP_LEN_MIN : UDP_LEN);
	if (!ports || (*protocol != NEXT_HEADER_TCP && *protocol != NEXT_HEADER_UDP))
		return false;
	words_copy(tuple->ipv6.saddr, ip6 + IPV6_SOURCE_AT, 4);
	words_copy(tuple->ipv6.daddr, ip6 + IPV6_DESTINATION_AT, 4);
	__builtin_memcpy(&tuple->ipv6.sport, ports, 2);
	__builtin_memcpy(&tuple->ipv6.dport, ports + 2, 2);
	return true;
}

/* Neither switch says that answers of this port, or to this peer, carry nothing back. */
static __always_inline bool reply_is_wanted(const struct bpf_sock_tuple *tuple)
{
	struct stamp_prefix peer = { .prefix_len = 128 };
	__u16 port_be = tuple->ipv6.dport;
	const struct stamp_policy *policy;

	if (!config.replies || bpf_map_lookup_elem(&reply_off, &port_be))
		return false;
	words_copy(peer.address, tuple->ipv6.saddr, 4);
	policy = bpf_map_lookup_elem(&stamp_prefix, &peer);
	return !policy || !policy->silent;
}

/*
 * Notes what came. True: a range with these ids waits already at `begin`, as when a request's second packet is stamped
 * too; then there is nothing to open.
 */
static __always_inline bool received_note(struct socket_state *state, const struct context *context, __u32 begin)
{
	__u64 now_ns = bpf_ktime_get_ns();
	const struct socket_range *newest;
	bool waits, other = false;
	__u32 slot;

	bpf_spin_lock(&state->lock);
	words_copy(&state->received, context, CONTEXT_WORDS);
	state->received_ns = now_ns;
	slot = (state->opened - 1) & (SOCKET_RANGES - 1);
	newest = &state->ranges[slot];
	waits = ranges_waiting(state) >> slot & 1 && newest->used && newest->begin == begin;
	for (int i = 0; i < CONTEXT_VERSION_AT / 4; i++)
		other |= ((const __u32 *)&newest->context)[i] != ((const __u32 *)context)[i];
	bpf_spin_unlock(&state->lock);
	return waits && !other;
}

/* For the answer, which is the socket's next bytes. One request at a time: two at one place leave the answer bare. */
static __always_inline void reply_open(struct socket_state *state, const struct context *context, __u32 begin)
{
	struct context reply = *context;

	reply.attribution = CONTEXT_LEARNT;
	if (range_open(state, begin, false, &reply, true) != RANGE_REPLACED) {
		count(OUTCOME_reply_learnt);
		return;
	}
	range_open(state, begin, false, &reply, false);
	count(OUTCOME_replies_ambiguous);
}

static __always_inline void context_received(struct bpf_sock *sk, const struct context *context,
					     const struct bpf_sock_tuple *tuple)
{
	bool is_tcp = sk->protocol == NEXT_HEADER_TCP;
	struct tcp_sock *tcp = is_tcp ? kernel_tcp(sk, config.self.kfuncs) : NULL;
	struct socket_state *state;
	__u32 begin = 0;

	state = bpf_sk_storage_get(&sockets, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (!state) {
		count(OUTCOME_received_no_memory);
		return;
	}
	if (tcp)
		begin = KERNEL_READ(config.self.kfuncs, tcp, write_seq);
	if (received_note(state, context, begin) || context_is_reply(context) || !context_is_empty(&state->set))
		return; /* a server that names its own contexts is right */
	if (!is_tcp && sk->state != SOCKET_CONNECTED)
		return; /* to whom it will write next, nobody knows */
	if (reply_is_wanted(tuple))
		reply_open(state, context, begin);
}

/* Finds the socket that the packet is for. */
static __always_inline void socket_tell(struct __sk_buff *skb, const struct context *context)
{
	__u64 netns = config.peer_side ? (__u64)(__s64)config.peer_netns : (__u64)BPF_F_CURRENT_NETNS;
	struct bpf_sock_tuple tuple = {};
	struct bpf_sock *sk, *full;
	__u8 protocol;

	if (!tuple_read(skb, &tuple, &protocol))
		return;
	if (protocol == NEXT_HEADER_TCP)
		sk = bpf_skc_lookup_tcp(skb, &tuple, sizeof(tuple.ipv6), netns, 0);
	else
		sk = bpf_sk_lookup_udp(skb, &tuple, sizeof(tuple.ipv6), netns, 0);
	if (!sk) {
		count(OUTCOME_reply_no_socket);
		return;
	}
	full = bpf_sk_fullsock(sk);
	if (full && full->state != SOCKET_TCP_LISTEN)
		context_received(full, context, &tuple);
	bpf_sk_release(sk);
}

#endif
