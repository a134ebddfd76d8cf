/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Beginning and end of egress queues; what happens per packet is in the header. */
#include "queue.h"

#include <errno.h>
#include <rte_malloc.h>

/* How long so many octets take at the rate. */
static uint64_t bytes_ns(uint64_t bytes, uint64_t rate)
{
	return (uint64_t)((unsigned __int128)bytes * 8 * NS_PER_S / rate);
}

void line_init(struct line *line, const struct config_port *config, const struct clock *clock)
{
	*line = (struct line){ .bytes_max = config->queue_bytes, .packets_max = config->queue_packets };
	if (!config->rate)
		return;
	line->ticks_per_byte = clock_ticks(clock, bytes_ns(1ULL << LINE_PART_BITS, config->rate));
	line->credit_ticks = clock_ticks(clock, config->burst ? bytes_ns(config->burst, config->rate) : LINE_CREDIT_NS);
	line->free_ticks = rte_rdtsc();
}

int queue_init(struct queue *queue, struct line *line)
{
	uint32_t places = rte_align32pow2(line->packets_max);

	*queue = (struct queue){ .line = line, .mask = places - 1 };
	queue->packets = rte_zmalloc("egress", places * sizeof(struct rte_mbuf *), RTE_CACHE_LINE_SIZE);
	if (!queue->packets)
		return -ENOMEM;
	line->queues[line->queue_count++] = queue;
	return 0;
}

uint32_t queue_clear(struct queue *queue)
{
	struct rte_mbuf **packets;
	uint32_t cleared = 0;
	uint16_t count;

	while ((count = queue_front(queue, &packets, UINT16_MAX)) > 0) {
		rte_pktmbuf_free_bulk(packets, count);
		queue_drop_front(queue, count, 0);
		cleared += count;
	}
	__atomic_store_n(&queue->bytes, 0, __ATOMIC_RELAXED);
	return cleared;
}
