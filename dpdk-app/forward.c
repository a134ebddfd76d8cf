/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The way of a burst through a router: checked, looked up, sent on, or handed to the kernel. */
#include "forward.h"

#include <rte_branch_prediction.h>
#include <rte_jhash.h>
#include <rte_prefetch.h>
#include <rte_ring.h>
#include <string.h>
#include <unistd.h>

#include "self.h"

enum { PREFETCH = 4, ADDRESSES_LEN = 12 };

void forward_init(struct forward *forward, struct forward_shared *shared, unsigned int number, uint64_t *counts)
{
	*forward = (struct forward){ .shared = shared, .counts = counts, .number = number };
}

/* Of one node, beyond this link: not unspecified, loopback, mapped IPv4, link-local, multicast. */
static inline bool address_is_forwarded(const uint8_t *address)
{
	uint32_t front = be32_load(address);

	return (front || be32_load(address + 4)) && front >> 24 != 0xff && front >> 22 != 0xfe80 >> 6;
}

/* Options that a router does nothing about but what transit does. */
static bool options_are_known(struct rte_mbuf *packet, uint8_t *ip6, const struct self *self)
{
	const uint8_t *end = rte_pktmbuf_mtod(packet, uint8_t *) + packet->data_len;
	struct ioam6_found found;
	enum outcome why;

	return ioam6_find_known(ip6, end, &self->namespaces.known, &found, &why) && !found.others;
}

/* OUTCOME_forwarded: as far as the packet itself can tell. */
static inline enum outcome packet_check(const struct forward_port *port, const struct self *self,
					struct rte_mbuf *packet)
{
	uint8_t *frame = rte_pktmbuf_mtod(packet, uint8_t *), *ip6 = frame + ETHERNET_LEN;
	uint32_t payload_len;

	if (unlikely(packet->data_len < ETHERNET_LEN + IPV6_LEN || packet->data_len != packet->pkt_len))
		return OUTCOME_kernel_frame;
	if (unlikely(be16_load(frame + ETHERNET_TYPE_AT) != ETHERTYPE_IPV6 || !ipv6_is(ip6)))
		return OUTCOME_kernel_protocol;
	payload_len = be16_load(ip6 + IPV6_PAYLOAD_LEN_AT);
	if (unlikely(payload_len == 0 || !ipv6_is_whole(ip6, packet->data_len - ETHERNET_LEN)))
		return OUTCOME_kernel_frame;
	if (unlikely(!port->up || !port->on))
		return OUTCOME_kernel_off;
	if (unlikely(!address_is_forwarded(ip6 + IPV6_SOURCE_AT) || !address_is_forwarded(ip6 + IPV6_DESTINATION_AT)))
		return OUTCOME_kernel_address;
	if (unlikely(memcmp(frame, port->mac, sizeof(port->mac)) != 0))
		return OUTCOME_kernel_frame;
	if (unlikely(ip6[IPV6_HOP_LIMIT_AT] <= 1))
		return OUTCOME_kernel_hop_limit;
	if (ip6[IPV6_NEXT_HEADER_AT] == NEXT_HEADER_HOP_BY_HOP && unlikely(!options_are_known(packet, ip6, self)))
		return OUTCOME_kernel_header;
	return OUTCOME_forwarded;
}

/* The kernel's thread is told once that there is something, not for each packet. */
static void kernel_wake(struct forward_shared *shared)
{
	static const uint64_t one = 1;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(&shared->kernel_sleeps, __ATOMIC_RELAXED) &&
	    __atomic_exchange_n(&shared->kernel_sleeps, 0, __ATOMIC_ACQ_REL) &&
	    write(shared->kernel_fd, &one, sizeof(one)) < 0)
		return; /* it wakes by itself a little later */
}

static void to_kernel(struct forward *forward, unsigned int ingress, struct rte_mbuf **packets, uint16_t count)
{
	unsigned int taken;

	for (uint16_t i = 0; i < count; i++)
		packets[i]->port = (uint16_t)ingress;
	taken = rte_ring_mp_enqueue_burst(forward->shared->to_kernel, (void **)packets, count, NULL);
	kernel_wake(forward->shared);
	if (likely(taken == count))
		return;
	forward->counts[OUTCOME_drop_twin] += count - taken;
	rte_pktmbuf_free_bulk(packets + taken, count - taken);
}

/* The last word: OUTCOME_forwarded, or why not. */
static inline enum outcome hop_check(const struct hop *hop, uint64_t number, unsigned int ingress, const uint8_t *ip6)
{
	if (unlikely(!hop))
		return number == TABLE_HOP_KERNEL ? OUTCOME_kernel_route : OUTCOME_kernel_neighbour;
	if (unlikely(IPV6_LEN + (uint32_t)be16_load(ip6 + IPV6_PAYLOAD_LEN_AT) > hop->mtu))
		return OUTCOME_kernel_too_big;
	return likely(hop->port != ingress) ? OUTCOME_forwarded : OUTCOME_kernel_device;
}

/* The transport's number and ports; 0 where they are not in sight. The hop-by-hop header was walked over before. */
static uint32_t packet_ports(const struct rte_mbuf *packet, const uint8_t *ip6)
{
	uint32_t at = IPV6_LEN, next = ip6[IPV6_NEXT_HEADER_AT];

	if (next == NEXT_HEADER_HOP_BY_HOP) {
		next = ip6[at];
		at += (ip6[at + 1] + 1U) * 8;
	}
	if ((next != NEXT_HEADER_TCP && next != NEXT_HEADER_UDP) ||
	    ETHERNET_LEN + at + sizeof(uint32_t) > packet->data_len)
		return 0;
	return be32_load(ip6 + at) ^ next << 8;
}

/* The same for all packets of a flow, with a trace or without. */
static uint32_t packet_hash(const struct rte_mbuf *packet, const uint8_t *ip6, uint32_t policy)
{
	uint32_t more = policy == FORWARD_HASH_L4 ? packet_ports(packet, ip6) : be32_load(ip6) & IPV6_FLOW_LABEL;

	return rte_jhash(ip6 + IPV6_SOURCE_AT, 2 * TABLE_ADDRESS_LEN, more);
}

/* Of several next hops one. */
static uint64_t group_pick(const struct forward_shared *shared, const struct rte_mbuf *packet, const uint8_t *ip6,
			   uint64_t number)
{
	uint32_t policy = __atomic_load_n(&shared->hash_policy, __ATOMIC_RELAXED);

	if (policy > FORWARD_HASH_L4)
		return TABLE_HOP_KERNEL;
	return table_pick(&shared->table, number, packet_hash(packet, ip6, policy));
}

/* The frame as it leaves; padding stays behind. */
static inline void packet_send_on(struct rte_mbuf *packet, const struct hop *hop)
{
	uint8_t *frame = rte_pktmbuf_mtod(packet, uint8_t *), *ip6 = frame + ETHERNET_LEN;
	uint16_t len = (uint16_t)(ETHERNET_LEN + IPV6_LEN + be16_load(ip6 + IPV6_PAYLOAD_LEN_AT));

	packet->data_len = len;
	packet->pkt_len = len;
	memcpy(frame, hop->addresses, ADDRESSES_LEN);
	ip6[IPV6_HOP_LIMIT_AT]--;
}

/* What a burst is sorted into. */
struct sorted {
	struct rte_mbuf *up[FORWARD_BURST]; /* to the kernel */
	uint16_t up_count, kept, times;
};

static inline void sorted_up(struct sorted *sorted, struct forward *forward, struct rte_mbuf *packet, enum outcome why)
{
	sorted->up[sorted->up_count++] = packet;
	forward->counts[why]++;
}

/* The first look, at the packets alone. */
static void burst_check(struct forward *forward, const struct self *self, unsigned int ingress, struct sorted *sorted,
			struct rte_mbuf **packets, uint16_t count, uint8_t destinations[][TABLE_ADDRESS_LEN],
			int64_t *unix_ns, uint16_t time_count)
{
	const struct forward_port *port = &forward->shared->ports[ingress];

	for (uint16_t i = 0; i < RTE_MIN(count, PREFETCH); i++)
		rte_prefetch0(rte_pktmbuf_mtod(packets[i], void *));
	for (uint16_t i = 0; i < count; i++) {
		struct rte_mbuf *packet = packets[i];
		enum outcome outcome;

		if (i + PREFETCH < count)
			rte_prefetch0(rte_pktmbuf_mtod(packets[i + PREFETCH], void *));
		outcome = packet_check(port, self, packet);
		if (unlikely(outcome != OUTCOME_forwarded)) {
			sorted_up(sorted, forward, packet, outcome);
			continue;
		}
		memcpy(destinations[sorted->kept],
		       rte_pktmbuf_mtod_offset(packet, uint8_t *, ETHERNET_LEN + IPV6_DESTINATION_AT),
		       TABLE_ADDRESS_LEN);
		if (i < time_count)
			unix_ns[sorted->times++] = unix_ns[i];
		packets[sorted->kept++] = packet;
	}
}

/* The second, at where they go. */
static void burst_route(struct forward *forward, unsigned int ingress, struct sorted *sorted, struct rte_mbuf **packets,
			const uint64_t *numbers, uint16_t *egress, int64_t *unix_ns)
{
	struct table *table = &forward->shared->table;
	uint16_t count = sorted->kept, time_count = sorted->times;

	sorted->kept = sorted->times = 0;
	for (uint16_t i = 0; i < count; i++) {
		struct rte_mbuf *packet = packets[i];
		const uint8_t *ip6 = rte_pktmbuf_mtod_offset(packet, const uint8_t *, ETHERNET_LEN);
		uint64_t number = numbers[i];
		const struct hop *hop;
		enum outcome outcome;

		if (unlikely(table_is_group(number)))
			number = group_pick(forward->shared, packet, ip6, number);
		table_use(table, number);
		hop = table_hop_at(table, number);
		outcome = hop_check(hop, number, ingress, ip6);

		if (unlikely(outcome != OUTCOME_forwarded)) {
			sorted_up(sorted, forward, packet, outcome);
			continue;
		}
		packet_send_on(packet, hop);
		if (i < time_count)
			unix_ns[sorted->times++] = unix_ns[i];
		egress[sorted->kept] = hop->port;
		packets[sorted->kept++] = packet;
	}
}

uint16_t forward_packets(struct forward *forward, const struct self *self, unsigned int ingress,
			 struct rte_mbuf **packets, uint16_t count, uint16_t *egress, int64_t *unix_ns,
			 uint16_t *time_count)
{
	uint8_t destinations[FORWARD_BURST][TABLE_ADDRESS_LEN];
	uint64_t numbers[FORWARD_BURST];
	struct table *table = &forward->shared->table;
	struct rte_fib6 *routes = __atomic_load_n(&table->routes, __ATOMIC_ACQUIRE);
	struct sorted sorted;

	sorted.up_count = sorted.kept = sorted.times = 0;
	if (likely(routes)) {
		burst_check(forward, self, ingress, &sorted, packets, count, destinations, unix_ns, *time_count);
		rte_fib6_lookup_bulk(routes, TABLE_ADDRESS(destinations), numbers, sorted.kept);
		burst_route(forward, ingress, &sorted, packets, numbers, egress, unix_ns);
	} else {
		for (uint16_t i = 0; i < count; i++)
			sorted_up(&sorted, forward, packets[i], table->why);
	}
	if (unlikely(sorted.up_count))
		to_kernel(forward, ingress, sorted.up, sorted.up_count);
	*time_count = sorted.times;
	return sorted.kept;
}

uint16_t forward_from_kernel(struct forward *forward, struct rte_mbuf **packets, uint16_t max)
{
	unsigned int count;

	if (!forward->shared || forward->number)
		return 0;
	count = rte_ring_sc_dequeue_burst(forward->shared->from_kernel, (void **)packets, max, NULL);
	forward->counts[OUTCOME_from_kernel] += count;
	return (uint16_t)count;
}

bool forward_sleep(struct forward *forward)
{
	struct forward_shared *shared = forward->shared;

	if (!shared || forward->number)
		return true;
	__atomic_store_n(&shared->worker_sleeps, 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (rte_ring_empty(shared->from_kernel))
		return true;
	__atomic_store_n(&shared->worker_sleeps, 0, __ATOMIC_RELAXED);
	return false;
}

void forward_wake(struct forward *forward)
{
	struct forward_shared *shared = forward->shared;
	uint64_t times;

	if (!shared || forward->number)
		return;
	__atomic_store_n(&shared->worker_sleeps, 0, __ATOMIC_RELAXED);
	/* Who has found us asleep may write to it only after this: then the next sleep is a short one. */
	if (read(shared->worker_fd, &times, sizeof(times)) < 0)
		return;
}
