/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Beginning and end of an egress queue; what happens per packet is in the header. */
#include "queue.h"

#include <string.h>

_Static_assert((QUEUE_PACKETS & (QUEUE_PACKETS - 1)) == 0, "head and tail run freely");

void queue_init(struct queue *queue, uint64_t bytes_max, uint32_t packets_max)
{
	memset(queue, 0, sizeof(*queue));
	queue->bytes_max = bytes_max;
	queue->packets_max = packets_max;
}

uint32_t queue_clear(struct queue *queue)
{
	struct rte_mbuf **packets;
	uint32_t cleared = 0;
	uint16_t count;

	while ((count = queue_front(queue, &packets, QUEUE_PACKETS)) > 0) {
		rte_pktmbuf_free_bulk(packets, count);
		queue->head += count;
		cleared += count;
	}
	queue->bytes = 0;
	return cleared;
}
