/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The fast path: XDP asks the kernel's own routing table and neighbour cache, and sends the packet out by itself.
 *
 * Only what is certain is forwarded here. The kernel gets everything else as it came: what it would answer, drop,
 * deliver, filter, encrypt or fragment, what it has no link-layer address for, and what leaves by a device that takes
 * no frames from XDP. Each such reason has a counter (kernel_*).
 *
 * tc egress is not passed, so the slot is completed here: egress interface, delay so far; the depth of the queue,
 * which the packet does not join either, is not available.
 */
#ifndef HOPSPAN_XDP_FORWARD_BPF_H
#define HOPSPAN_XDP_FORWARD_BPF_H

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>

#include "forward.h"
#include "transit.bpf.h"

/* What is read of the kernel; it has no helper that tells. */
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct nf_hook_entry___forward {
	void *hook;
};

struct nf_hook_entries___forward {
	__u16 num_hook_entries;
	struct nf_hook_entry___forward hooks[];
};

struct netns_nf___forward {
	struct nf_hook_entries___forward *hooks_ipv6[5];
};

struct netns_xfrm___forward {
	unsigned int policy_count[6];
	__u8 policy_default[3];
};

struct ipv6_devconf___forward {
	__s32 forwarding, force_forwarding, disable_ipv6;
	__u32 ioam6_enabled;
};

struct netns_sysctl_ipv6___forward {
	__u8 multipath_hash_policy;
	int max_hbh_opts_cnt, max_hbh_opts_len;
};

struct netns_ipv6___forward {
	struct netns_sysctl_ipv6___forward sysctl;
	struct ipv6_devconf___forward *devconf_all;
	unsigned int fib6_rules_require_fldissect;
};

struct net___forward {
	struct netns_ipv6___forward ipv6;
	struct netns_nf___forward nf;
	struct netns_xfrm___forward xfrm;
};

struct inet6_dev___forward {
	struct ipv6_devconf___forward cnf;
};

struct possible_net___forward {
	struct net___forward *net;
};

struct net_device___forward {
	unsigned int flags;
	__u32 xdp_features;
	struct inet6_dev___forward *ip6_ptr;
	struct possible_net___forward nd_net;
	const unsigned char *dev_addr;
	void *rx_handler;
	void *nf_hooks_ingress, *nf_hooks_egress;
};

struct xdp_rxq_info___forward {
	struct net_device___forward *dev;
};

struct xdp_buff___forward {
	struct xdp_rxq_info___forward *rxq;
	__u32 flags;
};

struct ethhdr___forward {
	unsigned char h_dest[6];
};

struct sk_buff___forward {
	__u8 ip_summed : 2;
	__u32 vlan_all;
};

struct sk_buff_head___forward {
	struct sk_buff___forward *next;
};

#pragma clang attribute pop

extern void *bpf_cast_to_kern_ctx(void *ctx) __ksym __weak;
extern void *bpf_rdonly_cast(const void *object, __u32 btf_id) __ksym __weak;

/* What AppArmor has to say of packets that leave: it accepts those without a socket, as all are that are forwarded. */
extern const void apparmor_ip_postroute __ksym __weak;

/* linux/netfilter.h, net/xfrm.h, linux/skbuff.h, net/ipv6.h, net/xdp.h, linux/netdev.h, linux/if.h */
enum { NF_INET_PRE_ROUTING = 0, NF_INET_FORWARD = 2, NF_INET_POST_ROUTING = 4 };
enum { XFRM_POLICY_OUT = 1, XFRM_POLICY_FWD = 2, XFRM_USERPOLICY_BLOCK = 1 };
enum { CHECKSUM_PARTIAL = 3 };
enum { IP6_DEFAULT_MAX_HBH_OPTS_CNT = 8, IP6_DEFAULT_MAX_HBH_OPTS_LEN = 0x7fffffff };
enum { XDP_FLAGS_HAS_FRAGS = 1 };
enum { NETDEV_XDP_ACT_NDO_XMIT = 4, NETDEV_XDP_ACT_NDO_XMIT_SG = 64 };
enum { IFF_UP = 1 };

enum { HASH_POLICY_L3 = 0, HASH_POLICY_L4 = 1 }; /* net.ipv6.fib_multipath_hash_policy */
enum { ICMPV6_ECHO_REQUEST = 128, ICMPV6_ECHO_REPLY = 129 };

/* Shared as the other two are, but by ctl: the kernel adds a flag that the loader then takes for a difference. */
struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP_HASH);
	__uint(max_entries, FORWARD_PORTS_MAX);
	__type(key, __u32);
	__type(value, struct bpf_devmap_val);
} forward_out SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FORWARD_PORTS_MAX);
	__type(key, __u32);
	__type(value, struct forward_port);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} forward_ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FORWARD_TURNS_MAX);
	__type(key, __u32);
	__type(value, __u64);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} forward_turns SEC(".maps");

static __always_inline struct forward_port *forward_port(__u32 ifindex)
{
	__u32 key = ifindex % FORWARD_PORTS_MAX;
	struct forward_port *port = bpf_map_lookup_elem(&forward_ports, &key);

	return port && port->ifindex == ifindex ? port : NULL;
}

/*
 * Each device's program tells the others where the kernel keeps it, so that they see what it can do before they send
 * out by it. As long as forward_out has the device, it is there.
 */
static __always_inline void forward_note(struct xdp_md *xdp)
{
	struct forward_port *port = forward_port(xdp->ingress_ifindex);
	struct xdp_buff___forward *buff = bpf_cast_to_kern_ctx(xdp);

	if (port && !port->device)
		port->device = (__u64)(unsigned long)buff->rxq->dev;
}

/* What transit knows of a packet that it looked into. */
struct arrival {
	struct ioam6_found found;
	__u32 slot; /* of this node's data, octets from the IPv6 header; 0: none */
	__u64 tai_ns;
};

/* A packet that transit has seen. */
struct forward_packet {
	__u8 *frame, *ip6, *end;
	const struct ioam6_found *found; /* of a hop-by-hop header, else NULL */
	bool certain;			 /* that header holds what transit knows and nothing else */
	__u32 slot;			 /* of this node's data; 0: none */
	__u64 arrival_tai_ns;
};

/* What the kernel would go by. */
struct forward_kernel {
	struct net_device___forward *dev; /* ingress */
	struct net___forward *net;
	bool frags;
};

/* A veth's packet may still lack its checksum, or have its VLAN tag beside it: neither would go out with the frame. */
static __always_inline bool veth_is_unfinished(struct xdp_buff___forward *buff)
{
	struct sk_buff_head___forward *behind;
	struct sk_buff___forward *skb;

	behind = bpf_rdonly_cast((void *)buff + bpf_core_type_size(struct xdp_buff___forward),
				 bpf_core_type_id_kernel(struct sk_buff_head___forward));
	skb = behind->next;
	return skb && (BPF_CORE_READ_BITFIELD(skb, ip_summed) == CHECKSUM_PARTIAL || skb->vlan_all);
}

/* Is the frame for this device? The kernel takes no other for its own. */
static __always_inline bool frame_is_ours(const __u8 *frame, const struct net_device___forward *dev)
{
	const struct ethhdr___forward *own =
	    bpf_rdonly_cast(dev->dev_addr, bpf_core_type_id_kernel(struct ethhdr___forward));

	for (int i = 0; i < 6; i++)
		if (frame[i] != own->h_dest[i])
			return false;
	return true;
}

/* The link layer: whole, and addressed to this device. */
static __always_inline bool forward_frame(struct xdp_md *xdp, const struct forward_packet *packet,
					  struct forward_kernel *kernel)
{
	struct xdp_buff___forward *buff = bpf_cast_to_kern_ctx(xdp);
	__u32 len = IPV6_LEN + be16_load(packet->ip6 + IPV6_PAYLOAD_LEN_AT), there = packet->end - packet->ip6;

	kernel->dev = buff->rxq->dev;
	kernel->net = kernel->dev->nd_net.net;
	kernel->frags = buff->flags & XDP_FLAGS_HAS_FRAGS;
	if (kernel->frags)
		there = bpf_xdp_get_buff_len(xdp) - ETHERNET_LEN;
	if (len != there || len > 0xffff || len == IPV6_LEN || !frame_is_ours(packet->frame, kernel->dev))
		return false;
	return !config.veth || !veth_is_unfinished(buff);
}

/* Does netfilter, but for AppArmor, which is there on any Debian? */
static __always_inline bool hooks_look(const struct nf_hook_entries___forward *hooks)
{
	return hooks && (hooks->num_hook_entries != 1 || hooks->hooks[0].hook != &apparmor_ip_postroute);
}

/* Does anybody look at packets between the devices: netfilter, IPsec, a bridge or bond that the device is part of? */
static __always_inline bool kernel_has_rules(const struct forward_kernel *kernel)
{
	const struct net___forward *net = kernel->net;

	if (kernel->dev->rx_handler)
		return true;
	if (bpf_core_field_exists(kernel->dev->nf_hooks_ingress) && kernel->dev->nf_hooks_ingress)
		return true;
	if (bpf_core_field_exists(net->nf) &&
	    (net->nf.hooks_ipv6[NF_INET_PRE_ROUTING] || net->nf.hooks_ipv6[NF_INET_FORWARD] ||
	     hooks_look(net->nf.hooks_ipv6[NF_INET_POST_ROUTING])))
		return true;
	return bpf_core_field_exists(net->xfrm) &&
	       (net->xfrm.policy_count[XFRM_POLICY_OUT] || net->xfrm.policy_count[XFRM_POLICY_FWD] ||
		net->xfrm.policy_default[XFRM_POLICY_OUT] == XFRM_USERPOLICY_BLOCK ||
		net->xfrm.policy_default[XFRM_POLICY_FWD] == XFRM_USERPOLICY_BLOCK);
}

static __always_inline bool kernel_forwards(const struct forward_kernel *kernel)
{
	const struct inet6_dev___forward *ip6 = kernel->dev->ip6_ptr;

	return kernel->net->ipv6.devconf_all->forwarding && ip6 && !ip6->cnf.disable_ipv6;
}

/* Options that the kernel would do nothing about. */
static __always_inline bool kernel_skips_options(const struct forward_kernel *kernel,
						 const struct forward_packet *packet)
{
	const struct netns_sysctl_ipv6___forward *sysctl = &kernel->net->ipv6.sysctl;

	return packet->certain && !packet->found->others && !kernel->dev->ip6_ptr->cnf.ioam6_enabled &&
	       sysctl->max_hbh_opts_cnt == IP6_DEFAULT_MAX_HBH_OPTS_CNT &&
	       sysctl->max_hbh_opts_len == IP6_DEFAULT_MAX_HBH_OPTS_LEN;
}

/* Of one node, outside of this link: not unspecified, loopback, mapped IPv4, link-local, multicast. */
static __always_inline bool address_is_forwarded(const __u8 *address)
{
	__u32 front = be32_load(address);

	return (front || be32_load(address + 4)) && front >> 24 != 0xff && front >> 22 != 0xfe80 >> 6;
}

/* The transport header's ports. False: a header that the kernel has to look into. */
static __always_inline bool flow_transport(const struct forward_packet *packet, struct bpf_fib_lookup *fib)
{
	__u8 *next = bytes_at(packet->ip6, packet->end, packet->found ? IPV6_LEN : IPV6_NEXT_HEADER_AT, 1);
	__u32 at = IPV6_LEN + (packet->found ? packet->found->header_len : 0);
	__u8 *transport = bytes_at(packet->ip6, packet->end, at, 4);

	if (!next || !transport)
		return false;
	fib->l4_protocol = *next;
	if (*next == NEXT_HEADER_ICMPV6)
		return transport[0] == ICMPV6_ECHO_REQUEST || transport[0] == ICMPV6_ECHO_REPLY;
	fib->sport = bpf_htons(be16_load(transport));
	fib->dport = bpf_htons(be16_load(transport + 2));
	return *next == NEXT_HEADER_TCP || *next == NEXT_HEADER_UDP;
}

/*
 * What policy rules and the choice among equal paths go by. Where addresses choose the path, the kernel counts a
 * hop-by-hop header as the protocol, but looks behind it for rules that ask for ports, and then reads the flow label of
 * ICMPv6 the other way round: a lookup by the helper can be one or the other.
 */
static __always_inline bool forward_flow(const struct forward_kernel *kernel, const struct forward_packet *packet,
					 struct bpf_fib_lookup *fib)
{
	__u8 policy = kernel->net->ipv6.sysctl.multipath_hash_policy;
	bool rules = kernel->net->ipv6.fib6_rules_require_fldissect;

	if (policy > HASH_POLICY_L4 || !flow_transport(packet, fib))
		return false;
	if (policy == HASH_POLICY_L3 && rules && (packet->found || fib->l4_protocol == NEXT_HEADER_ICMPV6))
		return false;
	if (policy == HASH_POLICY_L3 && packet->found)
		fib->l4_protocol = NEXT_HEADER_HOP_BY_HOP;
	fib->flowinfo = bpf_htonl(be32_load(packet->ip6) & 0x0fffffff);
	fib->tot_len = IPV6_LEN + be16_load(packet->ip6 + IPV6_PAYLOAD_LEN_AT);
	return true;
}

/* OUTCOME_forwarded_xdp: as far as the packet itself can tell. */
static __always_inline enum outcome forward_check(struct xdp_md *xdp, const struct forward_packet *packet,
						  struct forward_kernel *kernel, struct bpf_fib_lookup *fib)
{
	if (!forward_frame(xdp, packet, kernel))
		return OUTCOME_kernel_frame;
	if (!kernel_forwards(kernel))
		return OUTCOME_kernel_off;
	if (kernel_has_rules(kernel))
		return OUTCOME_kernel_rules;
	if ((packet->found && !kernel_skips_options(kernel, packet)) || !forward_flow(kernel, packet, fib))
		return OUTCOME_kernel_header;
	if (!address_is_forwarded(packet->ip6 + IPV6_SOURCE_AT) ||
	    !address_is_forwarded(packet->ip6 + IPV6_DESTINATION_AT))
		return OUTCOME_kernel_address;
	return packet->ip6[IPV6_HOP_LIMIT_AT] > 1 ? OUTCOME_forwarded_xdp : OUTCOME_kernel_hop_limit;
}

static __always_inline enum outcome fib_outcome(long result)
{
	switch (result) {
	case BPF_FIB_LKUP_RET_SUCCESS:
		return OUTCOME_forwarded_xdp;
	case BPF_FIB_LKUP_RET_FWD_DISABLED:
		return OUTCOME_kernel_off;
	case BPF_FIB_LKUP_RET_NO_NEIGH:
		return OUTCOME_kernel_neighbour;
	case BPF_FIB_LKUP_RET_FRAG_NEEDED:
		return OUTCOME_kernel_too_big;
	default:
		return OUTCOME_kernel_route;
	}
}

/* Would the egress device send it as it is? A veth whose other side has neither XDP nor GRO loses it without a word. */
static __always_inline bool port_takes(const struct forward_port *port, bool frags)
{
	const struct net_device___forward *dev =
	    bpf_rdonly_cast((void *)port->device, bpf_core_type_id_kernel(struct net_device___forward));

	if (!port->device)
		return false;
	if (bpf_core_field_exists(dev->nf_hooks_egress) && dev->nf_hooks_egress)
		return false;
	return dev->flags & IFF_UP &&
	       dev->xdp_features & (frags ? NETDEV_XDP_ACT_NDO_XMIT_SG : NETDEV_XDP_ACT_NDO_XMIT);
}

/*
 * A neighbour is known as long as the kernel sends to it and hears from it: now and then it gets a packet to send.
 * Without, one that has gone or moved would be sent to for good.
 */
static __always_inline bool forward_turn(const struct bpf_fib_lookup *fib)
{
	__u32 key = (fib->ifindex * 31 + (fib->dmac[4] << 8 | fib->dmac[5])) % FORWARD_TURNS_MAX;
	__u64 *turn = bpf_map_lookup_elem(&forward_turns, &key), now = bpf_jiffies64();

	if (!turn || now - *turn < FORWARD_TURN_JIFFIES)
		return false;
	*turn = now;
	return true;
}

static __always_inline void mac_write(__u8 *at, const __u8 *mac)
{
	for (int i = 0; i < 6; i += 2)
		be16_store(at + i, be16_load(mac + i));
}

static __always_inline void forward_complete(const struct forward_packet *packet, const struct forward_port *port)
{
	struct ioam6_node node = IOAM6_NODE_UNKNOWN;

	node.egress_if = port->interface;
	node.egress_if_wide = port->interface_wide;
	node.delay_ns = ioam6_delay(clock_tai_ns() - packet->arrival_tai_ns);
	ioam6_complete(packet->ip6, packet->end, packet->slot, packet->found->trace.type, &node);
}

/* Nothing is written before all is decided. */
static __always_inline enum outcome forward_out_by(struct xdp_md *xdp, const struct forward_packet *packet)
{
	struct bpf_fib_lookup fib = { .family = 10 /* AF_INET6 */, .ifindex = xdp->ingress_ifindex };
	struct forward_kernel kernel;
	enum outcome outcome = forward_check(xdp, packet, &kernel, &fib);
	struct forward_port *port;

	if (outcome != OUTCOME_forwarded_xdp)
		return outcome;
	words_copy(fib.ipv6_src, packet->ip6 + IPV6_SOURCE_AT, 4);
	words_copy(fib.ipv6_dst, packet->ip6 + IPV6_DESTINATION_AT, 4);
	outcome = fib_outcome(bpf_fib_lookup(xdp, &fib, sizeof(fib), 0));
	if (outcome != OUTCOME_forwarded_xdp)
		return outcome;
	/* A device that this finds does not go away before the program ends, nor does what the port says of it. */
	if (fib.ifindex == xdp->ingress_ifindex ||
	    bpf_redirect_map(&forward_out, fib.ifindex, XDP_PASS) != XDP_REDIRECT)
		return OUTCOME_kernel_device;
	port = forward_port(fib.ifindex);
	if (!port || !port_takes(port, kernel.frags))
		return OUTCOME_kernel_device;
	if (forward_turn(&fib))
		return OUTCOME_kernel_turn;
	if (packet->slot)
		forward_complete(packet, port);
	packet->ip6[IPV6_HOP_LIMIT_AT]--;
	mac_write(packet->frame, fib.dmac);
	mac_write(packet->frame + 6, fib.smac);
	return OUTCOME_forwarded_xdp;
}

/*
 * A packet that transit is done with: `options_at` is where it found an IPv6 packet with a hop-by-hop header, or -1.
 * False: it is the kernel's, nothing here has changed it.
 */
static __always_inline bool forward(struct xdp_md *xdp, enum outcome outcome, int options_at,
				    const struct arrival *arrival)
{
	struct forward_packet packet = {
		.frame = (__u8 *)(long)xdp->data,
		.ip6 = (__u8 *)(long)xdp->data + ETHERNET_LEN,
		.end = (__u8 *)(long)xdp->data_end,
		.found = options_at < 0 ? NULL : &arrival->found,
		.certain = outcome == OUTCOME_appended || outcome == OUTCOME_no_room || outcome == OUTCOME_overflowed,
		.slot = outcome == OUTCOME_appended ? arrival->slot : 0,
		.arrival_tai_ns = arrival->tai_ns,
	};
	enum outcome way;

	forward_note(xdp);
	if (config.self.link_len != ETHERNET_LEN || packet.ip6 + IPV6_LEN > packet.end)
		return false;
	if (be16_load(packet.frame + ETHERNET_TYPE_AT) != ETHERTYPE_IPV6 || !ipv6_is(packet.ip6))
		return false;
	way = forward_out_by(xdp, &packet);
	count(way);
	if (packet.slot && way == OUTCOME_forwarded_xdp)
		count(OUTCOME_completed);
	return way == OUTCOME_forwarded_xdp;
}

#endif
