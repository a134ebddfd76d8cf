/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The transit step. Ethernet type and next header are all that is read of a frame without a trace; everything malformed
 * passes as it came. The hop limit is not touched: this node is a bump in the wire.
 */
#include "transit.h"

#include <rte_branch_prediction.h>
#include <rte_errno.h>
#include <rte_prefetch.h>

#include "wire/ethernet.h"
#include "wire/node.h"

enum { PREFETCH = 4 };

int transit_init(struct transit *transit, struct self *self, const struct clock *clock)
{
	static const struct rte_mbuf_dynfield field = {
		.name = "hopspan_stay",
		.size = sizeof(struct stay),
		.align = __alignof__(struct stay),
	};
	static const struct rte_mbuf_dynflag flag = { .name = "hopspan_stay" };
	int bit;

	*transit = (struct transit){ .self = self, .clock = clock };
	transit->stay_at = rte_mbuf_dynfield_register(&field);
	bit = rte_mbuf_dynflag_register(&flag);
	if (transit->stay_at < 0 || bit < 0)
		return -rte_errno;
	transit->stay_flag = RTE_BIT64(bit);
	return 0;
}

/* What a burst's packets have in common. */
struct burst {
	struct ioam6_node node;
	const struct ioam6_namespace *namespace; /* whose data `node` has */
	uint64_t ticks;
	int64_t tai_ns; /* of `ticks` */
	struct clock_scale scale;
	const struct arrivals *arrivals;
};

static void burst_begin(struct burst *burst, const struct transit *transit, unsigned int ingress, uint64_t ticks,
			const struct arrivals *arrivals)
{
	const struct self *self = transit->self;

	burst->scale = clock_scale(transit->clock);
	burst->arrivals = arrivals;
	burst->ticks = ticks;
	burst->tai_ns = scale_tai_ns(&burst->scale, ticks);
	burst->node = (struct ioam6_node)IOAM6_NODE_UNKNOWN;
	burst->namespace = NULL;
	burst->node.id = self->id;
	burst->node.id_wide = self->id_wide;
	burst->node.ingress_if = self->interfaces[ingress].id;
	burst->node.ingress_if_wide = self->interfaces[ingress].wide;
}

static void burst_time(struct burst *burst, const struct self *self, uint16_t id, int64_t arrived_ns)
{
	const struct ioam6_namespace *namespace =
	    ioam6_namespace_at(&self->namespaces, ioam6_namespace_place(&self->namespaces, id));

	if (unlikely(namespace != burst->namespace)) {
		ioam6_namespace_set(&burst->node, namespace);
		burst->namespace = namespace;
	}
	ioam6_time_set(&burst->node, namespace->time, (uint64_t)arrived_ns, (uint64_t)self->tai_to_utc_ns);
}

/*
 * Octets before an IPv6 header that is said to be followed by options; 0: no such frame. Only a frame with a VLAN tag
 * costs more than a look at its type.
 */
static inline uint16_t packet_options_at(struct rte_mbuf *packet)
{
	const uint8_t *frame = rte_pktmbuf_mtod(packet, uint8_t *), *ip6;
	uint16_t at = ETHERNET_LEN, type;

	if (packet->data_len < ETHERNET_LEN + IPV6_LEN)
		return 0;
	type = be16_load(frame + ETHERNET_TYPE_AT);
	if (unlikely(ethertype_is_vlan(type))) {
		at = (uint16_t)ethernet_ip6_at(frame, frame + packet->data_len);
		if (!at || packet->data_len < at + IPV6_LEN)
			return 0;
	} else if (type != ETHERTYPE_IPV6) {
		return 0;
	}
	ip6 = frame + at;
	return ip6[IPV6_NEXT_HEADER_AT] == NEXT_HEADER_HOP_BY_HOP && ipv6_is(ip6) ? at : 0;
}

/*
 * The packet's end by its own account, or NULL if the frame is shorter than that. Padding of a frame is no data; a
 * payload length of 0 says nothing. Of a packet in several pieces it is the end of the first.
 */
static const uint8_t *packet_end(struct rte_mbuf *packet, const uint8_t *ip6, uint32_t ip6_at)
{
	uint32_t payload_len = be16_load(ip6 + IPV6_PAYLOAD_LEN_AT), linear = packet->data_len - ip6_at;

	if (!ipv6_is_whole(ip6, packet->pkt_len - ip6_at))
		return NULL;
	return ip6 + (payload_len ? RTE_MIN(IPV6_LEN + payload_len, linear) : linear);
}

/* No trace of our namespace in a packet that has options: of another's? */
static enum outcome other_outcome(uint8_t *ip6, const uint8_t *end)
{
	struct ioam6_found found;
	enum outcome why;

	if (!ioam6_find(ip6, end, IOAM6_NAMESPACE_ANY, &found, &why))
		return why;
	return found.option ? OUTCOME_other_options : OUTCOME_pass;
}

static void stay_begin(const struct transit *transit, struct rte_mbuf *packet, const struct stay *begun)
{
	packet->ol_flags |= transit->stay_flag;
	*transit_stay(transit, packet) = *begun;
}

/* Packet `n` of the burst; its IPv6 header is at `ip6_at`. */
static enum outcome packet_append(const struct transit *transit, struct rte_mbuf *packet, uint16_t ip6_at,
				  struct burst *burst, uint16_t n)
{
	struct stay stay = { .taken_ticks = burst->ticks, .ip6_at = ip6_at };
	uint8_t *ip6 = rte_pktmbuf_mtod_offset(packet, uint8_t *, ip6_at);
	const uint8_t *end = packet_end(packet, ip6, ip6_at);
	struct ioam6_found found;
	enum outcome outcome;
	int64_t arrived_ns;
	uint32_t slot;

	if (!end)
		return OUTCOME_bad_truncated;
	if (!ioam6_find_known(ip6, end, &transit->self->namespaces.known, &found, &outcome))
		return outcome;
	if (!found.option)
		return found.others ? other_outcome(ip6, end) : OUTCOME_pass;
	stay.before_ns = arrival_before_ns(burst->arrivals, packet, n, &burst->scale, burst->ticks, burst->tai_ns);
	arrived_ns = burst->tai_ns - stay.before_ns;
	burst_time(burst, transit->self, found.trace.namespace, arrived_ns);
	burst->node.hop_limit = ip6[IPV6_HOP_LIMIT_AT];
	outcome = ioam6_append(ip6, end, &found, &burst->node, &slot);
	if (outcome != OUTCOME_appended)
		return outcome;
	stay.type = found.trace.type;
	stay.slot = (uint16_t)slot;
	stay_begin(transit, packet, &stay);
	return outcome;
}

void transit_arrive(struct transit *transit, struct rte_mbuf **packets, uint16_t count, unsigned int ingress,
		    uint64_t ticks, const struct arrivals *arrivals)
{
	struct burst burst;
	uint16_t with_options = 0;

	for (uint16_t i = 0; i < RTE_MIN(count, PREFETCH); i++)
		rte_prefetch0(rte_pktmbuf_mtod(packets[i], void *));
	for (uint16_t i = 0; i < count; i++) {
		uint16_t ip6_at;

		if (i + PREFETCH < count)
			rte_prefetch0(rte_pktmbuf_mtod(packets[i + PREFETCH], void *));
		ip6_at = packet_options_at(packets[i]);
		if (likely(!ip6_at))
			continue;
		if (with_options++ == 0)
			burst_begin(&burst, transit, ingress, ticks, arrivals);
		transit->counts[packet_append(transit, packets[i], ip6_at, &burst, i)]++;
	}
	transit->counts[OUTCOME_pass] += count - with_options;
}

static void packet_complete(const struct transit *transit, struct rte_mbuf *packet, unsigned int egress, uint64_t ticks)
{
	const struct stay *stay = transit_stay(transit, packet);
	uint8_t *ip6 = rte_pktmbuf_mtod_offset(packet, uint8_t *, stay->ip6_at);
	struct ioam6_node node = {
		.egress_if = transit->self->interfaces[egress].id,
		.egress_if_wide = transit->self->interfaces[egress].wide,
		.delay_ns =
		    ioam6_delay((uint64_t)stay->before_ns + clock_ns(transit->clock, ticks - stay->taken_ticks)),
		.queue = stay->queue_bytes,
	};

	ioam6_complete(ip6, rte_pktmbuf_mtod(packet, uint8_t *) + packet->data_len, stay->slot, stay->type, &node);
}

static inline bool packet_has_stay(const struct transit *transit, const struct rte_mbuf *packet)
{
	return packet->ol_flags & transit->stay_flag;
}

uint32_t transit_depart(struct transit *transit, struct rte_mbuf **packets, uint16_t count, unsigned int egress,
			uint64_t ticks)
{
	uint32_t completed = 0;

	for (uint16_t i = 0; i < count; i++) {
		if (likely(!packet_has_stay(transit, packets[i])))
			continue;
		packet_complete(transit, packets[i], egress, ticks);
		completed++;
	}
	return completed;
}

uint32_t transit_count(const struct transit *transit, struct rte_mbuf **packets, uint16_t count)
{
	uint32_t with_stay = 0;

	for (uint16_t i = 0; i < count; i++)
		with_stay += packet_has_stay(transit, packets[i]);
	return with_stay;
}
