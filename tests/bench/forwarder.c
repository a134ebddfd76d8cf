/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * hopspan-dpdk's own objects, linked with --wrap, and two telemetry commands for dpdk.py, obeyed between two bursts:
 *
 *	/bench/kind,STEP:LONG:TAGGED:FULL
 *	/bench/counters		packets by outcome; cpu_ns: what the worker has had of its processor
 *
 * STEP is what the transit step does: 0 nothing, it is left out; 1 its work; 2 its work, by times of each packet. The
 * rest is what packets are from now on, which have numbers in their frames: those below LONG that are of WHOLE_LEN
 * stay so, others are cut to SHORT_LEN; those below TAGGED have options, others are said to be UDP; FULL sets the
 * overflow flag. So all kinds of packets lie in the same memory, where net_pcap copies them from: two processes, or
 * two captures, differ by more than what is to be measured. Until then HOPSPAN_BENCH_STEP is STEP.
 */
#include <rte_mempool.h>
#include <rte_telemetry.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dpdk-app/transit.h"
#include "wire/usual.h"

enum {
	NUMBER_AT = 10, /* in the frame: the end of the source address */
	SHORT_LEN = 64,
	WHOLE_LEN = 232, /* of a frame that may be cut */
	OVERFLOW = IOAM6_FLAG_OVERFLOW << 7,
};

struct kind {
	unsigned int step, longer, tagged, full;
};

static struct kind kind = { .step = 1 };

/* What the worker is asked for, and what it answers. */
struct order {
	bool is_kind;
	struct kind kind;
	uint64_t cpu_ns, counts[OUTCOME_COUNT];
};

static struct order *next; /* the worker takes it and leaves NULL */

/* Any mbuf of the pool: one that net_pcap copies from, or one that is free, or about to be. */
static void packet_set(struct rte_mempool *pool, void *arg, void *object, unsigned int n)
{
	struct rte_mbuf *packet = object;
	uint8_t *frame = (uint8_t *)packet->buf_addr + RTE_PKTMBUF_HEADROOM, *ip6 = frame + ETHERNET_LEN;
	uint8_t *lengths = ip6 + USUAL_LENGTHS_AT;
	uint32_t number = be16_load(frame + NUMBER_AT);

	(void)pool;
	(void)arg;
	(void)n;
	if (be16_load(frame + ETHERNET_TYPE_AT) != ETHERTYPE_IPV6)
		return;
	if (packet->pkt_len == SHORT_LEN || packet->pkt_len == WHOLE_LEN)
		packet->pkt_len = packet->data_len = number < kind.longer ? WHOLE_LEN : SHORT_LEN;
	be16_store(ip6 + IPV6_PAYLOAD_LEN_AT, (uint16_t)(packet->pkt_len - ETHERNET_LEN - IPV6_LEN));
	ip6[IPV6_NEXT_HEADER_AT] = number < kind.tagged ? NEXT_HEADER_HOP_BY_HOP : NEXT_HEADER_UDP;
	be16_store(lengths, (uint16_t)((be16_load(lengths) & ~OVERFLOW) | (kind.full ? OVERFLOW : 0)));
}

static void pool_set(struct rte_mempool *pool, void *arg)
{
	rte_mempool_obj_iter(pool, packet_set, arg);
}

static void order_obey(const struct transit *transit)
{
	struct order *order = __atomic_load_n(&next, __ATOMIC_ACQUIRE);
	struct timespec now;

	if (likely(!order))
		return;
	if (order->is_kind) {
		kind = order->kind;
		rte_mempool_walk(pool_set, NULL);
	}
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	order->cpu_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	memcpy(order->counts, transit->counts, sizeof(order->counts));
	__atomic_store_n(&next, NULL, __ATOMIC_RELEASE);
}

static void order_give(struct order *order)
{
	__atomic_store_n(&next, order, __ATOMIC_RELEASE);
	while (__atomic_load_n(&next, __ATOMIC_ACQUIRE))
		usleep(100);
}

static int kind_answer(const char *command, const char *params, struct rte_tel_data *data)
{
	struct order order = { .is_kind = true };
	struct kind *wanted = &order.kind;

	(void)command;
	if (!params ||
	    sscanf(params, "%u:%u:%u:%u", &wanted->step, &wanted->longer, &wanted->tagged, &wanted->full) != 4)
		return -EINVAL;
	order_give(&order);
	return rte_tel_data_string(data, "done");
}

static int counters_answer(const char *command, const char *params, struct rte_tel_data *data)
{
#define OUTCOME_NAME(name, text) #name,
	static const char *const names[] = { OUTCOME_LIST(OUTCOME_NAME) };
	struct order order = { .is_kind = false };
	int err;

	(void)command;
	(void)params;
	order_give(&order);
	rte_tel_data_start_dict(data);
	err = rte_tel_data_add_dict_u64(data, "cpu_ns", order.cpu_ns);
	for (unsigned int i = 0; i < OUTCOME_COUNT && !err; i++)
		err = rte_tel_data_add_dict_u64(data, names[i], order.counts[i]);
	return err;
}

RTE_INIT(bench_init)
{
	const char *step = getenv("HOPSPAN_BENCH_STEP");

	if (step)
		kind.step = (unsigned int)atoi(step);
	rte_telemetry_register_cmd("/bench/kind", kind_answer, "What the packets are: STEP:LONG:TAGGED:FULL");
	rte_telemetry_register_cmd("/bench/counters", counters_answer, "Packets by outcome. Takes no parameters");
}

void __real_transit_arrive(struct transit *transit, struct rte_mbuf **packets, uint16_t count, unsigned int ingress,
			   uint64_t ticks, const struct arrivals *arrivals);
void __wrap_transit_arrive(struct transit *transit, struct rte_mbuf **packets, uint16_t count, unsigned int ingress,
			   uint64_t ticks, const struct arrivals *arrivals);
uint32_t __real_transit_depart(struct transit *transit, struct rte_mbuf **packets, uint16_t count, unsigned int egress,
			       uint64_t ticks);
uint32_t __wrap_transit_depart(struct transit *transit, struct rte_mbuf **packets, uint16_t count, unsigned int egress,
			       uint64_t ticks);

void __wrap_transit_arrive(struct transit *transit, struct rte_mbuf **packets, uint16_t count, unsigned int ingress,
			   uint64_t ticks, const struct arrivals *arrivals)
{
	static const struct arrival counter = { .source = ARRIVAL_COUNTER };
	static const struct arrivals by_counter = { .of = &counter };

	order_obey(transit);
	if (kind.step)
		__real_transit_arrive(transit, packets, count, ingress, ticks, kind.step == 2 ? &by_counter : arrivals);
}

uint32_t __wrap_transit_depart(struct transit *transit, struct rte_mbuf **packets, uint16_t count, unsigned int egress,
			       uint64_t ticks)
{
	return kind.step ? __real_transit_depart(transit, packets, count, egress, ticks) : 0;
}
