/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A port's own egress queue, bounded in octets and packets. It is where packets wait when the port does not take them,
 * so its depth is what a packet meets; what does not fit is dropped here and counted, nowhere else.
 */
#ifndef HOPSPAN_DPDK_QUEUE_H
#define HOPSPAN_DPDK_QUEUE_H

#include <rte_mbuf.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	QUEUE_PACKETS = 1024, /* a power of 2 */
	QUEUE_BYTES_DEFAULT = 1024 * 1024,
};

struct queue {
	uint64_t bytes, bytes_max; /* frames without FCS, as Linux counts a qdisc's backlog */
	uint32_t packets_max;	   /* at most QUEUE_PACKETS */
	uint32_t head, tail;	   /* head: next to leave; they run freely */
	struct rte_mbuf *packets[QUEUE_PACKETS];
};

void queue_init(struct queue *queue, uint64_t bytes_max, uint32_t packets_max);

static inline uint32_t queue_count(const struct queue *queue)
{
	return queue->tail - queue->head;
}

/* False: full, the packet stays the caller's. An empty queue takes any packet. */
static inline bool queue_put(struct queue *queue, struct rte_mbuf *packet)
{
	uint32_t count = queue_count(queue);

	if (count >= queue->packets_max || (count && queue->bytes + packet->pkt_len > queue->bytes_max))
		return false;
	queue->packets[queue->tail++ % QUEUE_PACKETS] = packet;
	queue->bytes += packet->pkt_len;
	return true;
}

/* The next packets in one piece, at most `max`. They stay in the queue until queue_drop_front(). */
static inline uint16_t queue_front(struct queue *queue, struct rte_mbuf ***packets, uint16_t max)
{
	uint32_t at = queue->head % QUEUE_PACKETS;
	uint32_t count = RTE_MIN(queue_count(queue), QUEUE_PACKETS - at);

	*packets = &queue->packets[at];
	return (uint16_t)RTE_MIN(count, (uint32_t)max);
}

/* The first `count` packets, of `bytes` in all, have left. */
static inline void queue_drop_front(struct queue *queue, uint16_t count, uint64_t bytes)
{
	queue->head += count;
	queue->bytes -= bytes;
}

/* Frees all that is left; how many that were. */
uint32_t queue_clear(struct queue *queue);

#endif
