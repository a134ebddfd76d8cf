/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The receiving host: records what a stamped packet brought and hands on the packet that the sender's stack made.
 * tc ingress.
 *
 * The context also opens a range on the receiving socket, so that the answer carries it back. A header that holds
 * more than our trace stays where it is: only what hopspan put in is taken out.
 */
#include "plane.bpf.h"
#include "sink.h"
#include "socket.bpf.h"
#include "tc.bpf.h"
#include "wire/encap.h"

PLANE_COUNTERS(sink)

const volatile struct sink_config config SEC(".rodata.config");

PLANE_FIND(__sk_buff)

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, SINK_RING_LEN);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} records SEC(".maps");

/* Wakes the reader when an eighth is full; it looks by itself ten times a second. */
static __always_inline __u64 record_wakeup(void)
{
	return bpf_ringbuf_query(&records, BPF_RB_AVAIL_DATA) > SINK_RING_LEN / 8 ? BPF_RB_FORCE_WAKEUP :
										    BPF_RB_NO_WAKEUP;
}

static __always_inline bool record_put(struct __sk_buff *skb, __u32 at)
{
	__u32 len = skb->len - at;
	struct sink_record *record = bpf_ringbuf_reserve(&records, sizeof(*record), 0);

	if (!record)
		return false;
	record->time_tai_ns = clock_tai_ns();
	record->ifindex = skb->ifindex;
	if (len > SINK_PACKET_LEN)
		len = SINK_PACKET_LEN;
	record->packet_len = len;
	len--;
	asm volatile("" : "+r"(len)); /* 6.1 loses the bound of a length that is compared before it changes */
	len &= 511;
	asm volatile("" : "+r"(len));
	if (len >= SINK_PACKET_LEN || bpf_skb_load_bytes(skb, at, record->packet, len + 1)) {
		bpf_ringbuf_discard(record, BPF_RB_NO_WAKEUP);
		return false;
	}
	bpf_ringbuf_submit(record, record_wakeup());
	return true;
}

/*
 * The socket has received a context. A request's is for the answer too, which is the socket's next bytes. One request at
 * a time: two at one place leave the answer bare.
 */
static __always_inline void context_received(struct bpf_sock *sk, const struct context *context)
{
	struct socket_state *state = bpf_sk_storage_get(&sockets, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	struct tcp_sock *tcp = kernel_tcp(sk, config.self.kfuncs);
	struct context reply = *context;
	__u64 now_ns = bpf_ktime_get_ns();
	__u32 begin;

	if (!state || !tcp)
		return;
	bpf_spin_lock(&state->lock);
	words_copy(&state->received, context, CONTEXT_WORDS);
	state->received_ns = now_ns;
	bpf_spin_unlock(&state->lock);
	if (context_is_reply(context) || !config.replies)
		return;
	if (!context_is_empty(&state->set)) /* a server that names its own contexts is right */
		return;
	reply.attribution = CONTEXT_LEARNT;
	begin = KERNEL_READ(config.self.kfuncs, tcp, write_seq);
	if (range_open(state, begin, false, &reply, true) != RANGE_REPLACED) {
		count(OUTCOME_reply_learnt);
		return;
	}
	range_open(state, begin, false, &reply, false);
	count(OUTCOME_replies_ambiguous);
}

static __always_inline void socket_tell(struct __sk_buff *skb, __u8 *ip6, __u32 header_len,
					      const struct context *context)
{
	__u8 *next = bytes_at(ip6, skb_end(skb), IPV6_LEN, 1), *tcp, *end = skb_end(skb);
	struct bpf_sock_tuple tuple = {};
	struct bpf_sock *sk, *full;

	tcp = bytes_at(ip6, end, IPV6_LEN + header_len, TCP_LEN_MIN);
	if (!next || !tcp || *next != NEXT_HEADER_TCP)
		return;
	words_copy(tuple.ipv6.saddr, ip6 + IPV6_SOURCE_AT, 4);
	words_copy(tuple.ipv6.daddr, ip6 + IPV6_DESTINATION_AT, 4);
	__builtin_memcpy(&tuple.ipv6.sport, tcp, 2);
	__builtin_memcpy(&tuple.ipv6.dport, tcp + 2, 2);
	sk = bpf_skc_lookup_tcp(skb, &tuple, sizeof(tuple.ipv6), BPF_F_CURRENT_NETNS, 0);
	if (!sk) {
		count(OUTCOME_reply_no_socket);
		return;
	}
	full = bpf_sk_fullsock(sk);
	if (full && full->state != SOCKET_TCP_LISTEN)
		context_received(full, context);
	bpf_sk_release(sk);
}

/* Takes the hop-by-hop header out. */
static __always_inline bool header_strip(struct __sk_buff *skb, __u32 header_len, __u8 next_header)
{
	__u8 *ip6 = skb_ip6(skb, config.self.link_len);

	/* BIG TCP: which length would be the new one, only the kernel knows. */
	if (ip6 + IPV6_LEN > skb_end(skb) || !be16_load(ip6 + IPV6_PAYLOAD_LEN_AT))
		return false;
	if (bpf_skb_adjust_room(skb, -(__s32)header_len, BPF_ADJ_ROOM_NET,
				BPF_F_ADJ_ROOM_NO_CSUM_RESET | BPF_F_ADJ_ROOM_FIXED_GSO))
		return false;
	ip6 = skb_ip6(skb, config.self.link_len);
	if (ip6 + IPV6_LEN > skb_end(skb))
		return false;
	ip6[IPV6_NEXT_HEADER_AT] = next_header;
	be16_store(ip6 + IPV6_PAYLOAD_LEN_AT, be16_load(ip6 + IPV6_PAYLOAD_LEN_AT) - header_len);
	return true;
}

static __always_inline enum outcome sink_packet(struct __sk_buff *skb, bool *end_it)
{
	struct ioam6_found found;
	enum encap_carrier carrier;
	struct context context;
	enum outcome outcome;
	bool recorded;
	__u8 *ip6 = skb_ip6(skb, config.self.link_len), next_header;

	if (!plane_find(skb, ip6, skb_end(skb), &found, &outcome))
		return outcome;
	if (!found.option)
		return OUTCOME_other_options;
	if (!encap_find_context(ip6, skb_end(skb), &found, false, &context, &carrier))
		return OUTCOME_no_context;
	recorded = record_put(skb, config.self.link_len);
	socket_tell(skb, ip6, found.header_len, &context);
	*end_it = found.trace.flags & IOAM6_FLAG_ACTIVE;
	if (*end_it)
		return recorded ? OUTCOME_active_ended : OUTCOME_ring_full;
	if (found.others)
		return recorded ? OUTCOME_foreign_option : OUTCOME_ring_full;
	if (ip6 + IPV6_LEN + 1 > skb_end(skb))
		return OUTCOME_bad_truncated;
	next_header = ip6[IPV6_LEN];
	if (!header_strip(skb, found.header_len, next_header))
		return OUTCOME_strip_failed;
	return recorded ? OUTCOME_recorded : OUTCOME_ring_full;
}

SEC("tc")
int tc_sink(struct __sk_buff *skb)
{
	enum outcome outcome = OUTCOME_pass;
	bool end_it = false;

	if (skb_has_options(skb, config.self.link_len, SINK_PACKET_LEN))
		outcome = sink_packet(skb, &end_it);
	count(outcome);
	return end_it ? TC_ACT_SHOT : TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
