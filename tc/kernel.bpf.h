/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Kernel fields that no helper shows: an skb's headroom, a socket's write sequence, a queue's depth.
 *
 * With the cast kfuncs (6.2) they are plain loads. Before, the pointer goes through a map slot, which makes it a
 * number to the verifier, and the fields are read by bpf_probe_read_kernel(). Only the fields used are declared.
 */
#ifndef HOPSPAN_TC_KERNEL_BPF_H
#define HOPSPAN_TC_KERNEL_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <stdbool.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct list_head {
	struct list_head *next;
};

struct Qdisc_ops {
	char id[16];
};

struct gnet_stats_queue {
	__u32 backlog;
};

struct Qdisc {
	void *enqueue;
	unsigned int flags;
	struct Qdisc_ops *ops;
	struct gnet_stats_queue qstats;
};

struct ipv6_devconf {
	__s32 mtu6;
};

struct inet6_dev {
	struct ipv6_devconf cnf;
};

struct net {
	__u64 net_cookie;
};

struct net_device {
	int ifindex;
	struct {
		struct net *net;
	} nd_net;
	unsigned int mtu;
	unsigned int real_num_tx_queues;
	struct inet6_dev *ip6_ptr;
	struct Qdisc *qdisc;
	struct {
		struct list_head lower;
	} adj_list;
};

struct dst_entry {
	struct net_device *dev;
	unsigned long _metrics;
};

struct in6_addr {
	union {
		__u8 u6_addr8[16];
	} in6_u;
};

struct sk_buff {
	unsigned char *head, *data;
	struct net_device *dev;
	unsigned long _skb_refdst;
	__u32 tail;
	__u16 network_header, queue_mapping;
	__u8 encapsulation : 1;
	__u8 ip_summed : 2;
};

struct tcp_options_received {
	__u16 sack_ok : 3;
};

struct tcp_sock {
	__u32 write_seq, snd_nxt, snd_una;
	__u64 tcp_mstamp; /* us, CLOCK_MONOTONIC: of what is being sent */
	__u16 tcp_header_len;
	struct tcp_options_received rx_opt;
};

struct sock {
	void *sk_bpf_storage;
};

struct task_struct {
	void *stack, *mm;
	__s32 tgid;
};

#pragma clang attribute pop

enum {
	TASK_STACK_LEN = 16384,
	CHECKSUM_PARTIAL = 3, /* skb.ip_summed */
	DST_POINTER_MASK = 1, /* SKB_DST_NOREF */
	DST_METRICS_MASK = 3, /* DST_METRICS_FLAGS */
	DST_METRIC_MTU = 1,   /* RTAX_MTU - 1 */
	IPV6_MTU_MIN = 1280,  /* RFC 8200 section 5 */
};

enum {
	QDISC_MQROOT = 0x8,    /* TCQ_F_MQROOT: the queue is chosen after tc egress */
	QDISC_CPUSTATS = 0x20, /* TCQ_F_CPUSTATS: the backlog is kept per CPU */
};

extern void *bpf_cast_to_kern_ctx(void *ctx) __ksym __weak;
extern void *bpf_rdonly_cast(const void *object, __u32 btf_id) __ksym __weak;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} kernel_slot SEC(".maps");

/* A pointer as a plain number. */
static __always_inline void *kernel_address(void *pointer)
{
	__u32 key = 0;
	volatile __u64 *slot = bpf_map_lookup_elem(&kernel_slot, &key);

	if (!slot)
		return NULL;
	*slot = (__u64)(unsigned long)pointer;
	return (void *)(unsigned long)*slot;
}

/* object->field, by a load or by a probe read. `kfuncs` is a constant, so only one of them is left. */
#define KERNEL_READ(kfuncs, object, field)                                \
	({                                                                \
		__typeof__((object)->field) kernel_value;                 \
		if (kfuncs)                                               \
			kernel_value = (object)->field;                   \
		else                                                      \
			BPF_CORE_READ_INTO(&kernel_value, object, field); \
		kernel_value;                                             \
	})

static __always_inline struct sk_buff *kernel_skb(struct __sk_buff *skb, bool kfuncs)
{
	return kfuncs ? bpf_cast_to_kern_ctx(skb) : kernel_address(skb);
}

static __always_inline struct tcp_sock *kernel_tcp(struct bpf_sock *sk, bool kfuncs)
{
	return kfuncs ? bpf_rdonly_cast(sk, bpf_core_type_id_kernel(struct tcp_sock)) : kernel_address(sk);
}

/* False: the socket has no storage of any BPF program. Where that is dear to find out, it may have. */
static __always_inline bool sock_has_storage(struct bpf_sock *sk, bool kfuncs)
{
	return !kfuncs || ((struct sock *)bpf_rdonly_cast(sk, bpf_core_type_id_kernel(struct sock)))->sk_bpf_storage;
}

static __always_inline bool tcp_has_sack(struct tcp_sock *tcp)
{
	return BPF_CORE_READ_BITFIELD_PROBED(tcp, rx_opt.sack_ok);
}

static __always_inline __u32 skb_headroom(struct sk_buff *skb, bool kfuncs)
{
	return KERNEL_READ(kfuncs, skb, data) - KERNEL_READ(kfuncs, skb, head);
}

static __always_inline struct Qdisc *skb_root_qdisc(struct sk_buff *skb, bool kfuncs)
{
	struct net_device *dev = KERNEL_READ(kfuncs, skb, dev);

	return KERNEL_READ(kfuncs, dev, qdisc);
}

static __always_inline __u32 skb_device_mtu(struct sk_buff *skb, bool kfuncs)
{
	struct net_device *dev = KERNEL_READ(kfuncs, skb, dev);

	return KERNEL_READ(kfuncs, dev, mtu);
}

/*
 * What UDP holds to: the MTU that the route or the path gave, else the interface's for IPv6. The route's interface,
 * which on a device below others is not this one; the packet may have lost its route there, and then what every link
 * of IPv6 carries is all that is known.
 */
static __always_inline __u32 skb_route_mtu(struct sk_buff *skb, bool kfuncs)
{
	struct dst_entry *dst = (void *)(KERNEL_READ(kfuncs, skb, _skb_refdst) & ~DST_POINTER_MASK);
	unsigned long metrics = 0;
	struct net_device *dev;
	struct inet6_dev *ip6;
	__u32 mtu = 0;

	if (!dst)
		return IPV6_MTU_MIN;
	metrics = BPF_CORE_READ(dst, _metrics);
	dev = BPF_CORE_READ(dst, dev);
	if (metrics & ~DST_METRICS_MASK)
		bpf_probe_read_kernel(&mtu, sizeof(mtu), (__u32 *)(metrics & ~DST_METRICS_MASK) + DST_METRIC_MTU);
	if (mtu)
		return mtu;
	ip6 = BPF_CORE_READ(dev, ip6_ptr);
	return ip6 ? BPF_CORE_READ(ip6, cnf.mtu6) : 0;
}

static __always_inline bool skb_is_tunnelled(struct sk_buff *skb)
{
	return BPF_CORE_READ_BITFIELD_PROBED(skb, encapsulation);
}

/* Is the packet's checksum still to be finished, by the device? */
static __always_inline bool skb_sum_is_left(struct sk_buff *skb)
{
	return BPF_CORE_READ_BITFIELD_PROBED(skb, ip_summed) == CHECKSUM_PARTIAL;
}

static __always_inline __u32 current_process(void)
{
	return BPF_CORE_READ((struct task_struct *)bpf_get_current_task(), tgid);
}

/*
 * Does this run within a system call of a process, and not in a soft interrupt? Those have a stack of their own, and
 * the kernel's threads no memory.
 */
static __always_inline bool in_system_call(void)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	__u32 here = 0;
	__u64 at = (__u64)(unsigned long)kernel_address(&here);

	return at - (__u64)(unsigned long)BPF_CORE_READ(task, stack) < TASK_STACK_LEN && BPF_CORE_READ(task, mm);
}

/* Does the device hand packets to one below it? Of tunnels only some say so. */
static __always_inline bool skb_is_above(struct sk_buff *skb, bool kfuncs)
{
	struct net_device *dev = KERNEL_READ(kfuncs, skb, dev);
	void *lower = (void *)dev + bpf_core_field_offset(struct net_device, adj_list.lower);

	return KERNEL_READ(kfuncs, dev, adj_list.lower.next) != lower;
}

/*
 * Octets queued in the device's root qdisc, or all ones where nobody can know: the queue is chosen later (multiqueue),
 * another device's (below this one), or its depth is kept per CPU. Without a qdisc 0 on a device that is `direct`.
 */
static __always_inline __u32 skb_queue_bytes(struct sk_buff *skb, bool kfuncs, bool direct)
{
	struct Qdisc *qdisc = skb_root_qdisc(skb, kfuncs);

	if (skb_is_above(skb, kfuncs) || KERNEL_READ(kfuncs, qdisc, flags) & (QDISC_MQROOT | QDISC_CPUSTATS))
		return ~0U;
	if (!direct && !KERNEL_READ(kfuncs, qdisc, enqueue))
		return ~0U;
	return KERNEL_READ(kfuncs, qdisc, qstats.backlog);
}

/* The first four characters of a qdisc's name tell those that there are apart. */
#define QDISC_NAME(a, b, c, d) ((__u32)(a) << 24 | (b) << 16 | (c) << 8 | (d))

static __always_inline __u32 skb_qdisc_name(struct sk_buff *skb, bool kfuncs)
{
	struct Qdisc_ops *ops = KERNEL_READ(kfuncs, skb_root_qdisc(skb, kfuncs), ops);

	return QDISC_NAME(KERNEL_READ(kfuncs, ops, id[0]), KERNEL_READ(kfuncs, ops, id[1]),
			  KERNEL_READ(kfuncs, ops, id[2]), KERNEL_READ(kfuncs, ops, id[3]));
}

static __always_inline bool skb_has_queue(struct sk_buff *skb, bool kfuncs)
{
	return skb_qdisc_name(skb, kfuncs) != QDISC_NAME('n', 'o', 'q', 'u');
}

/*
 * Does a clone, which has no socket, keep its place among the socket's packets? Not in fq, which sorts by socket and
 * which other qdiscs may hold, nor where there are several transmit queues, as the socket's packets keep to one; and
 * what the queues of a device below are is not looked for.
 */
static __always_inline bool skb_clone_keeps_place(struct sk_buff *skb, bool kfuncs, bool direct)
{
	struct net_device *dev = KERNEL_READ(kfuncs, skb, dev);

	if (KERNEL_READ(kfuncs, dev, real_num_tx_queues) != 1 || skb_is_above(skb, kfuncs))
		return false;
	switch (skb_qdisc_name(skb, kfuncs)) {
	case QDISC_NAME('n', 'o', 'q', 'u'): /* noqueue */
		return direct;
	case QDISC_NAME('p', 'f', 'i', 'f'): /* pfifo, pfifo_fast */
	case QDISC_NAME('b', 'f', 'i', 'f'): /* bfifo */
	case QDISC_NAME('f', 'q', '_', 'c'): /* fq_codel */
		return true;
	default:
		return false;
	}
}

/* Datagrams have no order to keep, and no other way than a clone: where fq paces them they go bare nevertheless. */
static __always_inline bool skb_qdisc_is_fq(struct sk_buff *skb, bool kfuncs)
{
	return skb_qdisc_name(skb, kfuncs) == QDISC_NAME('f', 'q', 0, 0);
}

#endif
