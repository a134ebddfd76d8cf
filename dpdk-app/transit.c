/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The transit step. Ethernet type and next header are all that is read of a frame without a trace; everything malformed
 * passes as it came. The hop limit is not touched: this node is a bump in the wire.
 *
 * A burst is any mix of packets, which no branch could foretell: so first it is sorted without one, and then those that
 * have options get their data, nearly all by wire/usual.h, and what that is not certain of by wire/node.h.
 */
#include "transit.h"

#include <rte_branch_prediction.h>
#include <rte_errno.h>

#include "wire/ethernet.h"
#include "wire/usual.h"

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
	transit_prepare(transit);
	return 0;
}

static void node_begin(struct ioam6_node *node, const struct self *self, unsigned int ingress)
{
	*node = (struct ioam6_node)IOAM6_NODE_UNKNOWN;
	node->id = self->id;
	node->id_wide = self->id_wide;
	node->ingress_if = self->interfaces[ingress].id;
	node->ingress_if_wide = self->interfaces[ingress].wide;
}

void transit_prepare(struct transit *transit)
{
	const struct ioam6_namespace *first = &transit->self->namespaces.list[0];
	struct ioam6_node node;

	for (unsigned int ingress = 0; ingress < PORTS_MAX; ingress++) {
		node_begin(&node, transit->self, ingress);
		ioam6_namespace_set(&node, first);
		usual_node_make(&transit->usual[ingress], first, &node);
	}
}

/* What a burst's packets have in common. */
struct burst {
	const struct transit *transit;
	const struct arrivals *arrivals;
	struct clock_scale scale;
	unsigned int ingress;
	uint64_t ticks;
	int64_t tai_ns;		  /* of `ticks` */
	uint32_t fraction;	  /* of `tai_ns`, in the first namespace */
	bool is_ptp;		  /* there */
	struct usual_node *usual; /* with this time: the node's data there, for a packet that came with the burst */
};

static const struct ioam6_namespace *burst_first(const struct burst *burst)
{
	return &burst->transit->self->namespaces.list[0];
}

static void burst_time(const struct burst *burst, const struct ioam6_namespace *namespace, int64_t arrived_ns,
		       struct ioam6_node *node)
{
	ioam6_time_set(node, namespace->time, (uint64_t)arrived_ns, (uint64_t)burst->transit->self->tai_to_utc_ns);
}

static void burst_begin(struct burst *burst, struct transit *transit, unsigned int ingress, uint64_t ticks,
			const struct arrivals *arrivals)
{
	struct ioam6_node node;

	burst->transit = transit;
	burst->arrivals = arrivals;
	burst->scale = clock_scale(transit->clock);
	burst->ingress = ingress;
	burst->ticks = ticks;
	burst->tai_ns = scale_tai_ns(&burst->scale, ticks);
	burst->usual = &transit->usual[ingress];
	burst_time(burst, burst_first(burst), burst->tai_ns, &node);
	burst->fraction = node.fraction;
	burst->is_ptp = burst_first(burst)->time == IOAM6_TIME_PTP;
	usual_node_time(burst->usual, node.fraction);
}

/* What the usual data has to say of a packet that came so long before. */
static inline uint32_t burst_fraction(const struct burst *burst, int32_t before_ns)
{
	int64_t fraction = (int64_t)burst->fraction - before_ns;
	struct ioam6_node node;

	if (likely(burst->is_ptp && (uint64_t)fraction < IOAM6_NS_PER_S))
		return (uint32_t)fraction;
	burst_time(burst, burst_first(burst), burst->tai_ns - before_ns, &node);
	return node.fraction;
}

/* How long packet `n` had been here when its burst was taken. */
static __rte_always_inline int32_t burst_before_ns(const struct burst *burst, enum arrival_source source,
						   const struct rte_mbuf *packet, uint16_t n)
{
	return arrival_before_ns(burst->arrivals, source, packet, n, &burst->scale, burst->ticks, burst->tai_ns);
}

/* An IPv6 header behind a link layer of `ip6_at` octets, and options said to follow? */
static bool packet_has_options(struct rte_mbuf *packet, uint32_t ip6_at)
{
	const uint8_t *ip6 = rte_pktmbuf_mtod_offset(packet, const uint8_t *, ip6_at);

	return ip6_at && packet->data_len >= ip6_at + IPV6_LEN && ipv6_is(ip6) &&
	       ip6[IPV6_NEXT_HEADER_AT] == NEXT_HEADER_HOP_BY_HOP;
}

static const uint8_t *packet_linear_end(struct rte_mbuf *packet)
{
	return rte_pktmbuf_mtod_offset(packet, const uint8_t *, packet->data_len);
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

/* To the usual trace, known to be there. */
static __rte_always_inline enum outcome append_usual(const struct burst *burst, struct rte_mbuf *packet, uint16_t n,
						     enum arrival_source source)
{
	uint8_t *ip6 = rte_pktmbuf_mtod_offset(packet, uint8_t *, ETHERNET_LEN);
	uint32_t data_at = 0;
	enum outcome outcome = usual_append(burst->usual, ip6, &data_at);
	struct stay *stay = transit_stay(burst->transit, packet);

	if (unlikely(outcome != OUTCOME_appended))
		return outcome;
	packet->ol_flags |= burst->transit->stay_flag;
	stay->taken_ticks = burst->ticks;
	stay->before_ns = burst_before_ns(burst, source, packet, n);
	stay->type = IOAM6_USUAL_TYPE;
	stay->data_at = (uint16_t)(packet->data_off + ETHERNET_LEN + data_at);
	if (source != ARRIVAL_BURST)
		be32_store(ip6 + data_at + USUAL_FRACTION_AT, burst_fraction(burst, stay->before_ns));
	return outcome;
}

/* To any trace in any header, if there is one. */
static enum outcome append_any(const struct burst *burst, struct rte_mbuf *packet, uint16_t n)
{
	const struct self *self = burst->transit->self;
	const struct ioam6_namespace *namespace;
	uint8_t *frame = rte_pktmbuf_mtod(packet, uint8_t *), *ip6;
	uint32_t ip6_at = ethernet_ip6_at(frame, packet_linear_end(packet)), slot = 0;
	struct stay *stay = transit_stay(burst->transit, packet);
	struct ioam6_found found;
	struct ioam6_node node;
	enum outcome outcome;
	const uint8_t *end;

	if (!packet_has_options(packet, ip6_at))
		return OUTCOME_pass;
	ip6 = frame + ip6_at;
	end = packet_end(packet, ip6, ip6_at);
	if (!end)
		return OUTCOME_bad_truncated;
	if (!ioam6_find_known(ip6, end, &self->namespaces.known, &found, &outcome))
		return outcome;
	if (!found.option)
		return found.others ? other_outcome(ip6, end) : OUTCOME_pass;
	*stay = (struct stay){
		.taken_ticks = burst->ticks,
		.before_ns = burst_before_ns(burst, burst->arrivals->of->source, packet, n),
		.type = found.trace.type,
	};
	namespace = ioam6_namespace_find(&self->namespaces, found.trace.namespace);
	node_begin(&node, self, burst->ingress);
	node.hop_limit = ip6[IPV6_HOP_LIMIT_AT];
	ioam6_namespace_set(&node, namespace);
	burst_time(burst, namespace, burst->tai_ns - stay->before_ns, &node);
	outcome = ioam6_append(ip6, end, &found, &node, &slot);
	if (outcome != OUTCOME_appended)
		return outcome;
	packet->ol_flags |= burst->transit->stay_flag;
	stay->data_at = (uint16_t)(packet->data_off + ip6_at + slot);
	return outcome;
}

/* A packet that is not like the one before. */
static __rte_noinline enum outcome append_other(const struct burst *burst, struct rte_mbuf *packet, uint16_t n)
{
	const uint8_t *frame = rte_pktmbuf_mtod(packet, const uint8_t *);

	if (be16_load(frame + ETHERNET_TYPE_AT) == ETHERTYPE_IPV6 &&
	    usual_find(burst->usual, frame + ETHERNET_LEN, packet_linear_end(packet)))
		return append_usual(burst, packet, n, burst->arrivals->of->source);
	return append_any(burst, packet, n);
}

static inline bool packet_is_like(const struct burst *burst, struct rte_mbuf *packet)
{
	const uint8_t *frame = rte_pktmbuf_mtod(packet, const uint8_t *);

	return be16_load(frame + ETHERNET_TYPE_AT) == ETHERTYPE_IPV6 &&
	       usual_is_like(burst->usual, frame + ETHERNET_LEN, packet_linear_end(packet));
}

/* The places in the burst of packets that may have options; all others certainly have none. How many. */
static uint16_t places_with_options(struct rte_mbuf **packets, uint16_t count, uint8_t *places)
{
	uint16_t found = 0;

#pragma GCC unroll 4
	for (uint16_t i = 0; i < count; i++) {
		const uint8_t *frame = rte_pktmbuf_mtod(packets[i], const uint8_t *);
		uint16_t is = usual_has_options(frame);

		if (unlikely(ethertype_is_vlan(be16_load(frame + ETHERNET_TYPE_AT))))
			is = 1;
		places[found] = (uint8_t)i;
		found += is;
	}
	return found;
}

/*
 * Those like the packet before get their data; of the others the places stay, how many is returned. Two loops, so that
 * nothing but the usual steps is in the way of the first.
 */
static __rte_always_inline uint16_t append_usuals(struct transit *transit, const struct burst *burst,
						  struct rte_mbuf **packets, uint8_t *places, uint16_t count,
						  enum arrival_source source)
{
	uint16_t others = 0;
	uint32_t appended = 0;

	for (uint16_t i = 0; i < count; i++) {
		uint8_t n = places[i];
		enum outcome outcome;

		if (unlikely(!packet_is_like(burst, packets[n]))) {
			places[others++] = n;
			continue;
		}
		outcome = append_usual(burst, packets[n], n, source);
		if (likely(outcome == OUTCOME_appended))
			appended++;
		else
			transit->counts[outcome]++;
	}
	transit->counts[OUTCOME_appended] += appended;
	return others;
}

void transit_arrive(struct transit *transit, struct rte_mbuf **packets, uint16_t count, unsigned int ingress,
		    uint64_t ticks, const struct arrivals *arrivals)
{
	uint8_t places[TRANSIT_BURST_MAX];
	uint16_t found = places_with_options(packets, count, places);
	struct burst burst;

	transit->counts[OUTCOME_pass] += count - found;
	if (!found)
		return;
	burst_begin(&burst, transit, ingress, ticks, arrivals);
	if (arrivals->of->source == ARRIVAL_BURST)
		found = append_usuals(transit, &burst, packets, places, found, ARRIVAL_BURST);
	else if (arrivals->of->source == ARRIVAL_COUNTER)
		found = append_usuals(transit, &burst, packets, places, found, ARRIVAL_COUNTER);
	else
		found = append_usuals(transit, &burst, packets, places, found, arrivals->of->source);
	for (uint16_t i = 0; i < found; i++)
		transit->counts[append_other(&burst, packets[places[i]], places[i])]++;
}

/* What departing packets have in common. */
struct departure {
	const struct transit *transit;
	uint64_t ticks;
	struct ioam6_node node;
};

static inline void packet_complete(struct departure *departure, struct rte_mbuf *packet)
{
	const struct stay *stay = transit_stay(departure->transit, packet);
	uint64_t since_ns = clock_ns(departure->transit->clock, departure->ticks - stay->taken_ticks);
	uint8_t *data = (uint8_t *)packet->buf_addr + stay->data_at;
	struct ioam6_node *node = &departure->node;

	node->delay_ns = ioam6_delay((uint64_t)stay->before_ns + since_ns);
	node->queue = stay->queue_bytes;
	if (likely(stay->type == IOAM6_USUAL_TYPE))
		usual_complete(data, node);
	else
		ioam6_complete(data, packet_linear_end(packet), 0, stay->type, node);
}

static bool any_with_stay(const struct transit *transit, struct rte_mbuf **packets, uint16_t count)
{
	uint64_t flags = 0;

#pragma GCC unroll 4
	for (uint16_t i = 0; i < count; i++)
		flags |= packets[i]->ol_flags;
	return flags & transit->stay_flag;
}

static uint16_t places_with_stay(const struct transit *transit, struct rte_mbuf **packets, uint16_t count,
				 uint8_t *places)
{
	uint16_t found = 0;

	if (likely(!any_with_stay(transit, packets, count)))
		return 0;
#pragma GCC unroll 4
	for (uint16_t i = 0; i < count; i++) {
		places[found] = (uint8_t)i;
		found += (packets[i]->ol_flags & transit->stay_flag) != 0;
	}
	return found;
}

uint32_t transit_depart(struct transit *transit, struct rte_mbuf **packets, uint16_t count, unsigned int egress,
			uint64_t ticks)
{
	uint8_t places[TRANSIT_BURST_MAX];
	uint16_t found = places_with_stay(transit, packets, count, places);
	struct departure departure = {
		.transit = transit,
		.ticks = ticks,
		.node.egress_if = transit->self->interfaces[egress].id,
		.node.egress_if_wide = transit->self->interfaces[egress].wide,
	};

	for (uint16_t n = 0; n < found; n++)
		packet_complete(&departure, packets[places[n]]);
	return found;
}

uint32_t transit_count(const struct transit *transit, struct rte_mbuf **packets, uint16_t count)
{
	uint8_t places[TRANSIT_BURST_MAX];

	return places_with_stay(transit, packets, count, places);
}
