/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The sending host: puts the context of a socket's bytes into the packet that carries them. tc egress.
 *
 * Only a packet that is the socket's own, has room and is sent for the first time is stamped; everything else goes
 * out as it came, with an outcome counted. In place where the headroom allows: a socket's packet never grows beyond
 * it, as over veth that corrupts the receiver's accounting. Else a clone, which has no socket, takes its place: it is
 * redirected to this same device, meets this program again at once, and grows there.
 */
#include "plane.bpf.h"
#include "socket.bpf.h"
#include "stamp.h"
#include "tc.bpf.h"
#include "wire/encap.h"

PLANE_COUNTERS(stamp)

const volatile struct stamp_config config SEC(".rodata.config");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, STAMP_PREFIXES_MAX);
	__type(key, struct stamp_prefix);
	__type(value, struct stamp_policy);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} stamp_prefix SEC(".maps");

/* What the first pass tells the second, which the clone makes on the same CPU before the first goes on. */
struct stamp_note {
	__u32 packet_len; /* 0: no clone under way */
	__u32 hops;
	struct context context;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct stamp_note);
} stamp_note SEC(".maps");

/* What is known of a packet that may be stamped. */
struct segment {
	__u32 seq, data_len;
	__u32 ip_len; /* IPv6 header and payload */
	__u8 destination[16];
};

/* The packet's own place: the outermost headers, and nothing between IPv6 and the socket's TCP. */
static __always_inline enum outcome segment_parse(struct __sk_buff *skb, struct segment *segment)
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
	segment->seq = be32_load(tcp + TCP_SEQ_AT);
	segment->data_len = payload_len - header_len;
	segment->ip_len = IPV6_LEN + payload_len;
	words_copy(segment->destination, ip6 + IPV6_DESTINATION_AT, 4);
	return OUTCOME_pass;
}

/* Is it the socket's own segment, sent for the first time? Sequence numbers tell, also behind NAT. */
static __always_inline enum outcome segment_check(const struct segment *segment, struct bpf_tcp_sock *tp,
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
static __always_inline int segment_room(const struct segment *segment, struct bpf_tcp_sock *tp, struct tcp_sock *tcp,
					struct sk_buff *kskb)
{
	__u32 path = tp->mss_cache + IPV6_LEN + KERNEL_READ(config.self.kfuncs, tcp, tcp_header_len);
	__u32 device = skb_device_mtu(kskb, config.self.kfuncs);

	return (int)(path < device ? path : device) - (int)segment->ip_len;
}

/* Decides way and room. `hops` is the room; the outcome is stamped_* or why the packet goes bare. */
static __always_inline enum outcome stamp_decide(struct __sk_buff *skb, const struct stamp_policy *policy, int room,
						 struct sk_buff *kskb, __u32 *hops)
{
	int in_place = skb_headroom(kskb, config.self.kfuncs), wanted = encap_hops(room, policy->hops);
	int fits = encap_hops(in_place, wanted);

	if (skb->gso_size)
		return OUTCOME_bare_gso;
	if (wanted < 0)
		return OUTCOME_bare_mtu;
	*hops = fits;
	if (fits == wanted && policy->way != STAMP_CLONE)
		return OUTCOME_stamped_in_place;
	if (policy->way == STAMP_IN_PLACE || skb_qdisc_is_fq(kskb, config.self.kfuncs))
		return fits < 0 || policy->way == STAMP_CLONE ? OUTCOME_bare_headroom : OUTCOME_stamped_in_place;
	*hops = wanted;
	return OUTCOME_stamped_clone;
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

/* Grows the packet and writes the header. After the growth nothing can fail: the room is there and linear. */
static __always_inline bool stamp_write(struct __sk_buff *skb, __u32 hops, const struct context *context)
{
	__u32 len = encap_len(hops);
	struct ioam6_node node;
	__u8 *end = skb_end(skb), *ip6 = skb_ip6(skb, config.self.link_len);

	if (ip6 + IPV6_LEN > end)
		return false;
	node = own_data(skb, ip6[IPV6_HOP_LIMIT_AT]);
	if (bpf_skb_adjust_room(skb, len, BPF_ADJ_ROOM_NET, BPF_F_ADJ_ROOM_NO_CSUM_RESET))
		return false;
	ip6 = skb_ip6(skb, config.self.link_len);
	end = skb_end(skb);
	if (ip6 + IPV6_LEN > end)
		return false;
	encap_write(ip6 + IPV6_LEN, end, ip6[IPV6_NEXT_HEADER_AT], hops, config.self.namespace, 0, &node, context);
	ip6[IPV6_NEXT_HEADER_AT] = NEXT_HEADER_HOP_BY_HOP;
	be16_store(ip6 + IPV6_PAYLOAD_LEN_AT, be16_load(ip6 + IPV6_PAYLOAD_LEN_AT) + len);
	return true;
}

/* Sends a stamped clone in the packet's place. If it did not get out, the packet itself goes on. */
static __always_inline enum outcome stamp_clone(struct __sk_buff *skb, struct stamp_note *note, __u32 hops)
{
	long sent;

	note->hops = hops;
	note->packet_len = skb->len;
	sent = bpf_clone_redirect(skb, skb->ifindex, 0);
	note->packet_len = 0;
	return sent == NET_XMIT_SUCCESS || sent == NET_XMIT_CN ? OUTCOME_stamped_clone : OUTCOME_bare_clone_failed;
}

static __always_inline enum outcome stamp_packet(struct __sk_buff *skb, struct bpf_sock *sk, struct socket_state *state)
{
	struct stamp_prefix prefix = { .prefix_len = 128 };
	struct segment segment;
	struct stamp_policy *policy;
	struct bpf_tcp_sock *tp = bpf_tcp_sock(sk);
	struct tcp_sock *tcp = kernel_tcp(sk, config.self.kfuncs);
	struct sk_buff *kskb = kernel_skb(skb, config.self.kfuncs);
	enum outcome outcome = segment_parse(skb, &segment);
	struct stamp_note *note;
	__u32 hops = 0, key = 0;

	if (outcome != OUTCOME_pass)
		return outcome;
	note = bpf_map_lookup_elem(&stamp_note, &key);
	if (!tp || !tcp || !kskb || !note)
		return OUTCOME_bare_protocol;
	outcome = segment_check(&segment, tp, tcp);
	if (outcome != OUTCOME_pass)
		return outcome;
	words_copy(prefix.address, segment.destination, 4);
	policy = bpf_map_lookup_elem(&stamp_prefix, &prefix);
	if (!policy)
		return OUTCOME_bare_prefix;
	outcome = stamp_decide(skb, policy, segment_room(&segment, tp, tcp, kskb), kskb, &hops);
	if (outcome != OUTCOME_stamped_in_place && outcome != OUTCOME_stamped_clone)
		return outcome;
	if (!range_take(state, segment.seq, segment.data_len, &note->context))
		return OUTCOME_bare_range_done;
	if (outcome == OUTCOME_stamped_clone)
		return stamp_clone(skb, note, hops);
	return stamp_write(skb, hops, &note->context) ? outcome : OUTCOME_bare_headroom;
}

/* Without a socket: the clone that stamp_clone() has just sent, or not ours. */
static __always_inline int stamp_again(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct stamp_note *note = bpf_map_lookup_elem(&stamp_note, &key);

	if (!note || note->packet_len != skb->len)
		return TC_ACT_UNSPEC;
	return stamp_write(skb, note->hops, &note->context) ? TC_ACT_UNSPEC : TC_ACT_SHOT;
}

SEC("tc")
int tc_stamp(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;
	struct socket_state *state;
	enum outcome outcome;

	if (!sk)
		return stamp_again(skb);
	if (sk->state == SOCKET_TCP_TIME_WAIT || sk->state == SOCKET_TCP_NEW_SYN_RECV)
		return TC_ACT_UNSPEC;
	state = bpf_sk_storage_get(&sockets, sk, NULL, 0);
	if (!state)
		outcome = OUTCOME_bare_no_context;
	else if (!state->waiting)
		outcome = OUTCOME_bare_range_done;
	else
		outcome = stamp_packet(skb, sk, state);
	count(outcome);
	return outcome == OUTCOME_stamped_clone ? TC_ACT_STOLEN : TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
