/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A router, where a device begins to send a packet, behind its queue: how long that was after tc/depart let the packet
 * go. The departure is read from the packet, where tc/depart wrote it, so nothing is kept of packets that wait, and
 * whatever a queue does with them (order, segments, copies) is measured as it is.
 *
 *	arrival --- delay --> departure --- wait --> here
 *
 * A trace without seconds tells waits of less than one. This runs for every packet that the machine sends: what is not
 * for it leaves first, and uncounted.
 */
#include "kernel.bpf.h"
#include "namespaces.bpf.h"
#include "wait.h"

PLANE_COUNTERS(wait)

const volatile struct wait_config config SEC(".rodata.config");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, WAIT_QUEUES_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct wait_key);
	__type(value, struct wait_queue);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} wait_queues SEC(".maps");

/* A copy of the packet's headers; the rest of it is room that the verifier wants to see. */
struct headers {
	__u8 octets[2 * HBH_LEN_MAX];
	__u32 len;
	__u32 reserved;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct headers);
} wait_headers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct wait_queue);
} wait_new SEC(".maps");

/* The clock's offset may have been found anew since the departure, some ns less. */
enum { EARLY_NS = 1000000 };

static __always_inline __u8 octet_read(const unsigned char *at)
{
	__u8 octet = 0;

	if (config.kfuncs) /* any type will do that has octets */
		return ((struct in6_addr *)bpf_rdonly_cast(at, bpf_core_type_id_kernel(struct in6_addr)))
		    ->in6_u.u6_addr8[0];
	bpf_probe_read_kernel(&octet, sizeof(octet), at);
	return octet;
}

/* Of an IPv6 packet with a hop-by-hop header, octets up to that header's end; 0 for any other. */
static __always_inline __u32 headers_len(const unsigned char *ip6)
{
	if (octet_read(ip6 + IPV6_NEXT_HEADER_AT) != NEXT_HEADER_HOP_BY_HOP || octet_read(ip6) >> 4 != 6)
		return 0;
	return IPV6_LEN + (octet_read(ip6 + IPV6_LEN + 1) + 1U) * 8;
}

static __always_inline struct headers *headers_copy(const unsigned char *ip6, __u32 len)
{
	__u32 key = 0;
	struct headers *headers = bpf_map_lookup_elem(&wait_headers, &key);

	if (!headers || len > IPV6_LEN + HBH_LEN_MAX || bpf_probe_read_kernel(headers->octets, len, ip6))
		return NULL;
	headers->len = len;
	return headers;
}

/* A global function for the reason that xdp/transit.bpf.h gives at TRANSIT_FIND. */
__attribute__((noinline)) int wait_walk(struct headers *headers, const struct ioam6_known *known,
					struct ioam6_found *found)
{
	enum outcome why = OUTCOME_bad_truncated;
	__u32 len;

	if (!headers || !known || !found)
		return why;
	len = headers->len;
	if (len > IPV6_LEN + HBH_LEN_MAX)
		return why;
	return ioam6_walk_known(headers->octets, headers->octets + len, IOAM6_NAMESPACE_ANY, known, found, &why)
		   ? PLANE_WALKED
		   : (int)why;
}

/*
 * Does the node's id stand in the data at `at`, and was it written on this way through it? A bridge leaves the hop
 * limit as it is; what the node wrote when the packet came by before has more.
 */
static __always_inline bool is_own_id(__u8 *ip6, const __u8 *end, __u32 at, __u32 type, const struct plane_node *self)
{
	__u8 *id = node_field(ip6, end, at, type, IOAM6_HOP_AND_ID, 0, 4);
	__u8 *id_wide = node_field(ip6, end, at, type, IOAM6_HOP_AND_ID_WIDE, 0, 8);

	if (id && ((be32_load(id) & 0xffffff) != (self->id & 0xffffff) || id[0] > ip6[IPV6_HOP_LIMIT_AT]))
		return false;
	if (id_wide &&
	    ((be64_load(id_wide) & ~0ULL >> 8) != (self->id_wide & ~0ULL >> 8) || id_wide[0] > ip6[IPV6_HOP_LIMIT_AT]))
		return false;
	return type & (IOAM6_HOP_AND_ID | IOAM6_HOP_AND_ID_WIDE);
}

static __always_inline bool is_own_egress(__u8 *ip6, const __u8 *end, __u32 at, __u32 type,
					  const struct plane_node *self)
{
	__u8 *egress = node_field(ip6, end, at, type, IOAM6_INTERFACES, 2, 2);
	__u8 *egress_wide = node_field(ip6, end, at, type, IOAM6_INTERFACES_WIDE, 4, 4);

	if (egress && be16_load(egress) != self->interface)
		return false;
	return !egress_wide || be32_load(egress_wide) == self->interface_wide;
}

/* The newest data in the trace, if tc/depart has completed it here: octets from the IPv6 header, else 0. */
static __always_inline __u32 own_slot(__u8 *ip6, const __u8 *end, const struct ioam6_found *found,
				      const struct plane_node *self)
{
	__u32 at = found->option + IOAM6_DATA_AT + found->trace.remaining_words * IOAM6_WORD;

	if (found->trace.flags & IOAM6_FLAG_OVERFLOW ||
	    found->trace.remaining_words + ioam6_step_words(&found->trace, 0) > found->data_words ||
	    !is_own_id(ip6, end, at, found->trace.type, self) || !is_own_egress(ip6, end, at, found->trace.type, self))
		return 0;
	return at;
}

/* False: the departure is not in the packet. */
static __always_inline bool wait_read(__u8 *ip6, const __u8 *end, __u32 at, __u32 type, enum ioam6_time time,
				      __u64 *wait_ns)
{
	__u8 *fraction = node_field(ip6, end, at, type, IOAM6_FRACTION, 0, 4);
	__u8 *delay = node_field(ip6, end, at, type, IOAM6_DELAY, 0, 4);
	__u8 *seconds = node_field(ip6, end, at, type, IOAM6_SECONDS, 0, 4);
	__u64 elapsed_ns = clock_tai_ns();

	if (!fraction || !delay || be32_load(delay) >= IOAM6_DELAY_OVERFLOW)
		return false;
	elapsed_ns -= ioam6_fraction_ns(time, be32_load(fraction)) + (__u64)be32_load(delay);
	if (seconds) {
		__u32 epoch_s = time == IOAM6_TIME_NTP ? IOAM6_NTP_TO_UNIX_S : 0;

		elapsed_ns -= (__u64)(be32_load(seconds) - epoch_s) * IOAM6_NS_PER_S;
		elapsed_ns -= time == IOAM6_TIME_PTP ? 0 : clock_tai_to_utc_ns();
	} else {
		elapsed_ns %= IOAM6_NS_PER_S;
	}
	*wait_ns = elapsed_ns >= (seconds ? 1ULL << 63 : IOAM6_NS_PER_S - EARLY_NS) ? 0 : elapsed_ns;
	return true;
}

static __always_inline void wait_add(struct wait_queue *queue, __u64 wait_ns)
{
	__u32 bucket = histogram_bucket(wait_ns);
	__u64 max_ns = queue->max_ns;

	if (bucket >= WAIT_BUCKETS)
		bucket = WAIT_BUCKETS - 1;
	__sync_fetch_and_add(&queue->packets, 1);
	__sync_fetch_and_add(&queue->sum_ns, wait_ns);
	__sync_fetch_and_add(&queue->count[bucket], 1);
	if (wait_ns > max_ns) /* a queue's packets are sent one by one, so nobody else writes it */
		__sync_val_compare_and_swap(&queue->max_ns, max_ns, wait_ns);
}

/* NULL: this device is not measured. */
static __always_inline struct wait_queue *queue_find(__u32 ifindex, __u32 number)
{
	struct wait_key key = { .ifindex = ifindex, .queue = number };
	struct wait_queue *queue = bpf_map_lookup_elem(&wait_queues, &key), *first, *fresh;
	__u32 zero = 0;

	if (queue || !number)
		return queue;
	key.queue = 0;
	first = bpf_map_lookup_elem(&wait_queues, &key);
	fresh = bpf_map_lookup_elem(&wait_new, &zero);
	if (!first || !fresh)
		return NULL;
	fresh->self = first->self; /* all else of it stays zero */
	key.queue = number;
	bpf_map_update_elem(&wait_queues, &key, fresh, BPF_NOEXIST);
	return bpf_map_lookup_elem(&wait_queues, &key);
}

/* The first trace of a namespace that the node takes part in: its place among them, or 0 and why there is none. */
static __always_inline __u32 trace_find(struct headers *headers, __u32 len, const struct plane_namespaces *now,
					struct ioam6_found *found, enum outcome *why)
{
	__u32 place;
	int walked;

	if (ioam6_find_usual(headers->octets, headers->octets + len, IOAM6_NAMESPACE_ANY, found)) {
		place = ioam6_namespace_place(&now->node, found->trace.namespace);
		if (place)
			return place;
	}
	walked = wait_walk(headers, &now->node.known, found);
	*why = walked == PLANE_WALKED ? OUTCOME_other_options : walked;
	return walked == PLANE_WALKED && found->option ? ioam6_namespace_place(&now->node, found->trace.namespace) : 0;
}

static __always_inline enum outcome wait_packet(const unsigned char *ip6, __u32 len, struct wait_queue *queue)
{
	struct headers *headers = headers_copy(ip6, len);
	const struct plane_namespaces *now = namespaces_now();
	enum outcome why = OUTCOME_other_options;
	struct ioam6_found found;
	__u64 wait_ns = 0;
	__u32 place, at;
	__u8 *end;

	if (!headers || !now)
		return OUTCOME_bad_truncated;
	end = headers->octets + len;
	place = trace_find(headers, len, now, &found, &why);
	if (!place)
		return why;
	at = own_slot(headers->octets, end, &found, &queue->self);
	if (!at || !namespace_is_settled(now, place, bpf_ktime_get_ns()) ||
	    !wait_read(headers->octets, end, at, found.trace.type, ioam6_namespace_at(&now->node, place)->time,
		       &wait_ns))
		return OUTCOME_no_departure;
	wait_add(queue, wait_ns);
	return OUTCOME_wait_measured;
}

SEC("tp_btf/net_dev_start_xmit")
int wait_xmit(__u64 *arguments)
{
	struct sk_buff *skb = (void *)arguments[0];
	struct net_device *dev = (void *)arguments[1];
	struct wait_queue *queue;
	unsigned char *ip6;
	__u32 len;

	if (dev->nd_net.net->net_cookie != config.netns_cookie)
		return 0;
	ip6 = skb->head + skb->network_header;
	len = headers_len(ip6);
	if (!len)
		return 0;
	queue = queue_find(dev->ifindex, skb->queue_mapping);
	if (!queue)
		return 0;
	count(skb->network_header + len <= skb->tail ? wait_packet(ip6, len, queue) : OUTCOME_bad_truncated);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
