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
#include "plane.bpf.h"
#include "policy.bpf.h"
#include "socket.bpf.h"
#include "stamp.h"
#include "tc.bpf.h"
#include "wire/encap.h"

PLANE_COUNTERS(stamp)

const volatile struct stamp_config config SEC(".rodata.config");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct stamp_budget);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} stamp_budget SEC(".maps");

enum { SHADOWS_MAX = 16, SHADOWS_WITHOUT_SACK = 2 }; /* a packet; an acknowledgement number */

/*
 * One packet at work on this CPU: what was found out about it, and what the first pass tells the second, which a clone
 * makes before the first goes on. In a map and not on the stack, so that the verifier forgets each packet's numbers
 * and looks at stamp_send() once, not once for each way that leads there.
 */
struct stamp_work {
	__u32 clone_len; /* 0: no clone under way */
	__u32 clone_hops;
	__u32 first_seq; /* the first byte that the context speaks for */
	__u32 shadow;	 /* the clone becomes a shadow */
	struct context context;

	__u32 seq, data_len, ack;
	__u32 ip_len; /* IPv6 header and payload */
	__u32 way;    /* enum outcome: stamped_* */
	__u32 hops, shadow_hops; /* room */
	__u32 unstamped;	 /* ranges that turned out to wait in vain */
	struct encap_shape shape;
	struct context own; /* the packet's, while shadows go before it */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct stamp_work);
} stamp_work SEC(".maps");

/* The packet's own place: the outermost headers, and nothing between IPv6 and the socket's TCP. */
static __always_inline enum outcome segment_parse(struct __sk_buff *skb, struct stamp_work *work,
						  struct stamp_prefix *destination)
{
	__u8 *end = skb_end(skb), *ip6 = skb_ip6(skb, config.self.link_len), *tcp = ip6 + IPV6_LEN;
	__u32 payload_len, header_len;

	if (skb->protocol != bpf_htons(ETHERTYPE_IPV6))
		return OUTCOME_bare_protocol;
	if (tcp + TCP_LEN_MIN > end)
		return OUTCOME_bad_truncated;
	switch (ip6[IPV6_NEXT_HEADER_AT]) {
	case NEXT_HEADER_TCP:
		break;
	case NEXT_HEADER_HOP_BY_HOP:
	case NEXT_HEADER_ROUTING:
	case NEXT_HEADER_FRAGMENT:
	case NEXT_HEADER_DESTINATION:
		return OUTCOME_bare_extension;
	default:
		return OUTCOME_bare_protocol;
	}
	payload_len = be16_load(ip6 + IPV6_PAYLOAD_LEN_AT);
	if (!payload_len)
		return OUTCOME_bare_big_tcp;
	header_len = (tcp[TCP_HEADER_LEN_AT] >> 4) * 4;
	if (tcp[TCP_FLAGS_AT] & (TCP_SYN | TCP_RST) || payload_len <= header_len)
		return OUTCOME_bare_no_data;
	work->seq = be32_load(tcp + TCP_SEQ_AT);
	work->data_len = payload_len - header_len;
	work->ip_len = IPV6_LEN + payload_len;
	words_copy(destination->address, ip6 + IPV6_DESTINATION_AT, 4);
	return OUTCOME_pass;
}

/* Is it the socket's own segment, sent for the first time? Sequence numbers tell, also behind NAT. */
static __always_inline enum outcome segment_check(const struct stamp_work *segment, struct bpf_tcp_sock *tp,
						  struct tcp_sock *tcp)
{
	__u32 write_seq = KERNEL_READ(config.self.kfuncs, tcp, write_seq);

	if ((__s32)(segment->seq - tp->snd_una) < 0 || (__s32)(write_seq - segment->seq - segment->data_len) < 0)
		return OUTCOME_bare_sequence;
	if (segment->seq != tp->snd_nxt)
		return OUTCOME_bare_retransmission;
	return OUTCOME_pass;
}

/*
 * Octets that the packet may grow by: up to the device's MTU and to what TCP takes for the path's, which is its MSS
 * with the headers it counts in.
 */
static __always_inline int segment_room(const struct stamp_work *segment, struct bpf_tcp_sock *tp, struct tcp_sock *tcp,
					struct sk_buff *kskb)
{
	__u32 path = tp->mss_cache + IPV6_LEN + KERNEL_READ(config.self.kfuncs, tcp, tcp_header_len);
	__u32 device = skb_device_mtu(kskb, config.self.kfuncs);

	return (int)(path < device ? path : device) - (int)segment->ip_len;
}

/* A packet that cannot carry the header: a shadow, if the policy knows it, or bare for `why`. */
static __always_inline enum outcome stamp_beside(const struct stamp_policy *policy, enum outcome why)
{
	return policy->way == STAMP_AUTO || policy->way == STAMP_SHADOW ? OUTCOME_stamped_shadow : why;
}

/* Decides way and room. */
static __always_inline enum outcome stamp_decide(struct __sk_buff *skb, const struct stamp_policy *policy, int room,
						 struct sk_buff *kskb, struct stamp_work *work)
{
	int in_place = skb_headroom(kskb, config.self.kfuncs), wanted = encap_hops(&policy->shape, room, policy->hops);
	int fits = encap_hops(&policy->shape, in_place, wanted);

	work->shadow_hops = policy->hops;
	if (skb->gso_size || policy->way == STAMP_SHADOW)
		return stamp_beside(policy, OUTCOME_bare_gso);
	if (wanted < 0)
		return stamp_beside(policy, OUTCOME_bare_mtu);
	work->hops = fits;
	if (fits == wanted && policy->way != STAMP_CLONE)
		return OUTCOME_stamped_in_place;
	if (policy->way != STAMP_IN_PLACE && !skb_qdisc_is_fq(kskb, config.self.kfuncs)) {
		work->hops = wanted;
		return OUTCOME_stamped_clone;
	}
	if (policy->way == STAMP_CLONE || fits < 0)
		return stamp_beside(policy, OUTCOME_bare_headroom);
	return OUTCOME_stamped_in_place;
}

/* Is there a packet left in the budget? The clock is read only when it is used up. */
static __always_inline bool budget_left(struct stamp_budget *budget)
{
	__u64 now;

	if (!budget->window_packets || budget->left)
		return true;
	now = bpf_ktime_get_ns();
	if (now - budget->filled_ns < STAMP_BUDGET_WINDOW_NS)
		return false;
	budget->filled_ns = now;
	budget->left = budget->window_packets;
	return true;
}

static __always_inline void budget_spend(struct stamp_budget *budget)
{
	if (budget->left)
		budget->left--;
}

/* This host's own data. A packet that pacing holds back leaves no earlier than its time. */
static __always_inline struct ioam6_node own_data(struct __sk_buff *skb, __u8 hop_limit)
{
	__u64 now = bpf_ktime_get_ns(), leaves = skb->tstamp > now ? skb->tstamp : now;
	struct ioam6_node node = plane_node_data(&config.self, leaves + clock_mono_to_tai(now));

	node.egress_if = config.self.interface;
	node.queue = skb_queue_bytes(kernel_skb(skb, config.self.kfuncs), config.self.kfuncs);
	node.hop_limit = hop_limit;
	return node;
}

/* Writes the header of work->shape, with work->context, into the zeros behind the IPv6 header. */
static __always_inline bool header_write(struct __sk_buff *skb, struct stamp_work *work,
					 const struct encap_shape *shape, __u32 hops, __u8 flags)
{
	__u8 *end = skb_end(skb), *ip6 = skb_ip6(skb, config.self.link_len);
	struct ioam6_node node;

	if (ip6 + IPV6_LEN > end)
		return false;
	node = own_data(skb, ip6[IPV6_HOP_LIMIT_AT]);
	return encap_write(ip6 + IPV6_LEN, end, ip6[IPV6_NEXT_HEADER_AT], shape, hops, config.self.namespace, flags,
			   &node, &work->context);
}

/* A shape that is not the usual one. A global function: the verifier looks at it once. */
__attribute__((noinline)) int header_write_other(struct __sk_buff *skb, __u32 hops, __u32 flags)
{
	__u32 key = 0;
	struct stamp_work *work = bpf_map_lookup_elem(&stamp_work, &key);

	return work && hops <= ENCAP_HOPS_MAX && header_write(skb, work, &work->shape, hops, flags);
}

/* Grows the packet and writes the header. After the growth nothing can fail: the room is there, linear and zero. */
static __always_inline bool stamp_write(struct __sk_buff *skb, struct stamp_work *work, __u32 hops, __u8 flags)
{
	bool usual = work->shape.type == IOAM6_USUAL_TYPE && work->shape.carrier == ENCAP_SNAPSHOT;
	__u32 len = encap_len(&work->shape, hops);
	__u8 *ip6;

	if (bpf_skb_adjust_room(skb, len, BPF_ADJ_ROOM_NET, BPF_F_ADJ_ROOM_NO_CSUM_RESET))
		return false;
	if (usual ? !header_write(skb, work, &ENCAP_SHAPE_USUAL, hops, flags) : !header_write_other(skb, hops, flags))
		return false;
	ip6 = skb_ip6(skb, config.self.link_len);
	if (ip6 + IPV6_LEN > skb_end(skb))
		return false;
	ip6[IPV6_NEXT_HEADER_AT] = NEXT_HEADER_HOP_BY_HOP;
	be16_store(ip6 + IPV6_PAYLOAD_LEN_AT, be16_load(ip6 + IPV6_PAYLOAD_LEN_AT) + len);
	return true;
}

/*
 * Makes the clone a shadow: its TCP header alone, no flag but ACK (a FIN would end the stream before its data), the
 * sequence number that of the first byte it speaks for. TCP leaves checksums to the device, so the field holds the
 * pseudo header's sum, and only the length in it changes.
 */
static __always_inline bool shadow_cut(struct __sk_buff *skb, __u32 first_seq)
{
	__u32 tcp_at = config.self.link_len + IPV6_LEN, payload_len, header_len;
	__u8 *ip6 = skb_ip6(skb, config.self.link_len), *tcp = ip6 + IPV6_LEN;

	if (tcp + TCP_LEN_MIN > skb_end(skb))
		return false;
	payload_len = be16_load(ip6 + IPV6_PAYLOAD_LEN_AT);
	header_len = (tcp[TCP_HEADER_LEN_AT] >> 4) * 4;
	if (bpf_skb_change_tail(skb, tcp_at + header_len, 0))
		return false;
	ip6 = skb_ip6(skb, config.self.link_len);
	tcp = ip6 + IPV6_LEN;
	if (tcp + TCP_LEN_MIN > skb_end(skb))
		return false;
	be32_store(tcp + TCP_SEQ_AT, first_seq);
	tcp[TCP_FLAGS_AT] = TCP_ACK;
	be16_store(ip6 + IPV6_PAYLOAD_LEN_AT, header_len);
	return !bpf_l4_csum_replace(skb, tcp_at + TCP_CHECKSUM_AT, bpf_htonl(payload_len), bpf_htonl(header_len),
				    BPF_F_PSEUDO_HDR | sizeof(__u32));
}

/* Sends a clone through this program to the same device. False: it did not get out. */
static __always_inline bool clone_send(struct __sk_buff *skb, struct stamp_work *work, __u32 hops, bool shadow)
{
	long sent;

	work->clone_hops = hops;
	work->shadow = shadow;
	work->clone_len = skb->len;
	sent = bpf_clone_redirect(skb, skb->ifindex, 0);
	work->clone_len = 0;
	return sent == NET_XMIT_SUCCESS || sent == NET_XMIT_CN;
}

/* To a host without a sink shadows are duplicate acknowledgements; without SACK three of them mean loss to it. */
static __always_inline bool shadow_may_go(struct socket_state *state, struct tcp_sock *tcp, __u32 ack)
{
	if (state->shadow_ack != ack) {
		state->shadow_ack = ack;
		state->shadow_count = 0;
	}
	return state->shadow_count++ < SHADOWS_WITHOUT_SACK || tcp_has_sack(tcp);
}

static __always_inline enum outcome shadow_send(struct __sk_buff *skb, struct socket_state *state, struct tcp_sock *tcp,
						struct stamp_work *work)
{
	if (!shadow_may_go(state, tcp, work->ack))
		return OUTCOME_bare_shadow_limit;
	work->context.attribution |= CONTEXT_SHADOW;
	return clone_send(skb, work, work->shadow_hops, true) ? OUTCOME_stamped_shadow : OUTCOME_bare_clone_failed;
}

/*
 * The contexts of this packet's bytes, up to a few: the first one is the packet's own if it can carry it (true then),
 * the others go in shadows before it.
 */
static __always_inline bool stamp_shadows(struct __sk_buff *skb, struct socket_state *state, struct tcp_sock *tcp,
					  struct stamp_work *work)
{
	__u32 key = 0;
	struct stamp_budget *budget = bpf_map_lookup_elem(&stamp_budget, &key);
	bool own = false;

	for (int i = 0; budget && i < SHADOWS_MAX && state->waiting; i++) {
		if (!budget_left(budget)) {
			count(OUTCOME_bare_budget);
			break;
		}
		if (!range_take(state, work->seq, work->data_len, &work->context, &work->first_seq, &work->unstamped)) {
			if (i == 0)
				count(OUTCOME_bare_range_done);
			break;
		}
		budget_spend(budget);
		if (i == 0 && work->way != OUTCOME_stamped_shadow) {
			work->own = work->context;
			own = true;
			continue;
		}
		count(shadow_send(skb, state, tcp, work));
	}
	return own;
}

/* The outcome of the packet itself; pass: it goes as it is, and all that is to be counted was. */
static __always_inline enum outcome stamp_send(struct __sk_buff *skb, struct socket_state *state, struct tcp_sock *tcp,
					       struct stamp_work *work)
{
	bool own;

	work->unstamped = 0;
	own = stamp_shadows(skb, state, tcp, work);
	count_more(OUTCOME_range_unstamped, work->unstamped);
	if (!own)
		return OUTCOME_pass;
	work->context = work->own;
	if (work->way == OUTCOME_stamped_in_place)
		return stamp_write(skb, work, work->hops, 0) ? OUTCOME_stamped_in_place : OUTCOME_bare_headroom;
	return clone_send(skb, work, work->hops, false) ? OUTCOME_stamped_clone : OUTCOME_bare_clone_failed;
}

static __always_inline enum outcome stamp_packet(struct __sk_buff *skb, struct bpf_sock *sk, struct socket_state *state)
{
	struct stamp_prefix destination = { .prefix_len = 128 };
	struct stamp_policy *policy;
	struct bpf_tcp_sock *tp = bpf_tcp_sock(sk);
	struct tcp_sock *tcp = kernel_tcp(sk, config.self.kfuncs);
	struct sk_buff *kskb = kernel_skb(skb, config.self.kfuncs);
	struct stamp_work *work;
	enum outcome outcome;
	__u32 key = 0;

	work = bpf_map_lookup_elem(&stamp_work, &key);
	if (!tp || !tcp || !kskb || !work)
		return OUTCOME_bare_protocol;
	outcome = segment_parse(skb, work, &destination);
	if (outcome != OUTCOME_pass)
		return outcome;
	outcome = segment_check(work, tp, tcp);
	if (outcome != OUTCOME_pass)
		return outcome;
	policy = bpf_map_lookup_elem(&stamp_prefix, &destination);
	if (!policy)
		return OUTCOME_bare_prefix;
	outcome = stamp_decide(skb, policy, segment_room(work, tp, tcp, kskb), kskb, work);
	if (outcome != OUTCOME_stamped_in_place && outcome != OUTCOME_stamped_clone &&
	    outcome != OUTCOME_stamped_shadow)
		return outcome;
	work->way = outcome;
	work->shape = policy->shape;
	work->ack = tp->rcv_nxt;
	asm volatile("" ::: "memory");
	return stamp_send(skb, state, tcp, work);
}

/* Without a socket: the clone that clone_send() has just sent, or not ours. A clone that fails here is dropped alone. */
static __always_inline int stamp_again(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct stamp_work *work = bpf_map_lookup_elem(&stamp_work, &key);
	__u8 flags = 0;

	if (!work || work->clone_len != skb->len) {
		count(OUTCOME_pass);
		return TC_ACT_UNSPEC;
	}
	if (work->shadow) {
		flags = IOAM6_FLAG_ACTIVE;
		if (!shadow_cut(skb, work->first_seq))
			return TC_ACT_SHOT;
	}
	return stamp_write(skb, work, work->clone_hops, flags) ? TC_ACT_UNSPEC : TC_ACT_SHOT;
}

SEC("tc")
int tc_stamp(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;
	struct socket_state *state;
	enum outcome outcome;

	if (!sk)
		return stamp_again(skb);
	if (sk->state == SOCKET_TCP_TIME_WAIT || sk->state == SOCKET_TCP_NEW_SYN_RECV) {
		count(OUTCOME_pass);
		return TC_ACT_UNSPEC;
	}
	state = bpf_sk_storage_get(&sockets, sk, NULL, 0);
	if (!state)
		outcome = OUTCOME_bare_no_context;
	else if (!state->waiting)
		outcome = OUTCOME_bare_range_done;
	else
		outcome = stamp_packet(skb, sk, state);
	if (outcome != OUTCOME_pass)
		count(outcome);
	return outcome == OUTCOME_stamped_clone ? TC_ACT_STOLEN : TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
