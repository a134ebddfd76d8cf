/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Egress queues. Packets wait here and nowhere else, so a queue's depth is what a packet meets; what does not fit is
 * dropped here and counted.
 *
 *	worker 0 --> queue --.
 *	worker 1 --> queue ---+--> line: limits and rate of the port --> port
 *	worker 2 --> queue --'
 *
 * Each worker has a queue of its own for each port, without a lock. The limits are the port's: a packet that joins
 * counts what waits in all its queues, so together they hold no more, but for the bursts that several workers add at
 * the same moment. So is the rate: whoever comes first takes of it what it sends.
 */
#ifndef HOPSPAN_DPDK_QUEUE_H
#define HOPSPAN_DPDK_QUEUE_H

#include <rte_mbuf.h>
#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "config.h"
#include "wire/outcome.h"

enum {
	QUEUE_PACKETS_DEFAULT = 1024,
	QUEUE_PACKETS_MAX = 1 << 20,
	QUEUE_BYTES_DEFAULT = 1024 * 1024,
	LINE_CREDIT_NS = 200 * 1000,
	LINE_PART_BITS = 20,
};

struct queue;

/* What the queues of a port lead to. Octets are those of frames without FCS, as Linux counts a qdisc's backlog. */
struct line {
	uint64_t bytes_max;
	uint32_t packets_max;
	uint64_t ticks_per_byte; /* times 2^LINE_PART_BITS; 0: no rate */
	uint64_t credit_ticks;	 /* by so much of a pause packets may leave early afterwards */
	unsigned int queue_count;
	struct queue *queues[WORKERS_MAX];
	uint64_t free_ticks __rte_cache_aligned; /* when all that was sent will have left at the rate */
};

/* Written by its worker alone. */
struct queue {
	struct line *line;
	struct rte_mbuf **packets;
	uint32_t mask;	     /* places - 1 */
	uint32_t head, tail; /* head: next to leave; they run freely */
	uint64_t bytes;
	uint64_t bytes_most; /* that ever waited for the port when a packet joined */
	uint64_t drops;	     /* packets that did not fit */
} __rte_cache_aligned;

/* What waits for a port. */
struct backlog {
	uint64_t bytes;
	uint32_t packets;
};

void line_init(struct line *line, const struct config_port *config, const struct clock *clock);

/* One more queue of the line; at most WORKERS_MAX. 0 or -ENOMEM. */
int queue_init(struct queue *queue, struct line *line);

/* Frees all that is left; how many that were. */
uint32_t queue_clear(struct queue *queue);

static inline uint32_t queue_count(const struct queue *queue)
{
	return __atomic_load_n(&queue->tail, __ATOMIC_RELAXED) - __atomic_load_n(&queue->head, __ATOMIC_RELAXED);
}

static inline struct backlog queue_backlog(const struct queue *queue)
{
	return (struct backlog){ __atomic_load_n(&queue->bytes, __ATOMIC_RELAXED), queue_count(queue) };
}

/* In the other workers' queues: to be asked once for a burst. */
static inline struct backlog queue_others(const struct queue *queue)
{
	struct backlog others = { 0 };

	for (unsigned int i = 0; i < queue->line->queue_count; i++) {
		struct backlog one;

		if (queue->line->queues[i] == queue)
			continue;
		one = queue_backlog(queue->line->queues[i]);
		others.bytes += one.bytes;
		others.packets += one.packets;
	}
	return others;
}

/*
 * OUTCOME_forwarded: it will be, after *met octets. Any other: dropped, the packet stays the caller's. A port for which
 * nothing waits takes any packet.
 */
static inline enum outcome queue_put(struct queue *queue, struct rte_mbuf *packet, const struct backlog *others,
				     uint64_t *met)
{
	const struct line *line = queue->line;
	uint32_t count = queue->tail - queue->head, packets = count + others->packets;
	uint64_t bytes = queue->bytes + others->bytes;

	if (unlikely(packets >= line->packets_max || count > queue->mask)) {
		__atomic_store_n(&queue->drops, queue->drops + 1, __ATOMIC_RELAXED);
		return OUTCOME_drop_queue_packets;
	}
	if (unlikely(packets && bytes + packet->pkt_len > line->bytes_max)) {
		__atomic_store_n(&queue->drops, queue->drops + 1, __ATOMIC_RELAXED);
		return OUTCOME_drop_queue_full;
	}
	*met = bytes;
	queue->packets[queue->tail & queue->mask] = packet;
	__atomic_store_n(&queue->tail, queue->tail + 1, __ATOMIC_RELAXED);
	__atomic_store_n(&queue->bytes, queue->bytes + packet->pkt_len, __ATOMIC_RELAXED);
	if (unlikely(bytes > queue->bytes_most))
		__atomic_store_n(&queue->bytes_most, bytes, __ATOMIC_RELAXED);
	return OUTCOME_forwarded;
}

static inline bool line_has_rate(const struct line *line)
{
	return line->ticks_per_byte;
}

/* How long the line is taken by so many octets. */
static inline uint64_t line_ticks(const struct line *line, uint64_t bytes)
{
	return bytes * line->ticks_per_byte >> LINE_PART_BITS;
}

/*
 * How many of the packets may leave at `ticks`, in order; the rate is theirs from then on. A packet may leave when
 * those before it have, so at the rate they are apart by their own length; after a pause, by the credit, a few at once.
 */
static inline uint16_t line_take(struct line *line, struct rte_mbuf **packets, uint16_t count, uint64_t ticks)
{
	uint64_t free = __atomic_load_n(&line->free_ticks, __ATOMIC_RELAXED), until;
	uint16_t taken;

	if (likely(!line_has_rate(line)))
		return count;
	do {
		until = (int64_t)(ticks - free) > (int64_t)line->credit_ticks ? ticks - line->credit_ticks : free;
		for (taken = 0; taken < count && (int64_t)(ticks - until) >= 0; taken++)
			until += line_ticks(line, packets[taken]->pkt_len);
	} while (taken && !__atomic_compare_exchange_n(&line->free_ticks, &free, until, false, __ATOMIC_RELAXED,
						       __ATOMIC_RELAXED));
	return taken;
}

/* The port did not take these. */
static inline void line_give_back(struct line *line, struct rte_mbuf **packets, uint16_t count)
{
	for (uint16_t i = 0; i < count && line_has_rate(line); i++)
		__atomic_fetch_sub(&line->free_ticks, line_ticks(line, packets[i]->pkt_len), __ATOMIC_RELAXED);
}

/* How long until the next packet may leave. */
static inline uint64_t line_wait_ticks(const struct line *line, uint64_t ticks)
{
	int64_t wait = (int64_t)(__atomic_load_n(&line->free_ticks, __ATOMIC_RELAXED) - ticks);

	return line_has_rate(line) && wait > 0 ? (uint64_t)wait : 0;
}

/* The next packets in one piece, at most `max`. They stay in the queue until queue_drop_front(). */
static inline uint16_t queue_front(const struct queue *queue, struct rte_mbuf ***packets, uint16_t max)
{
	uint32_t at = queue->head & queue->mask;
	uint32_t count = RTE_MIN(queue->tail - queue->head, queue->mask + 1 - at);

	*packets = &queue->packets[at];
	return (uint16_t)RTE_MIN(count, (uint32_t)max);
}

/* The first `count` packets, of `bytes` in all, have left. */
static inline void queue_drop_front(struct queue *queue, uint16_t count, uint64_t bytes)
{
	__atomic_store_n(&queue->head, queue->head + count, __ATOMIC_RELAXED);
	__atomic_store_n(&queue->bytes, queue->bytes - bytes, __ATOMIC_RELAXED);
}

#endif
