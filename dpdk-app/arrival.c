/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Where a port's times of arrival come from. */
#define ALLOW_EXPERIMENTAL_API /* rte_eth_read_clock(), of DPDK 19.05 and still one */
#include "arrival.h"

#include <errno.h>
#include <rte_ethdev.h>

/* A driver that cannot be asked for its clock gives times that nobody else understands. */
static bool device_ticks(uint16_t port, uint64_t *ticks)
{
	return rte_eth_read_clock(port, ticks) == 0;
}

uint64_t arrival_offloads(enum config_times times, uint64_t offered)
{
	bool wanted = times == TIMES_AUTO || times == TIMES_HARDWARE;

	return wanted ? offered & RTE_ETH_RX_OFFLOAD_TIMESTAMP : 0;
}

static int device_init(struct arrival *arrival, uint16_t port)
{
	if (rte_mbuf_dyn_rx_timestamp_register(&arrival->time_at, &arrival->time_flag) < 0)
		return -ENOTSUP;
	return clock_add(&arrival->clock, device_ticks, port);
}

int arrival_init(struct arrival *arrival, enum config_times times, uint16_t port, uint64_t offloads, bool has_ring)
{
	int err = offloads & RTE_ETH_RX_OFFLOAD_TIMESTAMP ? device_init(arrival, port) : -ENOTSUP;

	if (!err)
		arrival->source = ARRIVAL_DEVICE;
	else if (times == TIMES_HARDWARE)
		return err;
	else if (times != TIMES_BURST && has_ring)
		arrival->source = ARRIVAL_KERNEL;
	else
		arrival->source = times == TIMES_PACKET ? ARRIVAL_COUNTER : ARRIVAL_BURST;
	return 0;
}

const char *arrival_source_name(enum arrival_source source)
{
	static const char *const names[] = { [ARRIVAL_BURST] = "burst",
					     [ARRIVAL_COUNTER] = "counter",
					     [ARRIVAL_KERNEL] = "kernel",
					     [ARRIVAL_DEVICE] = "device" };

	return names[source];
}
