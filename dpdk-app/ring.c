/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The af_packet driver's socket and ring: found by the interface, by the socket's inode and the mapping's size. */
#include "ring.h"

#include <dirent.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif

/* The socket among our own that is bound to the interface. */
static int socket_find(uint32_t interface)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;
	int found = -1;

	if (!dir)
		return -1;
	while (found < 0 && (entry = readdir(dir))) {
		struct sockaddr_ll address = { 0 };
		socklen_t len = sizeof(address);
		int fd = atoi(entry->d_name);

		if (getsockname(fd, (struct sockaddr *)&address, &len) == 0 && address.sll_family == AF_PACKET &&
		    address.sll_ifindex == (int)interface)
			found = fd;
	}
	closedir(dir);
	return found;
}

/* The mapping of the socket, if it has the size of a receive and a send ring as we asked for them. */
static const uint8_t *frames_find(int fd, uint32_t frame_len)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long start, end, inode;
	const uint8_t *found = NULL;
	struct stat stat;
	char line[512];

	if (!maps)
		return NULL;
	while (!found && fstat(fd, &stat) == 0 && fgets(line, sizeof(line), maps))
		if (sscanf(line, "%lx-%lx %*s %*s %*s %lu", &start, &end, &inode) == 3 && inode == stat.st_ino &&
		    end - start == 2UL * RING_FRAMES * frame_len)
			found = (const uint8_t *)start;
	fclose(maps);
	return found;
}

/* Promiscuous by a socket of ours: the kernel undoes that when we are gone, however we go. */
static int promiscuous_open(uint32_t interface)
{
	struct packet_mreq membership = { .mr_ifindex = (int)interface, .mr_type = PACKET_MR_PROMISC };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), err;

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &membership, sizeof(membership)) == 0)
		return fd;
	err = -errno;
	close(fd);
	return err;
}

int ring_open(struct ring *ring, uint32_t interface, uint32_t frame_len)
{
	int one = 1;

	ring->fd = socket_find(interface);
	if (ring->fd < 0)
		return -ENOTSOCK;
	/* What this host itself sends out of the device is not for the other side. */
	if (setsockopt(ring->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) < 0)
		return -errno;
	ring->frames = frames_find(ring->fd, frame_len);
	ring->frame_len = frame_len;
	ring->promiscuous_fd = promiscuous_open(interface);
	return ring->promiscuous_fd < 0 ? ring->promiscuous_fd : 0;
}

void ring_close(struct ring *ring)
{
	if (ring->promiscuous_fd >= 0)
		close(ring->promiscuous_fd);
	ring->promiscuous_fd = -1;
}

uint16_t ring_times(const struct ring *ring, int64_t *unix_ns, uint16_t max)
{
	uint16_t count;

	if (!ring->frames)
		return 0;
	for (count = 0; count < max; count++) {
		const struct tpacket2_hdr *frame =
		    (const void *)(ring->frames + (size_t)((ring->next + count) % RING_FRAMES) * ring->frame_len);

		if (!(__atomic_load_n(&frame->tp_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER))
			break;
		unix_ns[count] = (int64_t)frame->tp_sec * 1000000000 + frame->tp_nsec;
	}
	return count;
}

uint32_t ring_missed(const struct ring *ring)
{
	struct tpacket_stats stats;
	socklen_t len = sizeof(stats);

	/* Reading it sets it to zero. */
	return getsockopt(ring->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len) == 0 ? stats.tp_drops : 0;
}

int ring_kick(const struct ring *ring)
{
	return sendto(ring->fd, NULL, 0, MSG_DONTWAIT, NULL, 0) < 0 ? -errno : 0;
}
