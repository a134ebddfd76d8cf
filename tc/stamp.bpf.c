/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The sending host: puts the context of a socket's bytes into the packet that carries them. tc egress.
 *
 * Only a packet that is the socket's own, has room and is sent for the first time is stamped; everything else goes
 * out as it came, with an outcome counted. In place where the headroom allows: a socket's packet never grows beyond
 * it, as over veth that corrupts the receiver's accounting. Else a clone, which has no socket, takes its place: it is
 * redirected to this same device, meets this program again at once, and grows there. Where the packet itself cannot
 * carry the header (offloaded, full-size, one more request in it), a shadow does: a clone cut to its TCP header, marked
 * Active, sent just before the packet, and ended by the sink.
 */
#include "budget.bpf.h"
#include "clone.bpf.h"
#include "path.bpf.h"
#include "policy.bpf.h"
#include "repeat.bpf.h"
#include "segment.bpf.h"
#include "straight.bpf.h"

enum { SHADOWS_MAX = 16 }; /* a packet */

/* A packet that cannot carry the header: a shadow, if the policy knows it, or bare for `why`. UDP has no shadows. */
static __always_inline enum outcome stamp_beside(const struct stamp_policy *policy, bool tcp, enum outcome why)
{
	if (!tcp || config.peer_side || policy->way == STAMP_IN_PLACE || policy->way == STAMP_CLONE)
		return why;
	return OUTCOME_stamped_shadow;
}

/*
 * A segmentation-offloaded packet in place, as the policy asks: the kernel makes its segments that much shorter and
 * copies the header into each, so all its bytes must be of one context.
 */
static __always_inline enum outcome stamp_decide_gso(struct __sk_buff *skb, struct socket_state *state,
						     const struct stamp_policy *policy, int headroom,
						     struct stamp_work *work)
{
	int most = PAYLOAD_LEN_MAX + IPV6_LEN - (int)work->ip_len;
	int hops = encap_hops(&work->shape, headroom < most ? headroom : most, policy->hops);

	if (hops < 0)
		return OUTCOME_bare_headroom;
	if (!range_is_newest(state, work->range.seq) || skb->gso_size < 2 * encap_len(&work->shape, hops))
		return OUTCOME_bare_gso;
	work->hops = hops;
	return OUTCOME_stamped_in_place;
}

/* A global function: the verifier looks at it once. */
__attribute__((noinline)) int clone_may_go(struct __sk_buff *skb, __u32 tcp)
{
	struct sk_buff *kskb = kernel_skb(skb, config.self.kfuncs);

	if (!kskb)
		return 0;
	return tcp ? skb_clone_keeps_place(kskb, config.self.kfuncs, config.self.direct)
		   : !skb_qdisc_is_fq(kskb, config.self.kfuncs);
}

/* Decides way and room. */
static __always_inline enum outcome stamp_decide(struct __sk_buff *skb, struct socket_state *state,
						 const struct stamp_policy *policy, int room, bool tcp,
						 struct sk_buff *kskb, struct stamp_work *work)
{
	int headroom = skb_headroom(kskb, config.self.kfuncs), wanted, fits;

	work->shape = policy->shape;
	work->shadow_hops = policy->hops;
	if (skb->gso_size && tcp && policy->way == STAMP_IN_PLACE)
		return stamp_decide_gso(skb, state, policy, headroom, work);
	if (skb->gso_size || policy->way == STAMP_SHADOW)
		return stamp_beside(policy, tcp, OUTCOME_bare_gso);
	wanted = encap_hops(&work->shape, room, policy->hops);
	if (wanted < 0)
		return stamp_beside(policy, tcp, OUTCOME_bare_mtu);
	fits = encap_hops(&work->shape, headroom, wanted);
	work->hops = fits;
	if (fits == wanted && policy->way != STAMP_CLONE)
		return OUTCOME_stamped_in_place;
	if (policy->way != STAMP_IN_PLACE && !config.peer_side && clone_may_go(skb, tcp)) {
		work->hops = wanted;
		return OUTCOME_stamped_clone;
	}
	if (policy->way == STAMP_CLONE || fits < 0)
		return stamp_beside(policy, tcp, OUTCOME_bare_headroom);
	return OUTCOME_stamped_in_place;
}

/* One of the packet's contexts, the first (`turn` 0) its own if it can carry it. Was there one, and the budget for it?
 */
static __always_inline bool stamp_context(struct __sk_buff *skb, struct bpf_sock *sk, struct socket_state *state,
					  struct stamp_host *host, struct stamp_work *work, __u32 turn)
{
	bool own = turn == 0 && work->way != OUTCOME_stamped_shadow, bulk = !own && skb->gso_size;
	enum outcome refused = budgets_left(host, bulk);

	if (refused == OUTCOME_pass &&
	    !range_take(state, &work->range, own ? &work->own : &work->beside, work->tcp && !config.peer_side))
		refused = OUTCOME_bare_range_done;
	if (refused != OUTCOME_pass) {
		if (turn == 0)
			count(refused);
		return false;
	}
	budget_spend(&host->all);
	if (bulk)
		budget_spend(&host->bulk);
	if (own)
		work->has_own = 1;
	else if (work->tcp)
		count(shadow_send(skb, sk, state, work));
	return true;
}

/* The same by itself: a global function, which the verifier looks at once and not once a turn. */
__attribute__((noinline)) int stamp_turn(struct __sk_buff *skb, __u32 turn)
{
	__u32 key = 0;
	struct stamp_host *host = bpf_map_lookup_elem(&stamp_host, &key);
	struct stamp_work *work = bpf_map_lookup_elem(&stamp_work, &key);
	struct bpf_sock *sk = skb->sk;
	struct socket_state *state = sk ? bpf_sk_storage_get(&sockets, sk, NULL, 0) : NULL;

	return host && work && state && stamp_context(skb, sk, state, host, work, turn);
}

/*
 * The contexts of this packet's bytes, up to a few: the first one is the packet's own if it can carry it (true then),
 * the others go in shadows before it. A datagram has but one; and at the peer's side nothing can be sent before the
 * packet, so its own is all.
 */
static __always_inline bool stamp_shadows(struct __sk_buff *skb, struct stamp_work *work)
{
	work->has_own = 0;
	for (__u32 turn = 0; turn < (config.peer_side ? 1 : SHADOWS_MAX) && work->range.candidates; turn++)
		if (!stamp_turn(skb, turn))
			break;
	return work->has_own;
}

/* What a destination not known for sure allows: the way itself, or what there is beside it. */
static __always_inline enum outcome stamp_trust(struct __sk_buff *skb, const struct stamp_policy *policy, bool tcp,
						enum outcome way, struct stamp_work *work)
{
	__u64 socket = bpf_get_socket_cookie(skb);

	work->watched = tcp;
	work->trial = 0;
	if (way != OUTCOME_stamped_in_place && way != OUTCOME_stamped_clone) {
		if (way == OUTCOME_stamped_shadow)
			path_ask(work, bpf_ktime_get_ns());
		return way;
	}
	return path_carries(work, socket, tcp) ? way : stamp_beside(policy, tcp, OUTCOME_bare_prefix);
}

/*
 * Octets that the packet may grow by where the routes' MTU was lowered for that: all that the device carries, unless
 * the path was found to carry less than even the lowered one.
 */
static __always_inline int room_with_cut(const struct stamp_work *work, const struct stamp_policy *policy, int room,
					 struct sk_buff *kskb)
{
	int device = (int)skb_device_mtu(kskb, config.self.kfuncs) - (int)work->ip_len;

	return room + policy->route_cut >= device ? device : room;
}

/* The destination's policy. A connection has but one peer, so its socket keeps it until policies change. */
static __always_inline const struct stamp_policy *stamp_policy(struct socket_state *state, bool tcp,
							       const struct stamp_work *work)
{
	__u32 key = 0;
	const struct stamp_host *host = bpf_map_lookup_elem(&stamp_host, &key);
	const struct stamp_policy *policy;

	if (!host || !tcp || config.peer_side)
		return bpf_map_lookup_elem(&stamp_prefix, &work->destination);
	if (state->policies_ns == host->policies_ns)
		return &state->policy;
	policy = bpf_map_lookup_elem(&stamp_prefix, &work->destination);
	if (!policy)
		return NULL;
	state->policies_ns = host->policies_ns;
	state->policy = *policy;
	return &state->policy;
}

/* By the destination's policy: into work->way. Pass: it is to be stamped so. */
static __always_inline enum outcome stamp_plan(struct __sk_buff *skb, struct socket_state *state, int room, bool tcp,
					       struct sk_buff *kskb, struct stamp_work *work)
{
	const struct stamp_policy *policy = stamp_policy(state, tcp, work);
	enum outcome way;

	if (!policy)
		return OUTCOME_bare_prefix;
	if (policy->trust == STAMP_OFF)
		return OUTCOME_bare_off;
	work->range.first = policy->first;
	work->range.every = policy->every;
	work->watched = 0;
	if (policy->route_cut)
		room = room_with_cut(work, policy, room, kskb);
	way = stamp_decide(skb, state, policy, room, tcp, kskb, work);
	if (policy->trust == STAMP_PROVE)
		way = stamp_trust(skb, policy, tcp, way, work);
	work->way = way;
	if (way == OUTCOME_stamped_in_place || way == OUTCOME_stamped_clone || way == OUTCOME_stamped_shadow)
		return OUTCOME_pass;
	return way;
}

static __always_inline enum outcome segment_plan(struct __sk_buff *skb, struct bpf_sock *sk, struct bpf_tcp_sock *tp,
						 struct socket_state *state, struct sk_buff *kskb,
						 struct stamp_work *work)
{
	struct tcp_sock *tcp = kernel_tcp(sk, config.self.kfuncs);
	enum outcome outcome;

	if (!tcp)
		return OUTCOME_bare_protocol;
	outcome = segment_parse(skb, work);
	if (outcome != OUTCOME_pass)
		return outcome;
	if (state->sent_count)
		sent_watch(state, work, tp, bpf_get_socket_cookie(skb));
	if (!ranges_waiting(state))
		return OUTCOME_bare_range_done;
	outcome = segment_check(work, tp, tcp);
	if (outcome == OUTCOME_pass && range_is_ahead(state, work->range.seq + work->range.len))
		return OUTCOME_bare_range_done;
	work->ack = tp->rcv_nxt;
	return outcome == OUTCOME_pass ? stamp_plan(skb, state, segment_room(work, tp, tcp, kskb), true, kskb, work)
				       : outcome;
}

static __always_inline enum outcome datagram_plan(struct __sk_buff *skb, struct bpf_sock *sk,
						  struct socket_state *state, struct sk_buff *kskb,
						  struct stamp_work *work)
{
	enum outcome outcome;

	if (!ranges_waiting(state))
		return OUTCOME_bare_range_done;
	outcome = datagram_parse(skb, work, sk, state, kskb);
	return outcome == OUTCOME_pass ? stamp_plan(skb, state, datagram_room(work, kskb), false, kskb, work) : outcome;
}

/* The outcome of the packet itself; pass: it goes as it is, and all that is to be counted was. */
static __always_inline enum outcome stamp_send(struct __sk_buff *skb, const struct socket_state *state,
					       struct stamp_work *work)
{
	bool own;

	work->range.candidates = ranges_waiting(state);
	work->range.unstamped = 0;
	own = stamp_shadows(skb, work);
	if (work->range.unstamped)
		count_more(OUTCOME_range_unstamped, work->range.unstamped);
	if (!own)
		return OUTCOME_pass;
	if (work->way == OUTCOME_stamped_in_place)
		return stamp_write(skb, work, work->hops, 0) ? OUTCOME_stamped_in_place : OUTCOME_bare_headroom;
	return clone_send(skb, work, work->hops, false) ? OUTCOME_stamped_clone : OUTCOME_bare_clone_failed;
}

static __always_inline enum outcome stamp_packet(struct __sk_buff *skb, struct bpf_sock *sk, struct socket_state *state)
{
	struct sk_buff *kskb = kernel_skb(skb, config.self.kfuncs);
	struct bpf_tcp_sock *tp = bpf_tcp_sock(sk);
	enum outcome outcome = OUTCOME_bare_protocol;
	struct bpf_sock *full;
	__u32 key = 0;
	struct stamp_work *work = bpf_map_lookup_elem(&stamp_work, &key);

	if (!kskb || !work)
		return outcome;
	if (tp) {
		outcome = segment_plan(skb, sk, tp, state, kskb, work);
	} else {
		full = bpf_sk_fullsock(sk);
		if (full && full->protocol == NEXT_HEADER_UDP)
			outcome = datagram_plan(skb, full, state, kskb, work);
	}
	if (outcome != OUTCOME_pass)
		return outcome;
	work->tcp = tp != NULL;
	asm volatile("" ::: "memory");
	outcome = stamp_send(skb, state, work);
	if (tp && work->watched)
		path_sent(state, work, tp, outcome == OUTCOME_stamped_in_place || outcome == OUTCOME_stamped_clone);
	return outcome;
}

/* A socket's packet that is not straight: its outcome. A global function: the verifier looks at it once. */
__attribute__((noinline)) int stamp_other(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;
	struct socket_state *state = sk ? bpf_sk_storage_get(&sockets, sk, NULL, 0) : NULL;

	return state ? stamp_packet(skb, sk, state) : OUTCOME_bare_no_context;
}

/* Pass: all that is to be counted was. */
static __always_inline enum outcome stamp_socket(struct __sk_buff *skb, struct bpf_sock *sk)
{
	struct socket_state *state =
	    sock_has_storage(sk, config.self.kfuncs) ? bpf_sk_storage_get(&sockets, sk, NULL, 0) : NULL;
	enum outcome outcome;

	if (!state)
		return OUTCOME_bare_no_context;
	if (!ranges_waiting(state) && !state->sent_count) {
		segment_watch(skb, sk, state);
		return OUTCOME_bare_range_done;
	}
	outcome = stamp_straight(skb, sk, state);
	if (outcome != OUTCOME_pass)
		return outcome;
	segment_watch(skb, sk, state);
	return stamp_other(skb);
}

SEC("tc")
int tc_stamp(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;
	enum outcome outcome;

	if (!sk)
		return stamp_again(skb);
	if (sk->state == SOCKET_TCP_TIME_WAIT || sk->state == SOCKET_TCP_NEW_SYN_RECV) {
		count(OUTCOME_pass);
		return TC_ACT_UNSPEC;
	}
	outcome = stamp_socket(skb, sk);
	if (outcome != OUTCOME_pass)
		count(outcome);
	return outcome == OUTCOME_stamped_clone ? packet_replaced() : TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
