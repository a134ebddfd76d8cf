/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The sockets of DPDK's af_packet driver and their rings, one of each for a queue, beside the driver: to sleep on the
 * sockets, to read what the kernel had to drop, and to read the kernel's arrival times, which the driver of DPDK 22.11
 * leaves in the ring.
 */
#ifndef HOPSPAN_DPDK_RING_H
#define HOPSPAN_DPDK_RING_H

#include <rte_common.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	RING_FRAMES = 1024,
	RING_BLOCK_FRAMES = 4,	  /* a multiple of the page size, whatever the frame's */
	RING_FRAME_HEADROOM = 96, /* of which the kernel takes 66 octets before a frame in the ring */
};

struct ring {
	int fd;		 /* the driver's socket; -1: the port has another driver */
	uint8_t *frames; /* the receive ring; NULL: not found, no arrival times */
	uint32_t frame_len;
	uint32_t next;	 /* the frame that the driver reads next */
	bool unfinished; /* a frame came whose checksum its sender left to the hardware */
} __rte_cache_aligned;	 /* each is written by the one worker that polls it */

/*
 * The rings of the port that the driver has just made for the device, on one CPU, by queue; the
 * first `rx_count` of the `count` receive. The device is promiscuous as long as they are open. 0 or -errno.
 */
int rings_open(struct ring *rings, unsigned int count, unsigned int rx_count, uint32_t interface, uint32_t frame_len);

/* The same for a port that the user's own words made, whatever its queues and rings are: sockets alone. 0 or -errno. */
int rings_find(struct ring *rings, unsigned int count, uint32_t interface);

/*
 * Before the driver reads: how many packets are in the ring now, up to `max`, at most 32. Of each the time at which it
 * arrived, in ns since the Unix epoch, and a bit, from the lowest, where a service tag (IEEE 802.1ad) has to be one
 * again: the driver of DPDK 22.11 puts back any tag as 802.1Q. Afterwards ring_advance() says how many the driver took.
 */
uint16_t ring_peek(struct ring *ring, int64_t *unix_ns, uint32_t *service_tags, uint16_t max);

static inline void ring_advance(struct ring *ring, uint16_t count)
{
	ring->next = (ring->next + count) % RING_FRAMES;
}

/* Packets that the kernel dropped since the last call because the ring was full. */
uint32_t ring_missed(const struct ring *ring);

/*
 * The driver takes a frame for sent even if the kernel had no buffer for it at that moment; it goes with the next
 * send, which this is. -EAGAIN, -ENOBUFS: still no buffer.
 */
int ring_kick(const struct ring *ring);

#endif
