/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * When packets arrived, as well as their port can tell:
 *
 *	the device	its own time of each packet, where its driver offers that and the clock that it is of
 *	the kernel	the time at which a packet came into an af_packet ring
 *	the counter	the CPU's, read at each packet
 *	the burst	once for all that the driver handed over together
 */
#ifndef HOPSPAN_DPDK_ARRIVAL_H
#define HOPSPAN_DPDK_ARRIVAL_H

#include <rte_mbuf.h>
#include <rte_mbuf_dyn.h>
#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "config.h"

enum { ARRIVAL_BURST_MAX = 64, ARRIVAL_NS_MAX = 1000000000 };

enum arrival_source { ARRIVAL_BURST, ARRIVAL_COUNTER, ARRIVAL_KERNEL, ARRIVAL_DEVICE };

/* Of a port. */
struct arrival {
	struct clock clock; /* the device's */
	enum arrival_source source;
	int time_at; /* of the device's time in the mbuf, if the flag is set */
	uint64_t time_flag;
};

/* Of a burst; the first unix_count packets had come at unix_ns, by the kernel's clock. */
struct arrivals {
	const struct arrival *of;
	uint16_t unix_count;
	int64_t unix_ns[ARRIVAL_BURST_MAX];
};

/* Before a port is configured: the offloads that it takes for the times that are wanted. */
uint64_t arrival_offloads(enum config_times times, uint64_t offered);

/*
 * Once it runs. `offloads`: it was configured with; has_ring: the kernel's times can be read. -ENOTSUP: hardware times
 * were asked for and are not to be had.
 */
int arrival_init(struct arrival *arrival, enum config_times times, uint16_t port, uint64_t offloads, bool has_ring);

/* For people, and for programs. */
const char *arrival_source_name(enum arrival_source source);

static inline int64_t arrival_device_ns(const struct arrival *arrival, const struct rte_mbuf *packet, int64_t taken_ns)
{
	if (!(packet->ol_flags & arrival->time_flag))
		return taken_ns;
	return clock_tai_ns(&arrival->clock,
			    *RTE_MBUF_DYNFIELD(packet, arrival->time_at, const rte_mbuf_timestamp_t *));
}

/*
 * How long packet `n` of a burst had been here when that was taken, at `ticks` and `taken_ns`. By the counter it comes
 * after the burst: that is negative. What cannot be, because somebody has set the clock, is 0. `source` is that of
 * `arrivals`, a constant where each cycle counts.
 */
static __rte_always_inline int32_t arrival_before_ns(const struct arrivals *arrivals, enum arrival_source source,
						     const struct rte_mbuf *packet, uint16_t n,
						     const struct clock_scale *scale, uint64_t ticks, int64_t taken_ns)
{
	int64_t before_ns = 0;

	if (source == ARRIVAL_BURST)
		return 0;
	if (source == ARRIVAL_COUNTER)
		return -(int32_t)ticks_ns_soon(rte_rdtsc() - ticks, scale->ns_per_tick);
	if (source == ARRIVAL_DEVICE)
		before_ns = taken_ns - arrival_device_ns(arrivals->of, packet, taken_ns);
	else if (n < arrivals->unix_count)
		before_ns = taken_ns - (arrivals->unix_ns[n] + scale->unix_to_tai_ns);
	return before_ns < 0 || before_ns > ARRIVAL_NS_MAX ? 0 : (int32_t)before_ns;
}

#endif
